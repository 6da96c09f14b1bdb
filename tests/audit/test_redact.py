"""Build-argument values never reach what is kept."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shlex
import subprocess
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.audit.redact import Redactor

SECRET = 's3cr3t-"tok\\en" é'


@pytest.mark.fault("secret-printed")
def test_in_clear_and_as_json() -> None:
    redactor = Redactor({"TOKEN": SECRET, "NODE": "20"})
    text = f"RUN login {SECRET} with node 20"
    assert redactor.text(text.encode()) == b"RUN login [build-arg TOKEN] with node 20"
    kept = redactor.text(json.dumps({"name": text}).encode())
    assert json.loads(kept) == {"name": "RUN login [build-arg TOKEN] with node 20"}


@pytest.mark.fault("secret-printed")
@given(st.lists(st.integers(0, 60)), st.text(min_size=0, max_size=30), st.text(max_size=30))
def test_however_the_output_is_cut(cuts: list[int], before: str, after: str) -> None:
    data = (before + SECRET + after).encode("utf-8", "replace") * 2
    stream = Redactor({"T": SECRET}).log()
    kept = b""
    at = 0
    for cut in cuts:
        kept += stream.feed(data[at : at + cut])
        at += cut
    kept += stream.feed(data[at:]) + stream.close()
    assert SECRET.encode() not in kept
    assert kept == data.replace(SECRET.encode(), b"[build-arg T]")


def test_without_secrets_nothing_is_held_back() -> None:
    stream = Redactor({"NODE": "20"}).log()
    assert stream.feed(b"20 20") == b"20 20"
    assert stream.close() == b""


def test_only_the_beginning_of_a_value_is_held_back() -> None:
    log = Redactor({"T": "hunter2-hunter2"}).log()
    assert log.feed(b"login hunt") == b"login "
    assert log.feed(b"er2-hunter2\nhunt") == b"[build-arg T]\n"
    assert log.feed(b"ing\n") == b"hunting\n"
    assert log.feed(b"hunter2") == b""
    assert log.close() == b"hunter2"


@pytest.mark.fault("secret-printed")
def test_a_value_of_several_lines_is_hidden_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nxyz\n"
    redactor = Redactor({"KEY": key})
    assert redactor.text(key.encode()) == b"[build-arg KEY]\n"
    assert redactor.text(b"#5 0.1 abcdefgh\n#5 0.1 xyz") == b"#5 0.1 [build-arg KEY]\n#5 0.1 xyz"


HARD = "pa&<ss>'w\\\"o$r`d é\u2028/x=1+2"


def go_json(text: str) -> str:
    """As Go's encoding/json writes a string."""
    escaped = json.dumps(text, ensure_ascii=False)
    for plain in "&<>\u2028\u2029":
        escaped = escaped.replace(plain, f"\\u{ord(plain):04x}")
    return escaped


WRITTEN = {
    "Python's JSON": json.dumps(HARD),
    "JSON in UTF-8": json.dumps(HARD, ensure_ascii=False),
    "Go's JSON": go_json(HARD),
    "a shell's quotes": shlex.quote(HARD),
    "set -x": "+ login '" + HARD.replace("'", "'\\''") + "'",
    "a URL": "https://x.test/?t=" + quote(HARD, safe=""),
    "a URL's path": "https://x.test/" + quote(HARD),
    "a form": "t=" + quote_plus(HARD),
    "a URL in lower case": re.sub("%..", lambda m: m[0].lower(), quote(HARD, safe="")),
    "JSON in JSON": json.dumps(json.dumps(HARD)),
    "Go's JSON in JSON": json.dumps(go_json(HARD)),
    "a URL in a URL": quote("https://x.test/?t=" + quote(HARD, safe=""), safe=""),
    "repr": repr({"token": HARD}),
    "HTML": html.escape(HARD),
    "XML": quoteattr(HARD),
    "an element of XML": escape(HARD),
    "export -p": "export TOKEN='" + HARD.replace("'", "'\"'\"'") + "'",
    "PHP's JSON": json.dumps(HARD).replace("/", r"\/"),
    "encodeURIComponent": quote(HARD, safe="!~*'()"),
    "encodeURI": quote(HARD, safe="!~*'();,/?:@&=+$#"),
    "Go's password in a URL": "https://me:" + quote(HARD, safe="$&+,;=") + "@x.test",
    "SQL": HARD.replace("'", "''"),
    "CSV": HARD.replace('"', '""'),
    "base64": base64.b64encode(f"user:{HARD}".encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(f"user2:{HARD}".encode()).decode(),
}


@pytest.mark.fault("secret-printed")
@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("way", ["text", "log"])
def test_a_value_is_taken_out_in_every_form(form: str, way: str) -> None:
    redactor = Redactor({"TOKEN": HARD}, [("PASS", "another-value")])
    text = f"before {WRITTEN[form]} after".encode()
    if way == "text":
        kept = redactor.text(text)
    else:
        log = redactor.log()
        kept = b"".join(log.feed(text[at : at + 1]) for at in range(len(text))) + log.close()
    assert kept.startswith(b"before ")
    assert kept.endswith(b" after")
    pieces = [HARD[at : at + 6] for at in range(0, len(HARD) - 6, 3)]
    for piece in pieces:
        for written in (piece, json.dumps(piece)[1:-1], go_json(piece)[1:-1], quote(piece)):
            assert written.encode() not in kept, (form, way, kept)
    if form.startswith("base64"):
        inner = WRITTEN[form][12:-8]  # of the value alone
        assert not any(inner[at : at + 8].encode() in kept for at in range(len(inner) - 8))


SHELLS_OWN = {
    "bash": ('printf "%q" "$V"', 'echo "${V@Q}"', "set", "export -p", "declare -p V"),
    "sh": ("set", "export -p"),
    "zsh": ("print -r ${(q)V} ${(qq)V} ${(qqq)V}", "set", "export -p"),
    "busybox": ("set", "export -p"),
    "ksh93": ('printf "%q" "$V"', "set", "export -p"),
}


@pytest.mark.fault("secret-printed")
@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(name, marks=pytest.mark.needs(name, optional=name not in ("sh", "bash")))
        for name in SHELLS_OWN
    ],
)
def test_what_shells_themselves_quote(shell: str) -> None:
    value = 'it\'s "c4n4ry" $HOME `x` \\ end, a=b;~x!&<y> #{1}[2]*?^|(3)%+@'
    redactor = Redactor({"V": value})
    for command in SHELLS_OWN[shell]:
        words = [shell, *(["sh"] if shell == "busybox" else []), "-c", command]
        env = {"V": value, "PATH": os.environ["PATH"]}
        done = subprocess.run(words, env=env, capture_output=True, timeout=20, check=True)
        assert b"c4n4ry" in done.stdout
        assert b"c4n4ry" not in redactor.text(done.stdout), command


