"""Digests of values: compared where one secret made both, and unknown where not."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from cachetui.builders import history_line
from cachetui.builders.history_line import is_step, kept, parse, read
from cachetui.dockerfile.parse import parse as parse_dockerfile
from cachetui.findings import Findings
from cachetui.findings.build_inputs import EPOCH
from cachetui.findings.context_files import ContextFiles, files_read
from cachetui.findings.variables import scope_at
from cachetui.records.digest import ValueHasher, differ, is_digest
from cachetui.records.host import BaseImage, ClientSettings, HostEvidence, LegacyChain
from tests import make_records as b
from tests.findings.making import HASHER, audit, before, host, ids, run, why
from tests.findings.test_inputs import FILES
from tests.findings.test_same_key import BUILDKIT, LEGACY, RULE, TEXT, missed, told

OTHER = ValueHasher(b"another secret")
SHORT = ("", "1", "on", "hunter2")


def plain(value: str) -> str:
    """The digest of earlier versions."""
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()


MADE = {"own": HASHER.digest, "another secret's": OTHER.digest, "plain": plain}


@pytest.mark.parametrize("value", [*SHORT, "é\udcff\n"])
def test_a_digest_is_read_with_the_secret_that_made_it(value: str) -> None:
    digest = HASHER.digest(value)
    assert digest == f"hmac-sha256:{HASHER.key}:{digest[-64:]}"
    assert is_digest(digest)
    assert ValueHasher(b"the secret of these audits").digest(value) == digest
    assert OTHER.digest(value)[-64:] != digest[-64:]
    assert HASHER.matches(value, digest) is True
    assert HASHER.matches(f"{value}x", digest) is False
    assert OTHER.matches(value, digest) is None
    assert not OTHER.reads(digest)


@pytest.mark.parametrize("value", SHORT)
def test_a_plain_digest_of_an_earlier_version_is_read_by_all(value: str) -> None:
    assert HASHER.matches(value, plain(value)) is OTHER.matches(value, plain(value)) is True
    assert HASHER.matches(f"{value}x", plain(value)) is False


@pytest.mark.parametrize("one", MADE)
@pytest.mark.parametrize("other", MADE)
def test_what_different_secrets_made_is_not_compared(one: str, other: str) -> None:
    a, same, different = MADE[one]("1"), MADE[other]("1"), MADE[other]("2")
    if one == other:
        assert (differ(a, same), differ(a, different)) == (False, True)
        assert differ(f"$A with [('A', '{a}')]", f"$A with [('A', '{different}')]") is True
    else:
        assert (differ(a, same), differ(a, different)) == (None, None)
        assert differ(f"$A with [('A', '{a}')]", f"$A with [('A', '{same}')]") is None
    assert differ(a, None) is differ(None, a) is differ(a, "1") is True
    assert differ(None, None) is False


Named = dict[str, tuple[str, ...]]


def _args(name: str = "TOKEN") -> Named:
    return {"build_args": (name,)}


def _client(name: str) -> Named:
    return {"environment": (name,)}


PROXY: Named = {"proxies": ("http_proxy",)}
INPUTS: dict[str, tuple[str, str, str, Named]] = {
    # what: scenario, the last lines, letters, the settings whose values are digests
    "an ARG": (BUILDKIT, "ARG TOKEN\nRUN make", "hm", _args()),
    "an ARG of the legacy builder": (LEGACY, "ARG TOKEN\nRUN make", "hhm", _args()),
    "an ENV of it": (BUILDKIT, "ARG TOKEN\nENV E=a$TOKEN\nRUN make", "hm", _args()),
    "a WORKDIR of it": (BUILDKIT, "ARG TOKEN\nWORKDIR /$TOKEN\nRUN make", "hhm", _args()),
    "without ARG": (BUILDKIT, "RUN make", "hm", _args()),
    "the frontend": (BUILDKIT, "RUN make", "hm", _args("BUILDKIT_SYNTAX")),
    "the epoch": (BUILDKIT, "WORKDIR /w", "hm", _client(EPOCH)),
    "the epoch as ARG": (BUILDKIT, f"ARG {EPOCH}\nRUN make", "hm", _client(EPOCH)),
    "a variable of the client": (BUILDKIT, "RUN make", "hm", _client("BUILDX_BUILDER")),
    "the platform": (BUILDKIT, "RUN make", "hm", _client("DOCKER_DEFAULT_PLATFORM")),
    "a proxy of docker's": (LEGACY, "ARG http_proxy\nRUN make", "hhm", PROXY),
    "a proxy of docker's, BuildKit": (BUILDKIT, "ARG http_proxy\nRUN make", "hm", PROXY),
}


def changed(what: str, now: tuple[str, str], then: tuple[str, str]) -> Findings:
    """What is found where that input's digest is of (whose, value)."""
    scenario, lines, letters, names = INPUTS[what]

    def side(whose: str, value: str) -> dict[str, Any]:
        made = {kind: dict.fromkeys(all_, MADE[whose](value)) for kind, all_ in names.items()}
        settings = ClientSettings(
            proxies=made.get("proxies", {}), environment=made.get("environment", {})
        )
        return {"build_args": made.get("build_args", {}), "settings": settings}

    text = TEXT.replace("RUN make", lines)
    return missed(scenario, side(*now), side(*then), text=text, letters=letters)


