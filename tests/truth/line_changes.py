"""Changes of the Dockerfile: an instruction's text, a line more or less, or only its looks."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.truth.changes import Change, kind, line_at, places, with_line
from tests.truth.model import Build, Line, Place
from tests.truth.truth import BUILDERS, Cause

CHANGED = frozenset({"build-changed"})
METADATA = frozenset({"build-changed", "legacy-metadata-invalidates"})


def at(place: Place, *words: str, builders: tuple[str, ...] = BUILDERS) -> Cause:
    """The line is another."""
    return Cause(CHANGED, frozenset({place}), words, builders)


@kind("run-text")
def run_text(rng: Random, build: Build) -> Change | None:
    place = _run(rng, build)
    if place is None:
        return None
    line = line_at(build, place)
    # Without a space, so that a `>` after it is not misread.
    after = replace(line, text=line.text.replace("RUN ", "RUN : && ", 1))
    return Change(f"text of RUN at {place}", with_line(build, place, after), (at(place),))


def _run(rng: Random, build: Build) -> Place | None:
    found = [
        place
        for place in places(build, "RUN")
        if not line_at(build, place).text.startswith(("RUN [", "RUN --"))
    ]
    return rng.choice(found) if found else None


@kind("run-space")
def run_space(rng: Random, build: Build) -> Change | None:
    place = _run(rng, build)
    if place is None:
        return None
    line = line_at(build, place)
    words = line.text.split(" ")
    if len(words) < 3:
        return None  # space before the first word is in no key
    after = replace(line, text=" ".join([*words[:-1], "", words[-1]]))
    return Change(f"white space in RUN at {place}", with_line(build, place, after), (at(place),))


@kind("comment")
def comment(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    line = line_at(build, place)
    above = rng.choice((("# why",), ("",), ("# why", "", "# and how")))
    return Change(f"comment above {place}", with_line(build, place, replace(line, above=above)))


@kind("comment-inside")
def comment_inside(rng: Random, build: Build) -> Change | None:
    found = [p for p in places(build, "RUN") if "\\\n" in line_at(build, p).text]
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    after = replace(line, text=line.text.replace("\\\n", "\\\n# why\n", 1))
    return Change(f"comment inside RUN at {place}", with_line(build, place, after))


@kind("keyword-case")
def keyword_case(rng: Random, build: Build) -> Change | None:
    place = _run(rng, build)
    if place is None:
        return None
    line = line_at(build, place)
    after = replace(line, text="run" + line.text[3:])
    return Change(f"run in lower case at {place}", with_line(build, place, after))


@kind("rewritten")
def rewritten(rng: Random, build: Build) -> Change | None:
    """The same line in other words."""
    found = [(place, texts) for place, line in build.lines() if (texts := _writings(line.text))]
    if not found:
        return None
    place, texts = rng.choice(found)
    line, written = line_at(build, place), rng.choice(texts)
    after = with_line(build, place, replace(line, written=written))
    return Change(f"{line.text!r} written {written!r}", after)


def _writings(text: str) -> list[str]:
    """Other writings of an instruction, each with the same key."""
    keyword, _, rest = text.partition(" ")
    if keyword in ("ENV", "LABEL", "ARG") and rest.endswith(("=one", "=zero")):
        name, _, value = rest.partition("=")
        found = [f'{name}="{value}"', f"{name}='{value}'", f"{name}={value[:1]}'{value[1:]}'"]
        found.append(f"{name}=${{UNSET:-{value}}}")
        return [f"{keyword} {one}" for one in found] + [
            f"{keyword.lower()} {rest}",
            f"{keyword} \\\n# why\n    {rest}",
        ]
    if keyword in ("COPY", "ADD") and not rest.startswith("--") and rest.count(" ") == 1:
        source, dest = rest.split()
        found = [f'["{source}", "{dest}"]', f"{source} \\\n    {dest}", f"  {source}   {dest}"]
        found += [f"./{source} {dest}", f"${{UNSET:-{source}}} {dest}"]
        return [f"{keyword} {one}" for one in found] + [f"{keyword.lower()} {rest}"]
    if keyword == "COPY" and rest.startswith("--from="):
        stage, _, paths = rest.removeprefix("--from=").partition(" ")
        return [f"COPY --from={stage.upper()} {paths}", f'COPY --from="{stage}" {paths}']
    if keyword == "WORKDIR":
        return [f"WORKDIR ${{UNSET:-{rest}}}", f'WORKDIR "{rest}"', f"workdir   {rest}"]
    if keyword == "USER":
        return [f'USER "{rest}"', f"user {rest}", f"USER ${{UNSET:-{rest}}}"]
    return []


@kind("stage-name")
def stage_name(_rng: Random, build: Build) -> Change | None:
    if build.target is not None:
        return None
    last = replace(build.stages[-1], name="other")
    return Change("name of the last stage", replace(build, stages=(*build.stages[:-1], last)))


@kind("destination")
def destination(rng: Random, build: Build) -> Change | None:
    found = [p for p, line in build.lines() if line.reads and line.keyword in ("COPY", "ADD")]
    found = [
        p for p in found if "ls -R " + line_at(build, p).text.split()[-1] not in build.dockerfile
    ]
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    words = line.text.split()
    after = replace(line, text=" ".join([*words[:-1], "/d" + words[-1][1:]]))
    return Change(f"destination of {line.text!r}", with_line(build, place, after), (at(place),))


@kind("metadata-changed")
def metadata_changed(rng: Random, build: Build) -> Change | None:
    found = places(build, "LABEL", "EXPOSE", "CMD")
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    text = line.text.replace("=one", "=two").replace("8080", "8081").replace("true", "false")
    after = with_line(build, place, replace(line, text=text))
    cause = Cause(METADATA, frozenset({place}), (), ("legacy",))
    return Change(f"{line.text!r} to {text!r}", after, (cause,))


@kind("metadata-inserted")
def metadata_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    new = Line(rng.choice(("LABEL added=one", "EXPOSE 9090", 'ENTRYPOINT ["/bin/sh"]')))
    after = with_line(build, place, new, line_at(build, place))
    cause = Cause(METADATA, frozenset({place}), (), ("legacy",))
    return Change(f"{new.text!r} at {place}", after, (cause,))


@kind("metadata-removed")
def metadata_removed(rng: Random, build: Build) -> Change | None:
    found = places(build, "LABEL", "EXPOSE")
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    cause = Cause(METADATA, None, (line.keyword, "removed"), ("legacy",))
    return Change(f"{line.text!r} removed", with_line(build, place), (cause,))


@kind("env-changed")
def env_changed(rng: Random, build: Build) -> Change | None:
    found = [p for p in places(build, "ENV") if line_at(build, p).text.endswith("=one")]
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    name = line.text.split()[1].partition("=")[0]
    after = with_line(build, place, replace(line, text=line.text.replace("=one", "=two")))
    return Change(f"{line.text!r} changed", after, _setting(place, name))


@kind("env-inserted")
def env_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    after = with_line(build, place, Line("ENV ADDED=one"), line_at(build, place))
    return Change(f"ENV added at {place}", after, _setting(place, "ADDED"))


@kind("env-removed")
def env_removed(rng: Random, build: Build) -> Change | None:
    found = [p for p in places(build, "ENV") if line_at(build, p).text.endswith("=one")]
    if not found:
        return None
    place = rng.choice(found)
    name = line_at(build, place).text.split()[1].partition("=")[0]
    cause = Cause(CHANGED, None, (f"ENV {name}",))
    return Change(f"ENV {name} removed", with_line(build, place), (cause,))


def _setting(place: Place, name: str) -> tuple[Cause, ...]:
    """A setting changed at a place: its own step on the legacy builder, and every RUN below."""
    return (Cause(CHANGED, frozenset({place}), (name,)),)


@kind("arg-default")
def arg_default(rng: Random, build: Build) -> Change | None:
    found = [p for p in places(build, "ARG") if "=" in line_at(build, p).text]
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    after = with_line(build, place, replace(line, text=line.text.replace("zero", "nil")))
    using = {
        other for other, one in after.lines() if other[0] == place[0] and "ENV F=${V" in one.text
    }
    cause = Cause(CHANGED, frozenset({place, *using}), ("V",))
    return Change("default of ARG V", after, (cause,))


@kind("arg-inserted")
def arg_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    text = rng.choice(("ARG ADDED", "ARG ADDED=one"))
    after = with_line(build, place, Line(text), line_at(build, place))
    return Change(f"{text} at {place}", after, _setting(place, "ADDED"))


@kind("user-inserted")
def user_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    after = with_line(build, place, Line("USER 0:0"), line_at(build, place))
    return Change(f"USER at {place}", after, _setting(place, "USER"))


@kind("workdir-inserted")
def workdir_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    after = with_line(build, place, Line("WORKDIR /other"), line_at(build, place))
    return Change(f"WORKDIR at {place}", after, _setting(place, "WORKDIR"))


@kind("workdir-slash")
def workdir_slash(rng: Random, build: Build) -> Change:
    """A slash more is in the key of a BuildKit RUN below it, and in 20.10's legacy builder's."""
    place = rng.choice(places(build, "WORKDIR"))
    line = line_at(build, place)
    text = rng.choice((f"{line.text}/", line.text.replace(" /", " //", 1)))
    after = with_line(build, place, replace(line, text=text))
    return Change(f"{line.text!r} to {text!r}", after, (at(place, "WORKDIR"),))


@kind("shell-inserted")
def shell_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    shell = Line('SHELL ["/bin/sh", "-e", "-c"]')
    after = with_line(build, place, shell, line_at(build, place))
    return Change(f"SHELL at {place}", after, _setting(place, "SHELL"))


@kind("run-inserted")
def run_inserted(rng: Random, build: Build) -> Change:
    place = rng.choice([place for place, _ in build.lines()])
    after = with_line(build, place, Line("RUN echo added"), line_at(build, place))
    return Change(f"RUN added at {place}", after, (at(place),))


@kind("line-removed")
def line_removed(rng: Random, build: Build) -> Change | None:
    found = [
        p
        for p, line in build.lines()
        if (line.reads or line.text.startswith("RUN true"))
        and "ls -R " + line.text.split()[-1] not in build.dockerfile
    ]
    if not found:
        return None
    place = rng.choice(found)
    line = line_at(build, place)
    cause = Cause(CHANGED, None, (line.keyword,))
    return Change(f"{line.text!r} removed", with_line(build, place), (cause,))
