"""The user's own options of `docker build` (`docker_args`), read as docker reads them.

Docker's options follow POSIX with GNU's long names (pflag, flag.go): `--name value`,
`--name=value`, `-mVALUE`, `-m VALUE`, `-m=VALUE`, and letters without a value in one word. An
option without a value never takes the next word; the last of several holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from cachetui.builders.audit_names import OUR_HOSTS
from cachetui.builders.option_names import FALSE, LETTERS, PASSED_ON, REFUSED, SWITCHES, TRUE
from cachetui.builders.option_values import credential_in, not_found_on_hosts, problem_of
from cachetui.config.settings import BuildSettings
from cachetui.dockerfile.instruction import is_remote

_CONTEXT_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*", re.ASCII)
"""A name without registry, path and tag, which docker takes in lower case alone."""
_IMAGE = "docker-image://"


@dataclass(frozen=True, slots=True)
class Option:
    """An option with its long name and its value; one without a value has "true". `words` are
    those that it was written in; letters in one word share it. `problem` says what is wrong with
    them, "" when nothing is."""

    name: str
    value: str
    words: tuple[str, ...]
    problem: str = ""

    @property
    def on(self) -> bool:
        """Whether a switch is on."""
        return self.value in TRUE


def options(args: Sequence[str]) -> Iterator[Option]:
    """The options in their order, with a problem where docker itself would refuse the words.

    A long option of no known name is taken for one with a value, unless what follows is an
    option, too.
    """
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            yield Option("", "", (word, *rest), "it ends the options, and nothing may follow them")
            return
        if word.startswith("--"):
            yield _long(word, rest)
        elif word.startswith("-") and word != "-":
            yield from _letters(word, rest)
        else:
            yield Option("", word, (word,), "it is not an option; the build names its context")


def _long(word: str, rest: list[str]) -> Option:
    name, equals, value = word[2:].partition("=")
    if equals:
        return _checked(name, value, (word,))
    if name in SWITCHES:
        return Option(name, "true", (word,))
    known = name in PASSED_ON or name in REFUSED
    if not rest or (not known and rest[0].startswith("-")):
        return Option(name, "", (word,), "it needs a value" if known else "")
    value = rest.pop(0)
    return Option(name, value, (word, value))


def _letters(word: str, rest: list[str]) -> Iterator[Option]:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = LETTERS.get(letter, letter)
        if letters.startswith("="):
            yield _checked(name, letters[1:], (word,))
            return
        if name in SWITCHES:
            yield Option(name, "true", (word,))
            continue
        if letters:
            yield Option(name, letters, (word,))
        elif rest:
            value = rest.pop(0)
            yield Option(name, value, (word, value))
        else:
            yield Option(name, "", (word,), "it needs a value")
        return


def _checked(name: str, value: str, words: tuple[str, ...]) -> Option:
    wrong = name in SWITCHES and value not in TRUE | FALSE
    return Option(name, value, words, "its value is neither true nor false" if wrong else "")


def without(args: Sequence[str], *names: str) -> tuple[str, ...]:
    """The words but for those of the options of these names."""
    return tuple(
        word for option in options(args) if option.name not in names for word in option.words
    )


def refused_argument(args: Sequence[str]) -> tuple[str, str] | None:
    """The first words that an audit does not pass on, and why; None when all are fine."""
    for option in options(args):
        credential = credential_in(option.name, option.value)
        if credential:
            return f"--{option.name}", credential
        reason = option.problem or REFUSED.get(option.name, "")
        reason = reason or problem_of(option.name, option.value) or _leaves(option)
        if not reason and option.name not in PASSED_ON:
            reason = "it is not an option of docker build that cachetui knows"
        if reason:
            return " ".join(option.words), reason
    return None


def _leaves(option: Option) -> str:
    """Why an option whose name is passed on is not, because of its value; "" when it is."""
    if option.name == "rm" and not option.on:
        return "it leaves containers on the host"
    if option.name == "cache-to":
        fields = [field.strip().lower() for field in option.value.split(",")]
        if "type=inline" not in fields:
            return "it writes a cache that other builds read; only type=inline writes none"
    if option.name in ("secret", "ssh", "cache-from"):
        return not_found_on_hosts(option.name, option.value)
    if option.name == "add-host" and re.split("[:=]", option.value)[0].endswith(OUR_HOSTS):
        return f"cachetui uses names that end with {OUR_HOSTS} itself, to keep audits apart"
    return ""


def refused_context(args: Sequence[str], stages: Collection[str]) -> tuple[str, str] | None:
    """The first named context (`--build-context NAME=…`) that is not taken over, and why; `stages`
    are the names of the Dockerfile's stages. None when all are."""
    for option in options(args):
        if option.name != "build-context":
            continue
        name, _, source = option.value.partition("=")
        reason = ""
        if source.startswith("oci-layout://"):
            reason = (
                "an OCI layout is a folder of each host, which an audit neither sends nor reads; "
                "push the image and name it as docker-image://…"
            )
        elif _is_folder(source):
            reason = _not_for_a_folder(name, stages)
        if reason:
            return " ".join(option.words), reason
    return None


def _not_for_a_folder(name: str, stages: Collection[str]) -> str:
    """Why a folder is not sent under that name; "" when it is."""
    if not _CONTEXT_NAME.fullmatch(name):
        return "a folder needs a name of lower-case letters, digits and . _ - between them"
    if name in stages:
        return f"it would take the place of the stage {name}; give it another name"
    return ""


def _is_folder(source: str) -> bool:
    """Whether a named context is a folder. What buildx fetches is none: images, OCI layouts, URLs,
    git references and other targets (buildx `build/opt.go`, loadInputs)."""
    fetched = (_IMAGE, "oci-layout://", "target:")
    return bool(source) and not (source.startswith(fetched) or is_remote(source))


def familiar(ref: str) -> str:
    """A reference by the name that BuildKit looks named contexts up by: without the default
    registry, its `library` and the tag `latest` (dockerui `namedcontext.go`)."""
    short = ref.removeprefix("docker.io/").removeprefix("library/")
    return short.removesuffix(":latest")


def fetched_contexts(args: Sequence[str]) -> dict[str, str]:
    """The named contexts that are no folders: `familiar` name → what is fetched (an image as
    `docker-image://REFERENCE`, a URL, a git reference)."""
    pairs = (one.value.partition("=") for one in options(args) if one.name == "build-context")
    return {familiar(name): source for name, _, source in pairs if not _is_folder(source)}


def image_contexts(args: Sequence[str]) -> dict[str, str]:
    """Those of them that are images: name → reference."""
    return {
        name: source.removeprefix(_IMAGE)
        for name, source in fetched_contexts(args).items()
        if source.startswith(_IMAGE)
    }


def with_named_parts(build: BuildSettings) -> BuildSettings:
    """The same build with what its docker_args have of `--build-arg NAME=VALUE` moved to
    build_args, and of `--build-context NAME=FOLDER` to named_contexts.

    Values of build_args are never stored or shown; docker_args are. A relative FOLDER starts from
    the build context.
    """
    arguments, contexts = dict(build.build_args), dict(build.named_contexts)
    kept: list[str] = []
    for option in options(build.docker_args):
        name, equals, value = option.value.partition("=")
        if option.name == "build-arg" and equals:
            arguments[name] = value
        elif option.name == "build-context" and _is_folder(value):
            contexts[name] = build.context / value
        else:
            kept += option.words
    return msgspec.structs.replace(
        build, build_args=arguments, named_contexts=contexts, docker_args=tuple(kept)
    )
