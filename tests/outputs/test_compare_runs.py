"""An audit's images in groups, and what the terminal, Markdown, HTML and JSON say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from cachetui.cli.args import OutputsArgs
from cachetui.cli.outputs import outputs_command
from cachetui.cli.run_names import named_runs
from cachetui.config.settings import BuildSettings
from cachetui.core import UserError
from cachetui.findings import Findings
from cachetui.hosts.machine import HostError
from cachetui.outputs.compare_runs import of_document, report
from cachetui.outputs.digests import differing_paths, document_digests
from cachetui.outputs.opening import Opener
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.outputs.run_contents import contents_of, keep_problem
from cachetui.records.document import Document
from cachetui.records.host import HostFacts, HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import html, markdown
from cachetui.report.formats import json as json_format
from cachetui.report.formats.json import encode_outputs as encode
from cachetui.report.outputs import page, view
from cachetui.report.outputs.logs import log_note
from cachetui.report.outputs.table import render
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from tests.make_records import HOSTILE
from tests.outputs.audits import Fleet, document, run
from tests.outputs.tars import sha, tar

RUN_STEP = StepId(0, 2)


def made(content: bytes = b"result\n", when: int = 0, **more: Any) -> bytes:
    return tar(("out", {"content": content, "mtime": when, **more}))


MADE = {"h1": made(when=1), "h2": made(when=2), "h3": made(b"another\n"), "h4": made(mode=0o600)}
"""Two hosts alike but for times, one of other content, one of another mode."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(tmp_path_factory.mktemp("fleet"), MADE)


def html_section(fleet: Fleet, found: OutputsReport) -> str:
    """What the HTML page says of the images."""
    text = html.render(AuditReport(document=fleet.document, findings=Findings(), outputs=found))
    start = text.index("<section><h2>Images")
    return text[start : text.index("</section>", start) + len("</section>")]


def table(found: OutputsReport, width: int = 100) -> str:
    return render(found, width=width, color=False)


def test_the_same_images_are_one_group(fleet: Fleet) -> None:
    found = report(fleet.document, fleet.store)
    assert found.baseline == "h1 buildkit-cold"
    assert [(group.name, group.images) for group in found.groups] == [
        ("A", ("h1 buildkit-cold", "h2 buildkit-cold")),
        ("B", ("h3 buildkit-cold",)),
        ("C", ("h4 buildkit-cold",)),
    ]
    assert [image.group for image in found.images] == ["A", "A", "B", "C"]
    verdicts = [[s.verdict for s in g.difference.steps] for g in found.groups]
    assert verdicts[1:] == [
        ["identical", "identical", "content"],
        ["identical", "identical", "metadata"],
    ]
    assert not found.same


def test_the_answer_is_on_one_screen(fleet: Fleet) -> None:
    text = table(report(fleet.document, fleet.store), 80)
    assert text == (
        """\
A = buildkit-cold on h[1-2] (baseline)
B = buildkit-cold on h3
C = buildkit-cold on h4

                   B            C
  1 FROM base:1    = identical  = identical
  2 COPY app /app  = identical  = identical
≠ 3 RUN make       ≠ content 1  ± metadata 1

line 3 RUN make
  ≠ out content: 7 B and 8 B (B)
  ± out mode: 644 and 600 (C)

ignored: times of 1 path

≠ 2 of 4 images differ from h1 buildkit-cold
  B: content of 1 path; by line 3
  C: metadata of 1 path; by line 3
"""
    )


def test_strict_minds_times_and_patterns_are_said(fleet: Fleet) -> None:
    found = report(fleet.document, fleet.store, strict=True, ignore=["/none"])
    assert [image.group for image in found.images] == ["A", "B", "C", "D"]
    assert "ignored: /none (0 paths)" in table(found)
    ignored = report(fleet.document, fleet.store, ignore=["/out"])
    assert ignored.same
    assert "= the 4 images are the same, apart from what is ignored" in table(ignored)
    assert "ignored: /out (1 path)" in table(ignored)


