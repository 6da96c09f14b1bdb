"""Whose turn it is on an engine, among all audits of all people and machines: a file on its host.

The file is in /tmp, which all users of a host share, and is called after the engine. In a folder
where nobody can remove another's file, a lease that has run out cannot be taken away: so each
lease has a number, the highest counts, and the next is made by a link that fails where there is
one. The one before goes if it was ours. What is in it: a token, until when (unless renewed) and
since when, in seconds since the epoch by the host's clock, and who; on a second line the host's
boot, and the process of sshd that serves the owner's connection. It keeps nobody away who does not
ask; a date too far ahead counts for nothing, and neither does a lease of an earlier boot, or one
whose process is gone. That process is trusted to be gone only where /proc shows all processes, and
`LEFT_SECONDS` are waited then, in which the host ends what was at work.

The text stands before a command that is sent anyway, so no round trip is added. The watcher of a
long command renews the lease while it hears of us (`hosts.watcher`).

Who lies can keep others waiting, as who builds for ever can, and is named as what they write. They
do no harm beyond that: what is no date, or hides the file, counts for nothing; a beginning that is
yet to come, as after a clock was set back, is now; where a number leaves no next one, there can be
no lease; and as all can read our token, nothing is written into a file that is there by its name.
"""

from __future__ import annotations

import getpass
import hashlib
import re
import secrets
import shlex
import socket
from dataclasses import dataclass, field
from functools import cache

from cachetui.hosts.machine import Completed

SECONDS = 90
"""How long a lease holds that is not renewed."""

LEFT_SECONDS = 8
"""The same once whoever has it is not heard of: if they live, their next command renews it."""

UNWATCHED_SECONDS = 900
"""The same while something is sent, when nothing renews it."""

HELD, IMPOSSIBLE = 75, 76
"""Exit statuses of a command that was not run: another has the lease; there can be none."""

BEGIN, END = "# the lease\n", "# of the lease\n"
MARK = "cachetui-lease"
"""In every command that is about the lease alone, and in what is said of it."""

_ZSH = '[ -z "${ZSH_VERSION-}" ] || setopt nonomatch\n'
"""Else zsh takes a pattern that no file matches for an error."""

# `_life PID` reads what /proc tells of a process; `_mine` finds the process that lasts as long as
# our connection: sshd's, or cachetui itself, though not where a Python in between may be that. A
# number and a start, in one boot and one PID namespace, are one process. Where it is not found, the
# lease runs out in time.
_LIVES = """\
_life() {
case $1 in '' | *[!0-9]*) return 1 ;; esac
{ read -r _line <"/proc/$1/stat"; } 2>/dev/null || return 1
_name=${_line#*\\(}
_line=${_line##*\\) }
_parent=${_line#* }
_parent=${_parent%% *}
_start=${_line#* * * * * * * * * * * * * * * * * * * }
_start=${_start%% *}
}
_mine() {
_boot=- _space=- _process='- -' _pid=$PPID
{ read -r _boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || _boot=-
_space=$(readlink /proc/self/ns/pid 2>/dev/null) || _space=-
while _life "$_pid"; do
  case $_name in
  sshd* | cachetui*) _process="$_pid $_start"; return ;;
  python*) return ;;
  esac
  _pid=$_parent
done
}
_over() {
[ "${_its_boot:--}" != - ] && [ "$_boot" != - ] || return 1
[ "$_its_boot" = "$_boot" ] || return 0
[ "${_its_pid:--}" != - ] && [ "$_its_space" = "$_space" ] && [ -r /proc/1/stat ] || return 1
! _life "$_its_pid" || [ "$_start" != "$_its_start" ] || return 1
[ "$_gone" != "$_token $_until" ] || return 0
_gone="$_token $_until"
sleep LEFT
return 2
}
"""

