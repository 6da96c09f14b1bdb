"""What a base image sets otherwise is named where it is in a key; what is in no key is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cachetui.context.manifest import Entry
from cachetui.findings import Findings
from cachetui.records.digest import ValueHasher
from cachetui.records.host import BaseImage, HostEvidence, HostReport
from cachetui.records.image_settings import ImageSettings
from tests import make_records as b
from tests.findings.making import BASE, HASHER, audit, entries, host, ids, run, why

LEGACY, BUILDKIT = "legacy-as-found", "buildkit-as-found"
EVICTED = "evicted-or-never-built"


def settings(hasher: ValueHasher = HASHER, **more: Any) -> ImageSettings:
    env = {name: hasher.digest(value) for name, value in more.pop("env", {}).items()}
    return ImageSettings(env={"PATH": hasher.digest("/bin"), **env}, **more)


def on(
    image: str, known: ImageSettings | None, *, ref: str = "base:1", store: str = "overlay2"
) -> HostReport:
    """A host whose base image has this ID and sets this."""
    return host(
        bases={ref: BASE},
        facts_store=store,
        facts_triggers={ref: ()},
        facts_base_settings={} if known is None else {ref: known},
        evidence=HostEvidence(at=b.NOW, bases=(BaseImage(ref=ref, id=image),)),
    )


def said(
    text: str,
    then: ImageSettings | None,
    now: ImageSettings | None,
    letters: str = "m",
    *,
    scenario: str = BUILDKIT,
    images: tuple[str, str] = ("sha256:a", "sha256:b"),
    before_text: str | None = None,
    store: str = "overlay2",
    contexts: Mapping[str, tuple[Entry, ...]] | None = None,
    ref: tuple[str, str] = ("base:1", "base:1"),
) -> Findings:
    old = before_text or text
    hosts = [on(images[n], (then, now)[n], ref=ref[n], store=store) for n in (0, 1)]
    digests = [f"sha256:{name}" for name in contexts] if contexts else ["sha256:context"] * 2
    earlier = [run(old, "h" * len(letters), scenario=scenario, audit="then", at=b.NOW - 3600)]
    return why(
        audit(text, [run(text, letters, scenario=scenario)], hosts=[hosts[1]],
              context_digest=digests[1]),
        audit(old, earlier, hosts=[hosts[0]], audit="then", at=b.NOW - 3600,
              context_digest=digests[0]),
        manifests={f"sha256:{n}": one for n, one in (contexts or {"context": ()}).items()},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "then", "now", "named"),
    [
        ("RUN x", settings(), settings(env={"MODE": "one"}), "ENV MODE"),
        ("RUN x", settings(env={"MODE": "one"}), settings(env={"MODE": "two"}), "ENV MODE"),
        ("ENV F=${MODE}\nRUN x", settings(env={"MODE": "1"}), settings(env={"MODE": "2"}), "MODE"),
        ("RUN x", settings(env={"A": "1", "B": "2"}), settings(env={"B": "2", "A": "1"}), "order"),
        ("RUN x", settings(), settings(user="nobody"), "USER"),
        ("RUN x", settings(folder="/"), settings(folder="/srv"), "WORKDIR"),
        ("RUN x", settings(), settings(shell=("/bin/bash", "-c")), "SHELL"),
        ("COPY f g", settings(), settings(folder="/srv"), "WORKDIR"),
        ("WORKDIR sub", settings(), settings(folder="/srv"), "WORKDIR"),
        ("WORKDIR /sub", settings(), settings(user="root"), "USER"),
        ("COPY f /$V/", settings(env={"V": "one"}), settings(env={"V": "two"}), "ENV V"),
    ],
)
def test_what_the_image_sets_otherwise_is_named(
    text: str, then: ImageSettings, now: ImageSettings, named: str
) -> None:
    found = said(f"FROM base:1\n{text}\n", then, now)
    (drift,) = found.findings
    assert (drift.id, drift.confidence) == ("base-drift", "proved")
    assert named in drift.evidence[0].text
    assert "one" not in repr(drift.evidence[0].data)


@pytest.mark.parametrize(
    ("text", "then", "now"),
    [
        ("RUN x", settings(), settings()),
        ("RUN x", settings(folder=""), settings(folder="/")),
        ("COPY f /g", settings(), settings(folder="/srv", user="nobody", env={"A": "1"})),
        ("WORKDIR /sub", settings(), settings(folder="/srv", env={"A": "1"})),
        ("USER root\nWORKDIR /sub", settings(), settings(user="nobody")),
        ("ENV V=one\nRUN x", settings(env={"V": "two"}), settings(env={"V": "three"})),
    ],
)
def test_what_is_in_no_key_of_buildkit_leaves_it_the_same(
    text: str, then: ImageSettings, now: ImageSettings
) -> None:
    assert ids(said(f"FROM base:1\n{text}\n", then, now)) == [EVICTED]


def test_the_legacy_builder_goes_by_the_id() -> None:
    found = said("FROM base:1\nRUN x\n", settings(), settings(), scenario=LEGACY)
    assert [(one.id, one.confidence) for one in found.findings] == [("base-drift", "proved")]


def test_the_containerd_store_goes_by_the_manifest() -> None:
    text, store = "FROM base:1\nRUN x\n", "containerd/overlayfs"
    (drift,) = said(text, settings(), settings(), store=store).findings
    assert (drift.id, drift.confidence) == ("base-drift", "likely")
    assert "another digest" in drift.evidence[0].text
    (drift,) = said(text, settings(), settings(user="x"), store=store).findings
    assert (drift.id, drift.confidence) == ("base-drift", "proved")


@pytest.mark.parametrize("known", [(None, settings()), (settings(), None)])
def test_what_is_known_on_one_side_alone_is_not_compared(
    known: tuple[ImageSettings | None, ImageSettings | None],
) -> None:
    text = "FROM base:1\nRUN x\n"
    (drift,) = said(text, *known).findings
    assert (drift.id, drift.confidence) == ("base-drift", "likely")
    assert ids(said(text, *known, images=("sha256:a", "sha256:a"))) == [EVICTED]


def test_digests_of_another_secret_are_not_compared() -> None:
    other = settings(ValueHasher(b"another secret"))
    assert ids(said("FROM base:1\nRUN x\n", other, settings())) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ENV V=one", [EVICTED]),
        ("ENV PATH=/bin", ["build-changed"]),  # it stands last now
        ("ENV V=two", ["build-changed"]),
    ],
)
def test_a_line_that_sets_what_the_image_sets_already_is_no_change(
    line: str, found: list[str]
) -> None:
    known = settings(env={"V": "one"})
    changed = said(
        f"FROM base:1\n{line}\nRUN x\n", known, known, before_text="FROM base:1\nRUN x\n",
        images=("sha256:a", "sha256:a"),
    )  # fmt: skip
    assert ids(changed) == found


def test_another_image_of_the_same_layers_is_named_with_what_it_sets() -> None:
    texts = [f"FROM {name}\nRUN x\n" for name in ("base:1", "base:2")]
    found = said(
        texts[1], settings(), settings(env={"MODE": "one"}), before_text=texts[0],
        ref=("base:1", "base:2"),
    )  # fmt: skip
    (change,) = found.findings
    assert (change.id, change.confidence) == ("build-changed", "proved")
    assert "sets ENV MODE otherwise" in change.evidence[0].text
    same = said(
        texts[1], settings(), settings(), before_text=texts[0], ref=("base:1", "base:2")
    )  # fmt: skip
    assert "build-changed" not in ids(same)


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
@pytest.mark.parametrize("value", ["app", "./app", "/app/"])
@pytest.mark.parametrize("lines", ["COPY $APP_DIR/x /x", "ARG D=$APP_DIR\nCOPY $D/x /x"])
def test_files_that_a_variable_of_the_image_names_are_compared(
    scenario: str, value: str, lines: str
) -> None:
    text = f"FROM base:1\n{lines}\n"
    known = settings(env={"APP_DIR": value})
    contexts = {name: entries(app="", app__x=name, y=name) for name in ("then", "now")}
    images = ("sha256:a", "sha256:a")
    letters = "hm" if scenario == LEGACY and "ARG" in lines else "m"
    found = said(text, known, known, letters, scenario=scenario, images=images, contexts=contexts)
    assert [(one.id, one.confidence) for one in found.findings] == [("context-content", "proved")]
    other = {name: entries(app="", app__x="same", y=name) for name in ("then", "now")}
    found = said(text, known, known, letters, scenario=scenario, images=images, contexts=other)
    assert ids(found) == [EVICTED]


def test_a_default_holds_where_the_image_does_not_set_the_variable() -> None:
    contexts = {name: entries(app__x=name) for name in ("then", "now")}
    text, images = "FROM base:1\nCOPY ${SRC:-app}/x /x\n", ("sha256:a", "sha256:a")
    found = said(text, settings(), settings(), images=images, contexts=contexts)
    assert [(one.id, one.confidence) for one in found.findings] == [("context-content", "proved")]
    elsewhere = settings(env={"SRC": "elsewhere"})
    assert ids(said(text, elsewhere, elsewhere, images=images, contexts=contexts)) == []


def between(*known: ImageSettings | None) -> Findings:
    """Of hosts that have base:1 of equal layers and set this."""
    text, names = "FROM base:1\nRUN x\n", [f"ci-{n}" for n in range(len(known))]
    hosts = [
        host(name, facts_base_settings={} if one is None else {"base:1": one})
        for name, one in zip(names, known, strict=True)
    ]
    return why(audit(text, [run(text, "h", host=name) for name in names], hosts=hosts))


def test_hosts_whose_base_sets_another_variable_are_named() -> None:
    one, other = settings(env={"MODE": "one"}), settings(env={"MODE": "two"}, user="app")
    (drift,) = between(one, one, other).findings
    assert (drift.id, drift.confidence, drift.hosts) == ("base-drift", "proved", ("ci-2",))
    texts = {fact.hosts: fact.text for fact in drift.evidence}
    for hosts, value, user in (
        (("ci-0", "ci-1"), "one", "no USER"),
        (("ci-2",), "two", "USER app"),
    ):
        digest = HASHER.digest(value).rpartition(":")[2][:8]
        assert f"and sets ENV MODE (digest {digest}) and {user}" in texts[hosts]
    assert drift.evidence[-1].data["settings"] == ["ENV MODE", "USER"]


@pytest.mark.parametrize(
    "known",
    [
        (settings(), settings(folder="/")),
        (settings(), None),
        (settings(), settings(ValueHasher(b"another secret"))),
    ],
)
def test_hosts_whose_base_sets_the_same_or_is_not_known_are_not(
    known: tuple[ImageSettings | None, ...],
) -> None:
    assert ids(between(*known)) == []


@pytest.mark.parametrize("scenario", [LEGACY, BUILDKIT])
@pytest.mark.parametrize("line", ["COPY f {}/f", "WORKDIR {}", "ADD f {}/f"])
def test_a_variable_of_the_image_in_place_of_its_value_is_no_change(
    scenario: str, line: str
) -> None:
    known, images = settings(env={"APP": "/srv/app"}), ("sha256:a", "sha256:a")
    then, now = (f"FROM base:1\n{line.format(word)}\n" for word in ("$APP", "/srv/app"))
    found = said(now, known, known, scenario=scenario, images=images, before_text=then)
    assert ids(found) == [EVICTED]
    other = settings(env={"APP": "/srv/other"})
    found = said(now, other, other, scenario=scenario, images=images, before_text=then)
    assert EVICTED not in ids(found)


def test_a_label_with_a_variable_that_the_image_may_set_is_likely_at_most() -> None:
    then, now = (f"FROM base:1\nLABEL a={word}\nRUN x\n" for word in ("$APP", "app"))
    images = ("sha256:a", "sha256:a")
    found = said(now, None, None, "mm", scenario=LEGACY, images=images, before_text=then)
    assert [one.confidence for one in found.findings] == ["likely"]
    known = settings(env={"APP": "app"})
    found = said(now, known, known, "mm", scenario=LEGACY, images=images, before_text=then)
    assert ids(found) == [EVICTED]
