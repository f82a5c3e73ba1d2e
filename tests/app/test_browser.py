"""The form in a real browser, started the way a user starts it: every page is clicked through, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from docx import Document
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from pypdf import PdfReader
from tools.running_form import CHROMIUM_ARGUMENTS, FormError, chromium, running_form

from form import pages

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EXAMPLE = "after-sorafenib-afp-812"


@dataclass
class Visit:
    """A page with all that it asked the network for and all that it complained of."""

    page: Page
    address: str
    hosts: set[str | None] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> Page:
        """Open a page of the form and wait until it is there."""
        self.page.goto(f"{self.address}/{path}")
        settled(self.page)
        return self.page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The form, running in a folder that has nothing to do with it; afterwards it has written and logged nothing."""
    folder = tmp_path_factory.mktemp("elsewhere")
    try:
        with running_form(folder) as found:
            yield found
    except FormError as error:
        pytest.fail(str(error), pytrace=False)
    said = (folder / "output").read_text()
    assert "Traceback" not in said
    assert "my-pseudonym" not in said, "what is entered must not be logged"
    assert [path.name for path in folder.iterdir()] == ["output"], "the form must not write files"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(params=["light"])
def visit(address: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=request.param)
    page = context.new_page()
    page.set_default_timeout(30_000)
    seen = Visit(page, address)
    page.on("request", lambda made: seen.hosts.add(urlsplit(made.url).hostname))
    page.on("request", lambda made: seen.asked.append(made.url))
    page.on("websocket", lambda opened: seen.hosts.add(urlsplit(opened.url).hostname))
    page.on("response", lambda got: seen.failed.append(got.url) if got.status >= 400 else None)
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    yield seen
    assert seen.hosts <= {"127.0.0.1", None}, "nothing may be fetched from elsewhere"
    # Below a page's own address Streamlit first looks for its server there, and then at the root.
    assert [url for url in seen.failed if "/_stcore/" not in url] == []
    assert [said for said in seen.complaints if "Failed to load resource" not in said] == []
    context.close()


def settled(page: Page) -> None:
    """Wait until the server has answered the last change, which takes a moment to be sent."""
    page.wait_for_timeout(300)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def turn_to(page: Page, entry: pages.Entry) -> None:
    """Go to another page by the menu, as people do, so that the case goes along."""
    page.get_by_role("link", name=entry.title, exact=True).first.click()
    expect(page.get_by_role("heading", name=entry.title, level=1, exact=True)).to_be_visible()
    settled(page)


def press(page: Page, label: str, choice: str) -> None:
    """Choose one of the choices that lie side by side."""
    page.get_by_role("radiogroup", name=label).get_by_role("radio", name=choice, exact=True).click()
    settled(page)


def choose(page: Page, label: str, value: str) -> None:
    """Choose from a list by typing."""
    field = page.get_by_role("combobox", name=label)
    # A list closes when the page scrolls, so the field is brought into view before the click that opens it.
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    field.click()
    field.fill(value)
    page.get_by_role("option", name=value, exact=True).click()
    settled(page)


def number(page: Page, label: str, value: str) -> None:
    page.get_by_role("spinbutton", name=label).fill(value)
    page.get_by_role("spinbutton", name=label).press("Tab")
    settled(page)


def glance(page: Page) -> Locator:
    """What stands beside the fields."""
    return page.locator(".st-key-glance")


