"""The form in a real browser, started the way a user starts it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Visit:
    """A page with all that it asked the network for and all that it complained of."""

    page: Page
    hosts: set[str | None] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


def _chromium() -> str:
    wanted = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    found = shutil.which(wanted)
    if found is None:
        pytest.fail(f"{wanted} is no program; install Chromium, or name one with CHROMIUM=/path", pytrace=False)
    return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the form in a folder that has nothing to do with it, and stop it afterwards."""
    folder = tmp_path_factory.mktemp("elsewhere")
    port = _free_port()
    command = [str(Path(sys.executable).parent / "hcc-decide"), "form", "--headless", "--port", str(port)]
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                    break
            except OSError:
                assert server.poll() is None, f"the form ended: {(folder / 'output').read_text()}"
                time.sleep(0.2)
        else:
            pytest.fail("the form did not start within a minute")
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait(20)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail("the server outlived the program that started it")
        said = (folder / "output").read_text()
        assert "Traceback" not in said
        assert "my-pseudonym" not in said, "what is entered must not be logged"
        assert [path.name for path in folder.iterdir()] == ["output"], "the form must not write files"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture
def visit(address: str) -> Iterator[Visit]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        seen = Visit(page)
        page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).hostname))
        page.on("websocket", lambda opened: seen.hosts.add(urlsplit(opened.url).hostname))
        page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(address)
        expect(page.get_by_role("button", name="Decide")).to_be_visible(timeout=60_000)
        yield seen
        browser.close()


def settled(page: Page) -> None:
    """Wait until the server has answered the last change."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)


def choose(page: Page, label: str, value: str) -> None:
    field, option = page.get_by_role("combobox", name=label), page.get_by_role("option", name=value, exact=True)
    # A list closes when the page scrolls, so the field is brought into view before the click that opens it.
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    field.click()
    # A long list shows only its beginning; what is typed narrows it.
    field.fill(value)
    option.click()
    settled(page)


def number(page: Page, label: str, value: str) -> None:
    page.get_by_role("spinbutton", name=label).fill(value)


def card(page: Page, name: str) -> str:
    """Return the label of an option's card; empty when there is none."""
    found = page.locator("summary").filter(has_text=re.compile(rf"\d+\. {re.escape(name)}(?! \+)"))
    return found.first.inner_text() if found.count() else ""


def test_a_patient_is_filled_in_decided_and_the_reasons_are_read(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_text("Intended use.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"sha256 [0-9a-f]{64}"))).to_be_visible()
    page.get_by_role("textbox", name="Case").fill("my-pseudonym")
    choose(page, "BCLC stage", "C (advanced)")
    choose(page, "Child–Pugh class", "A (5 to 6 points)")
    choose(page, "ECOG performance status", "1")
    choose(page, "Prior systemic therapy", "as follows")
    choose(page, "Treatment", "Sorafenib")
    choose(page, "Outcome", "progression")
    number(page, "Alpha-fetoprotein", "812")
    page.get_by_role("button", name="Decide").click()  # straight from the field, as people do

    expect(page.get_by_role("heading", name="Setting: second line of systemic therapy")).to_be_visible(timeout=60_000)
    settled(page)
    assert "recommended" in card(page, "Ramucirumab")
    summary = page.locator("summary").filter(has_text=re.compile(r"\d+\. Ramucirumab"))
    ramucirumab = page.locator("details").filter(has=summary).first
    expect(ramucirumab).not_to_have_attribute("open", "")
    summary.click()
    expect(ramucirumab.get_by_text("Ranked here because:")).to_be_visible()
    expect(ramucirumab.get_by_role("columnheader", name="Criterion")).to_be_visible()
    link = ramucirumab.locator('a[href^="https://doi.org/10."]').first
    expect(link).to_be_visible()
    expect(ramucirumab.locator('a[href^="https://clinicaltrials.gov/study/NCT"]').first).to_be_visible()

    number(page, "Alpha-fetoprotein", "120")
    page.get_by_role("spinbutton", name="Alpha-fetoprotein").press("Enter")
    expect(page.get_by_text("Out of date.")).to_be_visible()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Out of date.")).to_be_hidden()
    settled(page)
    assert card(page, "Ramucirumab") == ""

    assert visit.hosts == {"127.0.0.1"}
    assert visit.complaints == []


def test_a_refused_number_is_said_beside_its_field(visit: Visit) -> None:
    page = visit.page
    number(page, "Alpha-fetoprotein", "-5")
    page.get_by_role("spinbutton", name="Alpha-fetoprotein").press("Tab")
    column = page.get_by_test_id("stColumn").filter(has=page.get_by_role("spinbutton", name="Alpha-fetoprotein"))
    expect(column.get_by_role("alert")).to_contain_text("-5 is refused; allowed is 0 or more")
    number(page, "Number of tumours", "2.5")
    page.get_by_role("spinbutton", name="Number of tumours").press("Tab")
    expect(page.get_by_text("2.5 is refused; a whole number is expected")).to_be_visible()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Nothing was decided: 2 entries are refused")).to_be_visible()
    assert visit.hosts == {"127.0.0.1"}
    assert visit.complaints == []
