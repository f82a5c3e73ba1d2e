"""Write docs/screenshots/: one picture of each page of the form, taken in a real Chromium from a form that really runs.

    python -m tools.take_screenshots

The case on the pictures is one of the examples. The first two pages are shown in dark as well.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from tools.running_form import CHROMIUM_ARGUMENTS, FormError, chromium, running_form

ROOT = Path(__file__).resolve().parents[1]
SCREENSHOTS = ROOT / "docs" / "screenshots"
EXAMPLE = "after-sorafenib-afp-812"
CHANGED = "Alpha-fetoprotein"
SIZE = ViewportSize(width=1366, height=1100)


def settled(page: Page) -> None:
    """Wait until the server has answered and the page has drawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    page.wait_for_timeout(1500)


def _as_it_is(page: Page) -> None:
    settled(page)


def _change_a_fact(page: Page) -> None:
    settled(page)
    page.get_by_role("radio", name=CHANGED).click()
    settled(page)
    page.get_by_role("spinbutton", name=CHANGED).fill("120")
    page.get_by_role("spinbutton", name=CHANGED).press("Tab")


def _two_lines_of_two(page: Page) -> None:
    settled(page)
    width = page.get_by_role("spinbutton", name="Options followed at each decision")
    width.fill("2")
    width.press("Enter")


def _last_step(page: Page) -> None:
    settled(page)
    page.get_by_role("button", name="Last", exact=True).click()


def _forest_plot(page: Page) -> None:
    settled(page)
    page.get_by_role("radio", name="Forest plot").click()


def _first_rule(page: Page) -> None:
    settled(page)
    page.get_by_role("radio").first.check(force=True)


STEPS: Mapping[str, Callable[[Page], None]] = {
    "Patient": _as_it_is,
    "Answer": _as_it_is,
    "What if": _change_a_fact,
    "Sequence": _two_lines_of_two,
    "Report": _as_it_is,
    "Teach": _last_step,
    "Evidence": _forest_plot,
    "Rules": _first_rule,
}
"""What is done on each page, by its name in the menu, before the picture is taken."""


def take(address: str, browser: Browser, target: Path, scheme: str, names: list[str]) -> None:
    """Take the pictures of some pages in one colour scheme."""
    page = browser.new_page(viewport=SIZE, color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}/?example={EXAMPLE}")
    settled(page)
    for name in names:
        page.get_by_role("link", name=name, exact=True).first.click()
        STEPS[name](page)
        settled(page)
        ending = "-dark" if scheme == "dark" else ""
        page.screenshot(path=target / f"{name.lower().replace(' ', '-')}{ending}.png")
    page.close()


def main(target: Path = SCREENSHOTS) -> int:
    """Take all pictures; status 1 when the form or the browser is not there."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running_form(Path(folder)) as address,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS))
            take(address, browser, target, "light", list(STEPS))
            take(address, browser, target, "dark", list(STEPS)[:2])
            browser.close()
    except FormError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
