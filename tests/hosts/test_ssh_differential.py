"""Our reading of generated ssh_config files against OpenSSH's own, for every option that is used.

`ssh -G` is the judge of which values hold, `ssh -v` of what their tokens become. Files that ssh
refuses are not compared. To try more: `--hypothesis-profile=thorough`.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config import SshConfig, Target
from cachetui.hosts.ssh.hop import Hop, hop
from tests.examples import examples

ALIASES = ("a", "b", "ab", "A", "a.b", "B.x", "10.0.0.1", "127.1", "::1", "::0001", "fe80::1%lo")
NAMES = ("a", "b", "X.Y", "%h.x", "%%", "%h", "10.0.0.1", "127.1", "::1", "0::2", "fe80::1%%lo")
PATTERNS = ("*", "a", "b", "a*", "?", "*.x", "!a", "!b*", "A", "a.b", "10.*", "*:*", "[ab]", "x.y")
PATHS = ("/a", "/b", "~/k", "~", "/k/%r@%h", "/%%", "/c#d", "none", "/${HOME}/x", "/e f")
JUMPS = (
    "none",
    "NONE",
    "b",
    "u@b:2222",
    "a,b",
    "u@x@b",
    "[::1]:22",
    "ssh://u@b:2",
    "b:ssh",
    "j-%p",
)
COMMANDS = ("none", "None", "nc %h %p", "nc -X 5 # %n", "sh -c 'x \"y\"'", "ssh -W %h:%p b")


def word(text: str) -> st.SearchStrategy[str]:
    """A word as it may be written: plain, quoted, partly quoted, with a backslash."""
    ways = [f'"{text}"', f"'{text}'", f'{text[:1]}"{text[1:]}"']
    if " " not in text:
        ways += [text, text, text]
    elif '"' not in text:
        ways.append(text.replace(" ", "\\ "))
    return st.sampled_from(ways)


def words(pool: tuple[str, ...], most: int = 3) -> st.SearchStrategy[str]:
    lists = st.lists(st.sampled_from(pool), min_size=1, max_size=most)
    return lists.flatmap(lambda texts: st.tuples(*map(word, texts))).map(" ".join)


def one(*pool: str) -> st.SearchStrategy[str]:
    return st.sampled_from(pool).flatmap(word)


YES = one("yes", "no", "true", "false")
VALUES = {
    "HostName": one(*NAMES),
    "Port": one("22", "2222", "ssh", "http", "+5", "0022", "65535"),
    "User": one("u", "v", "me you", "root", "dom\\user", "u@x"),
    "IdentityFile": one(*PATHS),
    "IdentitiesOnly": YES,
    "IdentityAgent": one("none", "SSH_AUTH_SOCK", "/s/%r", "~/s", "$SOCK", "${HOME}/s"),
    "UserKnownHostsFile": words(PATHS[:-3]),
    "GlobalKnownHostsFile": words(("/g", "/h", "none", "~/g")),
    "HostKeyAlias": one("k", "K.x", "none"),
    "ProxyJump": st.sampled_from(JUMPS),
    "ProxyCommand": st.sampled_from(COMMANDS),
    "CanonicalizeHostname": one("yes", "no", "always", "none"),
    "CanonicalDomains": words(("example.invalid", "localdomain", "none", "x.")),
    "CanonicalizeMaxDots": one("0", "1", "2"),
    "CanonicalizeFallbackLocal": YES,
    "Compression": YES,
    "SendEnv": words(("LANG", "LC_*")),
}
CRITERIA = st.one_of(
    st.sampled_from(
        ("all", "!all", "final", "!final", "canonical", "!canonical", "final all", "canonical all")
    ),
    st.builds(
        lambda negated, name, values: f"{negated}{name} {','.join(values)}",
        st.sampled_from(("", "!")),
        st.sampled_from(("host", "originalhost", "user", "localuser", "HOST")),
        st.lists(st.sampled_from((*PATTERNS, "u", "root", "me?you")), min_size=1, max_size=3),
    ),
    st.builds(
        lambda negated, command: f'{negated}exec "{command}"',
        st.sampled_from(("", "!")),
        st.sampled_from(("true", "false", "test %h = a", "test %n = A", "test %p-%r = 22-u")),
    ),
)
MATCH = st.lists(CRITERIA, min_size=1, max_size=2).map(" ".join)
SEPARATORS = st.sampled_from((" ", " ", " ", "=", " = ", "\t", "  ", " =", "= "))
CASES = st.sampled_from(("strip", "strip", "lower", "upper", "swapcase"))
"""Methods of a text."""
WHOLE = ("ProxyJump", "ProxyCommand", "Match")
"""Keywords that end with the line: a `#` after them is theirs, or treated otherwise."""


@st.composite
def lines(draw: st.DrawFn, places: tuple[str, ...]) -> str:
    keyword = draw(st.sampled_from((*VALUES, *VALUES, "Host", "Host", "Match", "Include")))
    if keyword == "Include":
        value = draw(words(places, 2))
    elif keyword == "Host":
        value = draw(words(PATTERNS))
    else:
        value = draw(MATCH if keyword == "Match" else VALUES[keyword])
    separator = draw(SEPARATORS)
    comment = "" if keyword in WHOLE else draw(st.sampled_from(("", "", "", " # x", " #")))
    end = draw(st.sampled_from(("", "", "", " ", "\t")))
    indent = draw(st.sampled_from(("", " ", "\t")))
    return f"{indent}{getattr(keyword, draw(CASES))()}{separator}{value}{comment}{end}"


def text_of(places: tuple[str, ...], most: int) -> st.SearchStrategy[str]:
    body = st.one_of(lines(places), lines(places), lines(places), st.sampled_from(("", "# x", " ")))
    return st.lists(body, min_size=1, max_size=most).map(lambda made: "\n".join([*made, ""]))


FILES = ("main", "one", "two")
CONFIGS = st.tuples(
    text_of(("ONE", "TWO", "ONE*", "NONE"), 12), text_of(("TWO", "NONE"), 5), text_of(("NONE",), 4)
)


@pytest.fixture(autouse=True)
def home(no_agent: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """The home that ssh takes, which is not what HOME says. Nothing in it is read."""
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    if shutil.which("ssh") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs ssh")
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def write(folder: Path, texts: tuple[str, ...]) -> Path:
    for name, text in zip(FILES, texts, strict=True):
        for mark, other in (("NONE", "none*"), ("ONE", "one"), ("TWO", "two")):
            text = re.sub(rf"(?<![a-zA-Z]){mark}(?![a-zA-Z])(?<!NONE)", str(folder / other), text)
        note(f"--- {name}\n{text}")
        (folder / name).write_text(text)
    return folder / "main"


def ssh(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def same_hops(ours: tuple[str, ...], theirs: list[str]) -> bool:
    return [hop(text) for text in ours] == [
        hop(text) for text in ",".join(theirs).split(",") if text
    ]


@pytest.mark.fault("ssh-config")
@examples(2)
@given(
    CONFIGS,
    st.sampled_from(ALIASES),
    st.none() | st.sampled_from(("u", "w")),
    st.none() | st.just(7),
)
def test_which_values_hold(
    folder: Path, texts: tuple[str, ...], alias: str, user: str | None, port: int | None
) -> None:
    """Every value, as `ssh -G` gives it: before tokens are replaced in all but HostName."""
    file = write(folder, texts)
    options: list[object] = [*(["-l", user] if user else []), *(["-p", port] if port else [])]
    said = ssh("-G", "-F", file, *options, alias)
    assume(said.returncode == 0)
    theirs: dict[str, list[str]] = {}
    for line in said.stdout.splitlines():
        key, _, value = line.partition(" ")
        theirs.setdefault(key, []).append(value)
    note(f"theirs: {theirs}")
    ours = read(file, alias, user, port)
    note(f"ours: {ours}")
    assert ours.host == theirs["hostname"][0]
    assert str(ours.port) == theirs["port"][0]
    assert ours.user == theirs["user"][0]
    assert ours.identities_only == (theirs["identitiesonly"][0] in ("yes", "true"))
    assert ours.host_key_alias == theirs.get("hostkeyalias", [None])[0]
    jump = theirs.get("proxyjump", ["none"])[0]
    assert same_hops(ours.jumps, [] if jump == "none" else [plain(jump, ours)])
    command = theirs.get("proxycommand", ["none"])[0]
    assert (ours.command or "none") == (
        "none" if command.lower() == "none" else plain(command, ours)
    )
    files = [plain(name, ours) for name in theirs["identityfile"] if name != "none"]
    if ours.identity_files is None:
        assert "~/.ssh/id_ed25519" in theirs["identityfile"]
    else:
        assert list(ours.identity_files) == list(dict.fromkeys(map(Path, files)))
    known = [*theirs.get("userknownhostsfile", []), *theirs.get("globalknownhostsfile", [])]
    names = [plain(name, ours) for name in " ".join(known).split() if name.lower() != "none"]
    # `ssh -G` does not tell a blank in a name (by %r) from one between names.
    words = " ".join(map(str, ours.known_hosts)).split()
    assert list(dict.fromkeys(words)) == list(dict.fromkeys(str(Path(name)) for name in names))
    agent = theirs.get("identityagent", ["SSH_AUTH_SOCK"])[0]
    special = {"SSH_AUTH_SOCK": None, "none": "", "$SOCK": ""}
    assert ours.agent == (special[agent] if agent in special else plain(agent, ours))


def read(file: Path, alias: str, user: str | None = None, port: int | None = None) -> Target:
    return SshConfig.read(file, None).target(alias, user=user, port=port)


def plain(text: str, found: Target) -> str:
    """What `ssh -G` leaves for later: tokens, `~` and variables."""
    text = os.path.expanduser(text).replace("${HOME}", os.environ["HOME"])
    tokens = {"r": found.user, "h": found.host, "n": found.alias, "p": str(found.port), "%": "%"}
    return re.sub("%(.)", lambda token: tokens.get(token[1], token[0]), text)


ALL_TOKENS = (*(f"%{letter}" for letter in "%CdhiLlnpruxz"), "-", "/", "x", "${HOME}")
"""Those of OpenSSH 9.2 on, two that mean nothing, and text."""


def tokens_of(*, most: int = 4) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(ALL_TOKENS), min_size=1, max_size=most).map("".join)


@pytest.mark.fault("ssh-config")
@examples(2)
@given(
    st.sampled_from(("a", "A.b", "10.0.0.1", "::1")),
    st.none() | st.sampled_from(("x", "%h.x", "Q%%q", "%n", "%%h", "fe80::1%%lo", "fe80::1%lo")),
    st.none() | tokens_of(),
    st.none() | tokens_of(),
    tokens_of(),
    st.sampled_from(("", "Port 2222\n", "User me\n", "HostKeyAlias k\n", "Port http\nUser x@y\n")),
)
def test_what_tokens_become(
    folder: Path,
    alias: str,
    name: str | None,
    identity: str | None,
    known: str | None,
    command: str,
    more: str,
) -> None:
    """Each option has tokens of its own, and one that means nothing there is refused by both."""
    options = {"HostName": name, "IdentityFile": identity and f"/{identity}"}
    options["UserKnownHostsFile"] = known and f"/{known}"
    options["ProxyCommand"] = f"false # {command}"
    text = more + "".join(f"{key} {value}\n" for key, value in options.items() if value)
    file = folder / "tokens"
    file.write_text(text)
    note(text)
    said = ssh("-vvv", "-oBatchMode=yes", "-F", file, alias, "true").stderr
    note(said)
    refused = re.search(r"unknown key %|invalid format", said) is not None
    try:
        ours = read(file, alias)
    except ConfigError:
        assert refused
        return
    assert not refused
    executed = re.search(r"Executing proxy command: exec (.*)", said)
    assert executed is not None
    assert ours.command == executed[1]
    if identity:
        theirs = re.findall(r"identity file (.*) type", said)
        assert [os.path.normpath(str(path)) for path in ours.identity_files or ()] == [
            os.path.normpath(theirs[0])
        ]
    if known and (expanded := re.search(r"expanded UserKnownHostsFile '.*' -> '(.*)'", said)):
        assert os.path.normpath(str(ours.known_hosts[0])) == os.path.normpath(expanded[1])


@pytest.mark.fault("ssh-config")
@examples(1)
@given(
    st.one_of(
        st.sampled_from(JUMPS),
        st.text(st.sampled_from("ab@:[]/1.%-"), min_size=1, max_size=10),
        st.text(st.sampled_from("ab@:[]/1.-"), max_size=8).map("ssh://".__add__),
    )
)
def test_what_names_a_jump_host(folder: Path, text: str) -> None:
    """A hop is taken apart as ssh does, and refused where ssh refuses it."""
    assume("[]" not in text)  # ssh goes to a host without a name then
    file = folder / "jump"
    file.write_text(f"ProxyJump {text}\n")
    said = ssh("-G", "-F", file, "target")
    try:
        ours: list[Hop] | None = [hop(each) for each in read(file, "target").jumps]
    except ConfigError:
        ours = None
    if said.returncode != 0 or "%" in text:
        return
    printed = re.search("^proxyjump (.*)$", said.stdout, re.MULTILINE)
    theirs = [hop(each) for each in printed[1].split(",")] if printed else []
    assert ours == theirs
