"""The faults, by kind. Which tests hold a promise is said by these tests: `@pytest.mark.fault(id)`.

A fault that no test names stands on the page as not tested.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What goes wrong and what is promised then. `missing` is what no test shows of it."""

    id: str
    what: str
    promise: str
    missing: str = ""


FAULTS: dict[str, tuple[Fault, ...]] = {
    "Secrets": (
        Fault(
            "secret-printed",
            "A build prints a secret, in clear, JSON, URLs, XML, shell quotes, base64 or "
            "hexadecimal, within a longer text, however cut and over several lines",
            "No record, log or message has it.",
        ),
        Fault(
            "secret-short",
            "The value has fewer than six characters",
            "It is taken out where its name stands before it, and of images where it is all.",
        ),
        Fault(
            "secret-not-hidden",
            "A build prints a value in a form that is not recognized, such as with colours in it "
            "or in base64 of base64",
            "SECURITY.md lists these forms, and no other: the log has what was printed.",
        ),
        Fault(
            "secret-env",
            "A build prints a value of `env` in hosts.toml",
            "It is a secret as well.",
        ),
        Fault(
            "secret-in-processes",
            "Somebody on the host lists processes while it builds",
            "No value shows.",
        ),
        Fault(
            "secret-in-files",
            "Somebody reads what was written here and on the hosts",
            "No value is there, nor in docker's own records of builds.",
        ),
        Fault(
            "secret-in-messages",
            "Any command runs or fails, or cachetui does, with values or passphrases at hand",
            "No message, format, completion, traceback or log file has a value.",
        ),
        Fault(
            "secret-digest",
            "Somebody who reads the store tries values until a digest fits",
            "A short value cannot be guessed: digests are keyed with a secret of the store.",
        ),
    ),
    "Builds that have to end": (
        Fault("killed", "cachetui is killed during builds", "They end on the hosts within 5 s."),
        Fault(
            "interrupted",
            "cachetui is interrupted, or a host stopped",
            "Its builds end within 5 s, other hosts go on, and what had ended is kept.",
        ),
        Fault(
            "connection-dies",
            "The connection dies, or sshd does",
            "The build ends within 5 s; the run is lost, and the host says why.",
        ),
        Fault(
            "network-gone",
            "The network fails silently during a build, or while something is sent or read",
            "Both sides end it by themselves, the host within 35 s; no partial context stays.",
        ),
        Fault(
            "client-stopped",
            "cachetui is stopped, or its machine asleep",
            "The host ends the build within 35 s, and cachetui says why afterwards.",
        ),
        Fault(
            "stubborn",
            "A command ignores TERM, leaves its process group, or leaves something running",
            "It is ended anyway, and delays nothing.",
        ),
        Fault(
            "script-cut",
            "The connection breaks while a script or a build context is sent",
            "Nothing of the script runs, and no partial context is used.",
        ),
        Fault(
            "terminal-closed",
            "The terminal is closed, or takes nothing, in the app",
            "All processes end within 5 s, and what had ended is stored.",
        ),
        Fault(
            "signal",
            "A signal ends the app, or it crashes",
            "The terminal is left as it was found.",
        ),
        Fault(
            "limits",
            "A build takes longer than --timeout, an audit than --deadline; more hosts fail than "
            "--max-fail allows",
            "It is stopped there, and what had ended is kept.",
        ),
    ),
    "What stays on a host": (
        Fault(
            "left-by-killed",
            "cachetui is killed before it could tidy up",
            "The next audit there, or clean, removes exactly what was made.",
        ),
        Fault(
            "left-unknown",
            "A host could not be asked what stayed",
            "The report says that it is unknown, and it is removed later.",
        ),
        Fault(
            "left-by-stopped",
            "A build is stopped, fails, or leaves steps, triggers and containers",
            "Images, tags and containers are as before.",
        ),
        Fault(
            "anothers-images",
            "Someone else's build meanwhile uses, tags or builds on the same images",
            "These stay.",
        ),
        Fault(
            "users-caches",
            "A user builds before and after an audit",
            "Caches and cache mounts are as if there had been no audit, or the report says how "
            "much they grew.",
        ),
        Fault(
            "folder-on-host",
            "An audit ends in any way",
            "Images, containers, processes and cachetui's folder are as before, or the report says "
            "what is left; every test of a fault on real engines checks this.",
        ),
    ),
    "Shared caches": (
        Fault(
            "shared-registry",
            "A registry is down, from the start or meanwhile, asks for a login, is full, slow, or "
            "says nothing",
            "The reason and the remedy are given in time; other kinds of caches are still shared.",
        ),
        Fault(
            "shared-broken",
            "The connection to a registry breaks, or stalls for ever, in the middle of a layer "
            "that is imported or exported",
            "It is said in time, with the registry and what to look at; no build hangs, and hosts "
            "are as before.",
        ),
        Fault(
            "shared-damaged",
            "A shared cache is cut short, has a flipped byte, has lost a part, or is not a cache",
            "It is reported as damaged, and nothing of it is used.",
        ),
        Fault(
            "shared-stopped",
            "A share is stopped or killed, or a registry does not delete what it wrote",
            "It is removed from hosts and registry, at the latest by the next share or clean, or "
            "what stays is named.",
        ),
    ),
    "Connecting": (
        Fault(
            "unreachable",
            "No name, no route, a refused port, silence, another protocol, half a banner",
            "A message and a remedy of its own for each, within the time limit; other hosts go on.",
        ),
        Fault(
            "endless-wait",
            "Any step of connecting never answers, or is cancelled",
            "Every wait has a limit, and ends at once when cancelled.",
        ),
        Fault(
            "jump-circle",
            "A ProxyJump circle, also through aliases of one address",
            "A message names it, and an interrupt ends the command.",
        ),
        Fault(
            "jump-fails",
            "A jump host cannot be reached, is not trusted, or forbids forwarding",
            "The message names the jump host, which is tried only once for all its hosts.",
        ),
        Fault(
            "host-key",
            "The host key is unknown, changed, revoked or of another type",
            "Refused, with a remedy that works.",
        ),
        Fault(
            "host-certificate",
            "A host certificate of the wrong name, time, authority, kind, or revoked",
            "Refused, with the reason.",
        ),
        Fault(
            "login",
            "Keys that are wrong, missing, encrypted, too many; passwords only",
            "A message of its own for each; nobody is asked twice.",
        ),
        Fault(
            "agent",
            "An agent that is dead, named by IdentityAgent, or full of other keys",
            "The login works without it, or the message gives the reason.",
        ),
        Fault(
            "ssh-config",
            "Generated ssh_config files, with Match, Include, tokens, ProxyCommand and ProxyJump",
            "They are read as `ssh -G` reads them.",
        ),
        Fault(
            "proxy-command",
            "A ProxyCommand fails, complains, hangs, or leaves something running",
            "The message has its own words, and only what may succeed is tried again.",
        ),
        Fault(
            "max-startups",
            "sshd drops connections (MaxStartups)",
            "They are tried again, and a message says so if they stay dropped.",
        ),
        Fault(
            "max-sessions",
            "sshd allows one session (MaxSessions 1)",
            "Every command runs, and once.",
        ),
        Fault(
            "shells",
            "Login shells of all kinds, noisy ones, and ones that run nothing",
            "Commands run the same, or the shell is named as the cause.",
        ),
        Fault(
            "banner", "sshd shows a long or hostile banner", "No command's output has any of it."
        ),
    ),
    "Engines and hosts": (
        Fault(
            "same-engine",
            "One engine under several names",
            "Built on one after the other; it counts once, and the report says so.",
        ),
        Fault(
            "worker-lost",
            "A Dask worker, or a worker process here, dies while it builds on hosts",
            "Their builds end there, nothing is built twice, what had ended is kept, and the "
            "report names the worker and how to go on.",
        ),
        Fault(
            "two-audits",
            "Two audits, of two people, at once on one engine",
            "The second waits and says for whom, but not for one that has ended, or that began "
            "before a reboot.",
        ),
        Fault(
            "lease-lies",
            "The lease that says who uses an engine is wrong: garbage, future dates, the highest "
            "possible number, files that cannot be read, links in its place",
            "Nothing is overwritten, no command fails because of it, and no audit waits in vain.",
        ),
        Fault(
            "not-now",
            "A host outside its hours, or built on as often as allowed that day",
            "It is not contacted at all.",
        ),
        Fault(
            "docker-args",
            "docker_args that would move a user's tag or write on the host (`-Dtuser/image`)",
            "Refused with the reason.",
        ),
        Fault(
            "engine-ends",
            "The engine ends during a build",
            "It is the host's trouble, not a difference between hosts; the step is lost.",
        ),
        Fault(
            "failed-agree",
            "All runs of a scenario fail, are stopped or are lost",
            "The hosts do not count as agreeing.",
        ),
        Fault(
            "no-engine",
            "No client, no daemon, no right to the socket, sudo that refuses, an engine that hangs",
            "Each has its own message and remedy.",
        ),
        Fault(
            "podman",
            "podman answers as docker; an engine in rootless mode",
            "Named, with what to set; a rootless engine is audited like any other.",
        ),
        Fault(
            "host-trouble",
            "The host's disk or docker's is full, the clock far off, BUILDX_BUILDER names none",
            "The reason and its remedy are beside what failed.",
            "an engine whose own clock is off: its words are recorded, only the shell's is set",
        ),
        Fault(
            "home-full",
            "The home is full, or tar is missing, while a build context is unpacked",
            "The message has the first cause and its remedy.",
        ),
        Fault(
            "reboot",
            "The host reboots during an audit",
            "Its run is lost, the rest goes on; the next audit there says so and removes what is "
            "left.",
        ),
        Fault(
            "least-right",
            "Somebody else has cachetui's SSH key",
            "It runs only cachetui's commands, and docker's only through the filter.",
        ),
    ),
    "This machine": (
        Fault(
            "disk-full",
            "The local disk is full",
            "What had ended is shown, and the message blames this machine, not the hosts.",
        ),
        Fault(
            "output-file",
            "-o into a folder, onto a device, through a link, into nowhere",
            "Found before the audit or written in place; no part of a file is left.",
        ),
        Fault(
            "damaged-store",
            "Any page of the store zeroed, any byte changed, a file cut, a pickle in it",
            "What is damaged is set aside, the rest goes on, and a message says so.",
        ),
        Fault(
            "read-only-store",
            "The store is on a read-only mount, or the user may only read it",
            "Everything that only shows works; what would change it is refused before it begins.",
        ),
        Fault(
            "several-processes",
            "Several processes write into one store, or remove it meanwhile",
            "What each kept is there.",
        ),
        Fault(
            "database-gone",
            "The database of a team's store cannot be reached, from the start or meanwhile",
            "What had ended is kept on this machine, a message says where and how to bring it in, "
            "and no other build begins. A server that is only restarted is not noticed.",
        ),
        Fault(
            "soak",
            "Hundreds of audits in one process",
            "Threads, file handles and child processes stay constant; the store grows by its runs.",
        ),
        Fault(
            "fleet-size",
            "More hosts than there are file handles for",
            "As many at once as there are handles for.",
        ),
        Fault(
            "store-limit",
            "The store grows for months",
            "It keeps to its limit, oldest first, and never drops a pinned audit.",
        ),
    ),
    "Hostile output": (
        Fault(
            "docker-output",
            "Any bytes as docker's output, floods, mutated recordings",
            "No crash, linear time, bounded memory.",
        ),
        Fault(
            "command-output",
            "A command prints without end, or closes its output",
            "It is cut or ended, and a message says so.",
        ),
        Fault(
            "host-json",
            "JSON from a host that no parser can follow, 200,000 levels deep",
            "It counts as no answer, not as an error in cachetui.",
        ),
        Fault(
            "terminal-text",
            "Control characters, markup and endless lines from hosts and builds",
            "Cleaned before anything is shown, in the app and in every format.",
        ),
        Fault("html-text", "HTML in names, logs and images", "Escaped in every slot of the page."),
        Fault(
            "file-names",
            "File names that are not UTF-8, or hold line breaks and control characters",
            "Named if they end a build, kept within their field, clean on the screen.",
        ),
        Fault(
            "images",
            "Layers and archives that are damaged, lie, nest or would leave their folder",
            "Reported, never unpacked, never a crash.",
        ),
    ),
}
