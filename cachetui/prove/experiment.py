"""One experiment from its finding to its proof: prepare, say what will run, run, judge, tidy."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cachetui.audit.host_audit import Connect
from cachetui.audit.redact import Redactor
from cachetui.audit.run_key import digest
from cachetui.config.hosts_toml import BuildSettings, HostSettings
from cachetui.context.build_context import Context, ContextError, read_context
from cachetui.findings.case import Case
from cachetui.findings.record import Evidence, Finding, Proof
from cachetui.hosts.checkout import read_checkout
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.hosts.upload import context_folder, put_folder
from cachetui.prove.change import Change, ExperimentSetting, Image, NoExperiment, State, ValueNeeded
from cachetui.prove.derived_build import DerivedBuild, DerivedBuilds, never_cached
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.prove.remake import remade_verdict, remake
from cachetui.prove.suspects import change
from cachetui.prove.verdict import Made, Outcome, Verdict, together, verdict
from cachetui.records.backend import Backend
from cachetui.store.database import Store

ASK_SECONDS = 60.0


@dataclass(frozen=True)
class Progress:
    """How far an experiment has come: build `number` of at most `of`, and what it is at."""

    number: int
    of: int
    build: str
    doing: str = ""


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class ProofRequest:
    """What one wants proved. `contexts` are builds whose folders may hold the context that was
    sent, `given` values of build arguments, `hosts` all that are known."""

    case: Case
    finding: Finding
    host: HostSettings
    hosts: Mapping[str, HostSettings]
    contexts: Sequence[BuildSettings] = ()
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Part:
    """What is asked with one backend. `unasked` is why the host's own cache is not asked."""

    change: Change
    own: Mapping[str, DerivedBuild]
    host: Mapping[str, DerivedBuild]
    unasked: str | None