@pytest.mark.parametrize("what", INPUTS)
def test_nothing_is_claimed_of_values_that_cannot_be_compared(what: str) -> None:
    for now, then in (("own", "plain"), ("plain", "own"), ("own", "another secret's")):
        for value in ("1", "2"):
            found = changed(what, (now, "1"), (then, value))
            assert ids(found) == [], (now, then, value)
            assert "not known, so not compared" in told(found)
            assert "changed" not in told(found).replace("nothing that was looked at changed", "")


@pytest.mark.parametrize("whose", MADE)
@pytest.mark.parametrize("what", [what for what in INPUTS if what != "the frontend"])
def test_what_one_secret_made_is_compared(what: str, whose: str) -> None:
    same = changed(what, (whose, "1"), (whose, "1"))
    other = changed(what, (whose, "1"), (whose, "2"))
    if what == "the platform" and whose == "another secret's":
        assert (ids(same), ids(other)) == ([], []), "the host's own platform may be meant"
        return
    assert ids(same) == [RULE]
    assert ids(other) != [RULE]
    assert ids(other) or "changed" in told(other)


@pytest.mark.parametrize("whose", ["own", "plain"])
def test_the_hosts_own_platform_is_the_same_whoever_names_it(whose: str) -> None:
    own = b.facts().platform
    settings = ClientSettings(environment={"DOCKER_DEFAULT_PLATFORM": MADE[whose](own)})
    assert ids(missed(BUILDKIT, {"settings": settings}, {})) == [RULE]


FROM_TAG = "ARG TAG\nFROM base:$TAG\nRUN make\n"


@pytest.mark.parametrize(
    ("now", "then", "rule"),
    [
        (HASHER.digest("2"), HASHER.digest("1"), ["build-arg-invalidates"]),
        (plain("2"), plain("1"), ["build-arg-invalidates"]),
        (HASHER.digest("1"), HASHER.digest("1"), ["build-changed"]),
        (HASHER.digest("2"), plain("1"), []),
        (HASHER.digest("1"), plain("1"), []),
        (HASHER.digest("2"), OTHER.digest("1"), []),
    ],
)
def test_who_chose_another_base_image(now: str, then: str, rule: list[str]) -> None:
    layers = {"base:1": ("sha256:a",), "base:2": ("sha256:b",)}
    one = run(FROM_TAG, "m", scenario=BUILDKIT)
    found = why(
        audit(FROM_TAG, [one], hosts=[host(bases=layers)], bases=("base:2",),
              build_args={"TAG": now}),
        before(FROM_TAG, "h", hosts=[host(bases=layers)], bases=("base:1",),
               build_args={"TAG": then}),
    )  # fmt: skip
    assert ids(found) == rule
    if not rule:
        assert "FROM names base:2; it named base:1 before" in told(found)


LABELLED = "FROM base:1\nLABEL built=2\nRUN make\nRUN more\n"
NOW = ("LABEL built=1", "make", "more")


def with_images(text: str, letters: str, made_by: tuple[str, ...], **build: Any) -> Findings:
    evidence = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:id"),),
        legacy=(LegacyChain(base="sha256:id", image="sha256:old", made_by=made_by),),
        cache=(),
    )
    one = run(text, letters, scenario=LEGACY)
    return why(audit(text, [one], hosts=[host(evidence=evidence)], **build))


@pytest.mark.parametrize("whose", MADE)
def test_images_whose_commands_cannot_be_read_are_not_known(whose: str) -> None:
    digest = MADE[whose]
    make, more, args = (f"RUN {digest(one)}" for one in ("make", "more", "none"))
    known = whose != "another secret's"
    found = with_images(LABELLED, "mmm", ("LABEL built=1", make, more))
    assert ids(found) == (["legacy-metadata-invalidates"] if known else [])
    found = with_images("FROM base:1\nARG A=1\nRUN make\n", "hm", ("ARG A=1", f"{make} args=x"))
    assert ids(found) == (["build-arg-invalidates"] if known else [])
    found = with_images("FROM base:1\nRUN make\n", "m", (args,))
    assert ids(found) == ([RULE] if known else []), "none is of it, as far as they can be read"


HISTORY = {
    # a line of docker history → the instruction that it is, and what of it is kept in clear
    "/bin/sh -c make  all": ("RUN make all", "RUN"),
    "|2 A=1 B=x y /bin/sh -c make all": ("RUN make all", "RUN"),
    "|1 T=hunter2 /bin/bash -o pipefail -c make all": ("RUN make all", "RUN"),
    "/bin/sh -c #(nop)  ENV TOKEN=hunter2 B=c": ("ENV TOKEN=$T B=c", "ENV TOKEN B"),
    "/bin/sh -c #(nop) COPY file:abc in /a ": ("COPY a /a", "COPY /a"),
    '/bin/sh -c #(nop)  CMD ["x" "y"]': ('CMD ["x","y"]', 'CMD ["x" "y"]'),
    "/bin/sh -c #(nop)  LABEL at=9 at noon by=me": ('LABEL by=me at="9 at noon"', "LABEL at=9"),
}