LONG = "".join(f"{number:x}" for number in range(90, 160))
PRINTED_BY = {
    "in lines": "fold -w {width}",
    "base64": "base64 -w {width}",
    "hex": "od -An -v -w{width} -tx1",
    "hex in one": "od -An -v -tx1 | tr -d ' \\n' | fold -w {width}",
    "upper case": "od -An -v -tx1 | tr -d ' \\n' | tr a-f A-F | fold -w {width}",
    "with colons": "od -An -v -tx1 | tr -s ' \\n' : | fold -w {width}",
    "with CRLF": "fold -w {width} | sed 's/$/\\r/'",
}


@pytest.mark.fault("secret-printed")
@pytest.mark.parametrize("before", ["", "x", "xy", "user:"])
@pytest.mark.parametrize("width", [7, 16, 64, 76])
@pytest.mark.parametrize("program", PRINTED_BY)
def test_what_a_program_prints_over_several_lines(program: str, width: int, before: str) -> None:
    """A value within a longer text, at each place of base64's groups of three bytes."""
    command = PRINTED_BY[program].format(width=width)
    text = f"{before}{LONG} and more".encode()
    done = subprocess.run(["sh", "-c", command], input=text, capture_output=True, check=True)
    redactor = Redactor({"TOKEN": LONG})
    log = redactor.log()
    kept = b"".join(log.feed(done.stdout[at : at + 5]) for at in range(0, len(done.stdout), 5))
    kept += log.close()
    assert kept == redactor.text(done.stdout)
    assert kept.count(b"[build-arg TOKEN]") == 1
    # What is left is what stands around the value, and half a character of base64 at each end.
    bare = kept.replace(b"[build-arg TOKEN]", b"").split()
    around = len(text) - len(LONG)
    assert len(b"".join(bare)) <= {"in lines": 1, "with CRLF": 1}.get(program, 3) * around + 4


@pytest.mark.fault("secret-printed")
def test_lines_that_docker_quotes_with_their_time() -> None:
    redactor = Redactor({"TOKEN": "hunter2-hunter2"})
    log = redactor.log(timed=True)
    lines = (b"------\n", b"0.199 hunter2-\n", b"0.204 hunter2\n", b"------\n")
    kept = b"".join(map(log.feed, lines)) + log.close()
    assert kept == b"------\n0.199 [build-arg TOKEN]\n------\n"


@given(st.text("ab\r\n", max_size=40), st.integers(1, 9))
def test_line_breaks_elsewhere_stay(text: str, size: int) -> None:
    data = f"{text}abc{text}".encode()
    log = Redactor({"TOKEN": "value-of-it", "OTHER": "aabbaabb"}).log()
    kept = b"".join(log.feed(data[at : at + size]) for at in range(0, len(data), size))
    kept += log.close()
    if b"aabbaabb" not in data.replace(b"\r", b"").replace(b"\n", b""):
        assert kept == data
    else:
        assert b"aabbaabb" not in kept.replace(b"\r", b"").replace(b"\n", b"")


