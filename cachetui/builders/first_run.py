"""A build that its host stops when the first RUN step begins, for a look at what hits.

The host itself reads what docker prints, line by line, and ends docker's client: whoever asked
would see the line a round trip later, and what a RUN did meanwhile to a cache mount stays. Nothing
that a RUN prints can be taken for a step's line: the legacy builder runs one step after the other,
so none has run before the first; BuildKit's plain output puts the step's number and seconds before
whatever a step prints.

BuildKit can tell that a step began and an instant later that it is CACHED, so it has `NAPS` times
`NAP` seconds to say so, unless the step prints something before. In that time steps of other
branches show their hits, too. What is printed after the stop is the end of a cancelled build and
tells nothing: `stopped_mark` is printed before it.

On a busy host CACHED comes later. So do the ends of many short naps, each in a process of its own,
but not that of a long one: at a load of 24 on two cores, CACHED came up to 0.14 s after its step,
one nap of 0.1 s took 0.10 to 0.13 s, and ten of 0.01 s took 0.17 to 0.36 s (our lab).

With 0.1 and 0.2 s, and a RUN that writes a file every 10 ms, 0 to 17 files were in its cache mount
(our lab). The layer cache has nothing of a RUN that was stopped; one that takes less than half a
second can come to its end. All is POSIX shell, but for the fraction that `sleep` is given, which
GNU's and busybox's take; another's naps a second.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cachetui.builders.client import split
from cachetui.records.backend import Backend

STOPPED_STATUS = 75
"""What a stopped build exits with, unless docker's client has a status of its own."""

NAPS, NAP = 10, 0.01
"""How often, and for how many seconds, BuildKit is waited for to say CACHED of a RUN step that has
begun."""

# TERM goes to the whole process group, but does not end the shell that gives the status, nor who
# reads. What sudo runs can be signalled with its help only.
_STOP = """\
_stop() {
trap '' TERM
printf '\\n%s\\n' MARK
PRIVILEGED kill -s TERM 0
}
"""

_BUILDKIT = """\
_read() {
trap '' TERM
_stopped=
while IFS= read -r _line; do
  printf '%s\\n' "$_line"
  _number=${_line%% *} _rest=${_line#* }
  _number=${_number#"#"}
  case $_number in ''|*[!0-9]*) continue;; esac
  case $_rest in
  "["*"] RUN "*|"["*"] ONBUILD RUN "*)
    eval "_timer=\\${_timer$_number:-}"
    [ -z "$_timer" ] || continue
    ( for _nap in NAPS; do
        sleep NAP 2>/dev/null || { sleep 1; break; }
      done
      _stop 2>/dev/null ) </dev/null &
    eval "_timer$_number=$!";;
  CACHED)
    eval "_timer=\\${_timer$_number:-}"
    [ -z "$_timer" ] || kill -s KILL "$_timer" 2>/dev/null;;
  [0-9]*.[0-9]*" "*)
    eval "_timer=\\${_timer$_number:-}"
    if [ -n "$_timer" ] && [ -z "$_stopped" ]; then
      _stopped=yes
      kill -s KILL "$_timer" 2>/dev/null && _stop
    fi;;
  esac
done
}
"""

# A FROM with a container runs an ONBUILD trigger, whose instruction is not printed. Other steps
# have a container to be committed, in which nothing runs.
_LEGACY = """\
_read() {
trap '' TERM
_keyword= _stopped=
while IFS= read -r _line; do
  [ -z "$_stopped" ] || continue
  printf '%s\\n' "$_line"
  case $_line in
  "Step "[0-9]*/[0-9]*" : "*)
    _keyword=${_line#* : }
    _keyword=${_keyword%%[!A-Za-z]*};;
  " ---> Running in "*)
    case $_keyword in
    [Rr][Uu][Nn]|[Ff][Rr][Oo][Mm]) _stopped=yes; _stop;;
    esac;;
  esac
done
}
"""

_AROUND = """\
trap : TERM
exec 5>&1
_status=$( { { (
BUILD
); echo $? >&4; } 2>&1 | _read >&5 4>&-; } 4>&1 )
exit "${_status:-STATUS}"
"""


def stopped_mark(audit: str) -> str:
    """The line that says that the build was stopped; nothing behind it is the build's."""
    return f"cachetui: {audit}: stopped at the first RUN"


def until_first_run(build: str, backend: Backend, docker: Sequence[str], audit: str) -> str:
    """Shell text that runs the shell text `build`, which prints plain output, up to its first RUN
    that does not hit. The exit status is that of `build` where it came to its end."""
    before, _ = split(docker)
    sudo = bool(before) and before[0].rsplit("/", 1)[-1] in ("sudo", "doas")
    privileged = f"{shlex.join(before)} kill -s TERM -- -$$;" if sudo else ""
    stop = _STOP.replace("MARK", shlex.quote(stopped_mark(audit)))
    stop = stop.replace("PRIVILEGED", privileged)
    naps = " ".join(map(str, range(NAPS)))
    read = _BUILDKIT.replace("NAPS", naps).replace("NAP", str(NAP))
    read = _LEGACY if backend == "legacy" else read
    around, _, after = _AROUND.replace("STATUS", str(STOPPED_STATUS)).partition("BUILD\n")
    return f"{stop}{read}{around}{build}\n{after}"
