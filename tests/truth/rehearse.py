"""The same cases without engines: documents made of what engines would do, put to the rules.

It takes milliseconds a case, and looks only at rules that need an earlier audit, and of a host no
more than its base images. `python -m tests.truth.rehearse N=5000`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec

from cachetui.audit.run_key import build_record
from cachetui.config.settings import folder_build
from cachetui.context.build_context import Context, read_context
from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import Dockerfile, parse
from cachetui.findings import Findings, explain_audit
from cachetui.records.digest import ValueHasher
from cachetui.records.document import Document
from cachetui.records.host import BaseImage, ClientSettings, HostEvidence
from cachetui.records.image_settings import ImageSettings
from cachetui.records.run import Run
from tests import make_records as b
from tests.truth.case import Case, case_of, names
from tests.truth.engines import SNAPSHOTS, Engine, has_keys, needed
from tests.truth.model import Build, write
from tests.truth.outcome import Outcome
from tests.truth.play import Played
from tests.truth.truth import BUILDERS, HOSTS

_HASHER = ValueHasher.for_once()
"""One store's: values of one build can be held against those of another."""
_SETTINGS = ImageSettings(env={"PATH": _HASHER.digest("/bin")})
PRUNED = {"prune-legacy": "legacy", "prune-buildkit": "buildkit"}
"""What is done to a host, and the builder whose results are then gone."""
VERSIONS = {"old": "20.10.24", "mid": "26.1.5", "new": "28.5.2", "ctd": "28.5.2"}


def can_be_rehearsed(case: Case) -> bool:
    """Whether it takes no more evidence of a host, and no base image with triggers."""
    change = case.change
    return (
        change.typed is None
        and all(act in PRUNED for act in change.on_hosts.values())
        and case.before.has_mounts() == change.after.has_mounts()
        and has_keys(case.before)
        and has_keys(change.after)
    )


def rehearse(case: Case, folder: Path) -> Played:
    """What would be found."""
    engines = {(host, builder): Engine(builder, host) for host in HOSTS for builder in BUILDERS}
    audits: list[tuple[Document, Findings]] = []
    manifests: dict[str, tuple[Entry, ...]] = {}
    for number, build in enumerate((case.before, case.change.after)):
        if number:
            for host, act in case.change.on_hosts.items():
                engines[host, PRUNED[act]].held.clear()
        place = folder / f"context-{number}"
        write(build, place, "salted")
        context = read_context(place)
        manifests[context.digest] = context.entries
        dockerfile = parse(context.dockerfile_text, dict(build.build_args))
        document = _document(build, place, context, dockerfile, engines, number)
        earlier = tuple(one for one, _ in audits)
        found = explain_audit(
            document, dockerfile=dockerfile, earlier=earlier, manifests=manifests, hasher=_HASHER
        )
        audits.append((document, found))
    return Played(tuple(audits), 0.0)


def _document(
    build: Build,
    place: Path,
    context: Context,
    dockerfile: Dockerfile,
    engines: dict[tuple[str, str], Engine],
    number: int,
) -> Document:
    settings = msgspec.structs.replace(
        folder_build(place),
        name="truth",
        network=build.network,
        target=build.target,
        build_args=dict(build.build_args),
        docker_args=build.docker_args,
    )
    record = build_record(settings, context, dockerfile, _HASHER)
    runs = [
        _run(build, dockerfile, host, builder, engine, number)
        for (host, builder), engine in engines.items()
    ]
    bases = {base: (f"sha256:{base}",) for base in record.bases}
    images = tuple(BaseImage(ref=base, id=f"sha256:id-{base}") for base in bases)
    seen = HostEvidence(at=b.NOW, bases=images)
    return b.document(
        runs,
        hosts=[
            b.host(
                name,
                facts=b.facts(
                    engine=VERSIONS[name],
                    bases=bases,
                    triggers=dict.fromkeys(bases, ()),
                    base_settings=dict.fromkeys(bases, _SETTINGS),
                    client_settings=ClientSettings(),
                ),
                evidence=seen,
            )
            for name in HOSTS
        ],
        audit=f"audit-{number}",
        started_at=b.NOW + 3600 * number,
        build=record,
        scenarios=tuple(f"{builder}-as-found" for builder in BUILDERS),
    )


def _run(
    build: Build, dockerfile: Dockerfile, host: str, builder: str, engine: Engine, number: int
) -> Run:
    scenario = f"{builder}-as-found"
    if builder == "legacy" and build.has_mounts():
        return b.unsupported(host, scenario)
    hits = engine.build(build)
    steps = []
    for item in (one for stage in dockerfile.stages for one in stage.instructions):
        if builder == "buildkit" and item.keyword not in (*SNAPSHOTS, "FROM"):
            continue
        place = (item.stage_index, item.index)
        status = "miss" if item.keyword == "FROM" else "hit" if hits.get(place) else "miss"
        if place not in hits and item.keyword != "FROM":
            status = "not-needed"
        if item.stage_index not in needed(build) and builder == "buildkit":
            status = "not-needed"
        steps.append(b.step(*place, item.text, status, 1.0, line=item.line))  # type: ignore[arg-type]
    return b.run(
        host,
        scenario,
        steps=tuple(steps),
        id=f"audit-{number}-{host}-{scenario}",
        audit=f"audit-{number}",
        started_at=b.NOW + 3600 * number,
        mounts=(),
    )


def main(arguments: list[str]) -> int:
    options = dict(word.partition("=")[::2] for word in arguments)
    seed = options.get("SEED") or "0"
    count = int(options.get("N") or 1000)
    chosen = names(count, int(seed)) if seed.isdecimal() else iter(seed.split(","))
    outcome = Outcome()
    for name in chosen:
        case = case_of(name)
        if can_be_rehearsed(case):
            with tempfile.TemporaryDirectory() as folder:
                for failure in outcome.add(case, rehearse(case, Path(folder))):
                    print(failure)
    print(*outcome.table(), sep="\n")
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
