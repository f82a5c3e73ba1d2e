"""The sequence page: how far to look, what is assumed, the picture, and each decision in full."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright
from streamlit.testing.v1 import AppTest
from tools.running_form import CHROMIUM_ARGUMENTS, chromium, running_form

from form import pages, state
from form.session import CHANGED
from hcc_decide.documents import read
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.conftest import ROOT, shipped_knowledge

Open = Callable[[], AppTest]

KNOWLEDGE = shipped_knowledge()


def example(name: str) -> dict[str, Any]:
    return parse_patient(read(str(ROOT / "examples" / f"{name}.yaml")).data, KNOWLEDGE.option_ids).to_record()


def holding(open_form: Open, record: dict[str, Any]) -> AppTest:
    """Open the page with a case in the form."""
    page = open_form()
    for key, value in state.state_of(record, KNOWLEDGE).items():
        page.session_state[key] = value
    page.run()
    return page.switch_page(pages.SEQUENCE.path).run()


def said(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(
        str(item.value) for item in [*page.markdown, *page.info, *page.error, *page.warning, *page.caption]
    )


def drawn(page: AppTest) -> str:
    (picture,) = page.get("graphviz_chart")
    return str(picture.proto.spec)


def table(page: AppTest, number: int) -> list[list[str]]:
    return page.table[number].value.astype(str).values.tolist()  # type: ignore[no-any-return]


def test_the_page_draws_the_tree_and_says_what_is_assumed(open_form: Open) -> None:
    page = holding(open_form, example("after-sorafenib-afp-812"))
    picture = drawn(page)
    assert picture.startswith("digraph sequence {")
    assert "Cabozantinib: recommended" in picture
    text = said(page)
    assert "The line ends because it is not tolerated" in text
    assert "812 ng/mL" in text
    assert "13 decisions up to 2 lines ahead; equal ones are shown once, 43 without that" in text
    assert [row[1] for row in table(page, 0)][:3] == ["Cabozantinib", "Ramucirumab", "Regorafenib"]
    assert "opens Cabozantinib" in text
    assert "overall survival 10.2 against 8.0 months" in text


def test_the_tables_say_what_the_picture_says(open_form: Open) -> None:
    page = holding(open_form, example("after-sorafenib-afp-812"))
    page.session_state["sequence_tables"] = True
    page.run()
    decisions, steps = table(page, 0), table(page, 1)
    assert len(decisions) == 13
    assert len(steps) == 24
    assert decisions[0][1] == "today"
    assert {row[2] for row in steps} == {row[0] for row in decisions[1:]}


def test_fewer_lines_endings_and_another_first_choice(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    page.number_input(key="sequence_depth").set_value(1)
    page.number_input(key="sequence_width").set_value(1)
    page.multiselect(key="sequence_first").set_value(["sorafenib"])
    page.segmented_control(key="sequence_endings").set_value(["progression"]).run()
    assert "2 decisions up to 1 line ahead" in said(page)
    assert "intolerance" not in drawn(page)
    page.segmented_control(key="sequence_endings").set_value([]).run()
    assert "3 decisions up to 1 line ahead" in said(page), "nothing chosen asks for every ending"


def test_what_changes_on_the_way_changes_the_decisions(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    page.number_input(key="sequence_depth").set_value(1)
    page.session_state["sequence_changes"] = True
    page.run()
    page.multiselect(key="sequence_facts").set_value(["child_pugh_class", "afp_ng_ml"]).run()
    page.selectbox(key="sequence_value_child_pugh_class").select("C")
    page.number_input(key="sequence_value_afp_ng_ml").set_value(30.0)
    page.selectbox(key="sequence_when_afp_ng_ml").select("after line 1").run()
    text = said(page)
    assert "After every line: Child–Pugh class: C" in text
    assert "After line 1 ahead: Alpha-fetoprotein (AFP): 30 ng/mL" in text
    assert "supportive" in drawn(page).lower()
    page.multiselect(key="sequence_facts").set_value([]).run()
    assert "Child–Pugh class: C" not in said(page)


def test_a_value_that_no_record_could_hold_is_refused_in_words(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    page.session_state["sequence_changes"] = True
    page.run()
    page.multiselect(key="sequence_facts").set_value(["afp_ng_ml"]).run()
    page.number_input(key="sequence_value_afp_ng_ml").set_value(-3.0).run()
    assert "afp\\_ng\\_ml: -3 is refused" in said(page)
    assert not page.get("graphviz_chart")


def test_each_decision_can_be_chosen(open_form: Open) -> None:
    page = holding(open_form, example("after-sorafenib-afp-812"))
    page.selectbox(key="sequence_decision").select("4").run()
    assert page.selectbox(key="sequence_decision").value == "4"
    assert table(page, 0)[0][1] == "Cabozantinib"
    # It is gone with a shorter look ahead, and today's is shown instead.
    page.selectbox(key="sequence_decision").select("13").run()
    page.number_input(key="sequence_depth").set_value(1).run()
    assert page.selectbox(key="sequence_decision").value == "1"


def test_a_choice_that_is_not_followed_says_why(open_form: Open) -> None:
    page = holding(open_form, example("early-single-nodule"))
    assert "stage at recurrence" in said(page)
    assert "stage at recurrence" in " ".join(table(page, 0)[0])


def test_an_empty_form_asks_for_a_case(open_form: Open) -> None:
    page = open_form().switch_page(pages.SEQUENCE.path).run()
    assert "The form is empty" in said(page)
    page.selectbox(key="sequence_example").select("after sorafenib afp 812").run()
    assert drawn(page)


def test_a_refused_record_leads_back_to_its_entries(open_form: Open) -> None:
    page = holding(open_form, example("after-sorafenib-afp-812") | {"afp_ng_ml": -1})
    assert "The record is refused" in said(page)
    assert not page.get("graphviz_chart")


def test_a_lost_answer_is_said_and_asked_again(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = IsolatedEngine.ask
    lost = True

    def ask(self: IsolatedEngine, model: Any, work: str, record: Any, **arguments: Any) -> Any:
        if lost and work == "sequence":
            raise WorkerError("gone")
        return whole(self, model, work, record, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(IsolatedEngine, "ask", ask)
    page = holding(open_form, example("after-sorafenib-afp-812"))
    assert "This look ahead was lost" in said(page)
    lost = False
    page.button(key="sequence_again").click().run()
    assert drawn(page)


def test_an_answer_by_other_rules_is_not_shown(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = IsolatedEngine.ask

    def ask(self: IsolatedEngine, model: Any, work: str, record: Any, **arguments: Any) -> Any:
        answer = whole(self, model, work, record, **arguments)  # type: ignore[arg-type]
        if work != "sequence":
            return answer
        return answer.model_copy(update={"knowledge": answer.knowledge.model_copy(update={"sha256": "0"})})

    monkeypatch.setattr(IsolatedEngine, "ask", ask)
    page = holding(open_form, example("after-sorafenib-afp-812"))
    assert CHANGED in said(page)
    assert not page.get("graphviz_chart")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_the_picture_is_drawn_in_a_browser_and_can_be_taken_along(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_form(tmp_path_factory.mktemp("elsewhere")) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS))
        page = browser.new_page(viewport={"width": 1366, "height": 900})
        page.set_default_timeout(30_000)
        page.goto(f"{address}/?example=after-sorafenib-afp-812")
        expect(page.get_by_text("Second line").first).to_be_visible(timeout=60_000)
        page.get_by_role("link", name=pages.SEQUENCE.title, exact=True).first.click()
        picture = page.locator(".stGraphVizChart svg").first
        expect(picture).to_be_visible(timeout=60_000)
        expect(picture.get_by_text("1. Cabozantinib: recommended").first).to_be_visible()
        expect(picture.locator(".edge").first).to_be_attached()
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] <= 1366, "no wider than the window"
        described = page.get_by_label(re.compile("Tree of 13 decisions")).or_(
            page.get_by_alt_text(re.compile("Tree of 13"))
        )
        expect(described.first).to_be_attached()
        with page.expect_download() as download:
            page.get_by_role("button", name="JSON").click()
        tree = json.loads(download.value.path().read_text(encoding="utf-8"))
        assert len(tree["nodes"]) == 13
        browser.close()
