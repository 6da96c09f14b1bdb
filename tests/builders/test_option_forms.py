"""Options in every form that people type, against what docker's own clients made of them.

option_forms.jsonl has for each form the clients that took it: `old` 20.10, `mid` 26.1, `new` 28.5,
each as `0`, the legacy builder, and `1`, BuildKit. Each was asked for a build without a daemon:
what it says before it misses that is its own refusal of the words. What is read later (platforms;
with buildx hosts, entitlements) counts as taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cachetui.builders.docker_args import refused_argument, with_named_parts
from cachetui.builders.option_names import BUILDKIT_OPTIONS
from cachetui.cli import run as run_module
from cachetui.cli.main import cli
from cachetui.config.settings import BuildSettings

FORMS = [
    json.loads(line)
    for line in (Path(__file__).parent / "option_forms.jsonl").read_text("utf-8").splitlines()
]
STRICTER = {
    # Another host could have something else there.
    "--secret": ("write env=NAME or src=/PATH", "needs id=NAME"),
    "--ssh": ("has to be an absolute path",),
    # What the daemon refuses, or buildx once it has one.
    "--platform": ("is not a platform",),
    "--add-host": ("write NAME:IP", "is not an IP address"),
    "--annotation": ("write NAME=VALUE",),
    "--allow": ("network.host",),
    "--network": ("is not one of 'default', 'none', 'host'",),
    # BuildKit does not read it, the legacy builder refuses it.
    "--memory": ("is not a size such as 64m",),
    "--memory-swap": ("is not a size such as 64m",),
    # Nothing, which docker takes for no option.
    "--build-context": ("write NAME=VALUE",),
    "--cache-to": ("it writes a cache that other builds read",),
    "--no-cache": ("the cold scenarios do that",),
}
"""What cachetui refuses though a client takes it, and the reasons that it gives."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function: words of `run` → (the build that they make, what is said against them)."""
    given: list[BuildSettings] = []

    def note(_core: Any, build: BuildSettings, *_: Any) -> int:
        given.append(build)
        return 0

    monkeypatch.setattr(run_module, "run_build_command", note)
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text("FROM scratch\n")
    Path("hosts.toml").write_text(
        '[[hosts]]\nname = "a"\naddress = "local"\n[builds.app]\ncontext = "."\n'
    )

    def read_words(*words: str) -> tuple[BuildSettings | None, str]:
        given.clear()
        result = CliRunner().invoke(cli, ["run", "app", "--store", "store", *words])
        assert isinstance(result.exception, SystemExit | None), (words, result.exception)
        if not given:
            return None, " ".join(result.output.split())
        refused = refused_argument(given[0].docker_args)
        return with_named_parts(given[0]), refused[1] if refused else ""

    return read_words


def test_what_docker_takes_is_taken_and_what_no_client_takes_is_refused(read: Any) -> None:
    wrong = []
    for form in FORMS:
        words, taken = form["words"], form["taken"].split()
        build, said = read(*words)
        option = words[0].partition("=")[0]
        if option.removeprefix("--") in BUILDKIT_OPTIONS:  # 20.10's legacy builder reads none
            taken = [client for client in taken if client.endswith("1")]
        stricter = any(reason in said for reason in STRICTER.get(option, ()))
        if build is None and not said:
            wrong.append((words, "nothing is said"))
        elif taken and said and not stricter:
            wrong.append((words, said))
        elif not taken and not said and option != "--stream":  # of clients before 20.10
            wrong.append((words, "no client takes it"))
    assert wrong == []
    assert len(FORMS) > 250


@pytest.mark.parametrize(
    ("words", "docker_args"),
    [
        (["-m=1g", "-c=5"], "--memory 1g --cpu-shares 5"),
        (["-m1g", "-c5", "-m", "2g"], "--memory 1g --memory 2g --cpu-shares 5"),
        (["--label=a=b=c", "--label", "a=b,c=d"], "--label a=b=c --label a=b,c=d"),
        (["--no-cache=false", "--pull=1"], "--no-cache=false --pull=1"),
        (["--cache-from=r/a,r/b"], "--cache-from r/a,r/b"),
        (["--cache-from=type=registry,ref=r/a:b=c"], "--cache-from type=registry,ref=r/a:b=c"),
        (["--platform=linux/amd64,linux/arm64"], "--platform linux/amd64,linux/arm64"),
        (["--shm-size=.5g", "--ulimit=nofile=+1"], "--shm-size .5g --ulimit nofile=+1"),
    ],
)
def test_words_mean_what_docker_takes_them_for(
    read: Any, words: list[str], docker_args: str
) -> None:
    build, said = read(*words)
    assert (" ".join(sorted(build.docker_args)), said) == (
        " ".join(sorted(docker_args.split())),
        "",
    )


def test_a_letter_s_value_behind_the_sign_is_that_value(read: Any) -> None:
    for words in (["-f", "x=y"], ["-fx=y"], ["-f=x=y"], ["--file=x=y"]):
        assert Path(read(*words)[0].dockerfile).name == "x=y", words
    for words in (["--file="], ["-f", ""], ["--target="], ["--target", ""]):
        build, _ = read(*words)
        assert (build.dockerfile, build.target) == ("Dockerfile", None), words
