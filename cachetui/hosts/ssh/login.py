"""Who is who: the server's key held against known_hosts, and our keys offered to the server."""

from __future__ import annotations

import contextlib
import shlex
import threading
from pathlib import Path

import paramiko
from paramiko.ssh_exception import BadAuthenticationType, PartialAuthentication

from cachetui.hosts.ssh import host_certificate
from cachetui.hosts.ssh.config import Target
from cachetui.hosts.ssh.errors import STEP, ConnectError, Deadline
from cachetui.hosts.ssh.keys import Identity
from cachetui.hosts.ssh.known_hosts import Answer, KnownHosts, fingerprint, lookup_name
from cachetui.hosts.ssh.prompts import SshPrompts
from cachetui.hosts.ssh.prompts import answer as ask


def check_host_key(
    transport: paramiko.Transport,
    target: Target,
    known: KnownHosts,
    prompts: SshPrompts,
    deadline: Deadline,
) -> None:
    """Accept a server's key that known_hosts, an authority in it or the user trusts.

    As for ssh, a key whose certificate does not hold is a key like any. Raises ConnectError.
    """
    key = transport.get_remote_server_key()
    offered, text = key.get_name(), key.get_base64()
    name, port = _key_name(target)
    answer = known.ask(target.known_hosts, name, port, offered, text)
    if answer.verdict == "known":
        return
    authorities = known.authorities(target.known_hosts, name, port)
    if key.public_blob is not None and authorities and answer.verdict != "revoked":
        trusted = {entry.key for entry in authorities}
        refusal = host_certificate.refusal(key.public_blob.key_blob, trusted, name.lower())
        if refusal is None:
            return
        answer = Answer("authority", tuple(authorities), refusal)
    shown = fingerprint(text)
    listed = lookup_name(name, port)
    if answer.verdict == "unknown" and ask(
        lambda: prompts.unknown_host_key(listed, offered, shown), False, deadline
    ):
        with contextlib.suppress(OSError):
            known.add(_own_file(target), name, port, offered, text)
        return
    raise _bad_host_key(target, answer, offered, shown)


def _key_name(target: Target) -> tuple[str, int]:
    """The name and port that known_hosts lists the target under."""
    if target.host_key_alias:
        return target.host_key_alias, 22
    return target.host, target.port


def _own_file(target: Target) -> Path:
    return next(iter(target.known_hosts), Path("~/.ssh/known_hosts").expanduser())


def _bad_host_key(target: Target, answer: Answer, offered: str, shown: str) -> ConnectError:
    name, port = _key_name(target)
    listed = lookup_name(name, port)
    file = shlex.quote(str(_own_file(target)))
    add = f"ssh-keyscan -p {target.port} {shlex.quote(target.host)} >> {file}"
    if target.jumps or target.command or target.host_key_alias:
        # Behind a jump host there is nothing to scan from here; ssh itself can ask.
        add = f"ssh -o UserKnownHostsFile={file} {shlex.quote(target.alias)} true"
    compare = f"compare the fingerprint {shown} with the host's own, then"
    seen = ", ".join(dict.fromkeys(f"{entry.file}:{entry.line}" for entry in answer.entries))
    if answer.verdict == "unknown":
        reason = f"its host key is not known: {listed} offers {offered} {shown}"
        return ConnectError("host-key", reason, f"{compare} add it: {add}")
    if answer.verdict == "revoked":
        return ConnectError(
            "host-key", f"its host key is revoked in {seen}", "do not connect; ask who revoked it"
        )
    if answer.verdict == "authority":
        refusal = answer.refusal or "is not shown"
        return ConnectError(
            "host-key",
            f"{seen} trusts {listed} by a certificate authority, and its certificate {refusal}",
            f"have its host key signed again; or {compare} add its key: {add}",
        )
    removals = " && ".join(
        dict.fromkeys(
            f"ssh-keygen -R {shlex.quote(listed)} -f {shlex.quote(str(entry.file))}"
            for entry in answer.entries
        )
    )
    if answer.verdict == "other-type":
        types = ", ".join(dict.fromkeys(entry.key_type for entry in answer.entries))
        reason = (
            f"{listed} offers a key of another type ({offered} {shown}) "
            f"than the one known ({types}, {seen})"
        )
        return ConnectError("host-key", reason, f"{compare} add it: {add}; or replace: {removals}")
    return ConnectError(
        "host-key",
        f"its host key has changed: {listed} offers {offered} {shown}, not the one of {seen}",
        f"someone may be intercepting the connection. If the host was reinstalled, {compare} run: "
        f"{removals} && {add}",
    )


