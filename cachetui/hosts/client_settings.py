"""What the docker client on a host adds to a build by itself: proxies and its environment.

The client reads `proxies` of its configuration and gives them to the build as build arguments, in
capital and small letters (docker's `cli/config/configfile/file.go`, ParseProxyConfig). buildx takes
SOURCE_DATE_EPOCH, BUILDX_… and a source policy from the environment (our lab; `docs/reference` of
buildx).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cachetui.builders.client import client, split
from cachetui.records.digest import ValueHasher
from cachetui.records.host import ClientSettings
from cachetui.records.host_json import loads

ENVIRONMENT = (
    "BUILDX_",
    "BUILDKIT_",
    "EXPERIMENTAL_BUILDKIT_",
    "SOURCE_DATE_EPOCH",
    "DOCKER_DEFAULT_PLATFORM",
)
"""What variables begin with that change what a client builds, or by what."""

DEFAULT_HOST = "unix:///var/run/docker.sock"

_KEYS = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}

# Only the object `proxies` leaves the host: the file has passwords of registries too.
_OBJECT = r"""
{ text = text $0 "\n" }
END {
  if (!match(text, /"proxies"[ \t\r\n]*:[ \t\r\n]*\{/)) { print "{}"; exit }
  text = substr(text, RSTART + RLENGTH - 1)
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (quoted) { if (c == "\\") i++; else if (c == "\"") quoted = 0 }
    else if (c == "\"") quoted = 1
    else if (c == "{") depth++
    else if (c == "}" && --depth == 0) break
  }
  gsub(/\n/, " ", text)
  print substr(text, 1, i)
}
"""

_SCRIPT = """\
echo "host=${DOCKER_HOST-}"
env | grep -E '^(BEGINNINGS)[A-Za-z0-9_]*=' | sed 's/^/env=/'
_config=CONFIG
if [ -f "$_config" ]; then
  grep -q '"builder"[[:space:]]*:[[:space:]]*"buildx"' "$_config" && echo alias=buildx
  printf 'proxies='; awk OBJECT "$_config" || echo unread
else
  echo 'proxies={}'
fi
"""


def settings_command(docker: Sequence[str], env: Mapping[str, str]) -> str:
    """A command that prints the settings, run with the rights and the environment of the client."""
    before, words = split(docker)
    folder = _config_option(words)
    config = shlex.quote(folder) if folder else '"${DOCKER_CONFIG:-$HOME/.docker}"'
    script = (
        _SCRIPT.replace("BEGINNINGS", "|".join(ENVIRONMENT))
        .replace("CONFIG", f"{config}/config.json", 1)
        .replace("OBJECT", shlex.quote(_OBJECT))
    )
    return f"{client((*before, 'sh'), env)} -c {shlex.quote(script)}"


def parse_settings(text: str, hasher: ValueHasher) -> ClientSettings | None:
    """What `settings_command` printed, values as digests; None where it did not come to its end."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, mark, value = line.partition("=")
        if mark:
            values.setdefault(name, []).append(value)
    if "host" not in values or "proxies" not in values:
        return None
    configured: Any = None
    with suppress(ValueError):
        configured = loads(values["proxies"][0])
    if not isinstance(configured, dict):
        return None
    variables = (line.partition("=") for line in values.get("env", ()))
    return ClientSettings(
        proxies=_proxies(configured, values["host"][0] or DEFAULT_HOST, hasher),
        environment={name: hasher.digest(value) for name, _, value in variables},
    )


def told_of_builder(text: str) -> tuple[str, bool]:
    """The value of BUILDX_BUILDER in what `settings_command` printed, "" without one, and whether
    `docker build` is an alias of `docker buildx build` there (`docker buildx install`)."""
    lines = text.splitlines()
    mark = "env=BUILDX_BUILDER="
    named = next((line.removeprefix(mark) for line in lines if line.startswith(mark)), "")
    return named, "alias=buildx" in lines


def _proxies(configured: Mapping[str, Any], daemon: str, hasher: ValueHasher) -> dict[str, str]:
    """The build arguments that the configuration becomes for a daemon, values as digests."""
    own = configured.get(daemon, configured.get("default"))
    arguments: dict[str, str] = {}
    for key, name in _KEYS.items() if isinstance(own, dict) else ():
        value = own.get(key)
        if isinstance(value, str) and value:
            arguments[name] = arguments[name.lower()] = hasher.digest(value)
    return arguments


def _config_option(words: Sequence[str]) -> str | None:
    """The folder that the client's own words name (`docker --config FOLDER`)."""
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option == "--config":
            return value if equals else next(iter(words[number + 1 :]), None)
    return None
