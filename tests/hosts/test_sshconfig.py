"""ssh_config: what `ssh -G` itself says of a file, and what we say."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config import SshConfig, Target
from cachetui.hosts.ssh.config_file import split
from cachetui.hosts.ssh.hop import Hop, hop


def target(text: str, alias: str, folder: Path, **explicit: object) -> Target:
    file = folder / "config"
    file.write_text(text)
    return SshConfig.read(file, None).target(alias, **explicit)  # type: ignore[arg-type]


FILES = {
    "first value holds": ("Host a\n Port 1\nHost *\n Port 2\n User u\n", ["a", "b"]),
    "order matters": ("Port 1\nHost a\n Port 2\n", ["a"]),
    "negated": ("Host * !b\n Port 1\n", ["a", "b"]),
    "wildcards": ("Host a? *.x\n Port 1\n", ["ab", "a", "abc", "q.x", "x"]),
    "brackets are no wildcard": ("Host [ab]\n Port 1\n", ["a", "[ab]"]),
    "equals": ("Host=a\nPort=1\nUser = me\n", ["a"]),
    "quotes": ('Host "a" \'b\'\n User "me you"\n', ["a", "b"]),
    "comment": ("Host a # b\n Port 1 # 2\n", ["a", "b", "#"]),
    "case": ("hOsT a\n pORT 1\n HOSTNAME X.Y\n", ["a", "A"]),
    "host name token": ("Host *.s\n HostName %h.example.com\n", ["a.s"]),
    "identities add up": ("IdentityFile /a\nHost a\n IdentityFile /b\n IdentityFile /a\n", ["a"]),
    "identity tokens": ("User u\nIdentityFile /k/%r@%h:%p-%n-%%\n", ["a"]),
    "known hosts": ("UserKnownHostsFile /a /b\nGlobalKnownHostsFile /c\n", ["a"]),
    "jump": ("Host a\n ProxyJump u@b:2222,c\nHost b\n ProxyJump none\n", ["a", "b"]),
    "match all": ("Match all\n Port 1\n", ["a"]),
    "match host": ("Host a\n HostName b\nMatch host b\n Port 1\n", ["a", "b", "c"]),
    "match original": ("Host a\n HostName b\nMatch originalhost b\n Port 1\n", ["a", "b"]),
    "match user": ("Host a\n User u\nMatch user u,v !host c\n Port 1\n", ["a", "b"]),
    "match list": ("Match host a,b*,!bb\n Port 1\n", ["a", "b", "bb", "bbb"]),
    "match exec": ('Match host a exec "test %h = a"\n Port 1\n', ["a", "b"]),
    "match not exec": ('Match !exec "test %h = a"\n Port 1\n', ["a", "b"]),
    "match final": ("Match final host b\n Port 1\nHost a\n HostName b\n", ["a", "c"]),
    "match canonical": ("Match canonical all\n Port 1\nMatch all\n Port 2\n", ["a"]),
    "host after match": ("Match host a\n Port 1\nHost b\n Port 2\n", ["a", "b"]),
    "include": ("Include INC\nHost *\n Port 9\n", ["one", "two", "three"]),
    "include in a block": ("Host one\n Include INC\n User in\nHost *\n Port 9\n", ["one", "two"]),
    "include under match": ("Match host two\n Include INC\nPort 9\n", ["one", "two"]),
    "block goes on after include": ("Host three\n Include INC\n User x\n", ["three", "one"]),
    "two includes": ("Include INC NONE\nInclude INC\n", ["one"]),
    "tag": ("Host a\n Tag t\nMatch tagged t\n Port 1\n", ["a", "b"]),
    "alias": ("Host a\n HostKeyAlias k\n IdentitiesOnly yes\n IdentityAgent none\n", ["a", "b"]),
    "no proxy command for one": (
        "Host a b\n ProxyCommand none\nHost b\n ProxyJump c\nHost *\n ProxyCommand nc %h %p\n",
        ["a", "b", "x"],
    ),
    "no jump for one": ("Host a\n ProxyJump nOnE\nHost *\n ProxyCommand nc\n", ["a", "b"]),
    "command before jump": ("ProxyCommand nc %h\nProxyJump b\n", ["a"]),
    "jump before command": ("ProxyJump b\nProxyCommand nc %h\n", ["a"]),
    "port of a service": ('Host a\n Port ssh\nHost b\n Port "http"\n', ["a", "b"]),
    "zone": ("Host fe80*\n User u\n", ["fe80::1%usb0", "fe80::1%lo", "::0001", "127.1"]),
    "zone of a host name": ("Host a\n HostName fe80::1%%lo\n", ["a"]),
    "words in a row": ("User \"a\"'b'c\\ d\n", ["a"]),
    "final pass": ("Host a\n HostName b\nMatch final\nHost b\n Port 5\n", ["a", "b"]),
    "canonical in a final pass": ("Match final host x\nMatch canonical\n Port 5\n", ["a"]),
    "canonical name": ("CanonicalizeHostname yes\nMatch canonical\n Port 5\n", ["a", "localhost"]),
    "case of a pattern": ("Match host A\n Port 1\nMatch originalhost B\n Port 2\n", list("aAbB")),
    "proxy command": ("ProxyCommand nc -X 5 %h %p # %%\n", ["a"]),
}


@pytest.mark.fault("ssh-config")
@pytest.mark.parametrize(("text", "aliases"), FILES.values(), ids=FILES.keys())
def test_as_ssh_says(tmp_path: Path, text: str, aliases: list[str]) -> None:
    """OpenSSH's own reading of the file is the judge."""
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh")
    folder = tmp_path / "inc"
    folder.mkdir()
    (folder / "1").write_text("Port 11\nHost one\n User first\nHost two\n User second\n")
    (folder / "2").write_text("Host one two\n HostName both\n")
    text = text.replace("INC", f"{folder}/*").replace("NONE", f"{folder}/none*")
    for alias in aliases:
        ours = target(text, alias, tmp_path)
        said = subprocess.run(
            ["ssh", "-G", "-F", tmp_path / "config", alias],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if "Bad configuration option" in said.stderr:
            pytest.skip("this ssh does not know the keyword yet")
        assert said.returncode == 0, said.stderr
        theirs: dict[str, list[str]] = {}
        for line in said.stdout.splitlines():
            key, _, value = line.partition(" ")
            theirs.setdefault(key, []).append(value)
        assert ours.host == theirs["hostname"][0]
        assert str(ours.port) == theirs["port"][0]
        assert ours.user == theirs["user"][0]
        assert ",".join(ours.jumps) == ",".join(theirs.get("proxyjump", []))
        command = theirs.get("proxycommand", ["none"])[0]
        assert (ours.command or "none") == plain(command, ours)
        assert ours.identities_only == (theirs["identitiesonly"][0] == "yes")
        if "IdentityFile" in text:
            expanded = [plain(name, ours) for name in theirs["identityfile"]]
            assert [str(path) for path in ours.identity_files or ()] == expanded
        if "KnownHosts" in text:
            files = f"{theirs['userknownhostsfile'][0]} {theirs['globalknownhostsfile'][0]}"
            assert " ".join(str(path) for path in ours.known_hosts) == files


def plain(text: str, found: Target) -> str:
    """Expand what `ssh -G` leaves for later."""
    tokens = {"r": found.user, "h": found.host, "n": found.alias, "p": str(found.port), "%": "%"}
    return re.sub("%(.)", lambda token: tokens[token[1]], text)


def test_explicit_settings_win(tmp_path: Path) -> None:
    found = target("Port 1\nUser u\nMatch user me\n HostName x\n", "a", tmp_path, user="me", port=7)
    assert (found.user, found.port, found.host) == ("me", 7, "x")


def test_unknown_match_holds_for_nothing(tmp_path: Path) -> None:
    text = "Match weather fine\n Port 1\nMatch !weather fine\n Port 2\nMatch\n Port 3\n"
    assert target(text, "a", tmp_path).port == 22


def test_relative_include_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".ssh" / "d").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh" / "d" / "x").write_text("Host a\n Port 5\n Include e\n")
    (home / ".ssh" / "e").write_text("User inner\nIdentityFile ~/.ssh/k\n")
    (home / "more").write_text("Host a\n HostName more\n")
    (home / ".ssh" / "config").write_text("Include d/* ~/more\n")
    found = SshConfig.read(system=None).target("a")
    assert (found.port, found.user, found.host) == (5, "inner", "more")
    assert found.identity_files == (home / ".ssh" / "k",)