def test_images_that_are_the_same_to_the_byte(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"h1": made(), "h2": made()})
    text = table(report(fleet.document, fleet.store))
    assert text.endswith("\n= the 2 images are the same, to the byte\n")
    assert "ignored" not in text


def test_images_that_were_not_looked_at_are_listed_with_the_reason(fleet: Fleet) -> None:
    lost = run("h9", image=None)
    failed = run("h8", "legacy-cold", status="failed")
    whole = msgspec.structs.replace(fleet.document, runs=(failed, *fleet.document.runs, lost))
    found = report(whole, fleet.store)
    assert [image.group for image in found.images] == [None, "A", "A", "B", "C", None]
    text = table(found)
    assert "– h8 legacy-cold: the run is failed: it made no image" in text
    assert "– h9 buildkit-cold: its image has no name to be found by" in text
    assert not found.same
    empty = report(document([failed]), fleet.store)
    assert (empty.baseline, empty.groups) == (None, ())
    assert "no image was read" in table(empty)
    (alone,) = fleet.document.runs[:1]
    assert "nothing to compare" in table(report(document([alone]), fleet.store))


def test_a_damaged_layer_stops_nobody_else(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, MADE)
    contents = contents_of(fleet.store, fleet.document.runs[2].id)
    assert contents is not None
    fleet.store.keep_blob(f"layer:1:{contents.digests[2]}", b"damage")
    found = report(fleet.document, fleet.store)
    assert [image.group for image in found.images] == ["A", "A", None, "B"]
    assert "damaged" in (found.images[2].reason or "")


def test_json_has_it_all_and_keeps_to_its_schema(fleet: Fleet) -> None:
    text = encode(report(fleet.document, fleet.store))
    again = msgspec.json.decode(text, type=OutputsReport)
    assert again == report(fleet.document, fleet.store)
    data = json.loads(text)
    (path,) = data["groups"][1]["difference"]["steps"][2]["paths"]
    assert (path["path"], path["kind"], path["a"]["size"], path["b"]["size"]) == (
        *("out", "content", 7, 8),
    )


def test_findings_get_a_digest_a_step(fleet: Fleet) -> None:
    found = document_digests(fleet.document, fleet.store)
    runs = [one.id for one in fleet.document.runs]
    results = [found[name, RUN_STEP] for name in runs]
    assert results[0] == results[1]
    assert len(set(results)) == 3
    assert len({found[name, StepId(0, 1)] for name in runs}) == 1


@pytest.mark.parametrize("width", [1, 40, 80, 300])
def test_no_line_is_wider_than_the_terminal(fleet: Fleet, width: int) -> None:
    text = table(report(fleet.document, fleet.store, strict=True), width)
    assert max(map(len, text.splitlines())) <= max(width, 40)


@pytest.mark.fault("file-names")
def test_hostile_names_are_clean_everywhere(tmp_path: Path) -> None:
    name = HOSTILE.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "")
    fleet = Fleet(tmp_path, {"h1": tar((name, b"1")), "h2": tar((name, b"2"))})
    found = report(fleet.document, fleet.store)
    (path,) = found.groups[1].difference.steps[2].paths
    assert path.kind == "content"
    texts = [
        table(found),
        "\n".join(page.markdown(found)),
        html_section(fleet, found),
        encode(found).decode(),
    ]
    for text in texts:
        assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in text)
        assert "\u202e" not in text
    assert "<script>" not in texts[1] + texts[2]


def test_an_audits_json_html_and_markdown_have_it(fleet: Fleet) -> None:
    found = of_document(fleet.document, fleet.store)
    assert found is not None
    data = json.loads(json_format.encode(fleet.document, Findings(), found))
    jsonschema.validate(data, json_format.schema())
    assert [image["group"] for image in data["outputs"]["images"]] == ["A", "A", "B", "C"]
    (path,) = data["outputs"]["groups"][1]["difference"]["steps"][2]["paths"]
    assert (path["path"], path["kind"], path["a"]["size"]) == ("out", "content", 7)
    whole = AuditReport(document=fleet.document, findings=Findings(), outputs=found, now=0.0)
    assert "## Images" in markdown.render(whole)
    assert "<h2>Images</h2>" in html.render(whole)
    unseen = msgspec.structs.replace(fleet.document, runs=(run("h9"),))
    assert of_document(unseen, fleet.store) is None
    data = json.loads(json_format.encode(unseen, Findings()))
    jsonschema.validate(data, json_format.schema())
    assert data["outputs"] is None


