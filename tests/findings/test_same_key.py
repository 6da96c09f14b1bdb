"""That the key is the same is said only where every input of it was compared and is equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.findings import Findings
from cachetui.findings.build_on_host import BuildOnHost
from cachetui.findings.key_inputs import KEY_INPUTS, words_of
from cachetui.findings.step_inputs import step_inputs
from cachetui.records.backend import Backend
from cachetui.records.host import BaseImage, ClientSettings, HostEvidence, HostReport
from cachetui.records.step import StepId
from tests import make_records as b
from tests.findings.making import BASE, HASHER, audit, before, host, ids, only, run, why

RULE = "evicted-or-never-built"
TEXT = "FROM base:1\nCOPY src /src\nRUN make\n"
ENGINES = {"20.10.24": None, "26.1.5": "0.13.1", "28.5.2": "0.29.1"}


def missed(
    scenario: str,
    now: dict[str, Any],
    then: dict[str, Any],
    *,
    text: str = TEXT,
    letters: str = "hm",
    engine: str = "28.5.2",
    hosts: Callable[[dict[str, Any]], HostReport] | None = None,
    run_now: dict[str, Any] | None = None,
) -> Findings:
    """What is found where the last step missed, of two builds; `hosts` makes one of its part of
    `now` and `then` (what it takes out is its own)."""
    made = hosts or (
        lambda its: host(
            facts_engine=engine,
            facts_buildx=ENGINES[engine],
            facts_client_settings=its.pop("settings", ClientSettings()),
        )
    )
    host_now, host_then = made(now), made(then)
    one = run(text, letters, scenario=scenario, **(run_now or {}))
    return why(
        audit(text, [one], hosts=[host_now], **now),
        before(text, "m" * len(letters), scenario=scenario, hosts=[host_then], **then),
    )


def told(found: Findings) -> str:
    """All that is said of what no rule explains."""
    return "\n".join(fact.text for one in found.unexplained for fact in one.facts)


LEGACY, BUILDKIT = "legacy-as-found", "buildkit-as-found"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_it_is_said_where_nothing_changed(scenario: str, engine: str) -> None:
    assert ids(missed(scenario, {}, {}, engine=engine)) == [RULE]


PROXY = {"http_proxy": "sha256:proxy"}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_proxy_argument_is_in_the_legacy_key_by_being_there(engine: str) -> None:
    given, other = {"build_args": PROXY}, {"build_args": {"http_proxy": "sha256:other"}}
    assert RULE not in ids(missed(LEGACY, dict(given), {}, engine=engine))
    assert ids(missed(LEGACY, dict(given), dict(other), engine=engine)) == [RULE]
    assert ids(missed(BUILDKIT, dict(given), {}, engine=engine)) == [RULE], "in no key there"
    declared = TEXT.replace("RUN make", "ARG http_proxy\nRUN make")
    for scenario, letters in ((LEGACY, "hhm"), (BUILDKIT, "hm")):
        found = missed(
            scenario, dict(given), dict(other), text=declared, letters=letters, engine=engine
        )
        assert ids(found) == ["build-arg-invalidates"], "its ARG puts the value into the key"


def test_all_proxy_needs_an_arg_on_20_10() -> None:
    given = {"build_args": {"all_proxy": "sha256:p"}}
    found = missed(LEGACY, dict(given), {}, engine="20.10.24")
    assert ids(found) == []
    assert "build argument without ARG all_proxy" in told(found)
    found = missed(LEGACY, dict(given), {}, engine="28.5.2")
    assert ids(found) == ["build-changed"]
    assert "--build-arg all_proxy" in found.findings[0].evidence[0].text


def test_a_stage_that_is_never_looked_up() -> None:
    args = {"docker_args": ("--no-cache-filter=x,Deps",)}
    text = TEXT.replace("base:1", "base:1 AS deps")
    found = missed(BUILDKIT, dict(args), dict(args), text=text)
    assert ids(found) == ["build-changed"]
    assert "--no-cache-filter" in found.findings[0].title
    assert "build-changed" not in ids(missed(BUILDKIT, dict(args), dict(args)))


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_an_undeclared_argument_could_be_declared_by_a_trigger(scenario: str) -> None:
    found = missed(scenario, {"build_args": {"CI": "sha256:1"}}, {})
    assert ids(found) == []
    assert "build argument without ARG CI changed, and may be in the key" in told(found)
    elsewhere = TEXT.replace("RUN make", "RUN make\nARG CI\nCMD x")
    letters = "hmmm" if scenario == LEGACY else "hm"
    one = run(elsewhere, letters, scenario=scenario)
    document = audit(elsewhere, [one], build_args={"CI": "sha256:1"})
    then = before(elsewhere, "m" * len(letters), scenario=scenario)
    assert ids(why(document, then)) == [RULE], "an ARG below the RUN is not in its key"


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_an_undeclared_argument_is_in_no_key_where_the_triggers_are_known(scenario: str) -> None:
    def bringing(*triggers: str) -> Callable[[dict[str, Any]], HostReport]:
        return lambda _: host(facts_triggers={"base:1": triggers})

    given = {"build_args": {"CI": "sha256:1", "TARGETARCH": "sha256:2"}}
    found = missed(scenario, given, {}, hosts=bringing())
    assert ids(found) == [RULE]
    pulled = {"docker_args": ("--pull",)}
    found = missed(scenario, {**given, **pulled}, pulled, hosts=bringing())
    assert RULE not in ids(found) or scenario == LEGACY, "BuildKit's base is then another"
    found = missed(scenario, given, {}, hosts=bringing("ARG CI"))
    assert RULE not in ids(found), "the base declares it"


@pytest.mark.parametrize(
    "option",
    [
        *("--memory=1g", "--cpuset-cpus=0", "--force-rm", "--secret=id=a", "--no-cache=false"),
        *("--isolation=default", "--compress", "--disable-content-trust"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_an_option_in_no_key_leaves_it_the_same(scenario: str, engine: str, option: str) -> None:
    assert ids(missed(scenario, {"docker_args": (option,)}, {}, engine=engine)) == [RULE]


@pytest.mark.parametrize("option", ["--add-host=a:1.2.3.4", "--ulimit=nofile=9", "--shm-size=1m"])
def test_what_buildkit_has_in_a_runs_key_the_legacy_builder_has_not(option: str) -> None:
    assert ids(missed(LEGACY, {"docker_args": (option,)}, {})) == [RULE]
    assert ids(missed(BUILDKIT, {"docker_args": (option,)}, {})) == ["build-changed"]


def test_proxies_of_dockers_configuration_are_arguments_that_nobody_gave() -> None:
    proxies = ClientSettings(proxies={**PROXY, "HTTP_PROXY": "sha256:proxy"})
    other = ClientSettings(proxies={"http_proxy": "sha256:2", "HTTP_PROXY": "sha256:2"})
    found = missed(LEGACY, {"settings": proxies}, {})
    assert ids(found) == ["build-changed"]
    assert "docker's configuration on ci-1" in found.findings[0].evidence[0].text
    assert ids(missed(LEGACY, {"settings": proxies}, {"settings": other})) == [RULE]
    assert ids(missed(LEGACY, {"settings": proxies}, {"build_args": PROXY})) == [RULE]
    assert ids(missed(BUILDKIT, {"settings": proxies}, {})) == [RULE]
    declared = TEXT.replace("RUN make", "ARG http_proxy\nRUN make")
    found = missed(LEGACY, {"settings": proxies}, {"settings": other}, text=declared, letters="hhm")
    assert ids(found) != [RULE]
    found = missed(BUILDKIT, {"settings": proxies}, {"settings": other}, text=declared)
    assert ids(found) == []


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_what_the_client_adds_and_was_not_told_forbids_it(scenario: str) -> None:
    found = missed(scenario, {}, {"settings": None})
    assert ids(found) == []
    assert "docker's configuration and environment on the host" in told(found)


@pytest.mark.parametrize(
    ("engine", "scenario", "line", "found"),
    [
        ("28.5.2", BUILDKIT, "WORKDIR /w", ["build-changed"]),
        ("28.5.2", BUILDKIT, "RUN make", [RULE]),
        ("28.5.2", BUILDKIT, "COPY b /b", [RULE]),
        ("28.5.2", LEGACY, "WORKDIR /w", [RULE]),
        ("27.0.3", BUILDKIT, "WORKDIR /w", []),  # not measured
        ("26.1.5", BUILDKIT, "WORKDIR /w", [RULE]),
        ("26.1.5", BUILDKIT, "ARG SOURCE_DATE_EPOCH\nRUN make", ["build-changed"]),
        ("20.10.24", BUILDKIT, "ARG SOURCE_DATE_EPOCH\nRUN make", [RULE]),
    ],
)
def test_the_epoch_of_the_clients_environment(
    engine: str, scenario: str, line: str, found: list[str]
) -> None:
    text = TEXT.replace("RUN make", line)
    settings = ClientSettings(environment={"SOURCE_DATE_EPOCH": "sha256:1"})
    buildx = {**ENGINES, "27.0.3": "0.15.1"}[engine]

    def made(its: dict[str, Any]) -> HostReport:
        return host(
            facts_engine=engine,
            facts_buildx=buildx,
            facts_client_settings=its.pop("settings", ClientSettings()),
        )

    assert ids(missed(scenario, {"settings": settings}, {}, text=text, hosts=made)) == found


@pytest.mark.parametrize(
    "name", ["EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", "BUILDX_BUILDER", "DOCKER_DEFAULT_PLATFORM"]
)
def test_other_variables_of_the_client(name: str) -> None:
    settings = ClientSettings(environment={name: "sha256:1"})
    assert ids(missed(BUILDKIT, {"settings": settings}, {})) == []


@pytest.mark.parametrize("args", [("--cache-from", "x"), ("--build-arg", "TOKEN")])
def test_an_option_behind_which_something_is_not_looked_at(args: tuple[str, ...]) -> None:
    both = {"docker_args": args}
    found = missed(BUILDKIT, dict(both), dict(both))
    assert ids(found) == []
    assert "not known, so not compared" in told(found)


@pytest.mark.parametrize("what", ["engine", "store", "engine_id", "client", "buildx"])
def test_another_engine_or_client(what: str) -> None:
    def made(its: dict[str, Any]) -> HostReport:
        return host(**{f"facts_{what}": its.pop("is")})

    assert ids(missed(BUILDKIT, {"is": "28.5.1"}, {"is": "28.5.0"}, hosts=made)) == []
    assert ids(missed(BUILDKIT, {"is": "28.5.1"}, {"is": "28.5.1"}, hosts=made)) == [RULE]


def images(
    before_runs: str, after: str | None = "same", layers: tuple[str, ...] = BASE
) -> Callable[[dict[str, Any]], HostReport]:
    """A host whose base has these IDs before and after the runs, and layers with them."""

    def made(its: dict[str, Any]) -> HostReport:
        one = BaseImage(ref="base:1", id=before_runs)
        new = after is not None and after != "same"
        then = BaseImage(ref="base:1", id=after if new and after else before_runs, layers=layers)
        evidence = HostEvidence(
            at=b.NOW, bases=(one,), bases_after=None if after is None else (then,)
        )
        its.pop("host", None)
        return host(evidence=evidence)

    return made


def with_images(
    scenario: str, now: Callable[..., HostReport], then: Callable[..., HostReport],
    *, digest: tuple[str, str] | None = None, **build: Any,
) -> Findings:  # fmt: skip
    new, old = ({"base:1": one} for one in digest) if digest else ({}, {})
    one = run(TEXT, "hm", scenario=scenario, bases=new)
    earlier = run(TEXT, "mm", scenario=scenario, audit="then", at=b.NOW - 3600, bases=old)
    return why(
        audit(TEXT, [one], hosts=[now({})], **build),
        audit(TEXT, [earlier], hosts=[then({})], audit="then", at=b.NOW - 3600, **build),
    )


def test_a_base_that_pull_moved_during_the_build_is_the_one_that_was_built_on() -> None:
    still, moved = images("sha256:a"), images("sha256:a", "sha256:b", ("sha256:other",))
    pull: dict[str, Any] = {"docker_args": ("--pull",)}
    found = with_images(LEGACY, moved, still, **pull)
    assert "base-drift" in ids(found)
    assert RULE not in ids(found)
    assert ids(with_images(LEGACY, moved, moved, **pull)) == [RULE]
    for scenario in (LEGACY, BUILDKIT):
        found = with_images(scenario, moved, still)
        assert ids(found) == [], "without --pull somebody else moved it: before or after the build?"
        assert "the base image" in told(found)


def test_with_pull_buildkit_takes_the_registrys_image_and_leaves_the_hosts_alone() -> None:
    still = images("sha256:a")
    pull: dict[str, Any] = {"docker_args": ("--pull",)}
    found = with_images(BUILDKIT, still, still, digest=("sha256:2", "sha256:1"), **pull)
    assert ids(found) == ["base-drift"]
    found = with_images(BUILDKIT, still, still, digest=("sha256:1", "sha256:1"), **pull)
    assert ids(found) == [RULE]
    assert ids(with_images(BUILDKIT, still, still, **pull)) == [], "it printed no digest"


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_the_same_layers_under_another_id_are_another_configuration(scenario: str) -> None:
    assert RULE not in ids(with_images(scenario, images("sha256:b"), images("sha256:a")))


@pytest.mark.parametrize(
    ("syntax", "found"),
    [
        ("docker/dockerfile:1", []),
        ("docker/dockerfile:1@sha256:" + "1" * 64, [RULE]),
    ],
)
def test_the_frontend_is_looked_up_by_each_build_unless_it_is_pinned(
    syntax: str, found: list[str]
) -> None:
    text = f"# syntax={syntax}\n{TEXT}"
    assert ids(missed(BUILDKIT, {}, {}, text=text)) == found
    assert ids(missed(LEGACY, {}, {}, text=text)) == [RULE], "it reads no such line"


@pytest.mark.parametrize(
    "line", ["RUN --device=gpu make", "RUN --mount=type=bind,from=other:1,target=/o make"]
)
def test_what_a_run_takes_from_elsewhere(line: str) -> None:
    assert ids(missed(BUILDKIT, {}, {}, text=TEXT.replace("RUN make", line))) == []


def test_a_stage_that_is_copied_from_has_to_be_the_same_too() -> None:
    text = "FROM base:1 AS deps\nARG V\nRUN deps\nFROM base:1\nCOPY --from=deps /d /d\nRUN make\n"
    args = ({"build_args": {"V": "sha256:2"}}, {"build_args": {"V": "sha256:1"}})
    assert ids(missed(BUILDKIT, {}, {}, text=text, letters="hmm")) == [RULE]
    assert RULE not in ids(missed(BUILDKIT, *args, text=text, letters="hmm"))
    legacy = missed(LEGACY, {}, {}, text=text, letters="hhmm")
    assert ids(legacy) == []
    assert "the files of the stage that it copies from" in told(legacy)


@pytest.mark.parametrize(
    ("engine", "said"),
    [("20.10.24", False), ("26.1.5", True), ("28.5.2", True)],
)
@pytest.mark.parametrize("option", ["--shm-size=1g", "--ulimit=nofile=9", "--cgroup-parent=/x"])
def test_options_in_a_runs_key_are_named_where_they_are_in_it(
    engine: str, option: str, said: bool
) -> None:
    found = missed(BUILDKIT, {"docker_args": (option,)}, {}, engine=engine)
    assert ("build-changed" in ids(found)) is said
    if said:
        (one,) = found.findings
        assert option.replace("=", " ", 1) in one.evidence[0].text
    else:
        assert ids(found) == [RULE], "20.10 has it in no key"
    copy = TEXT.replace("RUN make", "COPY b /b")
    found = missed(BUILDKIT, {"docker_args": (option,)}, {}, text=copy, engine=engine)
    assert ids(found) == [RULE], "no COPY has it in its key"


def test_the_hosts_own_platform_is_the_same_by_whatever_name() -> None:
    named = {"docker_args": ("--platform", "linux/amd64")}
    assert ids(missed(BUILDKIT, named, {})) == [RULE]
    other = {"docker_args": ("--platform", "linux/arm64")}
    assert RULE not in ids(missed(BUILDKIT, other, {}))


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_every_input_that_is_read_is_in_the_list(backend: Backend) -> None:
    names = {one.name for one in KEY_INPUTS}
    text = (
        "# syntax=x\nARG G=1\nFROM base:1 AS a\nARG http_proxy\nENV E=1\nUSER 1\nWORKDIR d\n"
        "ADD http://x/ /x\nCOPY --from=other:1 a $E\n"
        "RUN --mount=type=cache,target=/c --mount=from=img,target=/i --device=d make\n"
        "FROM base:1\nCOPY --from=a b b\nCOPY c c\n"
    )
    file = parse(text)
    settings = ClientSettings(
        proxies={"http_proxy": "1"}, environment={"BUILDX_X": "1", "SOURCE_DATE_EPOCH": "2"}
    )
    record = audit(
        text,
        [run(text, "h" * (9 if backend == "legacy" else 6), scenario=f"{backend}-as-found")],
        build_args={
            "U": "1", "ALL_PROXY": "1", "BUILDKIT_CACHE_MOUNT_NS": "1",
            "BUILDKIT_SANDBOX_HOSTNAME": "1",
        },
        docker_args=("--add-host=a:1", "--cache-from=x", "--build-context=a=b", "--build-arg", "X"),
    ).build  # fmt: skip
    seen: set[str] = set()
    for report in (host(facts_client_settings=settings), None):
        build = BuildOnHost(record, file, backend, report, None, "sha256:c")
        for stage in file.stages:
            for item in stage.instructions[1:]:
                found = step_inputs(build, StepId(stage.index, item.index))
                assert found is not None
                seen |= {*found.tokens, *found.doubts, *found.unknown}
    assert {name.partition(":")[0] for name in seen} <= names
    assert all(words_of(name) for name in seen)


@pytest.mark.parametrize("lines", ["ENV V=one\nARG V", "ENV V=one\nARG V=two"])
def test_an_argument_below_an_env_of_its_name_is_the_variable_to_buildkit_alone(
    lines: str,
) -> None:
    text = f"FROM base:1\n{lines}\nRUN x\n"
    given = [{"V": HASHER.digest(value)} for value in ("x", "y")]

    def said(scenario: str, letters: str, old: str) -> list[str]:
        runs = [run(text, letters, scenario=scenario)]
        earlier = before(text, old, scenario=scenario, build_args=given[0])
        return ids(why(audit(text, runs, build_args=given[1]), earlier))

    assert said(BUILDKIT, "m", "h") == ["build-arg-invalidates"]
    assert said(LEGACY, "hhm", "hhh") == [RULE]


def test_an_env_below_an_argument_of_its_name_is_the_variable() -> None:
    text = "FROM base:1\nARG V\nENV V=one\nRUN x\n"
    given = [{"V": HASHER.digest(value)} for value in ("x", "y")]
    earlier = before(text, "h", scenario=BUILDKIT, build_args=given[0])
    assert ids(why(audit(text, [run(text, "m")], build_args=given[1]), earlier)) == [RULE]


@pytest.mark.parametrize(
    ("word", "found"), [("EOF", ["build-arg-invalidates"]), ("'EOF'", [RULE]), ('"EOF"', [RULE])]
)
def test_a_variable_in_a_heredoc_of_copy_is_in_the_key_where_it_is_put_in(
    word: str, found: list[str]
) -> None:
    text = f"FROM base:1\nARG V\nCOPY <<{word} /x\nhello $V\nEOF\n"
    given = [{"V": HASHER.digest(value)} for value in ("x", "y")]
    earlier = before(text, "h", scenario=BUILDKIT, build_args=given[0])
    assert ids(why(audit(text, [run(text, "m")], build_args=given[1]), earlier)) == found


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ((), ("--platform", "linux/x86_64")),
        ((), ("--platform=linux",)),
        ((), ("--platform=amd64",)),
        ((), ("-t", "api:1", "--progress=plain", "-q")),
        (("--ulimit", "nofile=512"), ("--ulimit", "nofile=512:512")),
        (("--shm-size", "64m"), ("--shm-size", "67108864")),
        (("--shm-size", "64m"), ("--shm-size", "1g", "--shm-size", "64m")),
        (("--cgroup-parent", "/a"), ("--cgroup-parent=/b", "--cgroup-parent=/a")),
        (("--ulimit", "nofile=9"), ("--ulimit", "nofile=8", "--ulimit", "nofile=9")),
        (("--ulimit=core=1", "--ulimit=nofile=9"), ("--ulimit=nofile=9", "--ulimit=core=1")),
        (("--add-host=db:1.1.1.1",), ("--add-host=db:2.2.2.2",)),
    ],
)
def test_an_option_in_other_words_is_the_same(then: tuple[str, ...], now: tuple[str, ...]) -> None:
    for scenario in (LEGACY, BUILDKIT):
        earlier = before(TEXT, "hh", scenario=scenario, docker_args=then)
        one = audit(TEXT, [run(TEXT, "hm", scenario=scenario)], docker_args=now)
        assert ids(why(one, earlier)) == [RULE]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ((), ("--platform", "linux/aarch64")),
        (("--ulimit", "nofile=512"), ("--ulimit", "nofile=512:1024")),
        (("--shm-size", "64m"), ("--shm-size", "64k")),
    ],
)
def test_another_value_of_an_option_is_named(then: tuple[str, ...], now: tuple[str, ...]) -> None:
    earlier = before(TEXT, "hh", scenario=BUILDKIT, docker_args=then)
    one = audit(TEXT, [run(TEXT, "hm", scenario=BUILDKIT)], docker_args=now)
    assert set(ids(why(one, earlier))) == {"build-changed"}


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (
            ("--add-host", "db:1.1.1.1"),
            ("--add-host", "db:1.1.1.1", "--add-host=db=2.2.2.2"),
            "--add-host db:1.1.1.1 and --add-host db=2.2.2.2; before: --add-host db:1.1.1.1",
        ),
        (
            ("--ulimit", "nofile=9"),
            ("--ulimit", "nofile=9", "--ulimit", "core=0:1"),
            "--ulimit nofile=9 and --ulimit core=0:1; before: --ulimit nofile=9",
        ),
        (("--network=host",), (), "no --network; before: --network host"),
    ],
)
def test_each_value_of_an_option_is_told(
    then: tuple[str, ...], now: tuple[str, ...], said: str
) -> None:
    earlier = before(TEXT, "hh", scenario=BUILDKIT, docker_args=then)
    one = audit(TEXT, [run(TEXT, "hm", scenario=BUILDKIT)], docker_args=now)
    text = f"since audit then: docker_args of the build have {said}"
    assert [fact.text for fact in only(why(one, earlier), "build-changed").evidence] == [text]


def test_another_network_of_the_build_is_told_by_its_name() -> None:
    earlier = before(TEXT, "hh", scenario=BUILDKIT)
    one = audit(TEXT, [run(TEXT, "hm", scenario=BUILDKIT)], network="host")
    texts = [fact.text for fact in only(why(one, earlier), "build-changed").evidence]
    assert texts == ["since audit then: the network of the build is host; before: default"]


def test_a_line_of_another_network_is_no_other_network_of_the_build() -> None:
    text = "FROM base:1\nRUN --network=none x\n"
    earlier = before(text, "h", scenario=BUILDKIT)
    one = audit(text.replace("none", "host"), [run(text.replace("none", "host"), "m")])
    texts = [fact.text for fact in only(why(one, earlier), "build-changed").evidence]
    assert len(texts) == 1
    assert "the network of the build" not in texts[0]


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
def test_an_argument_made_of_another_is_no_changed_line(scenario: str) -> None:
    text = "FROM base:1\nARG V\nARG W=$V\nRUN x\n"
    given = [{"V": HASHER.digest(value)} for value in ("x", "y")]
    old, new = ("hhh", "hhm") if scenario == LEGACY else ("h", "m")
    earlier = before(text, old, scenario=scenario, build_args=given[0])
    one = audit(text, [run(text, new, scenario=scenario)], build_args=given[1])
    assert set(ids(why(one, earlier))) == {"build-arg-invalidates"}


def test_an_argument_that_buildkit_goes_by_itself_is_named() -> None:
    text = "FROM base:1\nRUN --mount=type=cache,target=/c x\n"
    given = {"BUILDKIT_CACHE_MOUNT_NS": HASHER.digest("mine")}
    (change,) = why(audit(text, [run(text, "m")], build_args=given), before(text, "h")).findings
    assert (change.id, change.confidence) == ("build-changed", "proved")
    assert "BUILDKIT_CACHE_MOUNT_NS" in change.evidence[0].text
