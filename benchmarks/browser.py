"""The form in a real browser: from its start to the first answer, and from a key press to the changed answer."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from tools.running_form import CHROMIUM_ARGUMENTS, chromium, free_port, listens

from benchmarks.patients import EXAMPLES, limits_of
from hcc_decide.knowledge.catalogue import Knowledge

EXAMPLE = "after-sorafenib-afp-812"
FACT = "afp_ng_ml"
"""The number that is typed; what it is decides something for the example."""
ANSWER = ".st-key-glance"
PROGRAM = str(Path(sys.executable).parent / "hcc-decide")
SECONDS = 60
WARM_UP = 2
WARMED_UP = 5
"""Seconds after which a form has got ready what it gets ready behind its first page."""

LISTENS, PAGE, FIRST_ANSWER, OPENED, COMMAND = "listens", "page", "answer", "opened", "command"

CLOCK = """
([box, answer]) => {
    const field = document.querySelector(box), shown = document.querySelector(answer);
    window.pressed = window.changed = null;
    field.addEventListener("keydown", event => {
        if (event.key === "Enter") window.pressed = performance.now();
    }, {capture: true, once: true});
    const text = shown.innerText;
    new MutationObserver((_, observer) => {
        if (window.pressed !== null && shown.innerText !== text) {
            window.changed = performance.now();
            observer.disconnect();
        }
    }).observe(shown, {subtree: true, childList: true, characterData: true});
}
"""


@dataclass(frozen=True)
class InBrowser:
    """What was seen in the browser.

    Attributes:
        version: of the browser.
        starts: how often the form was started.
        medians: seconds from the start of ``hcc-decide form``: until the server listens, until the page has its
            heading, and until it shows an answer; from opening another page of that form, which has warmed up by then, to its
            answer; and of ``hcc-decide recommend`` from start to end.
        typed: seconds from the key that ends an entry to the first change of the answer beside it, every time.
    """

    version: str
    starts: int
    medians: Mapping[str, float]
    typed: tuple[float, ...]


def measure_browser(knowledge: Knowledge, starts: int, entries: int) -> InBrowser:
    """Start the form again and again, and type into it, in a Chromium that runs already and has shown the form before.

    Args:
        knowledge: for the limits between which the typed number changes.
        starts: how often the form is started, after `WARM_UP` times that are not counted.
        entries: how many numbers are typed.

    Raises:
        FormError: there is no browser.
        RuntimeError: the form ended or showed no answer.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS))
        try:
            # One context and one port, so that the browser keeps what it fetched and compiled, as it does for a user.
            context = browser.new_context(viewport={"width": 1366, "height": 768})
            context.new_page().goto("about:blank")
            port = free_port()
            taken = [_start(context, port) for _ in range(starts + WARM_UP)][WARM_UP:]
            medians = {key: statistics.median(one[key] for one in taken) for key in taken[0]}
            return InBrowser(browser.version, starts, medians, tuple(_typed(context, port, knowledge, entries)))
        finally:
            browser.close()


def _start(context: BrowserContext, port: int) -> dict[str, float]:
    started = time.perf_counter()
    taken: dict[str, float] = {}

    def note(name: str) -> None:
        taken[name] = time.perf_counter() - started

    def answered(page: Page) -> None:
        page.locator(f"{ANSWER} strong").first.wait_for(timeout=1000 * SECONDS)

    with _form(port):
        note(LISTENS)
        address = f"http://127.0.0.1:{port}/?example={EXAMPLE}"
        page = context.new_page()
        page.goto(address, wait_until="commit")
        page.locator("h1").wait_for(timeout=1000 * SECONDS)
        note(PAGE)
        answered(page)
        note(FIRST_ANSWER)
        page.close()
        page = context.new_page()
        page.wait_for_timeout(1000 * WARMED_UP)
        started = time.perf_counter()
        page.goto(address, wait_until="commit")
        answered(page)
        note(OPENED)
        page.close()
    started = time.perf_counter()
    command = [PROGRAM, "recommend", str(EXAMPLES / f"{EXAMPLE}.yaml")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    note(COMMAND)
    return taken


@contextlib.contextmanager
def _form(port: int) -> Iterator[None]:
    """Start the form, go on as soon as it listens, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "form", "--headless", "--port", str(port)]
        program = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            end = time.monotonic() + SECONDS
            while not listens(port):
                if program.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("the form did not start")
                time.sleep(0.002)
            yield
        finally:
            program.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()


def _typed(context: BrowserContext, port: int, knowledge: Knowledge, entries: int) -> Iterator[float]:
    limits = limits_of(knowledge)[FACT]
    below, above = f"{limits[0] / 2:g}", f"{2 * limits[-1]:g}"
    with _form(port):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/?example={EXAMPLE}")
        _settle(page)
        box = f".st-key-fact_{FACT} input"
        # The first entry is not counted: the engine builds what it needs when it first needs it.
        for number in range(entries + 1):
            page.locator(box).fill(above if number % 2 else below)
            page.evaluate(CLOCK, [box, ANSWER])
            page.locator(box).press("Enter")
            page.wait_for_function("window.changed !== null", timeout=1000 * SECONDS)
            if number:
                yield float(page.evaluate("window.changed - window.pressed")) / 1000
            _settle(page)
        page.close()


def _settle(page: Page) -> None:
    """Wait until the server has answered and the page has drawn all of it."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=1000 * SECONDS)
    page.wait_for_timeout(300)
