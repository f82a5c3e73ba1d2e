"""The patient page in a real browser: what only a browser can get wrong, because it keeps a state of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright
from tools.running_form import CHROMIUM_ARGUMENTS, FormError, chromium, running_form

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with running_form(tmp_path_factory.mktemp("elsewhere")) as found:
            yield found
    except FormError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS))
        opened = browser.new_page(viewport={"width": 1366, "height": 768})
        opened.set_default_timeout(60_000)
        opened.goto(f"{address}/?example=after-sorafenib-afp-812")
        expect(chosen(opened, "BCLC stage")).to_have_text("C", timeout=60_000)
        yield opened
        browser.close()


def chosen(page: Page, label: str) -> Locator:
    """Return the segment that is chosen."""
    return page.get_by_role("radiogroup", name=label, exact=True).locator("[aria-checked=true]")


def segment(page: Page, label: str, value: str) -> Locator:
    return page.get_by_role("radiogroup", name=label, exact=True).get_by_role("radio", name=value, exact=True)


def number(page: Page, label: str) -> Locator:
    return page.get_by_role("spinbutton", name=label)


def settled(page: Page) -> None:
    """Wait until the server has answered; a change takes a moment to be sent."""
    page.wait_for_timeout(500)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def glance(page: Page) -> Locator:
    return page.locator(".st-key-glance")


def test_every_field_shows_what_the_form_holds_after_another_page_was_used(page: Page) -> None:
    segment(page, "Unit of Total bilirubin", "mg/dL").click()
    settled(page)
    number(page, "Total bilirubin").fill("1.25")
    number(page, "Total bilirubin").press("Tab")
    settled(page)
    for _ in range(2):
        page.get_by_role("link", name="Answer", exact=True).first.click()
        expect(page.get_by_role("heading", name="Answer", level=1)).to_be_visible()
        page.get_by_role("link", name="Patient", exact=True).first.click()
        expect(glance(page)).to_contain_text("Cabozantinib")
        settled(page)
        expect(chosen(page, "ECOG performance status")).to_have_text("1")
        expect(chosen(page, "Refractory to TACE")).to_have_text("not known")
        expect(number(page, "Alpha-fetoprotein")).to_have_value("812")
        expect(number(page, "Total bilirubin")).to_have_value("1.25")
        expect(page.get_by_role("combobox", name="Region", exact=True)).to_have_value("United States")
        expect(page.get_by_role("combobox", name="Treatment of line 1")).to_have_value("Sorafenib")


def test_however_fast_the_unit_is_changed_the_number_means_the_same(page: Page) -> None:
    number(page, "Total bilirubin").fill("34.2")
    number(page, "Total bilirubin").press("Tab")
    settled(page)
    for turn in range(7):
        segment(page, "Unit of Total bilirubin", ["mg/dL", "µmol/L"][turn % 2]).click(no_wait_after=True)
    # Of clicks this fast one may be lost; the number must fit the unit that is left standing.
    page.wait_for_timeout(2_000)
    settled(page)
    shown = {"mg/dL": "2", "µmol/L": "34.2"}[chosen(page, "Unit of Total bilirubin").inner_text()]
    expect(number(page, "Total bilirubin")).to_have_value(shown)
    number(page, "Total bilirubin").focus()
    number(page, "Total bilirubin").blur()
    segment(page, "Unit of Total bilirubin", "µmol/L").click()
    expect(number(page, "Total bilirubin")).to_have_value("34.2")


def test_the_keyboard_suffices_and_nothing_is_lost_while_someone_types(page: Page) -> None:
    segment(page, "Child–Pugh class", "A").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(chosen(page, "Child–Pugh class")).to_have_text("B")
    expect(glance(page)).to_contain_text("Child–Pugh B")
    more = page.locator("summary").filter(has_text="More patient facts")
    more.focus()
    page.keyboard.press("Enter")
    number(page, "Neutrophil").click()
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(more).to_contain_text("1 known")
    expect(number(page, "Neutrophil")).to_be_focused()


def test_the_answer_stays_in_view_and_what_is_refused_takes_its_place(page: Page) -> None:
    page.get_by_role("heading", name="Context", exact=True).scroll_into_view_if_needed()
    expect(glance(page).get_by_role("heading", name="At a glance")).to_be_in_viewport()
    number(page, "Alpha-fetoprotein").fill("-5")
    number(page, "Alpha-fetoprotein").press("Tab")
    column = page.get_by_test_id("stColumn").filter(has=number(page, "Alpha-fetoprotein")).last
    expect(column.get_by_role("alert")).to_contain_text("-5 is refused; allowed is 0 or more")
    expect(glance(page)).to_contain_text("No answer: 1 entry is refused (Alpha-fetoprotein (AFP)).")
    expect(glance(page)).not_to_contain_text("Cabozantinib")
    assert "-5" not in page.url
    assert "example" not in page.url