_TAKE = (
    _ZSH
    + _LIVES
    + """\
_gone= _boot=
_lease() {
[ -n "$_boot" ] || _mine
_now=$(date +%s) _top=0 _since= _token= _until= _from= _owner=
_its_boot= _its_space= _its_pid= _its_start=
for _file in BASE.*; do
  _number=${_file##*.}
  case $_number in '' | 0?* | *[!0-9]* | ?????????*) continue ;; esac
  [ "$_number" -le "$_top" ] || _top=$_number
done
if [ -f "BASE.$_top" ]; then
  {
    read -r _token _until _from _owner
    read -r _its_boot _its_space _its_pid _its_start _
  } 2>/dev/null <"BASE.$_top"
  for _date in "${_until:-x}" "${_from:-x}"; do
    case $_date in 0?* | *[!0-9]* | ?????????????*) _until=0 _from=0 ;; esac
  done
  [ "$_from" -le "$_now" ] || _from=$_now
  if [ "$_token" = TOKEN ]; then
    _since=$_from
  elif [ "$_until" -gt "$_now" ] && [ "$_until" -le $((_now + 2 * LONGEST)) ]; then
    _over
    case $? in
    1) echo "MARK TOKEN $((_now - _from)) $_owner" >&2; return HELD ;;
    2) _lease "$@"; return ;;
    esac
  fi
fi
_new=/tmp/.cachetui-TOKEN
_until=$((_now + ${1:-TTL}))
_text="TOKEN $_until ${_since:-$_now} "OWNER"
$_boot $_space $_process"
rm -f "$_new" 2>/dev/null
if [ "$_top" -ge 99999999 ] || [ -e "$_new" ] || [ -L "$_new" ] ||
  ! (umask 022 && set -C && printf '%s\\n' "$_text" >"$_new") 2>/dev/null; then
  echo "MARK TOKEN none" >&2
  return IMPOSSIBLE
elif [ -n "$_since" ]; then
  mv -f "$_new" "BASE.$_top" || :
elif ln "$_new" "BASE.$((_top + 1))" 2>/dev/null; then
  rm -f "$_new" "BASE.$_top" 2>/dev/null || :
else
  rm -f "$_new"
  echo "MARK TOKEN 0 another audit that has just begun" >&2
  return HELD
fi
}
_renew() { _lease "$@"; }
_lease </dev/null || exit $?
"""
)

_RELEASE = (
    _ZSH
    + """\
: MARK
for _file in BASE.*; do
  [ -f "$_file" ] && read -r _token _ <"$_file" && [ "$_token" = TOKEN ] && rm -f "$_file"
done 2>/dev/null
true
"""
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lease, in their own words, and for how many seconds."""

    owner: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A turn of one audit on one engine: `engine` is `HostFacts.same_engine`, `what` says for what
    it is."""

    engine: str
    what: str
    token: str = field(default_factory=lambda: secrets.token_hex(12))

    def taking(self, *, watched: bool) -> str:
        """Shell text that takes or renews the lease, or ends the script without more."""
        text = self._filled(_TAKE.replace("TTL", str(SECONDS if watched else UNWATCHED_SECONDS)))
        return f"{BEGIN}{text}{END}"

    def release(self) -> str:
        """The command that gives it back."""
        return self._filled(_RELEASE)

    def holder(self, done: Completed) -> Holder | None:
        """Who has the lease, where the command was not run because another has."""
        words = self._words(done, HELD)
        if words is None or not words[0].isdigit():
            return None
        return Holder(words[1] if len(words) > 1 else "somebody", int(words[0]))

    def impossible(self, done: Completed) -> bool:
        """Whether the command was not run because no lease can be made on this host."""
        return self._words(done, IMPOSSIBLE) is not None

    def _words(self, done: Completed, status: int) -> list[str] | None:
        begin = f"{MARK} {self.token} "
        if done.status != status or not done.error_text.startswith(begin):
            return None
        said = "".join(c if c.isprintable() else "?" for c in done.error_text[:300])
        return said.removeprefix(begin).split(" ", 1)

    def _filled(self, text: str) -> str:
        engine = hashlib.sha256(self.engine.encode()).hexdigest()[:16]
        values = {
            "BASE": f"/tmp/cachetui-{engine}",
            "TOKEN": self.token,
            "MARK": MARK,
            "OWNER": shlex.quote(f"{_who()}, {self.what}"),
            "HELD": str(HELD),
            "IMPOSSIBLE": str(IMPOSSIBLE),
            "LONGEST": str(UNWATCHED_SECONDS),
            "LEFT": str(LEFT_SECONDS),
        }
        return re.sub("|".join(values), lambda name: values[name[0]], text)


KEEP = f"true # {MARK}"
"""The command that does nothing but take or renew the lease."""


@cache
def _who() -> str:
    """Who asks, in characters that any terminal may be shown."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return re.sub(r"[^A-Za-z0-9@._-]", "?", f"{user}@{socket.gethostname()}")
