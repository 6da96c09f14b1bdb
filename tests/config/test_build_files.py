"""Which bake and compose files are read together, and where their relative paths start."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.config.bake_file import read_target, relative_to
from cachetui.config.build_files import files_named, names_file
from cachetui.config.toml_table import ConfigError
from tests.config.test_bake import installed


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPOSE_FILE", "BUILDX_BAKE_FILE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def read(text: str, here: Path) -> list[str]:
    """The files that are read, from `here`."""
    return [str(path.relative_to(here)) for path in files_named(text, here).paths]


def test_several_files_are_those_that_are_named(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "ci/compose.ci.yaml", "compose.override.yaml", "env.hcl")
    assert names_file("compose.yaml:ci/compose.ci.yaml#api")
    assert not names_file("compose.yaml:notes.txt#api")
    named = "compose.yaml:ci/compose.ci.yaml"
    assert read(named, tmp_path) == ["compose.yaml", "ci/compose.ci.yaml"]
    assert files_named(named, tmp_path).compose
    assert not files_named("compose.yaml:env.hcl", tmp_path).compose
    with pytest.raises(ConfigError, match=r"gone\.yaml does not exist"):
        files_named("compose.yaml:gone.yaml", tmp_path)


def test_a_name_with_a_colon_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a:b.yaml")
    assert read("a:b.yaml", tmp_path) == ["a:b.yaml"]


@pytest.mark.parametrize(
    "line",
    ['COMPOSE_FILE="compose.yaml:prod.yaml"', "export COMPOSE_FILE=compose.yaml:prod.yaml #"],
)
def test_files_of_compose_s_variable_are_read_as_compose_does(tmp_path: Path, line: str) -> None:
    write(tmp_path, "compose.yaml", "compose.override.yaml", "prod.yaml", "other.yaml")
    (tmp_path / ".env").write_text(f"A=b\n{line}\n")
    assert read("compose.yaml", tmp_path) == ["compose.yaml", "prod.yaml"]
    assert "COMPOSE_FILE of .env" in files_named("compose.yaml", tmp_path).notes[0]
    assert read("other.yaml", tmp_path) == ["other.yaml"]


def test_the_environment_counts_before_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "compose.yaml", "prod.yaml", "one.yaml")
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml:prod.yaml\n")
    monkeypatch.setenv("COMPOSE_FILE", "one.yaml")
    assert read("compose.yaml", tmp_path) == ["compose.yaml"]
    (note,) = files_named("compose.yaml", tmp_path).notes
    assert (
        note == "COMPOSE_FILE of the environment names other files, which were not read: one.yaml"
    )


def test_paths_of_a_bake_file_start_where_bake_is_typed(tmp_path: Path) -> None:
    write(tmp_path, "ci/docker-bake.hcl", "Dockerfile", "ci/Dockerfile", "ci/only/Dockerfile")
    files = files_named("ci/docker-bake.hcl", tmp_path)
    start, (note,) = relative_to(files, {"context": "."})
    assert start == tmp_path
    assert f"start from {tmp_path}" in note
    assert relative_to(files, {"context": "only"}) == (tmp_path / "ci", ())
    (tmp_path / "compose").mkdir()
    write(tmp_path, "compose/compose.yaml", "compose/Dockerfile")
    files = files_named("compose/compose.yaml", tmp_path)
    assert relative_to(files, {"context": "."}) == (tmp_path / "compose", ())


def test_what_bake_reads_without_a_file_is_read_where_it_changes_the_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        'case "$*" in *compose.yaml*) args=\'{"A": "1", "B": "2"}\' ;;\n'
        '*) args=\'{"A": "1"}\' ;; esac\n'
        'case "$*" in *plain) args=null ;; esac\n'
        'for last; do :; done\necho "{\\"target\\": {\\"$last\\": {\\"args\\": $args}}}"'
    )
    installed(monkeypatch, tmp_path, script)
    write(tmp_path, "compose.yaml", "docker-bake.hcl", "Dockerfile")
    found = read_target("docker-bake.hcl#app", tmp_path)
    assert found.fields["args"] == {"A": "1", "B": "2"}
    assert "compose.yaml was read with docker-bake.hcl" in found.notes[0]
    assert read_target("docker-bake.hcl#plain", tmp_path).notes == ()


def test_a_secret_that_bake_misses_is_looked_for_beside_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        "[ -e key ] || { echo 'ERROR: failed to stat key: no such file' >&2; exit 1; }\n"
        'echo \'{"target": {"app": {"secret": ["id=key,src=key"]}}}\''
    )
    installed(monkeypatch, tmp_path, script)
    write(tmp_path, "ci/my.hcl")
    with pytest.raises(ConfigError, match="where it runs: put one there"):
        read_target("ci/my.hcl#app", tmp_path)
    write(tmp_path, "ci/key")
    assert read_target("ci/my.hcl#app", tmp_path).folder == tmp_path / "ci"


def test_compose_s_builds_have_what_bake_adds_to_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, 'echo \'{"target": {"app": {"context": "/app"}}}\'')
    (tmp_path / "compose.yaml").write_text("x-bake")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "17")
    found = read_target("compose.yaml#app", tmp_path)
    assert found.fields["args"] == {"SOURCE_DATE_EPOCH": "17"}
    assert "docker buildx bake does" in found.notes[0]


@pytest.mark.parametrize("said", ["ERROR: failed to find target nope", "no such service: nope"])
def test_a_name_that_the_file_does_not_have_is_told_with_those_it_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    targets = ", ".join(f'"a-{number}": {{}}' for number in range(50))
    printed = tmp_path / "printed.json"
    printed.write_text(f'{{"target": {{{targets}}}}}')
    script = f'case "$*" in *nope) echo "{said}" >&2; exit 1 ;; esac\ncat {printed}'
    installed(monkeypatch, tmp_path, script)
    write(tmp_path, "my.hcl", "my.yaml")
    name = "my.yaml" if "service" in said else "my.hcl"
    with pytest.raises(ConfigError, match=r"no build of nope; its builds: a-0, .*a-39 and 10 more"):
        read_target(f"{name}#nope", tmp_path)
    with pytest.raises(ConfigError, match=r"my\.hcl#a-39 and 10 more"):
        read_target("my.hcl", tmp_path)
    with pytest.raises(ConfigError, match="begins with -"):
        read_target("my.hcl#--help", tmp_path)