def test_what_could_not_be_looked_at_says_why(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"h1": made(), "h2": made()})
    keep_problem(fleet.store, fleet.document.runs[1].id, "layer 123 could not be read")
    found = of_document(fleet.document, fleet.store)
    assert found is not None
    assert [image.reason for image in found.images] == [None, "layer 123 could not be read"]


def test_it_is_worked_out_once(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, MADE)
    found = report(fleet.document, fleet.store)
    digests = document_digests(fleet.document, fleet.store)
    forget_layers(fleet)
    assert report(fleet.document, fleet.store) == found
    assert document_digests(fleet.document, fleet.store) == digests
    strict = report(fleet.document, fleet.store, strict=True)
    assert [image.group for image in strict.images] == ["A", None, None, None]
    assert all("not in the store" in (image.reason or "") for image in strict.images[1:])


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, MADE)
    kept = forget_layers(fleet)
    assert report(fleet.document, fleet.store).images[1].reason
    assert document_digests(fleet.document, fleet.store) == {}
    for key, data in kept.items():
        fleet.store.keep_blob(key, data)
    assert not any(image.reason for image in report(fleet.document, fleet.store).images)
    assert len(document_digests(fleet.document, fleet.store)) == 12


def forget_layers(fleet: Fleet) -> dict[str, bytes]:
    """Take the files of all layers out of the store."""
    taken: dict[str, bytes] = {}
    for one in fleet.document.runs:
        contents = contents_of(fleet.store, one.id)
        assert contents is not None
        for digest in contents.digests:
            data = fleet.store.blob(f"layer:1:{digest}")
            if data is not None:
                with data:
                    taken[f"layer:1:{digest}"] = data.read()
                fleet.store._blobs.delete(f"layer:1:{digest}")
    return taken


def test_digests_leave_out_what_the_build_ignores(fleet: Fleet) -> None:
    def made_by(document: Document) -> set[str]:
        found = document_digests(document, fleet.store)
        return {digest for (_, step), digest in found.items() if step == RUN_STEP}

    assert len(made_by(fleet.document)) == 3
    build = msgspec.structs.replace(fleet.document.build, ignore=("/out",))
    assert len(made_by(msgspec.structs.replace(fleet.document, build=build))) == 1


def test_the_paths_that_differ_between_two_runs(fleet: Fleet) -> None:
    a, b, c, _ = fleet.document.runs
    assert differing_paths(fleet.document, fleet.store, a, b) == {}
    found = differing_paths(fleet.document, fleet.store, a, c)
    assert {step: [one.path for one in paths] for step, paths in found.items()} == {
        RUN_STEP: ["out"]
    }


def test_markdown_and_html_tell_the_same(fleet: Fleet) -> None:
    found = report(fleet.document, fleet.store)
    text_page, section = "\n".join(page.markdown(found)), html_section(fleet, found)
    for text in (text_page, section):
        assert "2 of 4 images differ from h1 buildkit" in text.replace("\\", "")
        assert "out" in text
    assert section.startswith("<section>")
    assert section.count("<table>") == section.count("</table>") == 1
    same = report(fleet.document, fleet.store, ignore=["/out"])
    assert "**=" in "\n".join(page.markdown(same))
    assert "<p>=" in html_section(fleet, same)


