"""One experiment from its finding to its proof: prepare, say what will run, run, judge, tidy."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cachetui.audit.allowance import not_now
from cachetui.audit.engine_turns import turn
from cachetui.audit.redact import Redactor
from cachetui.config.settings import HostSettings
from cachetui.context.build_context import Context
from cachetui.findings.record import Proof
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.machine import Cancel, HostConnector, Machine
from cachetui.hosts.upload import context_folder, put_context
from cachetui.prove.change import ExperimentSetting, Image
from cachetui.prove.changes import change_for
from cachetui.prove.derived_build import DerivedBuilds
from cachetui.prove.dry_run import dry_run
from cachetui.prove.errors import NoExperiment, no_experiment_on
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.prove.key_verdict import key_verdict
from cachetui.prove.plan import BuilderPlan, builder_plan
from cachetui.prove.repeat_verdict import repeat_verdict
from cachetui.prove.request import ProofRequest
from cachetui.prove.sources import (
    argument_values,
    check_checkout,
    context_to_send,
    fetch_base_image,
    find_base_image,
)
from cachetui.prove.verdict import Made, Verdict, together, verdict
from cachetui.records.backend import Backend
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError


@dataclass(frozen=True)
class Progress:
    """How far an experiment has come: build `number` of at most `of`, and what it is at."""

    number: int
    of: int
    build: str
    doing: str = ""


OnProgress = Callable[[Progress], None]


@dataclass
class Experiment:
    """Prepared by `prepare`, run by `run`, ended by `close`; one thread at a time."""

    request: ProofRequest
    store: Store
    connect: HostConnector
    cancel: Cancel
    name: str = field(default_factory=lambda: "prove-" + secrets.token_hex(5))
    plans: tuple[BuilderPlan, ...] = ()
    trouble: StoreError | None = None
    _host: ExperimentHost | None = None
    _machines: list[Machine] = field(default_factory=list)
    _values: Mapping[str, str] = field(default_factory=dict)
    _to_send: Context | None = None
    _image: tuple[Image, str] | None = None

    def prepare(self) -> list[str]:
        """Connect, see what is there, and return what will run: shell commands, with comments.

        Nothing on the host is changed. Raises `HostError` and `NoExperiment`.
        """
        request = self.request
        case, build = request.case, request.case.document.build
        self._values = argument_values(request)
        host = self._host = self._connect(request.host)
        sent = context_folder(host.facts.cache_folder, build.context_digest)
        self._to_send = context_to_send(request, host, sent)
        files = case.files(case.document, request.host.name)
        builds = DerivedBuilds(
            name=self.name,
            sent=sent,
            root=host.root,
            dockerfile=files.dockerfile if files else f"context/{build.dockerfile}",
            record=build,
            original=case.dockerfile,
        )
        self.plans = tuple(self._plan(host, builds, backend) for backend in self._backends(host))
        self._find_image(host)
        host.begin(noted=False)
        lines = dry_run(host, request.finding.name, self.plans, self._to_send, self._image)
        return [host.shown(line) for line in lines]

    def _connect(self, host: HostSettings) -> ExperimentHost:
        machine = self.connect.connect(host, self.cancel)
        self._machines.append(machine)
        host = with_chosen_builder(machine, host, self.cancel)
        facts = ask_facts(machine, host, (), usage=False, cancel=self.cancel)
        builder = facts.builder if "buildkit" in self.request.finding.backends else None
        if builder is not None and facts.builds_elsewhere:
            raise NoExperiment(f"{host.name}: {'; '.join(no_experiment_on(builder))}")
        root = f"{facts.cache_folder}/contexts/{self.name}"
        return ExperimentHost(machine, host, facts, self.name, root, self.store, self.cancel)

    def _backends(self, host: ExperimentHost) -> list[Backend]:
        wanted = self.request.finding.backends
        backends = [backend for backend in wanted if backend in host.facts.backends]
        if not backends:
            names = " and ".join(wanted) or "no backend"
            raise NoExperiment(f"it is about {names}, which {host.host.name} does not have")
        return backends

    def _plan(self, host: ExperimentHost, builds: DerivedBuilds, backend: Backend) -> BuilderPlan:
        setting = ExperimentSetting(
            case=self.request.case,
            finding=self.request.finding,
            host=self.request.host.name,
            backend=backend,
            name=self.name,
            cache_folder=host.facts.cache_folder,
            values=self._values,
            given=self.request.given,
        )
        change = change_for(setting)
        check_checkout(self.request, host, change)
        return builder_plan(self.request.case, builds, change)

    def _find_image(self, host: ExperimentHost) -> None:
        """Where the base image can be had, if one is needed."""
        image = next((plan.change.image for plan in self.plans if plan.change.image), None)
        if image is None:
            return
        identity = find_base_image(self.request, host, image)
        if identity and image.id is not None and identity != image.id:
            self.plans = tuple(plan.by_layers_only() for plan in self.plans)
        self._image = (image, identity)

    def run(self, on_progress: OnProgress = lambda _: None) -> Proof:
        """Make the builds and judge. The proof is kept in the store; `trouble` says why it is not.
        Raises `HostError`, `NoExperiment` (an image that has gone) and `StoreError`."""
        host = self._host
        assert host is not None
        self.store.prepare()

        forbidden = not_now(host.host, self.store)
        if forbidden is not None:
            raise NoExperiment(f"{host.host.name} may not be built on now: {forbidden}")

        def wait(why: str | None) -> None:
            on_progress(Progress(0, 0, "waiting" if why else "", why or ""))

        name = f"experiment {self.name}"
        with self.store.in_use.working(), turn(host.machine, host.facts, name, self.cancel, wait):
            return self._run(host, on_progress)

    def _run(self, host: ExperimentHost, on_progress: OnProgress) -> Proof:
        host.begin()
        verdicts: list[Verdict] = []
        try:
            self._send_context(host)
            if self._image is not None:
                fetch_base_image(self.request, host, *self._image, self._connect)
            for number, plan in enumerate(self.plans):
                verdicts.append(self._build(host, plan, number, on_progress))
        finally:
            host.tidy()
        return self._keep(together(verdicts), host)

    def _send_context(self, host: ExperimentHost) -> None:
        if self._to_send is not None:
            put_context(
                host.machine,
                context_folder(host.facts.cache_folder, self._to_send.digest),
                self._to_send,
                on_sent=lambda _: None,
                cancel=self.cancel,
            )

    def _build(
        self, host: ExperimentHost, plan: BuilderPlan, number: int, on_progress: OnProgress
    ) -> Verdict:
        """All builds for one builder, as far as they are needed, and their verdict."""
        change, case = plan.change, self.request.case
        made: dict[str, Made] = {}
        redactor = Redactor(
            {**change.now.build_args, **change.then.build_args}, self.request.host.env.items()
        )
        order = list(plan.ordered())
        total = len(order) * len(self.plans)
        for place, (key, build, state) in enumerate(order, 1 + number * len(order)):
            if plan.needless(key, made):
                continue
            label = f"{change.backend}, {state.name}"

            def doing(what: str, place: int = place, label: str = label) -> None:
                on_progress(Progress(place, total, label, what))

            doing("")
            made[key] = host.build(build, redactor, doing)
        name = self.request.host.name
        if change.remakes:
            return repeat_verdict(change, made, name)
        item = case.instruction(change.watch)
        line = f"line {item.line} ({item.keyword})" if item is not None else "the step"
        if change.repeats == "key":
            return key_verdict(change, made, name, line)
        recorded = self.request.finding.confidence == "proved"
        return verdict(change, made, name, line, recorded=recorded, unasked=plan.unasked)

    def _keep(self, outcome: Verdict, host: ExperimentHost) -> Proof:
        """The proof, put into the store."""
        finding = self.request.finding
        proof = Proof(
            audit=self.request.case.document.audit,
            id=finding.id,
            steps=finding.steps,
            host=self.request.host.name,
            outcome=outcome.outcome,
            evidence=outcome.evidence,
            at=time.time(),
            commands=tuple(host.commands),
        )
        try:
            self.store.keep_proof(proof.audit, proof)
        except StoreError as error:
            self.trouble = error
        return proof

    def close(self) -> None:
        """Drop the connections, which ends what runs on them."""
        for machine in self._machines:
            machine.close()
