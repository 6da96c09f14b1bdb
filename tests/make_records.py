"""Documents made by hand for tests: realistic, small, and the same every time.

`document()` is a four-host audit (old, mid, new, ctd) of a two-stage build with a cache mount,
in all five scenarios, where everything is well and the legacy builder is `unsupported` for the
mount. Each builder takes what differs as keywords. The rest are fleets with one story each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import CacheMount, HostFacts, HostReport
from cachetui.records.run import Image, MountUse, Run
from cachetui.records.step import Step, StepId, StepStatus, hit_ratio

NOW = 1_760_000_000.0
"""When the hand-made audits ran, in seconds since the epoch."""

SCENARIOS = (
    "legacy-cold",
    "legacy-warm",
    "buildkit-cold",
    "buildkit-mounts-warm",
    "buildkit-warm",
)

DOCKERFILE = """\
ARG PYTHON=3.12
FROM base:1 AS deps
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/var/cache/pip pip install --prefix=/deps -r requirements.txt

FROM base:1 AS assets
COPY web ./web
RUN npm --prefix web ci && npm --prefix web run build

FROM base:1 AS prod
ENV PATH=/deps/bin:$PATH
COPY --from=deps /deps /deps
COPY --from=assets /web/dist /app/static
COPY . /app
RUN python -m compileall -q /app
CMD ["python", "-m", "app"]
"""

PLAIN = DOCKERFILE.replace("--mount=type=cache,target=/var/cache/pip ", "")
"""The same without the cache mount, which the legacy builder can build too."""

HOSTILE = (
    "\x1b[2J\x1b]52;c;cm0gLXJmIC8=\x07\x9b31m\x1bP+q\x1b\\[stage-1 2/5] <script>alert(1)</script>"
    " | `x` \u202egnp.exe\u2066 \x00\x7f\udcff *b* [/tmp/x] <!-- --> &amp; \u2028\r\nnext"
    "\x1b]0;title"
)
"""Text that a build could print to harm whoever shows it."""


def step(
    stage_index: int,
    index: int,
    instruction: str,
    status: StepStatus,
    seconds: float | None = None,
    **more: Any,
) -> Step:
    """A step; `timing` is the engine's where there are seconds."""
    more.setdefault("stage", None)
    more.setdefault("line", 10 * stage_index + index + 1)
    more.setdefault("timing", "engine" if seconds is not None else None)
    return Step(
        stage_index=stage_index,
        index=index,
        instruction=instruction,
        status=status,
        seconds=seconds,
        **more,
    )


def instructions(text: str = DOCKERFILE) -> list[tuple[int, str | None, int, int, str]]:
    """(stage index, stage name, index, line, instruction) of a simple Dockerfile's instructions."""
    found: list[tuple[int, str | None, int, int, str]] = []
    stage, name, index = -1, None, -1
    for line, text_line in enumerate(text.splitlines(), 1):
        words = text_line.split()
        if not words:
            continue
        index += 1
        if words[0] == "FROM":
            stage, index = stage + 1, 0
            name = words[3] if len(words) > 3 else None
        found.append((stage, name, index, line, text_line))
    return found


COUNTED = ("FROM", "RUN", "COPY", "ADD", "WORKDIR")


def steps(
    backend: str,
    status: StepStatus = "miss",
    *,
    text: str = DOCKERFILE,
    pace: float = 1.0,
    change: dict[tuple[int, int], StepStatus] | None = None,
) -> tuple[Step, ...]:
    """The steps of a run of `text`, all `status` but those that `change` names by (stage, index).

    A miss takes plausible seconds times `pace`; on BuildKit the stages run side by side, and
    a COPY --from waits for its stage.
    """
    clock = dict.fromkeys(range(-1, 9), 0.0)
    made: list[Step] = []
    failed = False
    for stage, name, index, line, instruction in instructions(text):
        keyword = instruction.split()[0]
        if backend == "buildkit" and keyword not in COUNTED:
            continue
        is_status: StepStatus = "miss" if keyword == "FROM" else status
        is_status = (change or {}).get((stage, index), is_status)
        if failed:
            is_status = "not-reached"
        begin = max(clock.values()) if backend == "legacy" else clock[stage]
        if "--from=" in instruction:
            source = instruction.split("--from=")[1].split()[0]
            begin = max(begin, clock[["deps", "assets"].index(source)])
        seconds = None
        if is_status in ("miss", "failed"):
            work = {"FROM": 0.0, "RUN": 6.0 + 2.5 * stage, "COPY": 0.2, "WORKDIR": 0.1}
            seconds = round(work.get(keyword, 0.1) * pace, 3)
        elif is_status == "hit":
            seconds = 0.0
        end = None if seconds is None else begin + seconds
        if end is not None:
            clock[stage] = end
        failed = failed or is_status == "failed"
        made.append(
            step(
                stage,
                index,
                instruction,
                is_status,
                seconds,
                stage=name,
                line=line,
                started=None if end is None else begin,
                finished=end,
                error="exit code: 2" if is_status == "failed" else None,
                timing=None if seconds is None else "arrival" if backend == "legacy" else "engine",
            )
        )
    return tuple(made)


