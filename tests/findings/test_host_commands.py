"""What mends a cause, as lines that a shell takes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cachetui.findings import Finding
from cachetui.findings.host_commands import HostCommand, shell_lines
from cachetui.records.base_now import BaseNow
from cachetui.records.host import BaseImage, CacheEntry, Checkout, HostEvidence, HostReport
from cachetui.report.reasons import commands_of
from cachetui.report.shell import Typed, to_paste, typed_lines
from tests import make_records as b
from tests.findings.making import audit, host, only, run, why

PLAIN = "FROM base:1\nRUN make\n"
GIVEN = HostCommand("docker load", ("ci-2",), "ci-1", "docker save base:1")


def texts(commands: list[HostCommand], order: tuple[str, ...] = ()) -> list[str]:
    return [line.text for line in shell_lines(commands, order)]


def typed(tmp_path: Path, lines: str) -> list[str]:
    """What a shell runs of these lines: each call of ssh and docker with its words."""
    log = tmp_path / "log"
    for name in ("ssh", "docker"):
        tool = tmp_path / name
        words = 'for word; do line="$line$word|"; done'
        tool.write_text(f'#!/bin/sh\nline="{name}|"; {words}; echo "$line" >> {log}\n')
        tool.chmod(0o755)
    subprocess.run(["sh", "-c", lines], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    return sorted(log.read_text().splitlines())


def test_an_image_goes_from_a_host_to_another(tmp_path: Path) -> None:
    (line,) = texts([GIVEN])
    assert line == "ssh -n ci-1 docker save base:1 | ssh ci-2 docker load"
    assert typed(tmp_path, line) == ["ssh|-n|ci-1|docker|save|base:1|", "ssh|ci-2|docker|load|"]


def test_what_is_the_same_on_several_hosts_is_a_loop_in_the_order_of_the_audit(
    tmp_path: Path,
) -> None:
    chmod = [HostCommand("chmod -R g-w '/srv/my app'", (name,)) for name in ("ci-9", "ci-3")]
    (line,) = texts(chmod, ("ci-3", "ci-9"))
    assert line.startswith("for h in ci-3 ci-9; do ssh -n ")
    asked = [f"ssh|-n|{name}|chmod -R g-w '/srv/my app'|" for name in ("ci-3", "ci-9")]
    assert typed(tmp_path, line) == asked


def test_a_build_is_sent_to_the_engine_of_each_host(tmp_path: Path) -> None:
    build = HostCommand("build .", ("a", "b"), docker=True, environment="DOCKER_BUILDKIT=1")
    (line,) = texts([build])
    asked = [f"docker|-H|ssh://{name}|build|.|" for name in ("a", "b")]
    assert typed(tmp_path, line) == asked
    assert "ssh://a build" in texts([HostCommand("build .", ("a",), docker=True)])[0]


def test_a_name_is_never_a_command(tmp_path: Path) -> None:
    (line,) = texts([HostCommand("true", ("a; touch there",), "$(touch here)", "true")])
    typed(tmp_path, f"cd {tmp_path}; {line}")
    assert not {"here", "there"} & {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("width", [24, 40, 80, 160])
def test_a_command_in_lines_is_the_same_command(tmp_path: Path, width: int) -> None:
    build = "cd '/srv/my  app' && DOCKER_BUILDKIT=1 docker build ."
    whole = "\n".join(texts([HostCommand(build, ("ci-1",)), replace_hosts(GIVEN, 12)]))
    parts = [part for line in whole.splitlines() for part in to_paste(line, width, "    ")]
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    assert typed(tmp_path / "one", whole) == typed(tmp_path / "other", "\n".join(parts))
    assert width < 80 or all(len(part) <= width for part in parts)


def replace_hosts(command: HostCommand, count: int) -> HostCommand:
    return HostCommand(
        command.text, tuple(f"ci-{n}" for n in range(count)), command.source, command.given
    )


def test_a_loop_says_where_it_failed_and_goes_on(tmp_path: Path) -> None:
    (line,) = texts([HostCommand("true", ("a", "b", "c"))])
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nto=$2\n[ "$to" != b ] && echo "on $to"\n')
    ssh.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", line], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["on a", "failed on b", "on c"]


def test_what_a_way_does_stands_once_above_the_commands_of_its_platforms() -> None:
    commands = (
        Typed("one", "linux/amd64", "put it on all"),
        Typed("two", "linux/arm64", "put it on all", told=True),
    )
    told = ["put it on all, linux/amd64:", "one", "linux/arm64:", "two"]
    assert typed_lines(commands) == told


def test_where_a_platform_has_an_image_of_its_own_each_command_says_for_which_it_is() -> None:
    ref, lines = "base:1", []
    hosts = []
    for number, (name, layer) in enumerate({"a": "1", "b": "1", "c": "2"}.items()):
        for kind in ("amd64", "arm64"):
            platform, at = f"linux/{kind}", f"{name}-{kind}"
            hosts.append(host(at, {ref: (layer + kind,)}, facts_platform=platform))
            lines.append(run(PLAIN, "m" if number == 2 else "h", host=at))
    found = only(why(audit(PLAIN, lines, hosts=hosts)), "base-drift")
    assert found.platforms == ("linux/amd64", "linux/arm64") * 2
    assert found.commands == (
        "ssh -n a-amd64 docker save base:1 | ssh c-amd64 docker load",
        "ssh -n a-arm64 docker save base:1 | ssh c-arm64 docker load",
        "for h in a-amd64 b-amd64; do ssh -n c-amd64 docker save base:1 | "
        'ssh "$h" docker load || echo "failed on $h"; done',
        "for h in a-arm64 b-arm64; do ssh -n c-arm64 docker save base:1 | "
        'ssh "$h" docker load || echo "failed on $h"; done',
    )
    usual, odd = "a-amd64, a-arm64, b-amd64 and b-arm64", "c-amd64 and c-arm64"
    either, other = (
        f"either put the image of {usual} on {odd} (1 linux/amd64, 1 linux/arm64), which then "
        "build once more, 1.0s on each",
        f"or put the image of {odd} on {usual} (2 linux/amd64, 2 linux/arm64), which then build "
        "once more, about 1.0s on each",
    )
    assert found.ways == (either, either, other, other)
    assert [one.told for one in commands_of(found)] == [False, True, False, True]
    assert "pin it by digest" not in found.advice
    assert "push one of each platform, under a tag of its own" in found.advice


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            ("2026-10-05T08:00:00Z", "2026-11-02T08:00:00.123456789Z"),
            "c has a newer image than the others have (2026",
        ),
        (("2026-11-02T08:00:00Z", "2026-10-05T08:00:00Z"), ": it is newer (2026-11-02, the other"),
        (("2026-11-02T08:00:01Z", "2026-11-02T08:00:00Z"), "(2026-11-02 08:00:01 UTC, the other"),
        (("2026-11-02T08:00:00Z", "2026-11-02T08:00:00Z"), "which of them is right is not known"),
        (("1970-01-01T00:00:00Z", "2026-11-02T08:00:00Z"), "which of them is right is not known"),
        (("0001-01-01T00:00:00Z", "not a date"), "which of them is right is not known"),
        ((None, "2026-11-02T08:00:00Z"), "which of them is right is not known"),
    ],
)
def test_the_advice_says_which_image_is_newer_or_that_it_is_not_known(
    made: tuple[str | None, str | None], told: str
) -> None:
    dates = {"a": made[0], "b": made[0], "c": made[1]}
    hosts: list[HostReport] = []
    for name, date in dates.items():
        image = BaseImage(ref="base:1", id=name, created=date)
        layers = {"base:1": ("odd" if name == "c" else "usual",)}
        hosts.append(host(name, layers, evidence=HostEvidence(at=b.NOW, bases=(image,))))
    runs = [run(PLAIN, "m" if name == "c" else "h", host=name) for name in dates]
    found = only(why(audit(PLAIN, runs, hosts=hosts)), "base-drift")
    assert told in found.advice
    assert len(found.commands) == (1 if ": it is newer" in found.advice else 2)
    ages = (
        "if the build needs the newer image, put it on a and b, which then build once more, about "
        "1.0s on each",
        "if not, put the older image on c, which then builds once more, 1.0s",
    )
    older_newer = (": it is newer" in found.advice, "c has a newer image" in found.advice)
    assert (found.ways == ages) == older_newer[1] == ("One question decides" in found.advice)
    newer = "put the newer image on c, which then builds once more, 1.0s"
    assert (found.ways == (newer,)) == older_newer[0]
    how = (
        "older than on" if older_newer[0] else "newer than on" if older_newer[1] else "not that of"
    )
    assert found.brief == f"base:1 is {how} most hosts"


@pytest.mark.parametrize(
    ("years", "ways"),
    [
        (
            {"a": 2024, "b": 2024, "c": 2024, "d": 2025, "e": 2026},
            (
                "if the build needs the newest image (e has it), put it on a, b, c and d, which "
                "then build once more, about 1.0s on each",
                "if not, put the oldest image (a, b and c have it) on d and e, which then build "
                "once more, 1.0s on each",
            ),
        ),
        ({"a": 2024, "b": 2024, "c": 2024, "d": 2025, "e": 2025}, ()),
        (
            {"a": 2026, "b": 2026, "c": 2026, "d": 2024, "e": 2025},
            (
                "put the newest image (a, b and c have it) on d and e, which then build once more, "
                "1.0s on each",
            ),
        ),
    ],
    ids=["oldest", "oldest, of two newer ones of a day", "newest"],
)
def test_no_command_alone_puts_an_older_image_in_the_place_of_a_newer_one(
    years: dict[str, int], ways: tuple[str, ...]
) -> None:
    """Of three images; without a date of the newest, none can be given to all."""
    hosts = [
        host(
            name,
            {"base:1": ("usual" if name in "abc" else name,)},
            evidence=HostEvidence(
                at=b.NOW, bases=(BaseImage(ref="base:1", id=name, created=f"{year}-01-01"),)
            ),
        )
        for name, year in years.items()
    ]
    runs = [run(PLAIN, "h" if name in "abc" else "m", host=name) for name in years]
    assert only(why(audit(PLAIN, runs, hosts=hosts)), "base-drift").ways == ways


def dated(years: dict[str, int]) -> list[HostReport]:
    """Hosts with an image of that year each."""
    return [
        host(
            name,
            {"base:1": (str(year),)},
            evidence=HostEvidence(
                at=b.NOW,
                bases=(
                    BaseImage(
                        ref="base:1",
                        id=str(year),
                        created=f"{year}-01-01",
                        digests=(f"base@sha256:{year}",),
                    ),
                ),
            ),
        )
        for name, year in years.items()
    ]


def test_of_two_ways_the_question_and_both_prices_stand_in_a_line_of_any_width() -> None:
    years = {"a": 2024, "b": 2024, "c": 2024, "d": 2026}
    runs = [run(PLAIN, "h", host=name) for name in "abc"] + [run(PLAIN, "m", host="d")]
    cold = {"a": 90.0, "b": 80.0, "c": 70.0, "d": 41.4}
    runs += [
        run(PLAIN, "m", host=name, scenario="buildkit-cold", seconds={2: took})
        for name, took in cold.items()
    ]
    found = only(why(audit(PLAIN, runs, hosts=dated(years))), "base-drift")
    assert found.choice == (
        "images differ: put the newer image on a, b and c (up to 1m30s each) if the build needs "
        "it, else the older image on d (41.4s), or leave it as it is",
        "images differ: put the newer on 3 hosts (≤1m30s each) if needed, else the older on d "
        "(41.4s), or leave it",
        "put the newer on 3 hosts (≤1m30s each), or the older on 1 (41.4s), or leave it",
        "put the newer on 3 hosts (≤1m30s), or older on 1 (41.4s), or leave it",
        "put the newer on 3 (≤1m30s), or older on 1 (41.4s), or leave it",
    )
    assert "To leave it as it is costs no more time: each host reuses what was" in found.advice
    kept = (
        "keep a replaced image, `docker tag base:1 base:1-before` on its host first; try one host"
    )
    assert kept in found.advice
    assert any(
        fact.text
        == "building what stands on base:1 takes up to 1m30s on a, b and c, as measured where none "
        "of it hit; 41.4s on d, as measured where none of it hit"
        for fact in found.evidence
    )


def test_what_the_registry_has_now_settles_which_image_it_is() -> None:
    years = {"a": 2024, "b": 2024, "c": 2024, "d": 2026}
    runs = [run(PLAIN, "h", host=name) for name in "abc"]
    for digest, gives in (("sha256:2026", "d"), ("sha256:2024", "abc"), ("sha256:2027", "")):
        now = (BaseNow(ref="base:1", digest=digest),)
        asked = run(PLAIN, "m", host="d", bases_now=now)
        found = only(why(audit(PLAIN, [*runs, asked], hosts=dated(years))), "base-drift")
        if not gives:  # nobody has it: it settles nothing
            assert len(found.ways) == 2
            assert "One question decides" in found.advice
            continue
        (way,) = found.ways
        lacking = "a, b and c" if gives == "d" else "d"
        assert way.startswith(f"put the image that the registry has now on {lacking}, which then")
        assert found.advice.startswith(f"Give {lacking} the image that base:1 means in its regist")
        assert f"docker pull base@{digest} && docker tag base@{digest} base:1" in found.commands[0]


def drifted(layers: dict[str, str], ref: str = "base:1", **facts: str) -> tuple[str, ...]:
    text = PLAIN.replace("base:1", ref)
    hosts = [host(name, {ref: (layer,)}, **facts) for name, layer in layers.items()]
    odd = min(layers.values(), key=[*layers.values()].count)
    runs = [run(text, "m" if at == odd else "h", host=n) for n, at in layers.items()]
    return only(why(audit(text, runs, hosts=hosts)), "base-drift").commands


def test_where_no_image_is_that_of_most_the_largest_group_gives_theirs() -> None:
    assert drifted({"a": "1", "b": "2"}) == (
        "ssh -n a docker save base:1 | ssh b docker load",
        "ssh -n b docker save base:1 | ssh a docker load",
    )
    assert drifted({"a": "1", "b": "2", "c": "3", "d": "2"}) == (
        'for h in a c; do ssh -n b docker save base:1 | ssh "$h" docker load || echo "failed on '
        '$h"; done',
    )


def test_without_a_tag_one_image_is_saved_and_not_all_of_its_name() -> None:
    lines = drifted({"a": "1", "b": "2", "c": "1"}, "reg:5000/base")
    assert ["docker save reg:5000/base:latest |" in line for line in lines] == [True] * 2


def never_built(
    evidence: HostEvidence, scenario: str = "buildkit-peek", **build: Any
) -> tuple[str, ...]:
    return said_of_never_built(evidence, scenario, **build).commands


def said_of_never_built(evidence: HostEvidence, scenario: str, **build: Any) -> Finding:
    hosts: list[HostReport] = [host(evidence=evidence), host("ci-2")]
    runs = [run(PLAIN, "m", scenario=scenario), run(PLAIN, "h", host="ci-2", scenario=scenario)]
    found = why(audit(PLAIN, runs, hosts=hosts, **build))
    return only(found, "evicted-or-never-built")


def test_a_host_that_never_built_it_is_to_build_it() -> None:
    other = CacheEntry(type="regular", description="mount / from exec /bin/sh -c other", bytes=1)
    base = (BaseImage(ref="base:1", id="sha256:id"),)
    evidence = HostEvidence(at=b.NOW, bases=base, cache=(other,))
    assert never_built(evidence) == ("DOCKER_BUILDKIT=1 docker -H ssh://ci-1 build .",)
    assert never_built(evidence, target="app", network="none", dockerfile="a b") == (
        "DOCKER_BUILDKIT=1 docker -H ssh://ci-1 build --network=none --target app -f 'a b' .",
    )
    same = replace(evidence, checkout=Checkout(path="/srv/app", digest="sha256:context"))
    assert never_built(same) == ("ssh -n ci-1 'cd /srv/app && DOCKER_BUILDKIT=1 docker build .'",)
    older = replace(evidence, checkout=Checkout(path="/srv/app", digest="sha256:older"))
    assert never_built(older) == never_built(evidence)


def test_where_the_audit_has_just_built_it_nothing_is_to_be_typed() -> None:
    other = CacheEntry(type="regular", description="mount / from exec /bin/sh -c other", bytes=1)
    evidence = HostEvidence(
        at=b.NOW, bases=(BaseImage(ref="base:1", id="sha256:id"),), cache=(other,)
    )
    found = said_of_never_built(evidence, "buildkit-as-found")
    assert (found.commands, found.advice[:14]) == ((), "Nothing to do:")
    peeked = said_of_never_built(evidence, "buildkit-peek")
    assert peeked.commands
    assert peeked.advice.startswith("Build it once on ci-1 as its user does")


def test_a_build_that_cannot_be_spelled_out_is_not() -> None:
    other = CacheEntry(type="regular", description="mount / from exec /bin/sh -c other", bytes=1)
    base = (BaseImage(ref="base:1", id="sha256:id"),)
    evidence = HostEvidence(at=b.NOW, bases=base, cache=(other,))
    assert never_built(evidence, build_args={"A": "hmac-sha256:1:2"}) == ()
    assert never_built(evidence, named_contexts=("lib",)) == ()


def test_a_build_of_a_repository_names_its_commit() -> None:
    other = CacheEntry(type="regular", description="mount / from exec /bin/sh -c other", bytes=1)
    base = (BaseImage(ref="base:1", id="sha256:id"),)
    evidence = HostEvidence(at=b.NOW, bases=base, cache=(other,))
    fetched = "https://example.com/a.git#0123:in"
    assert never_built(evidence, fetched=fetched, dockerfile_name="b/Dockerfile") == (
        f"DOCKER_BUILDKIT=1 docker -H ssh://ci-1 build -f b/Dockerfile '{fetched}'",
    )
    assert never_built(evidence, fetched="app.tgz (sha256:0123)") == ()