def test_a_patient_is_entered_and_the_answer_follows_every_entry(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_text("Intended use.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"sha256 [0-9a-f]{64}"))).to_be_visible()
    page.get_by_role("textbox", name="Case").fill("my-pseudonym")
    page.get_by_role("textbox", name="Case").press("Tab")
    press(page, "BCLC stage", "C")
    press(page, "Child–Pugh class", "A")
    press(page, "ECOG performance status", "1")
    press(page, "Prior systemic therapy", "as follows")
    choose(page, "Treatment", "Sorafenib")
    choose(page, "Outcome", "progression")
    number(page, "Alpha-fetoprotein (AFP)", "812")
    expect(glance(page)).to_contain_text("Second line of systemic therapy, Child–Pugh A")
    expect(glance(page)).to_contain_text(re.compile(r"Ramucirumab\s*check_circle\s*recommended"))
    number(page, "Alpha-fetoprotein (AFP)", "120")
    expect(glance(page)).not_to_contain_text("Ramucirumab")
    assert urlsplit(page.url).query == ""
    assert not [url for url in visit.asked if "812" in url or "pseudonym" in url], "no fact may stand in an address"


def test_a_patient_can_be_entered_without_a_mouse(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("radiogroup", name="BCLC stage").get_by_role("radio", name="not known").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settled(page)
    chosen = page.get_by_role("radiogroup", name="BCLC stage").get_by_role("radio", checked=True)
    expect(chosen).not_to_have_text("not known")


def test_what_is_refused_is_said_beside_its_field_and_nothing_is_lost(visit: Visit) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    number(page, "Alpha-fetoprotein (AFP)", "-5")
    column = page.get_by_test_id("stColumn").filter(has=page.get_by_role("spinbutton", name="Alpha-fetoprotein (AFP)"))
    expect(column.get_by_role("alert").last).to_contain_text("-5 is refused")
    expect(glance(page)).not_to_contain_text("Ramucirumab")
    turn_to(page, pages.ANSWER)
    expect(page.get_by_role("alert").first).to_contain_text("refused")
    turn_to(page, pages.PATIENT)
    expect(page.get_by_role("spinbutton", name="Alpha-fetoprotein (AFP)")).to_have_value("-5")
    number(page, "Alpha-fetoprotein (AFP)", "812")
    expect(glance(page)).to_contain_text("Ramucirumab")


def test_a_case_is_saved_and_loaded_again_and_a_broken_one_changes_nothing(visit: Visit, tmp_path: Path) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    page.get_by_role("button", name="Load or save").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as YAML").click()
    file = tmp_path / "case.yaml"
    saved.value.save_as(file)
    assert "afp_ng_ml: 812" in file.read_text()

    newer = tmp_path / "newer.json"
    newer.write_text('{"schema_version": 2, "patient": {"afp_ng_ml": 1}}')
    page.locator('input[type="file"]').set_input_files(newer)
    settled(page)
    expect(page.get_by_role("alert").filter(has_text="newer version").first).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Alpha-fetoprotein (AFP)")).to_have_value("812")

    file.write_text(file.read_text().replace("afp_ng_ml: 812", "afp_ng_ml: 399"))
    page.locator('input[type="file"]').set_input_files(file)
    settled(page)
    expect(page.get_by_role("spinbutton", name="Alpha-fetoprotein (AFP)")).to_have_value("399")


def test_two_people_at_once_do_not_see_each_other_s_patient(visit: Visit, browser: Browser) -> None:
    first = visit.open(f"?example={EXAMPLE}")
    other = browser.new_context().new_page()
    other.goto(f"{visit.address}/?example=end-stage")
    settled(other)
    number(first, "Alpha-fetoprotein (AFP)", "500")
    expect(glance(first)).to_contain_text("Second line")
    expect(glance(other)).to_contain_text("Supportive")
    other.context.close()


def test_the_answer_gives_cards_reasons_sources_and_asks_for_what_is_missing(visit: Visit) -> None:
    page = visit.open("?example=half-known")
    turn_to(page, pages.ANSWER)
    first = page.get_by_test_id("stMain")
    expect(first.get_by_text("Ranked here because:").first).to_be_visible()
    expect(first.get_by_role("columnheader", name="Criterion").first).to_be_visible()
    expect(first.locator('a[href^="https://doi.org/10."]').first).to_be_visible()
    expect(first.locator('a[href^="https://clinicaltrials.gov/study/NCT"]').first).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("Missing facts"))).to_be_visible()
    choose(page, "Oesophageal or gastric varices", "none")
    turn_to(page, pages.PATIENT)
    expect(glance(page)).not_to_contain_text("8 facts are missing")


def test_two_options_are_set_against_each_other(visit: Visit) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    turn_to(page, pages.ANSWER)
    expect(page.get_by_role("heading", name=re.compile("^Why"))).to_be_visible()
    expect(page.get_by_role("columnheader", name=re.compile("Cabozantinib")).first).to_be_visible()
    find = page.get_by_role("searchbox", name=re.compile("Find an excluded option"))
    find.fill("brivanib")
    find.press("Enter")
    settled(page)
    expect(page.get_by_text("Brivanib").first).to_be_visible()


def test_a_changed_fact_shows_before_and_after(visit: Visit) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    turn_to(page, pages.WHAT_IF)
    page.get_by_role("radio", name=re.compile("Alpha-fetoprotein")).click()
    settled(page)
    number(page, "Alpha-fetoprotein (AFP)", "120")
    expect(page.get_by_role("heading", name="What moved and by which rule")).to_be_visible()
    expect(page.get_by_text("AFP is at least 400 ng/mL").first).to_be_visible()
    turn_to(page, pages.PATIENT)
    expect(page.get_by_role("spinbutton", name="Alpha-fetoprotein (AFP)")).to_have_value("812")


def test_the_report_comes_as_pdf_as_word_and_from_the_printer(visit: Visit, tmp_path: Path) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    turn_to(page, pages.REPORT)
    for button, name in (("Download as PDF", "report.pdf"), ("Download as Word", "report.docx")):
        with page.expect_download() as made:
            page.get_by_role("button", name=button).click()
        made.value.save_as(tmp_path / name)
        settled(page)
    text = PdfReader(tmp_path / "report.pdf").pages[0].extract_text()
    assert "Cabozantinib" in text
    tables = Document(str(tmp_path / "report.docx")).tables
    assert any("Cabozantinib" in cell.text for table in tables for row in table.rows for cell in row.cells)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Download as PDF")).to_be_hidden()
    expect(page.get_by_text("Cabozantinib").first).to_be_visible()


def test_the_inference_is_stepped_through_and_an_exercise_is_answered(visit: Visit) -> None:
    page = visit.open(f"?example={EXAMPLE}")
    turn_to(page, pages.TEACH)
    expect(page.get_by_role("heading", name=re.compile("^Step 1 of"))).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^Step 2 of"))).to_be_visible()
    page.get_by_role("button", name="Last", exact=True).click()
    settled(page)
    expect(page.get_by_test_id("stGraphVizChart").locator("svg")).to_be_visible()
    page.get_by_role("button", name="First", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^Step 1 of"))).to_be_visible()
    press(page, "What to do", "Exercises")
    expect(page.get_by_text("What the case teaches")).to_be_hidden()
    page.get_by_role("button", name="Commit").click()
    settled(page)
    expect(page.get_by_role("button", name="Next exercise")).to_be_visible()


def test_the_evidence_is_filtered_plotted_and_opened(visit: Visit) -> None:
    page = visit.open("evidence")
    expect(page.get_by_role("table").first).to_be_visible()
    for section in ("Forest plot", "Timeline"):
        press(page, "Section", section)
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    for section in ("Ongoing", "Conflicts", "Trials"):
        press(page, "Section", section)
        expect(page.get_by_role("heading", name=re.compile(section)).last).to_be_visible()
    visit.open("evidence?trial=reach-2")
    expect(page.get_by_text("NCT02435433").first).to_be_visible()


def test_the_rules_are_searched_read_and_shown_as_yaml(visit: Visit) -> None:
    page = visit.open("rules?option=ramucirumab")
    expect(page.get_by_role("heading", name=re.compile("Ramucirumab")).first).to_be_visible()
    page.get_by_text("The YAML behind").first.click()
    settled(page)
    expect(page.get_by_text("id: ramucirumab").first).to_be_visible()
    visit.open("rules?fact=afp_ng_ml")
    expect(page.get_by_role("heading", name=re.compile("Alpha-fetoprotein")).first).to_be_visible()


@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("example", [None, EXAMPLE], ids=["empty", "filled"])
def test_no_page_has_a_serious_fault_of_accessibility(visit: Visit, example: str | None) -> None:
    page = visit.open(f"?example={example}" if example else "")
    faults = []
    for entry in (entry for section in pages.SECTIONS.values() for entry in section):
        turn_to(page, entry)
        page.mouse.move(4, 400)  # a button under the pointer looks otherwise
        page.wait_for_timeout(500)  # and fades into it
        for fault in Axe().run(page).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                faults += [f"{entry.title}: {fault['id']}: {node['html'][:200]}" for node in fault["nodes"]]
    assert faults == []
