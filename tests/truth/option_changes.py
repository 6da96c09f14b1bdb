"""Changes of the build's options, of its base image, and of what hosts hold."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.truth.changes import Change, kind
from tests.truth.generate import BASE
from tests.truth.model import SALT, Build, Place
from tests.truth.truth import HOSTS, Cause

ARG = frozenset({"build-arg-invalidates"})
CHANGED = frozenset({"build-changed"})
DRIFT = frozenset({"base-drift"})
GONE = frozenset({"evicted-or-never-built"})


@kind("build-arg")
def build_arg(rng: Random, build: Build) -> Change:
    """An ARG's value is in every RUN below it, and in what uses it."""
    args = dict(build.build_args)
    if "V" in args and rng.random() < 0.3:
        del args["V"]
    else:
        args["V"] = "two"
    return Change("value of V", replace(build, build_args=args), (Cause(ARG, None, ("V",)),))


@kind("build-arg-default")
def build_arg_default(rng: Random, build: Build) -> Change | None:
    """What the Dockerfile has for a default is given, or no longer: keys go by the value. On one
    host a step misses for another reason."""
    if build.build_args.get("V", "zero") != "zero":
        return None
    args = {} if "V" in build.build_args else {**build.build_args, "V": "zero"}
    host = rng.choice(HOSTS)
    cause = Cause(GONE, None, (), ("legacy",), (host,))
    after = replace(build, build_args=args)
    about = f"V with the value of its default, images pruned on {host}"
    return Change(about, after, (cause,), {host: "prune-legacy"})


@kind("build-arg-undeclared")
def build_arg_undeclared(_rng: Random, build: Build) -> Change:
    args = {**build.build_args, "NOWHERE": "one"}
    return Change("an undeclared argument", replace(build, build_args=args))


@kind("nothing-and-evicted")
def nothing_and_evicted(rng: Random, build: Build) -> Change:
    """What is in no key changes, and on one host the cache loses its results."""
    host = rng.choice(HOSTS)
    builder, word = rng.choice((("legacy", "prune-legacy"), ("buildkit", "prune-buildkit")))
    options = ["--memory=512m", "--force-rm", "--no-cache=false", "--build-arg"]
    if builder == "legacy":
        options += ["--ulimit=nofile=512:512", "--shm-size=32m"]
    option = rng.choice(options)
    if option == "--build-arg":
        after = replace(build, build_args={**build.build_args, "NOWHERE": "one"})
    else:
        after = replace(build, docker_args=(*build.docker_args, option))
    cause = Cause(GONE, None, (), (builder,), (host,))
    other = Cause(CHANGED, None, (option.partition("=")[0],), ("buildkit",))
    in_key = (other,) if option.startswith(("--ulimit", "--shm-size")) else ()
    about = f"{option}, and {builder}'s results removed on {host}"
    return Change(about, after, (cause, *in_key), {host: word})


@kind("build-arg-proxy")
def build_arg_proxy(_rng: Random, build: Build) -> Change:
    """That there is one is in the key of the legacy builder's RUNs, its value is not."""
    args = {**build.build_args, "http_proxy": "http://proxy.invalid:1"}
    cause = Cause(ARG | CHANGED, None, ("http_proxy",), ("legacy",))
    return Change("http_proxy given", replace(build, build_args=args), (cause,))


@kind("build-arg-base")
def build_arg_base(_rng: Random, build: Build) -> Change | None:
    if not build.head:
        return None
    args = {**build.build_args, "BASE": f"truth-other-{SALT}:1"}
    steps = frozenset(
        (number, 0) for number, stage in enumerate(build.stages) if stage.base == "${BASE}"
    )
    cause = Cause(ARG, steps, ("BASE",))
    return Change("BASE names another image", replace(build, build_args=args), (cause,))


@kind("base-named-otherwise")
def base_named(rng: Random, build: Build) -> Change | None:
    found = [n for n, stage in enumerate(build.stages) if stage.base == BASE]
    if not found:
        return None
    number = rng.choice(found)
    stages = list(build.stages)
    stages[number] = replace(stages[number], base=f"truth-other-{SALT}:1")
    cause = Cause(CHANGED, frozenset({(number, 0)}), ("truth-other",))
    return Change("FROM names another image", replace(build, stages=tuple(stages)), (cause,))


@kind("host-name-added")
def host_name_added(_rng: Random, build: Build) -> Change:
    args = (*build.docker_args, "--add-host", "more.invalid:127.0.0.1")
    cause = Cause(CHANGED, None, ("--add-host",), ("buildkit",))
    return Change("--add-host with another name", replace(build, docker_args=args), (cause,))


