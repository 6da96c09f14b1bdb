"""The shell text around every command: nothing on the host outlives the one who asked for it.

A host gets one short, fixed command line, and the script itself as the first bytes of standard
input. So any login shell will do (fish and csh quote differently, csh knows no line breaks in
quotes), nothing of the environment or the command shows in a list of processes, and no limit on
the length of an argument is met. The script is one `{ … }`: cut short by a broken connection it
does not parse, and nothing of it runs.

Without a terminal, sshd leaves a command running when its connection dies, and so does a local
shell when its parent dies. Both close the command's standard input, if they notice: where packets
vanish, sshd may not for two hours. So whoever asked for a watched command sends a line, `BEAT`,
every `BEAT_SECONDS`, and the host has two watchers: one reads standard input to its end, one counts
the seconds without a beat. Either sends TERM to the command's process group, and KILL a second
later to that and, where there is /proc, to what of its session has left the group. The status is
`STOPPED` then. All is POSIX shell, which has no `read` with a time limit: dash, bash, busybox,
ksh93 and zsh have run it, called by those, fish and tcsh.

A command that reads standard input itself has no beats: a `dd` feeds it, and a watcher looks at how
much that has read. Where it has waited as long for more, the command's input ends there. That it
waits for input, and not for the command to take what it has, is told by /proc: what it has read and
not yet written is none then. Without /proc nobody watches.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from cachetui.hosts.lease import LEFT_SECONDS, Lease

STOP_SECONDS = 1.0
"""From TERM to KILL."""

STOPPED = 137
"""The exit status of a watched command that a watcher ended: its shell got KILL, or says so."""

BEAT = b"\n"
BEAT_SECONDS = 3.0
"""How often a beat is sent. Far more often than `SILENT_SECONDS` asks for: a slow client or a slow
network is no reason to end anything."""

SILENT_SECONDS = 30
"""Seconds without a beat after which the host ends a command, up to `TICK_SECONDS` later."""

TICK_SECONDS = 5

RENEW_TICKS = 6
"""Ticks from one renewal of a lease to the next."""

# KILL to what of the session $1 is neither its first process nor $2: processes that have left the
# first one's group are not reached by a KILL to that. Children have larger numbers than their
# parents (until numbers begin anew, when such a process may be missed), so that the rest of a
# long /proc need not be read.
_SWEEP = """\
for stat in /proc/[0-9]*/stat; do
  pid=${stat#/proc/}; pid=${pid%/stat}
  [ "$pid" -gt "$1" ] && [ "$pid" != "$2" ] && [ "$pid" != $$ ] || continue
  { read -r line <"$stat"; } 2>/dev/null || continue
  line=${line##*\\) }; line=${line#* * * }; line=${line%% *}
  [ "$line" != "$1" ] || kill -s KILL "$pid"
done
"""

# The command's standard input is /dev/null. The reader reads with the shell's own `read`, so that
# it is one process and one KILL ends it; the watchers' output must go to /dev/null, else they hold
# the channel open. The reader must be told its standard input: a background job's is /dev/null.
# The counter is told of a beat by URG, which does nothing before it has its trap. It waits for its
# `sleep` in the background, so that TERM, by which it is ended, leaves no `sleep` behind; a beat
# interrupts the wait and not the tick.
# The shell itself outlives TERM, and waits for the watchers' KILL: then its end says that all
# has ended. The command's own shell has no traps. It reaps the watchers, since not every machine's
# first process does (a container's often does not). The sweep is slow where /proc is long, so it
# leaves the session, if it can, and does not hold up the KILL.
_WATCH = """\
_renew() { :; }
LEASE
exec 3<&0 </dev/null
_end_command() {
trap '' TERM
_renew LEFT </dev/null
kill -s USR1 $$
PRIVILEGED_TERM kill -s TERM 0
sleep 1
if command -v setsid; then
  setsid sh -c '( SWEEP ) &' sh $$ 0
else
  read -r _self _ </proc/self/stat
  sh -c 'SWEEP' sh $$ "$_self"
fi
PRIVILEGED_KILL kill -s KILL 0
}
(
_beat= _silent=0 _ticks=0
trap _beat=yes URG
trap '[ "${!:-0}" = 0 ] || kill -s KILL "$!"; exit' TERM
while [ "$_silent" -lt SILENT ]; do
  sleep TICK &
  _tick=$!
  while kill -s 0 "$_tick"; do wait "$_tick"; done
  _silent=$((_silent + TICK))
  [ -z "$_beat" ] || _beat= _silent=0
  _ticks=$((_ticks + 1))
  [ "$_silent" -gt 0 ] || [ "$((_ticks % RENEW))" -gt 0 ] || _renew
done
_end_command
) 3<&- >/dev/null 2>&1 &
_counter=$!
(
trap '' TERM
while read -r _; do kill -s URG "$_counter"; done
_end_command
) <&3 3<&- >/dev/null 2>&1 &
_reader=$!
exec 3<&-
_stopped=
trap _stopped=yes USR1
trap : TERM
(
COMMAND
)
_status=$?
while [ -n "$_stopped" ] && kill -s 0 "$_reader" 2>/dev/null; do wait "$_reader"; done
while [ -n "$_stopped" ] && kill -s 0 "$_counter" 2>/dev/null; do wait "$_counter"; done
{ kill -s KILL "$_reader"; kill -s TERM "$_counter"; wait "$_reader" "$_counter"; } 2>/dev/null
[ -z "$_stopped" ] || _status=STOPPED
exit "$_status"
""".replace("SWEEP", _SWEEP)


# `_own` is what dd reads before its input, for itself. The feeder alone may hold the pipe open. The
# command has a process of its own: in ksh93 and zsh the last part of a pipeline is the
# shell itself, and ksh93 would be ended by USR1 in the middle of the command.
_FEED = """\
exec 3<&0 </dev/null
_stopped=
trap _stopped=yes USR1
{
dd bs=65536 <&3 3<&- 2>/dev/null &
_feeder=$!
exec 3<&- >/dev/null 2>&1
(
trap '[ "${!:-0}" = 0 ] || kill -s KILL "$!"; exit' TERM
_io() {
  _read= _written=
  while read -r _what _bytes; do
    case $_what in rchar:) _read=$_bytes ;; wchar:) _written=$_bytes ;; esac
  done
}
_io <<EOF
$(dd if=/proc/self/io bs=65536)
EOF
_own=$_read _last= _silent=0
while [ -n "$_own" ] && [ "$_silent" -lt SILENT ]; do
  sleep TICK &
  wait "$!"
  { _io <"/proc/$_feeder/io"; } 2>/dev/null || exit
  if [ "$_read" != "$_last" ] || [ "$((_read - _written))" -gt "$_own" ]; then
    _last=$_read _silent=0
  else
    _silent=$((_silent + TICK))
  fi
done
[ "$_silent" -ge SILENT ] || exit
kill -s USR1 $$
kill -s KILL "$_feeder"
) &
_watcher=$!
wait "$_feeder"
kill -s TERM "$_watcher"
wait "$_watcher"
} | {
exec 3<&0 </dev/null
(
COMMAND
) <&3 3<&- &
_command=$!
exec 3<&-
wait "$_command"
_status=$?
while [ -n "$_stopped" ] && kill -s 0 "$_command" 2>/dev/null; do
  wait "$_command"
  _status=$?
done
(exit "$_status")
}
_status=$?
[ -z "$_stopped" ] || _status=STOPPED
exit "$_status"
"""


def script(
    command: str,
    env: Mapping[str, str] | None = None,
    *,
    watched: bool,
    merged: bool = False,
    privilege: Sequence[str] = (),
    lease: Lease | None = None,
) -> bytes:
    """The script that runs `command` with `env` set, to be sent as `bootstrap` expects.

    `watched`: it ends when standard input does or has no beat for long, and reads nothing of it
    itself; else standard input is the command's own, and ends where it pauses for long. `merged`:
    standard error goes where standard output goes, in order. `privilege` is what stands before
    docker, such as `sudo -n`: a process that runs as another user can be signalled with its help
    only. Without the `lease`, which is renewed while a watched command runs, it does not run.
    """
    taking = lease.taking(watched=watched) if lease is not None else ""
    before, _, after = (_WATCH if watched else _FEED).partition("COMMAND")
    after = after.replace("STOPPED", str(STOPPED))
    before = before.replace("SILENT", str(SILENT_SECONDS)).replace("TICK", str(TICK_SECONDS))
    if watched:
        before = (
            before.replace("RENEW", str(RENEW_TICKS))
            .replace("LEFT", str(LEFT_SECONDS))
            .replace("LEASE\n", taking)
        )
        for signal in ("TERM", "KILL"):
            line = f"{shlex.join(privilege)} kill -s {signal} -- -$$\n" if privilege else ""
            before = before.replace(f"PRIVILEGED_{signal} ", line)
    else:
        before = taking + before
    body = before + command + after
    lines = ["{"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in (env or {}).items()]
    if merged:
        lines.append("exec 2>&1")
    return "\n".join([*lines, body, "}\n"]).encode("utf-8", "surrogateescape")


def bootstrap(size: int) -> str:
    """The command line that runs a script of `size` bytes from its standard input.

    `dd` with blocks of one byte takes exactly those and leaves the rest to the command. The line
    has no character that any login shell reads in its own way within single quotes.
    """
    return f"exec sh -c '_script=$(dd bs=1 count={size} 2>/dev/null) && eval \"$_script\"'"