def login(
    transport: paramiko.Transport,
    target: Target,
    identities: list[Identity],
    prompts: SshPrompts,
    deadline: Deadline,
) -> None:
    """Log in with the first key that is accepted. Raises ConnectError(login)."""
    tried: list[str] = []
    locked: ConnectError | None = None
    for identity in identities:
        try:
            key = identity.key(prompts, deadline)
        except ConnectError as error:
            if error.kind != "login":
                raise
            locked = locked or error
            continue
        if _offer(transport, target, key, deadline.restarted(), tried):
            return
        tried.append(identity.label)
        if not transport.is_active():
            raise _closed(target, tried)
    if locked is not None:
        raise locked
    refusal = _without_key(transport, target, tried, deadline.restarted())
    if refusal is not None:
        raise refusal


def _offer(
    transport: paramiko.Transport,
    target: Target,
    key: paramiko.PKey,
    deadline: Deadline,
    tried: list[str],
) -> bool:
    """Whether the server accepts a key. Raises ConnectError where no other key would do."""
    event = threading.Event()
    try:
        transport.auth_publickey(target.user, key, event=event)
    except paramiko.SSHException:
        raise _closed(target, tried) from None
    _wait(transport, event, deadline)
    if transport.is_authenticated():
        return True
    error = transport.get_exception()
    if isinstance(error, PartialAuthentication):
        raise ConnectError(
            "login",
            f"{target.host} requires more than a key: {', '.join(error.allowed_types)}",
            "allow a key alone for this user (AuthenticationMethods in its sshd_config)",
        )
    if isinstance(error, BadAuthenticationType):
        raise _no_keys(target, error.allowed_types)
    return False


def _without_key(
    transport: paramiko.Transport, target: Target, tried: list[str], deadline: Deadline
) -> ConnectError | None:
    """Why no key was accepted, by what the server says it would accept; None when it lets us in
    without one."""
    try:
        deadline.give(lambda: transport.auth_none(target.user))
    except BadAuthenticationType as error:
        if "publickey" not in error.allowed_types:
            return _no_keys(target, error.allowed_types)
    except TimeoutError:
        return _too_slow(deadline)
    except (paramiko.SSHException, EOFError, OSError):
        if not transport.is_active():
            return _closed(target, tried)
    else:
        return None
    return _refused(target, tried)


def _wait(transport: paramiko.Transport, event: threading.Event, deadline: Deadline) -> None:
    while not event.wait(STEP) and transport.is_active():
        if not deadline.left():
            raise _too_slow(deadline)


def _too_slow(deadline: Deadline) -> ConnectError:
    return ConnectError(
        "login",
        f"the login took longer than {deadline.seconds:g} s",
        "its sshd may be slow to look up users; connect_timeout can be raised",
    )


def _no_keys(target: Target, allowed: list[str]) -> ConnectError:
    return ConnectError(
        "login",
        f"{target.host} does not accept keys for the user {target.user}, only {', '.join(allowed)}",
        "allow keys in its sshd_config (PubkeyAuthentication yes)",
    )


def _refused(target: Target, tried: list[str]) -> ConnectError:
    copy = f"ssh-copy-id -p {target.port} {shlex.quote(f'{target.user}@{target.host}')}"
    if not tried:
        return ConnectError(
            "login",
            f"there is no key to log in as {target.user}, neither in an agent nor in ~/.ssh",
            f"set identity_file in hosts.toml, or make a key: ssh-keygen, then {copy}",
        )
    return ConnectError(
        "login",
        f"no key was accepted for the user {target.user}; tried: {', '.join(tried)}",
        f"set identity_file (and user) in hosts.toml to the right key, or allow one: {copy}",
    )


def _keys(count: int) -> str:
    return "one key" if count == 1 else f"{count} keys"


def _closed(target: Target, tried: list[str]) -> ConnectError:
    if tried:
        return ConnectError(
            "login",
            f"{target.host} closed the connection after {_keys(len(tried))} for {target.user}",
            "set identity_file in hosts.toml to the right one",
        )
    return ConnectError(
        "login", f"{target.host} closed the connection during the login", retry=True
    )