@kind("host-address")
def host_address(_rng: Random, build: Build) -> Change | None:
    """The names are in a key, their addresses are not."""
    if not build.docker_args:
        return None
    args = tuple(word.replace("127.0.0.1", "127.0.0.2") for word in build.docker_args)
    return Change("--add-host with another address", replace(build, docker_args=args))


@kind("option-in-some-keys")
def option_in_some_keys(rng: Random, build: Build) -> Change:
    """In a RUN's key on engines from 26 on, in none of 20.10's (our lab)."""
    words = rng.choice((("--ulimit", "nofile=512:512"), ("--shm-size", "32m")))
    cause = Cause(CHANGED, None, words[:1], ("buildkit",))
    return Change(
        f"{words[0]} added", replace(build, docker_args=(*build.docker_args, *words)), (cause,)
    )


@kind("option-in-no-key")
def option_in_no_key(rng: Random, build: Build) -> Change:
    words = ("--force-rm", "--memory=512m", "--cpuset-cpus=0", "--no-cache=false", "--compress")
    word = rng.choice((*words, "--isolation=default"))
    return Change(f"{word} added", replace(build, docker_args=(*build.docker_args, word)))


@kind("no-cache")
def no_cache(_rng: Random, build: Build) -> Change:
    args = (*build.docker_args, "--no-cache")
    cause = Cause(CHANGED, None, ("--no-cache",))
    return Change("--no-cache", replace(build, docker_args=args), (cause,))


@kind("network")
def network(_rng: Random, build: Build) -> Change:
    cause = Cause(CHANGED, None, ("network",), ("buildkit",))
    return Change("network host", replace(build, network="host"), (cause,))


@kind("target-removed")
def target_removed(_rng: Random, build: Build) -> Change | None:
    if build.target is None:
        return None
    cause = Cause(GONE | CHANGED, None, ("target",))
    return Change("no target", replace(build, target=None), (cause,))


@kind("target-set")
def target_set(rng: Random, build: Build) -> Change | None:
    if build.target is not None or len(build.stages) == 1:
        return None
    target = rng.choice(build.stages[:-1]).name
    cause = Cause(GONE, None, ("target",), ("buildkit",))  # where the stage was not needed
    return Change(f"target {target}", replace(build, target=target), (cause,))


def _based(build: Build, base: str) -> frozenset[Place]:
    names = {base, "${BASE}"} if base == BASE else {base}
    return frozenset((n, 0) for n, stage in enumerate(build.stages) if stage.base in names)


def _drift(rng: Random, build: Build, to: str, about: str) -> Change | None:
    steps = _based(build, BASE)
    if not steps:
        return None
    hosts = HOSTS if rng.random() < 0.5 else (rng.choice(HOSTS),)
    cause = Cause(DRIFT, steps, ("truth-",), hosts=hosts)
    return Change(f"{about} on {', '.join(hosts)}", build, (cause,), dict.fromkeys(hosts, to))


@kind("base-other-layers")
def base_layers(rng: Random, build: Build) -> Change | None:
    return _drift(rng, build, "base-other", "base with other layers")


@kind("base-same-layers")
def base_again(rng: Random, build: Build) -> Change | None:
    return _drift(rng, build, "base-again", "base with the same layers")


@kind("base-other-env")
def base_env(rng: Random, build: Build) -> Change | None:
    return _drift(rng, build, "base-env", "base with the same layers and another ENV")


@kind("evicted-buildkit")
def evicted_buildkit(rng: Random, build: Build) -> Change:
    host = rng.choice(HOSTS)
    cause = Cause(GONE, None, (), ("buildkit",), (host,))
    return Change(f"BuildKit's cache pruned on {host}", build, (cause,), {host: "prune-buildkit"})


@kind("evicted-legacy")
def evicted_legacy(rng: Random, build: Build) -> Change:
    host = rng.choice(HOSTS)
    cause = Cause(GONE, None, (), ("legacy",), (host,))
    return Change(f"images pruned on {host}", build, (cause,), {host: "prune-legacy"})


@kind("base-same-layers-and-evicted")
def base_again_and_evicted(rng: Random, build: Build) -> Change | None:
    """The base is another image of equal layers and settings, which is in no key of BuildKit's on a
    graph driver, and its cache loses the results."""
    steps = _based(build, BASE)
    if not steps:
        return None
    host = rng.choice(HOSTS)
    drift = Cause(DRIFT, steps, ("truth-",), ("legacy",), (host,))
    gone = Cause(GONE, None, (), ("buildkit",), (host,))
    of_manifest = Cause(DRIFT, steps, ("truth-",), ("buildkit",), ("ctd",))
    about = f"base with the same layers and BuildKit's cache pruned on {host}"
    on_hosts = {host: "base-again-pruned"}
    return Change(about, build, (drift, gone, of_manifest), on_hosts)