@dataclass
class Experiment:
    """Prepared by `prepare`, run by `run`, ended by `close`; one thread at a time."""

    asked: ProofRequest
    store: Store
    connect: Connect
    cancel: Cancel
    name: str = field(default_factory=lambda: "prove-" + secrets.token_hex(5))
    parts: tuple[_Part, ...] = ()
    _bench: ExperimentHost | None = None
    _machines: list[Machine] = field(default_factory=list)
    _values: Mapping[str, str] = field(default_factory=dict)
    _to_send: Context | None = None
    _image: tuple[Image, str] | None = None

    # Before

    def prepare(self) -> list[str]:
        """Connect, see what is there, and say what will run: shell commands, with comments.

        Nothing on the host is changed. Raises `HostError` and `NoExperiment`.
        """
        case, host = self.asked.case, self.asked.host
        build = case.document.build
        self._values = _values(build.build_args, self.asked)
        bench = self._bench = self._connect(host)
        sent = context_folder(bench.facts.cache_folder, build.context_digest)
        self._find_context(bench, sent)
        files = case.files(case.document, host.name)
        layout = DerivedBuilds(
            name=self.name,
            sent=sent,
            root=bench.root,
            dockerfile=files.dockerfile if files else f"context/{build.dockerfile}",
            record=build,
            original=case.dockerfile,
        )
        self.parts = tuple(self._part(layout, backend) for backend in self._backends(bench))
        self._find_image(bench)
        bench.begin()
        return [bench.shown(line) for line in self._told(bench)]

    def _connect(self, host: HostSettings) -> ExperimentHost:
        machine = self.connect.connect(host, self.cancel)
        self._machines.append(machine)
        facts = ask_facts(machine, host, (), usage=False, cancel=self.cancel)
        root = f"{facts.cache_folder}/contexts/{self.name}"
        return ExperimentHost(machine, host, facts, self.name, root, self.store, self.cancel)

    def _find_context(self, bench: ExperimentHost, sent: str) -> None:
        """Make sure that the context that was sent can be had: there still, or here."""
        there = bench.machine.run(
            f"test -d {shlex.quote(sent)}/context", timeout=ASK_SECONDS, cancel=self.cancel
        )
        if there.status == 0:
            return
        wanted = self.asked.case.document.build.context_digest
        looked: list[str] = []
        for build in self.asked.contexts:
            try:
                context = read_context(build.context, build.dockerfile)
            except ContextError as error:
                looked.append(str(error))
                continue
            if context.digest == wanted:
                self._to_send = context
                return
            looked.append(f"{build.context} has changed since the audit")
        why = "; ".join(dict.fromkeys(looked)) or "no folder of that build is known here"
        raise NoExperiment(
            f"the context that was built is no longer on {bench.host.name}, and {why}. Run the "
            "audit again, or prove from the folder as it was"
        )

    def _backends(self, bench: ExperimentHost) -> list[Backend]:
        wanted = self.asked.finding.backends
        found = [backend for backend in wanted if backend in bench.facts.backends]
        if not found:
            names = " and ".join(wanted) or "no backend"
            raise NoExperiment(f"it is about {names}, which {bench.host.name} does not have")
        return found

    def _part(self, layout: DerivedBuilds, backend: Backend) -> _Part:
        setting = ExperimentSetting(
            case=self.asked.case,
            finding=self.asked.finding,
            host=self.asked.host.name,
            backend=backend,
            name=self.name,
            cache_folder=layout.root.rpartition("/contexts/")[0],
            values=self._values,
            given=self.asked.given,
        )
        remade = self.asked.finding.suspect.get("kind") in ("repeat", "mount")
        found = remake(setting) if remade else change(setting)
        self._unchanged_checkout(found)
        own = {key: layout.own(found, state, key) for key, state in _states(found)}
        if found.remade == "mount":
            # Another namespace, so an empty mount; another host name, so that it runs.
            own["cold"] = replace(layout.own(found, found.then, "then"), name=f"{self.name}-2")
        host: dict[str, DerivedBuild] = {}
        unasked = self._unasked(found)
        if found.run is not None and unasked is None:
            for key, state in _states(found):
                laid = layout.host(found, state, key)
                if laid is None:
                    unasked = "what COPY sees there would change with the Dockerfile"
                    break
                host[key] = laid
        return _Part(found, own, {} if unasked else host, unasked)

    def _unasked(self, found: Change) -> str | None:
        """Why the host's own cache may not be asked: a RUN would use the user's mounts."""
        item = self.asked.case.instruction(found.watch)
        if found.run is None or item is None:
            return None
        if never_cached(self.asked.case.document.build.docker_args):
            return (
                "the build has --no-cache, with which nothing is looked up, and mounts are emptied"
            )
        if found.backend == "legacy":
            return None
        if item.cache_mounts:
            return f"line {item.line} would run with the user's own cache mount if it missed"
        return None

    def _unchanged_checkout(self, found: Change) -> None:
        """A checkout that files are taken from must be what it was at the audit."""
        bench, evidence = self._bench, self.asked.case.evidence(self.asked.host.name)
        checkout = evidence.checkout if evidence else None
        if bench is None or checkout is None or checkout.digest is None:
            return
        if not any(edit.source == checkout.path for edit in found.then.files):
            return
        now, _ = read_checkout(
            bench.machine,
            checkout.path,
            self.asked.case.document.build.dockerfile,
            cancel=self.cancel,
        )
        if now.digest != checkout.digest:
            raise NoExperiment(
                f"{checkout.path} on {bench.host.name} has changed since the audit; run the audit "
                "again"
            )

    def _find_image(self, bench: ExperimentHost) -> None:
        """Where the base image can be had, if one is needed."""
        image = next((part.change.image for part in self.parts if part.change.image), None)
        if image is None:
            return
        identity = bench.find(image)
        if identity is not None:
            exact = image.id is None or identity == image.id
            self._image = (image, identity)
            if not exact:
                self.parts = tuple(_by_layers_only(part) for part in self.parts)
            return
        if image.digest is None and not any(name in self.asked.hosts for name in image.hosts):
            raise NoExperiment(
                f"the {image.ref} that the cache was made from is no longer on {bench.host.name}, "
                "and nothing tells where to get it"
            )
        self._image = (image, "")

    # What will run

    def _told(self, bench: ExperimentHost) -> Iterator[str]:
        host = bench.host
        yield f"# host {host.name} ({host.address}): {self.asked.finding.name}"
        for part in self.parts:
            yield f"# the suspect: {part.change.what}"
        if self._to_send is not None:
            yield f"# sent again: the context ({self._to_send.size} bytes)"
        if self._image is not None:
            yield from self._image_told(bench, *self._image)
        told: set[str] = set()
        for part in self.parts:
            for key, laid, state in _order(part):
                whose = (
                    f"{host.name}'s own cache" if key.startswith("host") else "a cache of its own"
                )
                only = ", only if the last one misses" if key == "host-now" else ""
                yield f"# {part.change.backend}, {state.name}, in {whose}{only}"
                if laid.script not in told:
                    told.add(laid.script)
                    yield laid.script
                yield bench.job(laid, Redactor({})).command(values=False)
        yield "# afterwards: our tags, the images that were made, our cache mounts and our folder"
        if self._image is not None:
            bench.expect(*self._image)
        yield from bench.tidying(laid=[laid for part in self.parts for laid in part.own.values()])

    def _image_told(self, bench: ExperimentHost, image: Image, identity: str) -> Iterator[str]:
        if identity:
            yield f"{bench.docker} tag {identity} {image.tag}"
            return
        if image.digest:
            yield bench.pull_command(image)
        if image.hosts:
            only = "if that fails, " if image.digest else ""
            yield f"# {only}copied from {image.hosts[0]}: docker save there, docker load here"

    # The experiment

    def run(self, on_progress: OnProgress = lambda _: None) -> Proof:
        """Make the builds and judge. The proof is kept in the store. Raises `HostError`,
        `NoExperiment` (an image that has gone) and `StoreError`."""
        bench = self._bench
        assert bench is not None
        bench.begin()
        verdicts: list[Verdict] = []
        try:
            self._send(bench)
            self._fetch(bench)
            for number, part in enumerate(self.parts):
                verdicts.append(self._ask(bench, part, number, on_progress))
        finally:
            bench.tidy()
        found = together(verdicts)
        return self._proof(found.outcome, found.evidence, bench.commands)

    def _proof(
        self, outcome: Outcome, evidence: tuple[Evidence, ...], commands: Sequence[str]
    ) -> Proof:
        finding = self.asked.finding
        proof = Proof(
            audit=self.asked.case.document.audit,
            id=finding.id,
            steps=finding.steps,
            host=self.asked.host.name,
            outcome=outcome,
            evidence=evidence,
            at=time.time(),
            commands=tuple(commands),
        )
        self.store.keep_proof(proof.audit, proof)
        return proof

    def _send(self, bench: ExperimentHost) -> None:
        if self._to_send is not None:
            folder = context_folder(bench.facts.cache_folder, self._to_send.digest)
            put_folder(
                bench.machine,
                folder,
                self._to_send.tar_members,
                on_sent=lambda _: None,
                cancel=self.cancel,
            )

    def _fetch(self, bench: ExperimentHost) -> None:
        if self._image is None:
            return
        image, identity = self._image
        if identity:
            bench.take(image, identity)
            return
        others = [self.asked.hosts[name] for name in image.hosts if name in self.asked.hosts]
        try:
            if image.digest is not None:
                bench.pull(image)
                return
        except HostError as error:
            if error.trouble != "shell" or not others:
                raise
        bench.load(image, self._connect(others[0]))

    def _ask(
        self, bench: ExperimentHost, part: _Part, number: int, on_progress: OnProgress
    ) -> Verdict:
        """All builds of one backend, as far as they are needed."""
        made: dict[str, Made] = {}
        redactor = Redactor({**part.change.now.build_args, **part.change.then.build_args})
        order = list(_order(part))
        total = len(order) * len(self.parts)
        for place, (key, laid, state) in enumerate(order, 1 + number * len(order)):
            if key == "host-now" and made["host-then"].status != "miss":
                continue
            if key.startswith("own") and part.change.remade is None and _settled(made):
                break
            label = f"{part.change.backend}, {state.name}"

            def doing(what: str, place: int = place, label: str = label) -> None:
                on_progress(Progress(place, total, label, what))

            doing("")
            made[key] = bench.build(laid, redactor, doing)
        if part.change.remade is not None:
            return remade_verdict(part.change, made, self.asked.host.name)
        item = self.asked.case.instruction(part.change.watch)
        line = f"line {item.line} ({item.keyword})" if item is not None else "the step"
        return verdict(
            part.change,
            made,
            self.asked.host.name,
            line,
            recorded=self.asked.finding.confidence == "proved",
            unasked=part.unasked,
        )

    def close(self) -> None:
        """Drop the connections, which ends what runs on them."""
        for machine in self._machines:
            machine.close()


