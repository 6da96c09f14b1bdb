"""What the core makes of settings before any host is reached."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cachetui.builders.docker_args import with_named_parts
from cachetui.config.settings import HostSettings, Settings, folder_build
from cachetui.core import Core, Options, UserError
from cachetui.store.database import Store
from tests.sample_builds import PLAIN, folder

HOST = HostSettings(name="here", address="local")


def test_build_args_among_docker_args_are_build_args(tmp_path: Path) -> None:
    words = ("--shm-size", "1g", "--build-arg", "A=1", "--build-arg=B=2=3", "--build-arg", "C")
    build = msgspec.structs.replace(folder_build(tmp_path), docker_args=words)
    taken = with_named_parts(build)
    assert taken.build_args == {"A": "1", "B": "2=3"}
    assert taken.docker_args == ("--shm-size", "1g", "--build-arg", "C")


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(Settings(path=None, hosts=(HOST,), builds={}), Store(tmp_path / "store"))


@pytest.mark.fault("docker-args")
def test_options_that_would_move_names_are_refused(core: Core, tmp_path: Path) -> None:
    build = folder_build(folder(tmp_path / "b", PLAIN))
    with pytest.raises(UserError, match="options of b: --push"):
        core.prepare(msgspec.structs.replace(build, docker_args=("--push",)), (HOST,), Options())


@pytest.mark.fault("users-caches")
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--no-cache",), "no-cache"),
        (("--no-cache=1",), "no-cache"),
        (("--no-cache-filter", "build"), "no-cache-filter"),
        (("--no-cache=false",), None),
    ],
)
def test_a_peek_that_would_empty_mounts_is_refused(
    core: Core, tmp_path: Path, words: tuple[str, ...], name: str | None
) -> None:
    build = folder_build(folder(tmp_path / "b", PLAIN))
    build = msgspec.structs.replace(build, docker_args=words)
    if name is None:
        core.prepare(build, (HOST,), Options(peek=("buildkit",)))
        return
    with pytest.raises(UserError, match=f"b builds with --{name}, which empties cache mounts"):
        core.prepare(build, (HOST,), Options(peek=("buildkit",)))


@pytest.mark.parametrize(
    ("scenarios", "images"),
    [
        (("legacy-as-found",), ("tools:1", "base:1")),
        (("legacy-cold", "buildkit-cold"), ("tools:1", "base:1")),
        (("buildkit-as-found",), ("base:1",)),
    ],
)
def test_images_of_stages_that_the_legacy_builder_alone_builds(
    core: Core, tmp_path: Path, scenarios: tuple[str, ...], images: tuple[str, ...]
) -> None:
    """A step of them that missed has an image below it (found by `make truth
    SEED=build-arg-default:8000`)."""
    text = "FROM tools:1\nRUN make\nFROM base:1 AS app\nRUN true\nFROM late:1\nRUN true\n"
    build = folder_build(folder(tmp_path / "b", text))
    build = msgspec.structs.replace(build, target="app")
    prepared = core.prepare(build, (HOST,), Options(scenarios=scenarios))
    assert prepared.task.base_images() == images


def test_dockerfiles_are_found_below(core: Core, tmp_path: Path) -> None:
    for name in ("a/Dockerfile", "a/Dockerfile.dev", "b/c/app.dockerfile", ".git/Dockerfile"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLAIN)
    found = core.builds_below(tmp_path / "src")
    assert [build.name for build in found] == ["a", "a (Dockerfile.dev)", "c (app.dockerfile)"]
    for build in found:
        core.prepare(build, (HOST,), Options())


def test_a_named_context_that_cannot_be_sent_is_refused_with_what_to_do(
    core: Core, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base:1 AS deps\nCOPY --from=data f /f\n")
    for option, said in (
        ("data=nowhere", "the named context data, .*nowhere does not exist; name the folder"),
        ("data=Dockerfile", "the named context data, .*Dockerfile is a file, not a folder"),
        ("deps=.", "options of b: --build-context deps=. is not passed on: .* the stage deps"),
    ):
        build = msgspec.structs.replace(
            folder_build(tmp_path), name="b", docker_args=("--build-context", option)
        )
        with pytest.raises(UserError, match=said):
            core.prepare(build, (HOST,), Options())
