"""Pages in Chromium, as visitors meet them."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SECONDS = 180  # that anything may take: the machine may have much else to do
in_chromium = [pytest.mark.slow,
               pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")]


@contextmanager
def running() -> Iterator["playwright.Browser"]:
    """Start Chromium for as long as the block lasts."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS,
                                          timeout=1000 * SECONDS)
        yield browser
        browser.close()


@contextmanager
def opening(browser: "playwright.Browser", url: str) -> Iterator[Callable]:
    """Yield a function that opens a page below a URL, each as a visitor of its own.

    In the end the test fails if a console has complained, or if another host was asked.
    """
    complaints, contexts = [], []

    def open_(path: str = "/", **settings) -> "playwright.Page":
        context = browser.new_context(**{"locale": "en-GB", **settings})
        contexts.append(context)
        context.set_default_timeout(1000 * SECONDS)
        context.on("request", lambda request: complaints.append(f"another host: {request.url}")
                   if not request.url.startswith((url, "data:", "blob:")) else None)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text)
                if message.type == "error" and "status of 422" not in message.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


def until(page: "playwright.Page", expression: str) -> None:
    """Wait until an expression holds; Playwright's own waiting needs eval, which the pages ban."""
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        time.sleep(0.02)