def _states(found: Change) -> tuple[tuple[str, State], ...]:
    return (("then", found.then), ("now", found.now))


def _order(part: _Part) -> Iterator[tuple[str, DerivedBuild, State]]:
    """The builds in their order; the host's own cache is asked first."""
    then, now = part.change.then, part.change.now
    if part.host:
        yield "host-then", part.host["then"], then
        yield "host-now", part.host["now"], now
    yield "own-then", part.own["then"], then
    if "cold" in part.own:
        yield "own-cold", part.own["cold"], now
    yield "own-now", part.own["now"], now
    yield "own-again", part.own["then"], then


def _settled(made: Mapping[str, Made]) -> bool:
    """Whether the builds so far leave nothing to ask."""
    asked = made.get("host-then")
    if asked is not None and asked.status != "hit":
        return True
    first, now = made.get("own-then"), made.get("own-now")
    return (first is not None and first.status != "miss") or (
        now is not None and now.status != "miss"
    )


def _by_layers_only(part: _Part) -> _Part:
    """The legacy builder's cache goes by the image's ID, and that image has gone."""
    if part.change.backend != "legacy" or not part.host:
        return part
    why = "the image of that ID has gone; another of the same layers stands in for it"
    return _Part(part.change, part.own, {}, why)


def _values(kept: Mapping[str, str], asked: ProofRequest) -> dict[str, str]:
    """The values of the build's arguments: only digests are kept, so they are taken from the
    settings or what was given. Raises `NoExperiment` for one that nobody knows."""
    known: list[tuple[str, str]] = [*asked.given]
    for build in asked.contexts:
        known += build.build_args.items()
    found: dict[str, str] = {}
    for name, wanted in kept.items():
        values = [value for other, value in known if other == name and digest(value) == wanted]
        if not values:
            raise ValueNeeded(name, f"the value that {name} had in the audit is needed")
        found[name] = values[0]
    return found
