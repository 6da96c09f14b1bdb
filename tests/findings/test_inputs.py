"""What is in a step's key: arguments, environment, files; and how Dockerfiles differ."""

from __future__ import annotations

import pytest

from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import parse
from cachetui.findings.changing_values import changing_command, changing_value
from cachetui.findings.context_differences import kind_of, unneeded
from cachetui.findings.context_files import ContextFiles, Difference, compare_files, files_read
from cachetui.findings.dockerfile_edits import Version, edits
from cachetui.findings.scope import Scope
from cachetui.findings.variables import from_arguments, global_args, scope_at
from cachetui.records.backend import Backend
from cachetui.records.scenario import BACKENDS
from tests.findings.making import entries

FILES = entries(
    Dockerfile="FROM x",
    _dot_dockerignore="",
    src__a="a",
    src__deep__b="b",
    src__run_dot_sh=("c", 0o755),
    beside="d",
    package_dot_json="{}",
)


def sees(line: str, backend: Backend = "buildkit", ignore: str = "", above: str = "") -> set[str]:
    """The files that an instruction reads of FILES."""
    file = parse(f"FROM base:1\n{above}{line}\n")
    item = file.stages[0].instructions[-1]
    files = ContextFiles(FILES, {"context/.dockerignore": ignore}, "context/Dockerfile")
    found = files_read(files, item, backend, scope_at(file, {}, 0, item.index, backend))
    assert found is not None
    return {path for path, entry in found.items() if entry.kind == "file"}


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("COPY src /src", {"src/a", "src/deep/b", "src/run.sh"}),
        ("COPY ./src/ /src", {"src/a", "src/deep/b", "src/run.sh"}),
        ("COPY src/* /src/", {"src/a", "src/deep/b", "src/run.sh"}),
        ("COPY s*/*.sh /bin/", {"src/run.sh"}),
        ('COPY ["package.json", "beside", "/"]', {"package.json", "beside"}),
        ("COPY package*.json ./", {"package.json"}),
        ("ADD beside https://example.com/x /x/", {"beside"}),
        ("COPY --exclude=**/*.sh src /src", {"src/a", "src/deep/b"}),
        ("COPY --exclude=deep/b src /src", {"src/a", "src/run.sh"}),
        ("COPY --exclude=b --exclude=deep src /src", {"src/a", "src/run.sh"}),
        ("COPY --exclude=src/a src /src", {"src/a", "src/deep/b", "src/run.sh"}),
        ("COPY --exclude=src --exclude=*.json . /", {"Dockerfile", ".dockerignore", "beside"}),
        ("COPY --exclude=b s*/d* /x/", set()),
        ("COPY --exclude=run.sh src/*.sh /bin/", {"src/run.sh"}),
        ("COPY --exclude=beside beside /", {"beside"}),
        ("RUN --mount=type=bind,source=src/deep,target=/d cat /d/b", {"src/deep/b"}),
        ("COPY nothing /", set()),
    ],
)
def test_a_step_sees_what_its_sources_name(line: str, files: set[str]) -> None:
    assert sees(line) == files


def test_an_ignore_file_leaves_out_and_takes_back() -> None:
    every = {"Dockerfile", ".dockerignore", "src/a", "src/deep/b", "src/run.sh", "beside"}
    assert sees("COPY . /") == every | {"package.json"}
    assert sees("COPY . /", ignore="src\n!src/deep\n") == every - {"src/a", "src/run.sh"} | {
        "package.json"
    }
    assert sees("COPY . /", ignore="**\n!beside\n", backend="legacy") == {"beside"}


def test_a_variable_names_a_source_where_its_value_is_known() -> None:
    assert sees("COPY $WHAT /", above="ARG WHAT=beside\n") == {"beside"}
    file = parse("FROM base:1\nARG WHAT\nCOPY $WHAT /\n")
    item = file.stages[0].instructions[-1]
    given = {"WHAT": "sha256:digest"}
    files = ContextFiles(FILES, {"context/.dockerignore": ""}, "context/Dockerfile")
    assert files_read(files, item, "buildkit", scope_at(file, given, 0, 2, "buildkit")) is None


def view(line: str, backend: Backend, *changed: Entry, gone: str = "") -> dict[str, Entry]:
    """What an instruction sees of TREE, with entries added or in place of others."""
    tree = {one.path: one for one in (*TREE, *changed)}
    tree.pop(gone, None)
    item = parse(f"FROM base:1\n{line}\n").stages[0].instructions[1]
    files = ContextFiles(tuple(tree.values()), {}, "context/Dockerfile")
    found = files_read(files, item, backend, Scope())
    assert found is not None
    return found


def link(path: str, target: str) -> Entry:
    return Entry(f"context/{path}", "symlink", 0o777, target=target)


