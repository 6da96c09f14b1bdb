"""SECURITY.md lists the forms in which a value is not recognized: all of them, and no other."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import html
import quopri
import re
from urllib.parse import quote

import pytest

from cachetui.audit.redact import Redactor
from tests.docs.console import ROOT

VALUE = "pa&ss<w0rd>-C4n4ry'x"
BYTES = VALUE.encode()
HEX = BYTES.hex(" ")

FORMS: dict[str, list[bytes]] = {
    "with control sequences in it, such as colours": [
        f"{VALUE[:5]}\x1b[31m{VALUE[5:]}".encode(),
        f"{VALUE[:5]}\x1b[01;31m\x1b[K{VALUE[5:8]}\x1b[m\x1b[K{VALUE[8:]}".encode(),
        "_\b".join(VALUE).encode(),
    ],
    "with something between its letters": [
        " ".join(VALUE).encode(),
        f"{VALUE[:6]}\n#5 0.1 {VALUE[6:]}".encode(),
        "\u200b".join(VALUE).encode(),
    ],
    "in another case": [VALUE.upper().encode(), VALUE.lower().encode()],
    "in part": [BYTES[:-1], BYTES[1:]],
    "reversed": [BYTES[::-1]],
    "compressed": [gzip.compress(BYTES)],
    "or encrypted": [bytes(byte ^ 0x55 for byte in BYTES)],
    "in UTF-16 or UTF-32": [VALUE.encode("utf-16-le"), VALUE.encode("utf-32-be")],
    "in base32, base85 or uuencode": [
        base64.b32encode(BYTES),
        base64.b85encode(BYTES),
        binascii.b2a_uu(BYTES),
    ],
    "in one encoding within another, such as base64 of base64, of UTF-16 or of hexadecimal, "
    "hexadecimal of base64, or HTML escaped twice": [
        base64.b64encode(base64.b64encode(BYTES)),
        base64.b64encode(VALUE.encode("utf-16-le")),
        base64.b64encode(BYTES.hex().encode()),
        base64.b64encode(BYTES.hex().upper().encode()),
        base64.b64encode(BYTES).hex().encode(),
        base64.b64encode(quote(VALUE).encode()),
        html.escape(html.escape(VALUE)).encode(),
    ],
    "as a list of numbers of its bytes": [
        str(list(BYTES)).encode(),
        ", ".join(map(hex, BYTES)).encode(),
    ],
    "as `hexdump`, `xxd` or `od` print it": [
        f"{HEX[:23]}  {HEX[24:47]}".encode(),
        BYTES.hex(" ", -2).encode(),
        " ".join(f"{byte:03o}" for byte in BYTES).encode(),
    ],
    "with each letter as an escape (`\\x70`, `%70`, `&#112;`)": [
        "".join(f"\\x{byte:02x}" for byte in BYTES).encode(),
        "".join(f"%{byte:02X}" for byte in BYTES).encode(),
        "".join(f"={byte:02X}" for byte in BYTES).encode(),
        "".join(f"\\{byte:03o}" for byte in BYTES).encode(),
        "".join(f"&#{byte};" for byte in BYTES).encode(),
    ],
    "as a plain digest of it": [hashlib.sha256(BYTES).hexdigest().encode()],
}


REWRITING = "in quoted-printable, UTF-7 or Latin-1 where these write a letter in another way"
"""One more form, which needs a value of its own: most letters stay as they are in it."""


def not_recognized() -> str:
    """What the page lists, on one line."""
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    found = re.search(r"^- \*\*In other forms (.*?)(?=^- )", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return " ".join(found[1].split())


@pytest.mark.fault("secret-not-hidden")
@pytest.mark.parametrize("form", FORMS)
def test_what_the_page_says_is_not_hidden(form: str) -> None:
    assert form.removeprefix("or ") in not_recognized()
    redactor = Redactor({"T": VALUE})
    for text in FORMS[form]:
        assert redactor.text(text) == text


@pytest.mark.fault("secret-not-hidden")
def test_encodings_of_mail_and_of_another_alphabet() -> None:
    assert REWRITING in not_recognized()
    value = "tok=en-C4n4ry-é7"
    redactor = Redactor({"T": value})
    written = (quopri.encodestring(value.encode()), value.encode("utf-7"), value.encode("latin-1"))
    for text in written:
        assert redactor.text(text) == text


@pytest.mark.fault("secret-not-hidden")
def test_the_page_lists_no_other() -> None:
    listed = not_recognized().partition(": ")[2].removesuffix(".")
    for form in (REWRITING, *FORMS):
        listed = listed.replace(form, "", 1)
    assert re.fullmatch(r"[;, ]*", listed), listed
