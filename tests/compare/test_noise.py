from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.compare.noise import KINDS, canonical


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (" ---> Running in 0123456789ab", " «id»"),
        (" ---> 0123456789ab", " «id»"),
        ("Removing intermediate container 0123456789ab", "Removing «id»"),
        ("extracting sha256:" + "ab" * 32, "«id»"),
        ("2026-01-02T03:04:05.678Z INFO up", "«time» INFO up"),
        ("2026-01-02 03:04:05,678 up", "«time» up"),
        ("Mon Jan  2 03:04:05 UTC 2026", "«time»"),
        ("Mon, 02 Jan 2026 03:04:05 +0100 x", "«time» x"),
        ("[03:04:05] compiling", "[«time»] compiling"),
        ("built in 1.24s", "built in «duration»"),
        ("real\t0m1.240s", "real\t«duration»"),
        ("finished in 3 minutes", "finished in «duration»"),
        ("Fetched 12.3 MB in 2s (5,123 kB/s)", "Fetched 12.3 MB in «duration» («progress»)"),
        ("  ━━━━━━━━ 1.2/3.4 MB 12.3 MB/s eta 0:00:01", "  " + " ".join(["«progress»"] * 4)),
        (" 45% [=======>      ] 12.3kB/45.6MB", " «progress» [«progress»] «progress»"),
        (
            "Get:17 http://deb.example/ trixie/main libc6",
            "«progress» http://deb.example/ trixie/main libc6",
        ),
        ("gcc -c /tmp/cc8Xa1.s -o out.o", "gcc -c «temporary» -o out.o"),
        ("worker pid=4711 up", "worker «process» up"),
        ("cron[4711]: up", "cron«process»: up"),
        ("<object at 0x7f12345678>", "<object «process»>"),
        ("10%\r50%\r100% done\r", "«progress» done"),
    ],
)
def test_noise_has_a_placeholder(line: str, text: str) -> None:
    assert canonical(line).text == text
    assert canonical(line).kinds <= KINDS.keys()


@pytest.mark.parametrize(
    "line",
    [
        "ab" * 32 + "  x.tar",
        "FROM base:1@sha256:" + "ab" * 32,
        "Downloading numpy-2.1.3-cp312.whl (16.3 MB)",
        "Python 3.12.4, 5 items, 10 mods, ratio 16:9",
        "added 123 packages from 45 contributors",
        "Setting up tzdata (2024a-0+deb12u1) ...",
        "Marvin 12 passes, May 5 tests",
        "collected 7 of 1/2 at 0xff",
        "error[E0308]: mismatched types",
        "step 3/8: RUN make",
    ],
)
def test_what_means_something_stays(line: str) -> None:
    assert canonical(line) == (line, frozenset())


@given(st.text())
def test_any_line_is_taken(line: str) -> None:
    canonical(line)


@pytest.mark.parametrize(
    "piece", ["1:", "=", "━", "/tmp/", "0", "1.", " 1", "1kB/", "= ", "Jan ", "[", "---> ", "\r"]
)
def test_long_lines_take_linear_time(piece: str) -> None:
    line = piece * (300_000 // len(piece))
    started = time.process_time()
    canonical(line)
    assert time.process_time() - started < 5