def other(path: str) -> Entry:
    """That file with other bytes."""
    one = next(entry for entry in TREE if entry.path == f"context/{path}")
    return type(one)(one.path, "file", one.mode, one.size, "f" * 64)


TREE = (
    *entries(a__b__file="same", a__b__other="same", a__c="c", top="t"),
    link("ldir", "a/b"),
    link("a/link", "b/file"),
    link("lfile", "/a/b/file"),
    link("out", "../../etc/passwd"),
    link("a/broken", "nowhere"),
    link("a/up", "../top"),
)


@pytest.mark.parametrize(
    ("line", "change", "legacy", "buildkit"),
    [
        # What is in the key of each builder was measured on all four engines.
        ("COPY ldir/file /x", other("a/b/file"), True, True),
        ("COPY ldir /x", other("a/b/file"), True, True),
        ("COPY ldir/f* /x", other("a/b/file"), True, True),
        ("RUN --mount=type=bind,source=ldir,target=/m x", other("a/b/file"), False, True),
        ("COPY lfile /x", other("a/b/file"), True, True),
        ("COPY a/link /x", other("a/b/file"), True, True),
        ("COPY ldir/file /x", other("a/b/other"), False, False),
        ("COPY ldir/file /x", link("ldir", "./a/b"), False, False),
        ("COPY . /x", link("ldir", "./a/b"), False, True),
        ("COPY lfile /x", link("lfile", "a/b/other"), True, False),  # equal bytes
        ("COPY a /x", link("a/link", "b/other"), True, True),
        ("COPY a /x", link("a/broken", "elsewhere"), False, True),
        ("COPY a /x", other("top"), True, False),  # behind a/up
        ("COPY a /x", Entry("context/a/b", "dir", 0o700), True, True),
        ("COPY a/b/file /x", Entry("context/a/b", "dir", 0o700), False, False),
        ("COPY a/b* /x", Entry("context/a/b", "dir", 0o700), True, True),
        ("COPY . /x", Entry("context", "dir", 0o700), False, False),
        ("COPY a /x", Entry("context/a/b/other", "link", 0o644, target="context/a/b/file"), True,
         False),
        ("COPY --exclude=b/other a /x", other("a/b/other"), True, False),
        ("COPY --exclude=**/other a /x", other("a/b/file"), True, True),
    ],
)  # fmt: skip
def test_what_of_a_context_is_in_each_builders_key(
    line: str, change: Entry, legacy: bool, buildkit: bool
) -> None:
    keys: tuple[tuple[Backend, bool], ...] = (("legacy", legacy), ("buildkit", buildkit))
    for backend, differs in keys:
        difference = compare_files(view(line, backend), view(line, backend, change))
        assert bool(difference) is differs, (backend, difference)


def test_a_link_that_leads_nowhere_or_in_a_circle_is_nothing_to_copy() -> None:
    for backend in BACKENDS:
        assert view("COPY out /x", backend) == {}
        assert view("COPY c1 /x", backend, link("c1", "c2"), link("c2", "c1")) == {}


def test_the_legacy_builder_ignores_exclude() -> None:
    assert sees("COPY --exclude=a src /src", "legacy") == {"src/a", "src/deep/b", "src/run.sh"}


def test_modes_of_files_and_folders_count() -> None:
    one = {entry.path: entry for entry in entries(d__f="x")}
    two = {entry.path: entry for entry in entries(d__f=("x", 0o664))}
    assert compare_files(one, two).modes == (("context/d/f", 0o644, 0o664),)
    other = dict(one)
    other["context/d"] = type(one["context/d"])("context/d", "dir", 0o775)
    assert compare_files(one, other).only_modes
    assert compare_files(one, other).modes == (("context/d", 0o755, 0o775),)


def scope(text: str, line: int, backend: Backend = "buildkit", **given: str) -> dict[str, str]:
    file = parse(text)
    item = next(one for one in file.instructions if one.line == line)
    found = scope_at(file, given, item.stage_index, item.index, backend)
    return {**found.args, **found.env}


def test_arguments_and_environment_in_force() -> None:
    text = (
        "ARG G=1\nFROM base:1 AS a\nARG G\nARG X=2\nENV E=$X\nRUN a\n"
        "FROM a\nRUN b\nARG X=3\nENV X=fixed\nRUN c\n"
    )
    assert scope(text, 6) == {"G": "1", "X": "2", "E": "$X with [('X', '2')]"}
    assert scope(text, 6, X="sha256:x")["E"] == "$X with [('X', 'sha256:x')]"
    assert set(scope(text, 8)) == {"G", "X", "E"}, "BuildKit's ARGs go on in a stage FROM it"
    assert set(scope(text, 8, "legacy")) == {"E"}
    assert scope(text, 11, X="sha256:x")["X"] == "fixed", "ENV holds against ARG"
    assert global_args(parse(text), {"G": "sha256:g"}) == {"G": "sha256:g"}