def run(host: str, scenario: str, *, repeat: int = 1, **more: Any) -> Run:
    """A run that went well, with the steps its scenario lets one expect; `steps=` overrides.

    Also `text`, `pace` and `change` as for `steps`.
    """
    backend = scenario.split("-")[0]
    text = more.pop("text", DOCKERFILE)
    pace = more.pop("pace", 1.0)
    change = more.pop("change", None)
    status: StepStatus = "hit" if scenario.endswith("-warm") else "miss"
    if scenario == "buildkit-mounts-warm":
        change = {
            **{
                (s, i): "hit"
                for s, _, i, _, written in instructions(text)
                if s >= 0 and written.split()[0] in ("COPY", "WORKDIR")
            },
            **(change or {}),
        }
        status, pace = "miss", pace * 0.4
    made = more.pop("steps", None)
    if made is None:
        made = steps(backend, status, text=text, pace=pace, change=change)
    failed = any(one.status == "failed" for one in made)
    ends = [one.finished for one in made if one.finished is not None]
    defaults: dict[str, Any] = {
        "id": f"a1-{host}-{scenario}-{repeat}",
        "audit": "a1",
        "status": "failed" if failed else "ok",
        "started_at": NOW,
        "seconds": round(max(ends, default=0.0) + 0.6, 3),
        "hit_ratio": hit_ratio(made),
        "image": None
        if failed
        else Image(id="sha256:" + "ab" * 32, layers=("sha256:" + "cd" * 32,), bytes=48_300_000),
        "exit_status": 1 if failed else 0,
        "load": 0.4,
        "mounts": (MountUse(stage_index=0, index=3, target="/var/cache/pip", id="/var/cache/pip"),)
        if backend == "buildkit" and "--mount" in text
        else (),
        "commands": (f"docker build -t cachetui-a1:{scenario} .",),
    }
    return Run(host=host, scenario=scenario, repeat=repeat, steps=made, **{**defaults, **more})


def unsupported(host: str, scenario: str, reason: str | None = None) -> Run:
    """A run that was not tried."""
    return run(
        host,
        scenario,
        status="unsupported",
        reason=reason or "line 5: RUN --mount needs BuildKit; the legacy builder cannot run it",
        steps=(),
        seconds=0.0,
        image=None,
        exit_status=None,
    )


def facts(**more: Any) -> HostFacts:
    """Facts of a well host with Engine 28.5."""
    defaults: dict[str, Any] = {
        "engine": "28.5.2",
        "api": "1.51",
        "client": "28.5.2",
        "buildx": "0.29.1",
        "store": "overlay2",
        "engine_id": "0b2f",
        "platform": "linux/amd64",
        "backends": ("legacy", "buildkit"),
        "cores": 8,
        "memory_bytes": 16_600_000_000,
        "load": 0.42,
        "free_bytes": 81_200_000_000,
        "df": {"Images": 2_100_000_000, "Containers": 0, "Volumes": 0, "Build Cache": 640_000_000},
        "umask": "0022",
        "user": "ci",
        "cache_folder": "/home/ci/.cache/cachetui",
    }
    return HostFacts(**{**defaults, **more})


def host(name: str, **more: Any) -> HostReport:
    """A host that was reached; keywords of `HostReport`, and `facts` for others than usual."""
    known = more.pop("facts", facts())
    defaults: dict[str, Any] = {
        "status": "ok",
        "engine": known.engine if known else None,
        "buildx": known.buildx if known else None,
        "store": known.store if known else None,
        "backends": known.backends if known else (),
        "left_behind_bytes": 1_300_000,
        "facts": known,
    }
    return HostReport(name=name, **{**defaults, **more})


def unreachable(name: str) -> HostReport:
    """A host that was not."""
    return host(
        name,
        facts=None,
        status="unreachable",
        reason=f"{name}.example.com:22 refused the connection",
        remedy="is sshd running there, and is this its port?",
        left_behind_bytes=None,
    )


def four_hosts() -> tuple[HostReport, ...]:
    """The generations of the lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store."""
    mounts = (
        CacheMount(
            id="x1",
            description="cached mount /var/cache/pip from exec /bin/sh -c "
            "pip install --prefix=/deps -r requirements.txt",
            bytes=34_000_000,
            last_used="2 minutes ago",
        ),
    )
    return (
        host("old", facts=facts(engine="20.10.24", buildx=None, load=3.1), mounts=mounts),
        host("mid", facts=facts(engine="26.1.5", buildx="0.13.1"), mounts=mounts),
        host("new", mounts=mounts),
        host("ctd", facts=facts(store="containerd/overlayfs"), mounts=mounts),
    )