@given(
    st.lists(st.text("ab.+", min_size=6, max_size=9), min_size=1, max_size=6, unique=True),
    st.lists(st.text("ab.+", max_size=12), max_size=4),
)
def test_of_values_that_begin_alike_the_longest_is_taken(
    values: list[str], rest: list[str]
) -> None:
    redactor = Redactor({f"V{number}": value for number, value in enumerate(values)})
    text = "|".join([rest[0], *values, *rest[1:]] if rest else values).encode()
    kept = redactor.text(text)
    assert not any(value.encode() in kept for value in values)
    log = redactor.log()
    assert b"".join(log.feed(text[at : at + 1]) for at in range(len(text))) + log.close() == kept


@pytest.mark.fault("secret-short")
def test_a_short_value_goes_where_its_name_stands_before_it() -> None:
    redactor = Redactor({"PIN": "42"}, [("KEY", "a&b")])
    history = rb'"created_by": "|2 KEY=a\u0026b PIN=42 /bin/sh -c echo 42"'
    assert redactor.text(history) == (
        rb'"created_by": "|2 KEY=[env KEY] PIN=[build-arg PIN] /bin/sh -c echo 42"'
    )


@pytest.mark.fault("secret-printed")
def test_bytes_that_a_locale_does_not_have() -> None:
    value = 'it\'s "caf\u00e9" c4n4ry'
    env = {"V": value, "LC_ALL": "C", "PATH": os.environ["PATH"]}
    words = ["bash", "-c", 'printf "%q\\n" "$V"; declare -p V']
    told = subprocess.run(words, env=env, capture_output=True, timeout=20, check=True).stdout
    kept = Redactor({"V": value}).text(told + repr(value.encode()).encode())
    assert b"\\303" in told
    assert b"c4n4ry" not in kept


@pytest.mark.fault("secret-printed")
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_base64_of_json(before: str) -> None:
    value = 'pa"ss-w\u00f6rd-in-it'
    text = json.dumps({before: value}).encode()
    assert b"[build-arg V]" in Redactor({"V": value}).text(base64.b64encode(text))


@pytest.mark.fault("secret-short")
@pytest.mark.parametrize(
    "text", ["export PIN='42'", 'declare -x PIN="42"', '{"PIN":"42"}', '{"PIN": "42"}', "PIN: 42"]
)
def test_a_short_value_may_stand_in_quotes(text: str) -> None:
    kept = Redactor({"PIN": "42"}).text(text.encode())
    assert kept.decode() == text.replace("42", "[build-arg PIN]")


@pytest.mark.fault("secret-printed")
@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a(b)/c!d", "a(b)%2Fc!d"),
        ("caf\u00e9+x'y", r"caf\u00E9\u002Bx\u0027y"),
        ("pa=ss'word", r"pa\u003dss\u0027word"),
        ("pass  word\txyz", "pass word xyz"),
        ("a~b c/d~e", "a%7Eb+c%2Fd%7Ee"),
    ],
    ids=["JavaScript's URL", ".NET's JSON", "Gson's JSON", "a shell's words", "Java's URL"],
)
def test_what_one_language_alone_writes(value: str, written: str) -> None:
    assert Redactor({"T": value}).text(written.encode()) == b"[build-arg T]"


@pytest.mark.parametrize("value", ["    a ", "      ", "  ", " a"])
def test_a_value_of_blanks_hides_no_letter(value: str) -> None:
    text = b'banana A=" " B= c=1 "D": ""'
    assert Redactor({"V": value}).text(text) == text
    assert Redactor({"V": value}).image(text) == text


@pytest.mark.fault("secret-env")
def test_the_value_of_a_hosts_environment_is_a_secret_too() -> None:
    redactor = Redactor({}, [("TOKEN", "on-the-first"), ("TOKEN", "on-the-other")])
    assert redactor.text(b"on-the-first on-the-other") == b"[env TOKEN] [env TOKEN]"


@pytest.mark.fault("secret-short")
def test_in_an_image_a_short_value_goes_where_it_is_all_there_is() -> None:
    redactor = Redactor({"PIN": "7Q4x", "ARCH": "amd64", "N": "20"})
    config = (
        b'{"Env":["KEPT=7Q4x","A=7Q4xy"],"Labels":{"pin":"7Q4x","x":"y 7Q4x","n":"20"},'
        b'"architecture":"amd64","Retries":20,"created_by":"LABEL pin=7Q4x m=amd64"}'
    )
    assert redactor.image(config) == (
        b'{"Env":["KEPT=[build-arg PIN]","A=7Q4xy"],"Labels":{"pin":"[build-arg PIN]",'
        b'"x":"y 7Q4x","n":"[build-arg N]"},"architecture":"amd64","Retries":20,'
        b'"created_by":"LABEL pin=[build-arg PIN] m=[build-arg ARCH]"}'
    )
    assert Redactor({}).image(config) == config
