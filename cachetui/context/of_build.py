"""The context of a build, of whatever kind its settings say."""

from __future__ import annotations

from cachetui.config.settings import BuildSettings
from cachetui.context.build_context import Context, read_context
from cachetui.context.fetched_context import read_fetched
from cachetui.context.known_digests import KnownDigests
from cachetui.context.manifest import ContextError


def context_of(build: BuildSettings, known: KnownDigests | None = None) -> Context:
    """Read the context of a build whose file of builds was read, and fetch it where it is no
    folder. Files of a folder that are `known` are not read again. Raises `ContextError`."""
    if build.fetched_from is None:
        named, inline = build.named_contexts, build.dockerfile_inline
        return read_context(build.context, build.dockerfile, named, inline, known)
    if build.dockerfile_inline is not None:
        raise ContextError(
            f"{build.name} has its Dockerfile inline and its context from {build.fetched_from}: "
            "docker build cannot be given both; clone or unpack the context, and name the folder"
        )
    return read_fetched(build.fetched_from, build.dockerfile, build.named_contexts)
