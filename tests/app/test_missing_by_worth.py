"""Missing facts on the answer page stand by worth, each with what its answers would do; proofs can be taken along as graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import pages, state
from form.answer.missing import NOT_WEIGHED, REORDER, worth_key
from form.session import CHANGED
from form.teach.steps import OPTION
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.labels import capital, option_name
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine, WorkerError
from hcc_decide.worth.shape import Worths
from hcc_decide.worth.weigh import weigh
from hcc_decide.worth.words import ORDER, could_change, fact_worth
from tests.conftest import ROOT, shipped_knowledge

Open = Callable[[], AppTest]
Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
PAGE = "app_pages/answer.py"
HALF_KNOWN = parse_patient(read(ROOT / "examples" / "half-known.yaml").data, KNOWLEDGE.option_ids).to_record()


@pytest.fixture(scope="module")
def worths_of(engine: Engine) -> Callable[[dict[str, Any]], Worths]:
    """Weigh the missing facts of a record."""
    by_class = engine.by_class()

    def run(record: dict[str, Any]) -> Worths:
        return weigh(parse_patient(record, KNOWLEDGE.option_ids), by_class)

    return run


def answer(open_form: Open, record: dict[str, Any]) -> AppTest:
    """Open the answer page with a record in the form."""
    page = open_form()
    for key, value in state.state_of(record, KNOWLEDGE).items():
        page.session_state[key] = value
    return shown(page.switch_page(PAGE))


def shown(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def order(page: AppTest, record: dict[str, Any], decide: Decide) -> list[str]:
    """The facts that the page asks for, in its order."""
    questions = {f"**{plain(item.question)}**": item.fact for item in decide(**record).missing}
    return [questions[item.value] for item in page.markdown if item.value in questions]


def captions(page: AppTest) -> list[str]:
    return [item.value for item in page.caption]


@pytest.mark.parametrize("record", [HALF_KNOWN, {}], ids=["half known", "nothing known"])
def test_missing_facts_stand_by_worth_and_say_what_each_could_change(
    open_form: Open, decision_for: Decide, worths_of: Callable[..., Worths], record: dict[str, Any]
) -> None:
    worths = worths_of(record)
    page = answer(open_form, record)
    assert order(page, record, decision_for) == [item.fact for item in worths.facts]
    assert plain(ORDER) in captions(page)
    text = "\n".join(item.value for item in page.markdown)
    for item in worths.facts:
        said = could_change(fact_worth(item, worths.first), lambda option: option_name(KNOWLEDGE, option))
        assert f"**{plain(capital(said))}.**" in text


def test_what_each_answer_would_do_stands_folded_below_the_fact(
    open_form: Open, worths_of: Callable[..., Worths]
) -> None:
    page = answer(open_form, HALF_KNOWN)
    worths = worths_of(HALF_KNOWN)
    leading = worths.facts[0]
    assert not [item for item in page.table if "Answer" in item.value]
    page.session_state[worth_key(leading.fact)] = True
    (table,) = [item.value for item in shown(page).table if "Answer" in item.value]
    assert list(table["Answer"]) == [plain(capital(item.text)) for item in leading.outcomes]
    for outcome, first in zip(leading.outcomes, table["First choice"], strict=True):
        names = " and ".join(KNOWLEDGE.options[option].body.name for option in outcome.first)
        assert first == ("as today" if outcome.first == worths.first else plain(names))


def test_facts_stay_where_they_are_while_others_are_answered_until_one_asks_for_the_new_order(
    open_form: Open, decision_for: Decide, worths_of: Callable[..., Worths]
) -> None:
    page = answer(open_form, HALF_KNOWN)
    before = order(page, HALF_KNOWN, decision_for)
    now = {**HALF_KNOWN, "varices": "none"}
    key = state.key_of("varices")
    page.session_state[key] = state.state_of(now, KNOWLEDGE)[key]
    shown(page)
    by_worth = [item.fact for item in worths_of(now).facts]
    stayed = [fact for fact in before if fact in by_worth]
    assert order(page, now, decision_for) == stayed
    assert stayed != by_worth, "this example no longer shows a change of order"
    assert plain(ORDER) not in captions(page)
    page.button(key=REORDER).click()
    assert order(shown(page), now, decision_for) == by_worth
    assert plain(ORDER) in captions(page)
    assert any("answered: " in item.value for item in page.markdown)


def test_a_record_is_weighed_once(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask = IsolatedEngine.ask

    def counted(self: IsolatedEngine, model: Any, work: Any, record: Any, **arguments: object) -> Any:
        asked.append(work)
        return ask(self, model, work, record, **arguments)

    monkeypatch.setattr(IsolatedEngine, "ask", counted)
    page = answer(open_form, HALF_KNOWN)
    shown(shown(page))
    assert asked.count("worth") == 1


def test_when_the_weighing_is_lost_the_facts_stand_in_the_usual_order_and_by_worth_next_time(
    open_form: Open, decision_for: Decide, worths_of: Callable[..., Worths], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = IsolatedEngine.ask

    def lost(self: IsolatedEngine, model: Any, work: Any, record: Any, **arguments: object) -> Any:
        if work == "worth":
            raise WorkerError("the decision process has stopped")
        return ask(self, model, work, record, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(IsolatedEngine, "ask", lost)
        page = answer(open_form, HALF_KNOWN)
        assert NOT_WEIGHED in [item.value for item in page.warning]
        usual = [item.fact for item in decision_for(**HALF_KNOWN).missing]
        assert order(page, HALF_KNOWN, decision_for) == usual
        assert not page.error
    shown(page)
    assert NOT_WEIGHED not in [item.value for item in page.warning]
    assert order(page, HALF_KNOWN, decision_for) == [item.fact for item in worths_of(HALF_KNOWN).facts]


def test_what_was_weighed_by_other_rules_is_not_shown(
    open_form: Open, worths_of: Callable[..., Worths], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = worths_of(HALF_KNOWN).model_copy(update={"sha256": "0" * 64})
    ask = IsolatedEngine.ask

    def changed(self: IsolatedEngine, model: Any, work: Any, record: Any, **arguments: object) -> Any:
        return other if work == "worth" else ask(self, model, work, record, **arguments)

    monkeypatch.setattr(IsolatedEngine, "ask", changed)
    page = answer(open_form, HALF_KNOWN)
    assert CHANGED in [item.value for item in page.warning]
    assert plain(ORDER) not in captions(page)


def test_the_graph_of_a_proof_can_be_taken_along_as_dot_and_as_mermaid(open_form: Open) -> None:
    page = open_form()
    for key, value in state.state_of(HALF_KNOWN, KNOWLEDGE).items():
        page.session_state[key] = value
    page.session_state[OPTION] = "lenvatinib+pembrolizumab"
    shown(page.switch_page(pages.TEACH.path))
    found = {item.label: item.key for item in page.download_button if str(item.key).startswith("teach_download")}
    assert found == {
        "Download this graph (Graphviz DOT)": "teach_download_dot",
        "Download this graph (Mermaid)": "teach_download_mmd",
    }