def test_the_arguments_that_choose_a_base_also_by_way_of_another() -> None:
    file = parse("ARG TAG=1\nARG IMAGE=base:$TAG\nARG OTHER\nFROM ${IMAGE}\n")
    assert from_arguments(file, file.stages[0].instructions[0]) == {"IMAGE", "TAG"}


def kinds(before: str, now: str) -> list[tuple[str, str]]:
    return [
        (edit.kind, (edit.now or edit.before).text)  # type: ignore[union-attr]
        for edit in edits(Version(parse(before)), Version(parse(now)))
        if edit.kind != "same"
    ]


def test_edits_of_a_dockerfile() -> None:
    one = "FROM base:1\nRUN a\nRUN b\nRUN c\n"
    assert kinds(one, one.replace("RUN b", "# why\nRUN   b")) == []
    long = "FROM base:1\nRUN a && b\n"
    assert kinds(long, long.replace("&& b", "&& \\\n# why\nb")) == []
    assert kinds(long, long.replace("&& b", "&& \\\n  b")) == [("changed", "RUN a &&   b")]
    assert kinds(one, one.replace("RUN b\n", "")) == [("removed", "RUN b")]
    assert kinds(one, one.replace("RUN b", "RUN new\nRUN b")) == [("added", "RUN new")]
    assert kinds(one, one.replace("RUN b", "RUN B")) == [("changed", "RUN B")]
    assert kinds(one, one.replace("RUN b", "LABEL a=b\nRUN b")) == [("added", "LABEL a=b")]


def test_a_stage_is_found_again_by_its_name_else_by_what_it_does() -> None:
    one = "FROM base:1\nRUN a\nRUN b\n"
    first = "FROM base:1 AS first\nRUN x\n"
    assert kinds(one, first + one) == [("added", "FROM base:1 AS first"), ("added", "RUN x")]
    assert kinds(first + one, one) == []
    assert kinds(first + one, one.replace("\n", " AS last\n", 1)) == [], "a name is in no key"
    swapped = one.replace("\n", " AS last\n", 1) + first
    assert kinds(first + one.replace("\n", " AS last\n", 1), swapped) == []
    other = first + "FROM base:1\nCOPY . /\nCMD z\n"
    assert [kind for kind, _ in kinds(first + one, other)] == ["removed"] * 2 + ["added"] * 2


def test_what_no_image_needs() -> None:
    item = parse("FROM base:1\nCOPY . /app\n").stages[0].instructions[1]
    for path in (
        ".git/HEAD",
        "a/.idea/x.xml",
        "x.log",
        "src/.a.swp",
        "Dockerfile",
        "a/__pycache__",
    ):
        assert kind_of(Difference(content=(path,)), item) == "unneeded", path
    for path in ("src/catalog.py", "blog/post", "git", "logs.py", "src/dockerfile_parser.py"):
        assert kind_of(Difference(content=(path,)), item) == "content", path
    assert kind_of(Difference(content=("x.log", "a.py")), item) == "content"
    assert kind_of(Difference(modes=(("a.py", 0o644, 0o664),)), item) == "modes"
    named = parse("FROM base:1\nCOPY x.log /\n").stages[0].instructions[1]
    assert kind_of(Difference(content=("x.log",)), named) == "content", "it is asked for by name"
    for path in ("src/coverage/report.py", "app/logs/rotate.py", "node_modules/x/index.js"):
        assert kind_of(Difference(content=(path,)), item) == "content", path
    new = Difference(added=("logs", "logs/x.log"))
    assert kind_of(new, item) == "unneeded", "the folder comes with the file"
    assert unneeded(["b/x.log", "c.log.1", ".git/HEAD"]) == ["**/*.log", "*.log.1", ".git"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2026-11-24", "a date"),
        ("20261124", "a date"),
        ("2026-11-24T10:00:00Z", "a time"),
        ("1764000000", "a time in seconds"),
        ("a" * 39 + "1", "a revision"),
        ("1.2.3", None),
        ("2026", None),
        ("v20.10.24", None),
        ("0123456789012", None),
    ],
)
def test_a_value_that_changes_with_each_build(text: str, what: str | None) -> None:
    assert changing_value(text) == what


def test_words_of_a_command_that_tell_of_chance() -> None:
    def told(command: str) -> str | None:
        return changing_command(parse(f"FROM base:1\nRUN {command}\n").stages[0].instructions[1])

    assert told("date > /built") == "the date"
    assert told("head -c 9 /dev/urandom > /id")
    assert told("echo $RANDOM > /x")
    assert told("apt-get update") is None
    assert told("echo update-date=off") is None
    assert told("npm run validate") is None
