"""Build-argument values never reach what is kept."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from cachetui.audit.redact import Redactor

SECRET = 's3cr3t-"tok\\en" é'


def test_in_clear_and_as_json_and_in_base64() -> None:
    redactor = Redactor({"TOKEN": SECRET, "NODE": "20"})
    text = f"RUN login {SECRET} with node 20".encode()
    assert redactor.text(text) == b"RUN login [build-arg TOKEN] with node 20"
    log = base64.b64encode(text).decode()
    line = json.dumps({"name": text.decode(), "data": log}).encode()
    stream = redactor.stream()
    kept = stream.feed(line) + stream.close()
    decoded = json.loads(kept)
    assert SECRET not in decoded["name"]
    assert SECRET[1:-2].encode() not in base64.b64decode(decoded["data"])
    assert b"with node 20" in base64.b64decode(decoded["data"])


@given(st.lists(st.integers(0, 60)), st.text(min_size=0, max_size=30), st.text(max_size=30))
def test_however_the_output_is_cut(cuts: list[int], before: str, after: str) -> None:
    data = (before + SECRET + after).encode("utf-8", "replace") * 2
    stream = Redactor({"T": SECRET}).stream()
    kept = b""
    at = 0
    for cut in cuts:
        kept += stream.feed(data[at : at + cut])
        at += cut
    kept += stream.feed(data[at:]) + stream.close()
    assert SECRET.encode() not in kept
    assert kept == data.replace(SECRET.encode(), b"[build-arg T]")


def test_without_secrets_nothing_is_held_back() -> None:
    stream = Redactor({"NODE": "20"}).stream()
    assert stream.feed(b"20 20") == b"20 20"
    assert stream.close() == b""


def test_only_the_beginning_of_a_value_is_held_back() -> None:
    log = Redactor({"T": "hunter2-hunter2"}).log()
    assert log.feed(b"login hunt") == b"login "
    assert log.feed(b"er2-hunter2\nhunt") == b"[build-arg T]\n"
    assert log.feed(b"ing\n") == b"hunting\n"
    assert log.feed(b"hunter2") == b""
    assert log.close() == b"hunter2"


def test_a_value_of_several_lines_is_hidden_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nxyz\n"
    redactor = Redactor({"KEY": key})
    assert redactor.text(key.encode()) == b"[build-arg KEY]"
    assert redactor.text(b"#5 0.1 abcdefgh\n#5 0.1 xyz") == b"#5 0.1 [build-arg KEY]\n#5 0.1 xyz"