@pytest.mark.parametrize("line", HISTORY)
def test_a_line_of_history_is_its_instruction_kept_or_not(line: str) -> None:
    text, clear = HISTORY[line]
    item = parse_dockerfile(f"FROM base:1\n{text}\n").stages[0].instructions[1]
    other = parse_dockerfile("FROM base:1\nRUN other\n").stages[0].instructions[1]
    keeping = kept(line, HASHER)
    assert keeping.startswith(clear)
    assert "hunter2" not in keeping
    assert is_step(read(line), item)
    assert is_step(parse(keeping), item, HASHER)
    assert not is_step(parse(keeping), other, HASHER)
    assert not is_step(read(line), other)
    if item.keyword == "RUN":
        assert not is_step(parse(keeping), item, OTHER)
        assert (read(line).args is None) is (parse(keeping).args is None)
        assert kept(line, OTHER) != keeping


VALUES = {"V": HASHER.digest("one"), "W": HASHER.digest("two words")}


@pytest.mark.parametrize(
    ("kept_text", "text", "same"),
    [
        ("LABEL release=[build-arg V]", "LABEL release=one", True),
        ("LABEL release=[build-arg V]", 'LABEL release="one"', True),
        ("LABEL release=[build-arg V]", "LABEL release=$V", True),
        ("LABEL release=[build-arg V]", "LABEL release=v${V}", False),
        ("LABEL release=v[build-arg V].1", "LABEL release=v${V}.1", True),
        ("LABEL release=[build-arg V]", "LABEL release=two", False),
        ("LABEL b=x a=[build-arg V]", "LABEL a=one b=x", True),
        ("LABEL b=[build-arg V] a=[build-arg V]", "LABEL a=one b=two", False),
        ("LABEL release=[build-arg V]", "LABEL release=one more=x", False),
        ("LABEL release=[env V]", "LABEL release=one", False),
        ("LABEL release=[build-arg X]", "LABEL release=one", False),
        ('CMD ["/bin/[build-arg V]"]', 'CMD ["/bin/one"]', True),
        ("WORKDIR /[build-arg V]", "WORKDIR /$V", True),
        ("WORKDIR /[build-arg V]", "WORKDIR /two", False),
    ],
)
def test_a_line_with_a_hidden_value_is_the_instruction_that_has_it(
    kept_text: str, text: str, same: bool
) -> None:
    item = parse_dockerfile(f"FROM base:1\n{text}\n").stages[0].instructions[1]
    assert is_step(parse(kept_text), item, HASHER, VALUES) is same
    assert not is_step(parse(kept_text), item, OTHER, VALUES) or "$" in text
    assert not is_step(parse(kept_text), item)


def test_a_label_by_a_hidden_value_is_told() -> None:
    """The value of an argument stands in a label by chance, in it or in one above it."""
    text = "FROM base:1\nLABEL by=one\nLABEL built=2\nRUN make\nRUN more\n"
    steps = tuple(f"RUN {HASHER.digest(one)}" for one in ("make", "more"))

    def found(letters: str, *labels: str, text: str = text) -> list[str]:
        return ids(with_images(text, letters, (*labels, *steps), build_args=VALUES))

    rule = ["legacy-metadata-invalidates"]
    assert found("hmmm", "LABEL by=[build-arg V]", "LABEL built=1") == rule
    assert found("mmmm", "LABEL by=[build-arg W]", "LABEL built=2") == rule
    assert found("mmmm", "LABEL by=[env TOKEN]", "LABEL built=2") == []
    other = text.replace("by=one", "by=$T")
    assert found("mmmm", "LABEL by=[build-arg W]", "LABEL built=2", text=other) == []


def test_the_arguments_of_a_run_are_kept_by_the_secret_alone() -> None:
    line = kept("|1 T=1 /bin/sh -c make", HASHER)
    assert line == f"RUN {HASHER.digest('make')} args={HASHER.digest('T=1')}"
    assert not hasattr(history_line, "hashlib")


def test_a_file_that_a_value_names_is_not_known() -> None:
    file = parse_dockerfile("FROM base:1\nARG WHAT\nCOPY $WHAT /\n")
    item = file.stages[0].instructions[-1]
    files = ContextFiles(FILES, {"context/.dockerignore": ""}, "context/Dockerfile")

    def seen(value: str) -> object:
        return files_read(
            files, item, "buildkit", scope_at(file, {"WHAT": value}, 0, 2, "buildkit")
        )

    assert seen("beside") is not None
    assert [seen(make("beside")) for make in MADE.values()] == [None] * len(MADE)