def document(
    runs: Iterable[Run] | None = None, hosts: Iterable[HostReport] | None = None, **more: Any
) -> Document:
    """An audit; without arguments the four hosts, all scenarios, everything well."""
    reports = four_hosts() if hosts is None else tuple(hosts)
    if runs is None:
        runs = (
            unsupported(one.name, scenario)
            if scenario.startswith("legacy")
            else run(one.name, scenario, pace=pace)
            for one, pace in zip(reports, (1.4, 1.1, 1.0, 1.05), strict=False)
            for scenario in SCENARIOS
        )
    made = tuple(runs)
    text = more.pop("text", DOCKERFILE)
    defaults: dict[str, Any] = {
        "audit": "a1b2c3d4",
        "build": BuildRecord(
            name="api",
            context_digest="sha256:" + "ef" * 32,
            dockerfile="Dockerfile",
            target=None,
            dockerfile_text=text,
            context_files=214,
            context_bytes=1_830_000,
        ),
        "started_at": NOW,
        "seconds": 95.2,
        "version": "0.1.0",
        "scenarios": tuple(s for s in SCENARIOS if any(r.scenario == s for r in made)),
    }
    return Document(hosts=reports, runs=made, **{**defaults, **more})


def legacy_too(**more: Any) -> Document:
    """The build without its mount: both backends on four hosts, no mounts-warm."""
    return document(
        (
            run(one.name, scenario, text=PLAIN, pace=pace)
            for one, pace in zip(four_hosts(), (1.4, 1.1, 1.0, 1.05), strict=True)
            for scenario in SCENARIOS
            if scenario != "buildkit-mounts-warm"
        ),
        text=PLAIN,
        **more,
    )


def odd_one_out() -> Document:
    """All is well but on `mid`, where a COPY and what follows miss with everything warm."""
    late: dict[tuple[int, int], StepStatus] = {(2, 4): "miss", (2, 5): "miss"}
    return _with(
        document(),
        lambda one: (
            run("mid", "buildkit-warm", pace=1.1, change=late)
            if (one.host, one.scenario) == ("mid", "buildkit-warm")
            else one
        ),
    )


def failing() -> Document:
    """`new` fails in a RUN of the cold build."""
    bad: dict[tuple[int, int], StepStatus] = {(1, 2): "failed"}

    def changed(one: Run) -> Run:
        if one.host != "new" or one.status != "ok":
            return one
        return run("new", one.scenario, change=bad, reason="line 9: RUN failed: exit code: 2")

    return _with(document(), changed)


def troubled() -> Document:
    """`failing`, with a fifth host that nobody could reach, runs from the store, and notes."""
    base = failing()
    stored = _with(
        base,
        lambda one: (
            msgspec.structs.replace(one, stored=True, started_at=NOW - 3 * 3600)
            if one.host == "old" and one.status == "ok"
            else one
        ),
    )
    return msgspec.structs.replace(
        stored,
        hosts=(*base.hosts, unreachable("far")),
        notes=("as-found scenarios were not asked for",),
    )


def fleet(size: int = 64) -> Document:
    """A fleet of equals, `ci-01` and on, but for `ci-07` that misses and `ci-09` that is off."""
    names = [f"ci-{number:02}" for number in range(1, size + 1)]
    late: dict[tuple[int, int], StepStatus] = {(0, 3): "miss"}
    made = [
        run(
            name,
            scenario,
            pace=1 + number % 7 / 10,
            change=late if name == "ci-07" and scenario == "buildkit-warm" else None,
        )
        for number, name in enumerate(names)
        for scenario in SCENARIOS[2:]
        if name != "ci-09"
    ]
    return document(made, [unreachable(n) if n == "ci-09" else host(n) for n in names])


def repeated(samples: int = 6) -> Document:
    """`old` and `new` with each BuildKit scenario repeated, seconds spread by a few percent."""
    made = [
        run(name, scenario, repeat=repeat, pace=pace * (1 + (repeat * 7 % 5) / 100))
        for repeat in range(1, samples + 1)
        for name, pace in (("old", 1.4), ("new", 1.0))
        for scenario in SCENARIOS[2:]
    ]
    return document(made, [one for one in four_hosts() if one.name in ("old", "new")])


def hostile(text: str = HOSTILE) -> Document:
    """`text` wherever a build or a host can put text."""
    bad: dict[tuple[int, int], StepStatus] = {(1, 2): "failed"}
    poisoned = [
        msgspec.structs.replace(one, stage=text, instruction="RUN " + text, error=text)
        for one in steps("buildkit", change=bad)
    ]
    made = [
        run(text, "buildkit-cold", steps=tuple(poisoned), reason=text, notes=(text,)),
        unsupported(text, "legacy-cold", text),
        run("good", "buildkit-cold"),
    ]
    reports = (
        host(
            text,
            reason=text,
            remedy=text,
            facts=facts(engine=text, buildx=text, store=text, platform=text, missing={text: text}),
        ),
        host("good"),
    )
    base = document(made, reports, notes=(text,))
    return msgspec.structs.replace(
        base, build=msgspec.structs.replace(base.build, name=text, target=text)
    )


def tails(lines: Iterable[str] = ("npm ERR! code ELIFECYCLE", "npm ERR! exit status 2")) -> Any:
    """A `log_tail` that answers with the same lines for every step."""
    kept = list(lines)

    def tail(_run: str, _step: StepId) -> list[str]:
        return kept

    return tail


def _with(base: Document, change: Callable[[Run], Run]) -> Document:
    return msgspec.structs.replace(base, runs=tuple(change(one) for one in base.runs))
