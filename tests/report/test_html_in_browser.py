"""The HTML page in a browser: it asks for nothing, folds by keyboard and fits a phone.

The browser comes from Debian's packages as the lab's engines do, so these tests run with theirs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.report.formats import html
from tests import make_records as b
from tests.browser import PROGRAM, Browser
from tests.lab.packages import install
from tests.report.reports import report
from tests.report.test_html_escaping import attacked, findings
from tests.report.test_screen import one_problem

pytestmark = pytest.mark.lab

PHONE = 390
ATTACK = (
    "<script>console.error(1)</script><img src='https://example.org/x.png' onerror='alert(1)'>"
    "</style><link rel=stylesheet href=//example.org/x.css> " + "unbroken" * 30
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if shutil.which(PROGRAM) is None:
        install([PROGRAM])
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hosts in trouble, a cause, failures, timelines: each section there is, and hostile text."""
    document = attacked(b.troubled(), attack=ATTACK)
    file = tmp_path_factory.mktemp("page") / "page.html"
    told = report(document, attacked(findings(), attack=ATTACK), tail=[ATTACK])
    file.write_text(html.render(told), "utf-8")
    return file


def test_it_asks_for_nothing_and_the_console_is_silent(browser: Browser, page: Path) -> None:
    browser.open(page, width=1200)
    assert browser.value("document.querySelectorAll('h2').length") >= 8
    assert browser.loaded() == [page.as_uri()]
    assert browser.complaints() == []


def test_a_page_that_loads_something_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='other.png'><script>console.log(1)</script>")
    browser.open(bad, width=1200)
    assert browser.loaded() == [bad.as_uri(), bad.with_name("other.png").as_uri()]
    assert browser.complaints()


def test_every_fold_opens_and_closes_by_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page, width=1200)
    folds = browser.value("document.querySelectorAll('details').length")
    state = "document.activeElement.parentNode.open"
    toggled = 0
    for _ in range(folds + browser.value("document.querySelectorAll('.wide').length")):
        browser.press("Tab")
        if browser.value("document.activeElement.tagName") == "SUMMARY":
            before = browser.value(state)
            browser.press("Enter")
            assert browser.value(state) is not before
            toggled += 1
    assert toggled == folds > 3


def test_a_wide_table_scrolls_by_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page, width=PHONE)
    wide = "document.querySelector('.wide')"
    assert browser.value(f"{wide}.scrollWidth > {wide}.clientWidth")
    browser.value(f"{wide}.focus()")
    browser.press("ArrowRight")
    moved = f"new Promise(done => setTimeout(() => done({wide}.scrollLeft), 300))"
    told = browser.call("Runtime.evaluate", expression=moved, awaitPromise=True)
    assert told["result"]["value"] > 0


def test_a_phone_shows_it_without_moving_sideways(browser: Browser, page: Path) -> None:
    browser.open(page, width=PHONE)
    browser.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.value("document.documentElement.scrollWidth") == PHONE
    outside = (
        "[...document.querySelectorAll('body *')].filter(each => !each.closest('.wide') &&"
        f" each.getBoundingClientRect().right > {PHONE}).map(each => each.outerHTML.slice(0, 80))"
    )
    assert browser.value(outside) == []
    sizes = (
        "Math.min(...[...document.querySelectorAll('body *')]"
        ".map(each => parseFloat(getComputedStyle(each).fontSize)))"
    )
    assert browser.value(sizes) >= 12
    column = "document.querySelector('td.step').getBoundingClientRect().width"
    assert browser.value(column) < PHONE / 2, "figures hide behind the step's name"


def test_the_first_screen_of_a_phone_has_the_cause_and_what_to_do(
    browser: Browser, tmp_path: Path
) -> None:
    for name, page, remedy in (
        ("explained", one_problem(3), ".reason .advice"),
        ("unexplained", report(b.troubled(), findings()), "ul.needs"),
    ):
        file = tmp_path / f"{name}.html"
        file.write_text(html.render(page), "utf-8")
        browser.open(file, width=PHONE, height=844)
        bottom = f"document.querySelector('{remedy}').getBoundingClientRect().bottom"
        assert 0 < browser.value(bottom) <= 844, name