def test_words_for_every_field() -> None:
    from cachetui.outputs.difference import Entry, PathDifference

    one = Entry(
        type="f", mode="644", uid=0, gid=0, size=1, mtime="1", sha256="x", link=None, xattrs=None,
        layer="sha256:0",
    )  # fmt: skip
    other = msgspec.structs.replace(one, type="h", mode="600", uid=1, gid=1, link="a", xattrs="x=1")
    what = (
        "type",
        "content",
        "target",
        "mode",
        "owner",
        "group",
        "attributes",
        "time",
        "hard link",
    )
    told = view.what(PathDifference(path="p", kind="content", what=what, a=one, b=other))
    assert told == (
        "type: file both, content: 1 B both, target: None and a, mode: 644 and 600, "
        "owner: 0 and 1, group: 0 and 1, attributes: none and x=1, time: 1970-01-01 00:00:01 both, "
        "hard link: none and of a"
    )


def pairs(fleet: Fleet) -> list[tuple[Document, Run]]:
    return [(fleet.document, one) for one in fleet.document.runs]


class TestOpening:
    """The diff of the chosen file."""

    def opener(self, fleet: Fleet) -> Opener:
        def connect(settings: Any, _cancel: Any) -> Any:
            return fleet.hosts[settings.name].machine()

        return Opener(fleet.store, fleet.settings.hosts, connect, pairs(fleet))

    def test_from_the_images(self, fleet: Fleet) -> None:
        found = report(fleet.document, fleet.store)
        (path,) = found.groups[1].difference.steps[2].paths
        a, _, b, _ = fleet.document.runs
        opener = self.opener(fleet)
        told = opener.difference(path, a, b)
        assert [line.sign + line.text for line in told.lines][:3] == [
            *("@line 1", "-result", "+another"),
        ]
        saves = fleet.hosts["h1"].saves
        opener.difference(path, a, b)
        assert fleet.hosts["h1"].saves == saves

    def test_from_copies_when_the_images_are_gone(self, tmp_path: Path) -> None:
        fleet = Fleet(tmp_path, {"h1": made(), "h2": made(b"another\n")}, copies=True)
        found = report(fleet.document, fleet.store)
        (path,) = found.groups[1].difference.steps[2].paths
        for host in fleet.hosts.values():
            host.forget()
        a, b = fleet.document.runs
        told = self.opener(fleet).difference(path, a, b)
        assert told.summary == "text; 1 of 1 lines differ"

    def test_from_a_base_image_that_a_host_has(self, tmp_path: Path) -> None:
        """What differs in the base is in no copy, and the base is not the audit's to remove."""
        fleet = Fleet(tmp_path, {"h1": made(), "h2": made(b"another\n")})
        layers = {}
        for name, host in fleet.hosts.items():
            layer = made() if name == "h1" else made(b"another\n")
            host.forget()
            host.image("base:1", [layer])
            layers[name] = f"sha256:{sha(layer)}"
        reports = tuple(
            HostReport(
                name=name,
                status="ok",
                facts=HostFacts(
                    engine="28.5.2",
                    api="1",
                    client="28.5.2",
                    store="overlay2",
                    platform="linux/amd64",
                    backends=("buildkit",),
                    bases={"base:1": (layer,), "other:1": None},
                ),
            )
            for name, layer in layers.items()
        )
        document = msgspec.structs.replace(fleet.document, hosts=reports)
        (path,) = report(document, fleet.store).groups[1].difference.steps[2].paths
        opener = self.opener(fleet)
        opener.pairs = [(document, one) for one in document.runs]
        a, b = document.runs
        told = opener.difference(path, a, b)
        assert told.summary == "text; 1 of 1 lines differ"

    def test_when_all_is_gone(self, tmp_path: Path) -> None:
        fleet = Fleet(tmp_path, MADE)
        found = report(fleet.document, fleet.store)
        (path,) = found.groups[1].difference.steps[2].paths
        for host in fleet.hosts.values():
            host.forget()
        a, _, b, _ = fleet.document.runs
        with pytest.raises(HostError, match="no copy of its layer is left"):
            self.opener(fleet).difference(path, a, b)
        opener = Opener(fleet.store, (), self.opener(fleet).connect, pairs(fleet))
        with pytest.raises(HostError, match=r"not in hosts\.toml"):
            opener.difference(path, a, b)

    def test_the_logs_beside_it(self, fleet: Fleet, tmp_path: Path) -> None:
        a, b, c, d = fleet.document.runs
        for one, text in ((a, b"made in 1.2s\n"), (b, b"made in 3.4s\n"), (c, b"other\n")):
            writer = LogWriter(tmp_path / "log")
            writer.write(RUN_STEP, text)
            writer.close()
            fleet.store.keep_run(one, log=tmp_path / "log")
        assert log_note(fleet.store, a, b, RUN_STEP).startswith("the logs are the same (ignored: ")
        assert log_note(fleet.store, a, c, RUN_STEP) == (
            "the logs differ beyond noise: 1 line there, 1 line here"
        )
        assert log_note(fleet.store, a, d, RUN_STEP) == ""
        assert log_note(fleet.store, a, c, StepId(9, 9)) == ""
        hit = msgspec.structs.replace(
            c, steps=tuple(msgspec.structs.replace(s, status="hit") for s in c.steps)
        )
        assert "reused" in log_note(fleet.store, a, hit, RUN_STEP)
        fleet.store.remove_logs([c.id], "the log was removed")
        assert log_note(fleet.store, a, c, RUN_STEP) == (
            "whether the logs differ is not known: the log was removed"
        )


