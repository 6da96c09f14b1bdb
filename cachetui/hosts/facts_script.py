"""The script that asks a host for its facts: POSIX shell, nothing but docker and common tools."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from cachetui.builders.client import client
from cachetui.hosts.client_settings import settings_command

_CONFIGURATION = (
    '{{with .Config}}{"triggers":{{json .OnBuild}},"env":{{json .Env}},'
    '"folder":{{json .WorkingDir}},"user":{{json .User}},"shell":{{json .Shell}}}{{end}}'
)
"""Of a base image's configuration: what is in the keys of what is built on it."""

DF_SECONDS = 5
"""`docker system df` measures every image and volume, and a builder may be far away: what takes
longer is done without."""

# Sections begin with the token and their name, on both outputs, and end with the token, "=" and
# the status. The token is new each time: nothing that docker prints can look like it. What takes
# its time runs aside, its output kept in a pipe until it is its turn.
_SCRIPT = """\
_say() { echo; echo "@TOKEN@ $1"; echo "@TOKEN@ $1" >&2; }
_ask() { _say "$1"; shift; "$@" </dev/null; _s=$?; _say "= $_s"; return $_s; }
_aside() { echo; echo "@TOKEN@ $1"; shift; "$@"; _s=$?; echo; echo "@TOKEN@ = $_s"; }
_d() { @CLIENT@ "$@"; }
_t=
if command -v timeout >/dev/null 2>&1; then _t='timeout @SECONDS@'; fi
_limited() { @LIMITED@ "$@"; }
echo; echo "cachetui-facts @TOKEN@"
_host() {
  echo "umask=$(umask)"
  echo "user=$(id -un 2>/dev/null)"
  { read -r _load _ </proc/loadavg && echo "load=$_load"; } 2>/dev/null
  # When its first process began, since a container that is a host may restart as well.
  { read -r _up _ </proc/uptime && read -r _first </proc/1/stat; } 2>/dev/null &&
    echo "up=$_up" && echo "now=$(date +%s)" && echo "first=${_first##*) }"
  _cache=${XDG_CACHE_HOME-}
  case $_cache in
  /*) ;;
  *)
    _home=${HOME-}
    [ -n "$_home" ] || _home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)
    _cache=${_home:+$_home/.cache}
    ;;
  esac
  echo "cache=${_cache:+$_cache/cachetui}"
  _own=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock
  [ ! -S "$_own" ] || echo "rootless=$_own"
}
_info() {
  _text=$(_d info --format '{{json .}}' 2>/dev/null)
  printf '%s\\n' "$_text"
}
_free() {
  case ${DOCKER_HOST-} in
  '' | unix:*) df -Pk -- "$(printf '%s\\n' "$_text" |
    sed -n 's/.*"DockerRootDir":"\\([^"]*\\)".*/\\1/p')" 2>/dev/null ;;
  esac
}
_bases() {
  [ $# -gt 0 ] || return 0
  _form='{{json .RootFS.Layers}}|@CONFIGURATION@'
  if _found=$(_d image inspect --format "$_form" "$@" 2>/dev/null); then
    printf '%s\\n' "$_found"
  else
    for _ref; do
      _d image inspect --format "$_form" "$_ref" 2>/dev/null || echo null
    done
  fi
}
# The word makes every builder refuse the file before anything is built; how it refuses tells
# which builder that was.
_legacy() { echo CACHETUI | @LEGACY@ build - 2>&1; }
_settings() { @SETTINGS@; }
_df() { _limited system df --format '{{json .}}' 2>/dev/null; }
# The builder that buildx uses, then that of the docker context where it is another one.
_builders() {
  _context=$(_d context inspect --format '{{.Name}}' 2>/dev/null)
  echo "context=$_context"
  _used=$(_limited buildx inspect 2>/dev/null) || return 0
  printf '%s\\n' "$_used"
  [ "$(printf '%s\\n' "$_used" | sed -n 's/^Name: *//p' | head -n 1)" = "$_context" ] ||
    _limited buildx inspect "$_context" 2>/dev/null
}
_ask host _host
if _ask version _d version --format '{{json .}}'; then
  _aside df @USAGE@ | {
    _aside legacy _legacy | {
      _aside builders _builders | {
        _ask settings _settings
        _ask info _info
        _ask free _free
        _ask bases _bases @REFS@
        cat
      }
      cat
    }
    cat
  }
fi
true
"""


def facts_command(
    docker: Sequence[str],
    env: Mapping[str, str],
    bases: Sequence[str],
    token: str,
    usage: bool = True,
) -> str:
    """The script that tells all; `token` is unguessable text of hex digits."""
    values = {
        "CLIENT": client(docker, env),
        "LEGACY": client(docker, env, {"DOCKER_BUILDKIT": "0"}),
        "LIMITED": client(docker, env, slot="$_t"),
        "REFS": shlex.join(bases),
        "CONFIGURATION": _CONFIGURATION,
        "SETTINGS": settings_command(docker, env),
        "SECONDS": str(DF_SECONDS),
        "TOKEN": token,
        "USAGE": "_df" if usage else "false",
    }
    return re.sub("@([A-Z]+)@", lambda name: values[name[1]], _SCRIPT)