def test_include_of_itself(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Include {file}\n")
    with pytest.raises(ConfigError, match=r"config:1: Include is more than 16 levels deep"):
        SshConfig.read(file, None)


def test_system_file_comes_second(tmp_path: Path) -> None:
    (tmp_path / "system").write_text("Port 2\nUser system\n")
    (tmp_path / "user").write_text("Port 1\n")
    found = SshConfig.read(tmp_path / "user", tmp_path / "system").target("a")
    assert (found.port, found.user) == (1, "system")


def test_no_file(tmp_path: Path) -> None:
    found = SshConfig.read(tmp_path / "none", None).target("Some.Host")
    assert (found.host, found.port, found.jumps) == ("some.host", 22, ())
    assert [path.name for path in found.known_hosts] == [
        "known_hosts",
        "known_hosts2",
        "ssh_known_hosts",
        "ssh_known_hosts2",
    ]


@pytest.mark.fault("host-key")
def test_strict_checking_cannot_be_turned_off(tmp_path: Path) -> None:
    weak = "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n"
    assert target(weak, "a", tmp_path).known_hosts[0] == Path("/dev/null")
    assert "strict" not in Target.__dataclass_fields__


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1"])
def test_bad_port(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigError, match="is not a port"):
        target(f"Port {port}\n", "a", tmp_path)


def test_tokens_that_mean_nothing(tmp_path: Path) -> None:
    """ssh refuses them; a name with a wrong half replaced would be another host."""
    for text in ("HostName fe80::1%usb0", "ProxyCommand nc %d", "IdentityFile /%x", "ProxyJump %u"):
        with pytest.raises(ConfigError, match=r"is not allowed there, only %%, %"):
            target(f"{text}\n", "a", tmp_path)
    with pytest.raises(ConfigError, match="there is no variable NOT_THERE"):
        target("IdentityFile ${NOT_THERE}/k\n", "a", tmp_path)


def test_no_identity_file_is_not_the_default_ones(tmp_path: Path) -> None:
    assert target("IdentityFile none\n", "a", tmp_path).identity_files == ()
    assert target("", "a", tmp_path).identity_files is None


def test_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens in User are of OpenSSH 10; a % that is none of them is a letter like any."""
    monkeypatch.setenv("LOGNAME", "another")
    me = target("", "a", tmp_path).user
    assert me == pwd.getpwuid(os.getuid()).pw_name
    assert target("User x-%u-%h\n", "A", tmp_path).user == f"x-{me}-a"
    assert target("", "a", tmp_path, user="x-%u").user == "x-%u"
    assert target("User me%corp\n", "a", tmp_path).user == "me%corp"


def test_include_with_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path))
    (tmp_path / "more").write_text("Port 5\n")
    assert target("Include ${WHERE}/more\n", "a", tmp_path).port == 5
    with pytest.raises(ConfigError, match="%h is not allowed there"):
        target("Include /%h\n", "a", tmp_path)


def test_values_that_make_no_sense(tmp_path: Path) -> None:
    text = "CanonicalizeHostname yes\nCanonicalizeMaxDots many\n"
    with pytest.raises(ConfigError, match="CanonicalizeMaxDots many is not a number"):
        target(text, "a.b", tmp_path)
    with pytest.raises(ConfigError, match="ProxyUseFdpass is not supported"):
        target("ProxyCommand nc %h\nProxyUseFdpass yes\n", "a", tmp_path)


def test_jump_tokens(tmp_path: Path) -> None:
    text = "ProxyJump x,u@b:22\nIdentityFile /%j\n"
    assert target(text, "a", tmp_path).identity_files == (Path("/b"),)


def test_a_name_that_has_to_be_found(tmp_path: Path) -> None:
    text = "CanonicalizeHostname yes\nCanonicalDomains x.invalid\nCanonicalizeFallbackLocal no\n"
    with pytest.raises(ConfigError, match="a is found in none of CanonicalDomains"):
        target(text, "a", tmp_path)


def test_canonical_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first domain that has the name, and the blocks of the full name."""

    def resolve(name: str, *_: object, **__: object) -> list[object]:
        if name not in ("a.two.", "a.three."):
            raise OSError
        return [object()]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    text = (
        "CanonicalizeHostname yes\nCanonicalDomains one two three\n"
        "Host a.two\n Port 5\nHost p\n ProxyJump j\n"
    )
    found = target(text, "a", tmp_path)
    assert (found.host, found.port) == ("a.two", 5)
    assert target(text, "b", tmp_path).host == "b"
    assert target(text, "p", tmp_path).host == "p"


def test_hops() -> None:
    assert hop("b") == Hop("b")
    assert hop("u@b:22") == Hop("b", "u", 22)
    assert hop("u@x@b") == Hop("b", "u@x")
    assert hop("[::1]:22") == Hop("::1", None, 22)
    assert hop("ssh://u@b:2/") == Hop("b", "u", 2)
    for text in ("", "b:x", "b:0", ":22", "a b:"):
        with pytest.raises(ConfigError):
            hop(text)


def test_split() -> None:
    assert split(r"""a "b c" 'd"e' f\ g h#i # j""") == ("a", "b c", 'd"e', "f g", "h#i")
    assert split('"a\\"b" ""') == ('a"b', "")
