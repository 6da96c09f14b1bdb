"""Verdicts of steps and images, what is ignored and counted, and how the configuration differs.

Together with `test_merge` this holds the table of docs/outputs.md against diffoci's semantics:
each row names its test.
"""

from __future__ import annotations

import tarfile
from typing import Any

import msgspec
import pytest

from cachetui.outputs import compare as module
from cachetui.outputs.compare import Output
from cachetui.outputs.difference import ImageDifference, Verdict
from cachetui.outputs.digests import step_digests
from cachetui.outputs.globs import GlobError
from cachetui.outputs.layers import LayerError
from cachetui.records.step import StepId
from tests.outputs.images import Images
from tests.outputs.tars import File

BASE: tuple[File, ...] = (("etc", None), ("etc/passwd", b"root"))


def file(content: bytes = b"x", **more: Any) -> dict[str, Any]:
    return {"content": content, **more}


def differ(a: list[File], b: list[File], **options: Any) -> ImageDifference:
    """Two images of a base and one step."""
    images = Images()
    return images.compare(images.output("a", BASE, a), images.output("b", BASE, b), **options)


@pytest.mark.parametrize(
    ("a", "b", "verdict", "same"),
    [
        (file(), file(), "identical", True),
        (file(mtime=1), file(mtime=2), "times", True),
        (file(mode=0o600), file(mode=0o644), "metadata", False),
        (file(uid=1), file(uid=2), "metadata", False),
        (file(gid=1), file(gid=2), "metadata", False),
        (file(b"1"), file(b"2"), "content", False),
        (file(b"1", mode=0), file(b"2"), "content", False),
        (file(), {"type": tarfile.DIRTYPE, "mode": 0o644}, "content", False),
        (
            {"type": tarfile.SYMTYPE, "linkname": "x"},
            {"type": tarfile.SYMTYPE, "linkname": "y"},
            "content",
            False,
        ),
        (
            {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
            {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5},
            "content",
            False,
        ),
        (file(uname="root"), file(uname="other"), "identical", True),
        (file(gname="root"), file(gname="other"), "identical", True),
        (
            file(pax_headers={"SCHILY.xattr.user.a": "1"}),
            file(pax_headers={"SCHILY.xattr.user.a": "2"}),
            "metadata",
            False,
        ),
    ],
)
def test_verdicts(a: dict[str, Any], b: dict[str, Any], verdict: Verdict, same: bool) -> None:
    pax = "pax_headers" in a
    images = Images()
    if pax:
        from tests.outputs import tars

        made = [tars.tar(("f", one), format=tarfile.PAX_FORMAT) for one in (a, b)]
        assert made[0] != made[1]
        outputs = []
        for label, data in zip("ab", made, strict=True):
            output = images.output(label, BASE, [(label, b"")])
            digest = output.contents.digests[1]
            images.lines[digest] = tars.read_layer(data)[0]
            outputs.append(output)
        found = images.compare(*outputs)
    else:
        found = differ([("f", a)], [("f", b)])
    assert (found.verdict, found.same) == (verdict, same)
    assert [step.verdict for step in found.steps] == ["identical", verdict]


def test_a_path_on_one_side_only() -> None:
    found = differ([("f", b"x")], [])
    assert (found.verdict, found.steps[1].counts.only_a) == ("content", 1)
    found = differ([], [("f", b"x")])
    assert (found.verdict, found.steps[1].counts.only_b) == ("content", 1)
    (path,) = found.steps[1].paths
    assert (path.path, path.kind, path.a, path.b is not None) == ("f", "only-b", None, True)


def test_the_order_of_a_tar_is_no_difference() -> None:
    a: list[File] = [("x", b"1"), ("y", b"2")]
    found = differ(a, a[::-1])
    assert found.verdict == "identical"
    assert found.steps[1].layers_a != found.steps[1].layers_b


def test_leading_dots_and_slashes_are_no_difference() -> None:
    assert (
        differ([("./a/", None), ("./a/x", b"1")], [("a", None), ("/a/x", b"1")]).verdict
        == "identical"
    )


def test_times_are_counted_and_strict_minds_them() -> None:
    a, b = [("f", file(mtime=1))], [("f", file(mtime=2))]
    found = differ(a, b)
    assert (found.same, found.files.times, found.steps[1].paths) == (True, 1, ())
    strict = differ(a, b, strict=True)
    assert (strict.same, strict.verdict) == (False, "times")
    (path,) = strict.steps[1].paths
    assert (path.kind, path.what) == ("times", ("time",))


def test_what_a_pattern_leaves_out_is_counted_and_said() -> None:
    a: list[File] = [("log/a", b"1"), ("log/b", b"1"), ("x.pyc", b"1"), ("same", b"1")]
    b: list[File] = [("log/a", b"2"), ("x.pyc", b"2"), ("same", b"1")]
    found = differ(a, b, ignore=["/log", "*.pyc", "none"])
    assert (found.verdict, found.same) == ("identical", True)
    assert found.ignored == {"/log": 2, "*.pyc": 1}
    assert found.steps[1].counts.ignored == 3
    with pytest.raises(GlobError):
        differ(a, b, ignore=[""])


def test_a_step_that_one_build_has_and_the_other_not() -> None:
    images = Images()
    a = images.output("a", BASE)
    b = images.output("b", BASE, [("f", b"x")])
    found = images.compare(a, b)
    assert (found.verdict, found.steps[1].verdict, found.steps[1].only) == (
        "only-here",
        "only-here",
        "b",
    )
    changed_nothing = images.output("c", BASE, [])
    found = images.compare(a, changed_nothing)
    assert (found.same, found.steps[1].verdict) == (True, "identical")


def test_a_step_without_a_layer_changed_nothing() -> None:
    """The legacy builder gives no layer to what changes nothing; BuildKit does (our lab)."""
    images = Images()
    full = images.output("b", BASE, [("etc", {"type": tarfile.DIRTYPE, "mode": 0o755, "mtime": 9})])
    known = frozenset({StepId(0, 0), StepId(0, 1)})
    lone = Output("a", images.contents([BASE]), (StepId(0, 0),), known)
    found = images.compare(lone, full)
    assert [step.verdict for step in found.steps] == ["identical", "times"]


def test_layers_of_no_known_step_are_compared_together() -> None:
    images = Images()
    layers: list[list[File]] = [list(BASE), [("x", b"1")], [("y", b"1")], [("z", b"1")]]
    a = images.output("a", *layers)
    one_layer = images.contents([BASE, [("x", b"1"), ("y", b"2")], [("z", b"1")]])
    b = Output("b", one_layer, (StepId(0, 0), None, StepId(0, 3)), a.known)
    half = Output("a", a.contents, (StepId(0, 0), None, None, StepId(0, 3)), a.known, a.texts)
    found = images.compare(half, b)
    assert [(step.id, step.verdict) for step in found.steps if step.verdict != "identical"] == [
        (None, "content")
    ]
    unknown = Output("b", one_layer, (None, None, None))
    found = images.compare(a, unknown)
    assert (found.verdict, found.files.content) == ("content", 1)


def test_a_folder_that_is_only_here_stands_for_what_is_in_it() -> None:
    tree: list[File] = [("d", None), *((f"d/{i}", b"x") for i in range(5)), ("e", b"x")]
    (folder, other), counts = differ([], tree).steps[1].paths, differ([], tree).steps[1].counts
    assert (folder.path, folder.below, other.path) == ("d", 5, "e")
    assert counts.only_b == 7


def test_a_builders_mount_points_are_named() -> None:
    paths = differ([], [("proc", None), ("app", None)]).steps[1].paths
    assert [(path.path, bool(path.note)) for path in paths] == [("app", False), ("proc", True)]


def test_lists_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED", 3)
    found = differ([(f"f{i}", b"1") for i in range(9)], [(f"f{i}", b"2") for i in range(9)])
    step = found.steps[1]
    assert (len(step.paths), step.more, step.counts.content) == (3, 6, 9)


def test_the_same_layers_are_not_even_read() -> None:
    images = Images()
    a = images.output("a", BASE)
    images.lines.clear()
    assert images.compare(a, a).verdict == "identical"


def test_damaged_numbers_are_an_error() -> None:
    images = Images()
    a, b = images.output("a", BASE), images.output("b", [("f", b"x")])
    images.lines[b.contents.digests[0]] = [b"f\tf\t644\tnobody\t0\t1\t0\tx\t\t"]
    with pytest.raises(LayerError, match="damaged"):
        images.compare(a, b)


def test_images_that_differ_alike_have_one_fingerprint() -> None:
    images = Images()
    a = images.output("a", BASE, [("f", b"1")])
    b, c, d = (
        images.output(label, BASE, [("f", file(content, mtime=time))])
        for label, content, time in (("b", b"2", 1), ("c", b"2", 5), ("d", b"3", 1))
    )
    prints = [images.compare(a, one).fingerprint for one in (b, c, d)]
    assert prints[0] == prints[1] != prints[2]
    strict = [images.compare(a, one, strict=True).fingerprint for one in (b, c)]
    assert strict[0] != strict[1]


def test_step_digests_are_those_of_what_was_made() -> None:
    images = Images()
    a = images.output("a", BASE, [("f", file(mtime=1))], [("g", b"1")])
    b = images.output("b", BASE, [("f", file(mtime=2)), ("etc", None)], [("g", b"2")])
    found = [step_digests(one, lambda digest: images.lines[digest]) for one in (a, b)]
    equal = {step.index: found[0][step] == found[1][step] for step in found[0]}
    assert equal == {0: True, 1: True, 2: False}


class TestConfiguration:
    def settings(self, a: dict[str, Any], b: dict[str, Any], **top: Any) -> list[tuple[Any, ...]]:
        images = Images()
        found = images.compare(
            images.output("a", BASE, config=a, **top), images.output("b", BASE, config=b)
        )
        self.found = found
        return [(one.name, one.a, one.b) for one in found.settings]

    def test_what_a_container_runs_with_is_minded(self) -> None:
        a = {"Env": ["A=1", "B=2"], "Cmd": ["x"], "Labels": {"l": "1"}, "User": "root"}
        b = {"Env": ["B=2", "A=2", "C=3"], "Cmd": ["y"], "Labels": {}, "WorkingDir": "/w"}
        assert self.settings(a, b) == [
            ("Cmd", '["x"]', '["y"]'),
            ("Env A", "1", "2"),
            ("Env C", None, "3"),
            ("Labels l", "1", None),
            ("User", "root", None),
            ("WorkingDir", None, "/w"),
        ]
        assert (self.found.verdict, self.found.same) == ("metadata", False)

    def test_ports_and_volumes_are_told_by_name(self) -> None:
        a: dict[str, Any] = {"ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}}
        assert self.settings(a, {"Volumes": {"/data": {}}}) == [("ExposedPorts 80/tcp", "", None)]

    def test_not_set_null_and_empty_are_the_same(self) -> None:
        assert self.settings({"Cmd": None, "Labels": {}, "OnBuild": [], "Tty": False}, {}) == []
        assert self.found.verdict == "identical"

    def test_bookkeeping_is_counted_and_only_strict_minds_it(self) -> None:
        top = {"created": "2026", "docker_version": "20.10", "container": "abc"}
        a = {"Image": "sha256:1", "Hostname": "x"}
        assert self.settings(a, {"ArgsEscaped": True}, **top) == []
        assert (self.found.verdict, self.found.same) == ("times", True)
        assert len(self.found.config) == 6
        images = Images()
        one, other = images.output("a", BASE, created="1"), images.output("b", BASE, created="2")
        assert not images.compare(one, other, strict=True).same

    def test_the_platform_is_minded(self) -> None:
        images = Images()
        a = images.output("a", BASE)
        b = images.output("b", BASE, architecture="arm64", variant="v8")
        found = images.compare(a, b)
        assert [one.name for one in found.settings] == ["architecture", "variant"]

    def test_histories_differ_in_times_and_words(self) -> None:
        images = Images()
        outputs = [
            Output(
                label,
                images.contents([BASE], [{"created": when, "created_by": text}]),
                (StepId(0, 0),),
            )
            for label, when, text in (("a", "1", "x"), ("b", "2", "y"))
        ]
        found = images.compare(*outputs)
        assert [(one.name, one.b, one.bookkeeping) for one in found.config] == [
            ("history times", "1 differ", True),
            ("history words", "1 differ", True),
        ]
        assert found.same

    @pytest.mark.parametrize(
        "odd",
        [
            {"config": None},
            {"config": [1]},
            {"config": {"Env": "x", "Labels": [], "Volumes": 3}},
            {"history": "x"},
        ],
    )
    def test_odd_configurations_are_no_crash(self, odd: dict[str, Any]) -> None:
        images = Images()
        a = images.output("a", BASE)
        config = {**a.contents.config, **odd}
        b = Output("b", msgspec.structs.replace(a.contents, config=config), a.steps, a.known)
        assert images.compare(a, b).verdict in ("identical", "times", "metadata")