class TestCommand:
    """`cachetui outputs` as one types it."""

    def go(self, fleet: Fleet, *words: str, **args: Any) -> int:
        return outputs_command(fleet.store, fleet.settings, words, OutputsArgs(**args))

    def test_an_audit(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.go(fleet) == 1
        assert "2 of 4 images differ" in capsys.readouterr().out
        assert self.go(fleet, "a1", ignore=("/out",)) == 0
        assert self.go(fleet, "h1/buildkit-cold") == 2

    def test_runs(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("h3/buildkit-cold", "a1/h2/buildkit-cold#1")
        assert self.go(fleet, *words, output_format="json") == 1
        data = json.loads(capsys.readouterr().out)
        assert data["baseline"] == "h3 buildkit-cold"
        assert self.go(fleet, "h1/buildkit-cold", "h2/buildkit-cold", output_format="markdown") == 0
        assert "the 2 images are the same" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "word",
        [
            "nope",
            "h1/nope",
            "nope/buildkit-cold",
            "a/b/c/d",
            "x/h/s",
            "a1/h1#x",
            "/",
            "a1/h1/buildkit-cold#2",
        ],
    )
    def test_words_that_name_nothing(self, fleet: Fleet, word: str) -> None:
        with pytest.raises(UserError):
            named_runs(fleet.store, [word])

    def test_one_file(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.go(fleet, opened="/out") == 1
        assert capsys.readouterr().out.splitlines() == [
            "out: text; 1 of 1 lines differ",
            "- h1 buildkit-cold (7 B)",
            "+ h3 buildkit-cold (8 B)",
            "@@ line 1",
            "- result",
            "+ another",
        ]
        with pytest.raises(UserError, match="not among the listed paths"):
            self.go(fleet, opened="/none")

    def test_the_builds_own_patterns(self, fleet: Fleet, tmp_path: Path) -> None:
        build = BuildSettings(name="api", context=tmp_path, ignore=("/out",))
        settings = msgspec.structs.replace(fleet.settings, builds={"api": build})
        assert outputs_command(fleet.store, settings, (), OutputsArgs()) == 0
        with pytest.raises(UserError, match="--ignore"):
            self.go(fleet, ignore=("",))

    def test_into_a_file(self, fleet: Fleet, tmp_path: Path) -> None:
        output = tmp_path / "out.txt"
        assert self.go(fleet, output=output) == 1
        assert "\x1b" not in output.read_text()

    def test_nothing_ended_well(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "s")
        failed = document([run("h", status="failed")])
        store.keep_run(failed.runs[0])
        store.keep_audit(failed)
        with pytest.raises(UserError, match="no image"):
            named_runs(store, [])
