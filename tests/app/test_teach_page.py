"""The teach page: step through the inference, and exercises that keep their answer until one commits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import pages, resources, state
from form.session import LOST
from form.teach.marking import NOBODY, Commitment, Score, asked, first_choices, marks
from form.teach.steps import graph_rows
from form.wording import plain
from hcc_decide.decision import VERDICTS, Decision
from hcc_decide.documents import read
from hcc_decide.headline import headline
from hcc_decide.knowledge.labels import option_name, setting_labels
from hcc_decide.patient import parse_patient
from hcc_decide.proof.building import by_verdict, proof_of
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.conftest import ROOT, shipped_knowledge

Open = Callable[[], AppTest]
Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
VIGNETTES = sorted(KNOWLEDGE.vignettes)
STEPS, EXERCISES = "Step by step", "Exercises"
ANY = VIGNETTES[0]


def record_of(example: str) -> dict[str, Any]:
    return parse_patient(read(ROOT / "examples" / f"{example}.yaml").data, KNOWLEDGE.option_ids).to_record()


def filled(page: AppTest, record: dict[str, Any]) -> AppTest:
    for key, value in state.state_of(record, KNOWLEDGE).items():
        page.session_state[key] = value
    return page


def teach(page: AppTest) -> AppTest:
    page.switch_page(pages.TEACH.path).run()
    assert not page.exception
    return page


def exercise(page: AppTest, name: str) -> AppTest:
    page.session_state["teach_part"] = EXERCISES
    page.session_state["teach_exercise"] = name
    page.run()
    assert not page.exception
    return page


def text_of(page: AppTest) -> str:
    written = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.header, *page.subheader]
    return "\n".join(item.value for item in written)


def tables_of(page: AppTest) -> str:
    return "\n".join(table.value.to_string() for table in page.table)


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def memory_of(page: AppTest) -> set[tuple[str, str]]:
    table = next(item.value for item in page.table if "Now" in item.value.columns)
    return set(zip(table["Fact"], table["Value"], strict=True))


def graph(page: AppTest) -> str:
    return str(page.get("graphviz_chart")[0].proto.spec)


@pytest.fixture(scope="module")
def decided(decision_for: Decide) -> Callable[[str], Decision]:
    return lambda name: decision_for(**KNOWLEDGE.vignettes[name].patient)


# Step by step.


def test_an_empty_form_offers_the_examples_and_fills_one_in(open_form: Open) -> None:
    page = teach(open_form())
    assert "The form is empty" in text_of(page)
    page.selectbox(key="teach_example").select("after sorafenib afp 812").run()
    assert not page.exception
    assert "The form is empty" not in text_of(page)
    assert state.record_of(page.session_state.to_dict(), KNOWLEDGE)["afp_ng_ml"] == 812


def test_without_examples_an_empty_form_still_says_so(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "examples", dict)
    page = teach(open_form())
    assert "The form is empty" in text_of(page)
    assert "teach_example" not in {item.key for item in page.selectbox}


@pytest.mark.parametrize("name", ["after-sorafenib-afp-812", "half-known", "colorectal-liver-metastases", "end-stage"])
def test_one_steps_forward_and_back_through_the_proof_of_the_first_option(
    open_form: Open, decision_for: Decide, name: str
) -> None:
    record = record_of(name)
    decision = decision_for(**record)
    proof = proof_of(decision, KNOWLEDGE, by_verdict(decision)[0])
    page = teach(filled(open_form(), record))
    assert page.selectbox(key="teach_option").value == proof.option
    total = len(proof.steps)
    assert f"Step 1 of {total}:" in text_of(page)
    assert page.button(key="teach_first").disabled
    assert page.button(key="teach_back").disabled
    seen: list[set[tuple[str, str]]] = [memory_of(page)]
    for number in range(2, total + 1):
        press(page, "teach_next")
        assert f"Step {number} of {total}:" in text_of(page)
        assert "NOW: " in graph(page)
        assert seen[-1] <= memory_of(page)
        seen.append(memory_of(page))
    assert page.button(key="teach_next").disabled
    assert page.button(key="teach_last").disabled
    last = graph(page)
    press(page, "teach_back")
    assert memory_of(page) == seen[-2]
    press(page, "teach_first")
    assert memory_of(page) == seen[0]
    press(page, "teach_last")
    assert graph(page) == last
    page.slider(key="teach_position").set_value(2).run()
    assert memory_of(page) == seen[1]


def test_a_step_shows_its_rule_what_it_read_and_what_it_added(open_form: Open) -> None:
    page = teach(filled(open_form(), record_of("after-sorafenib-afp-812")))
    page.session_state["teach_claims"] = True
    page.session_state["teach_graph_table"] = True
    page.session_state["teach_option"] = "ramucirumab"
    page.run()
    page.segmented_control(key="teach_stratum").set_value("eligibility").run()
    shown = set()
    while True:
        assert not page.exception
        assert "**IF** " in text_of(page)
        assert "**THEN** " in text_of(page)
        assert "**Fact added.**" in text_of(page)
        assert "review 000, lines" in text_of(page)
        shown |= {rule for rule in KNOWLEDGE.rules if f"`{rule}`" in text_of(page)}
        if page.button(key="teach_next").disabled:
            break
        press(page, "teach_next")
    assert "options/ramucirumab/afp-400-or-more" in shown
    assert plain("AFP is at least 400 ng/mL") in tables_of(page)


def test_all_steps_can_be_walked_and_one_that_does_not_bear_on_the_option_says_so(
    open_form: Open, decision_for: Decide
) -> None:
    record = record_of("half-known")
    page = teach(filled(open_form(), record))
    page.segmented_control(key="teach_scope").set_value("all").run()
    total = len(decision_for(**record).trace)
    assert f"Step 1 of {total}:" in text_of(page)
    assert "does not bear on the verdict" in text_of(page)
    page.toggle(key="teach_narrow").set_value(False)
    press(page, "teach_last")
    assert f"Step {total} of {total}: ranking" in text_of(page)
    assert "more; search to narrow them down" in text_of(page)
    page.text_input(key="teach_find").set_value("Child–Pugh class").run()
    assert all(
        "Child–Pugh class" in label for label, _ in list(memory_of(page))[3:] if "verdict" not in label
    ) or memory_of(page)
    page.text_input(key="teach_find").set_value("no such thing").run()
    assert not page.exception
    assert "Nothing in the working memory fits" in text_of(page)


def test_what_is_not_known_stands_in_the_graph_and_in_its_table(open_form: Open, decision_for: Decide) -> None:
    record = record_of("half-known")
    decision = decision_for(**record)
    option = next(item for item in decision.options if item.verdict == "undetermined")
    page = filled(open_form(), record)
    page.session_state["teach_option"] = option.id
    page.session_state["teach_graph_table"] = True
    teach(page)
    press(page, "teach_last")
    assert "not known" in graph(page)
    rows = graph_rows(proof_of(decision, KNOWLEDGE, option.id))
    table = page.table[-1].value
    assert len(table) == len(rows)
    assert any("not known" in kind for kind in table["What"])


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_can_be_explained(open_form: Open, decided: Callable[[str], Decision], verdict: str) -> None:
    name, option = next(
        (name, item.option)
        for name in VIGNETTES
        for item in KNOWLEDGE.vignettes[name].expect
        if item.verdict == verdict
    )
    page = filled(open_form(), decided(name).patient)
    page.session_state["teach_option"] = option
    teach(page)
    if "teach_last" in {item.key for item in page.button} and not page.button(key="teach_last").disabled:
        press(page, "teach_last")
    assert verdict.replace("_", " ") in graph(page)


def test_an_option_for_another_setting_is_explained_by_the_setting(open_form: Open, decision_for: Decide) -> None:
    record = record_of("colorectal-liver-metastases")
    decision = decision_for(**record)
    other = next(item.id for item in decision.excluded if item.verdict == "not_applicable")
    page = filled(open_form(), record)
    page.session_state["teach_option"] = other
    teach(page)
    assert f"Step 1 of {len(proof_of(decision, KNOWLEDGE, other).steps)}: staging" in text_of(page)
    assert "for another setting" in graph(page)
    page.segmented_control(key="teach_stratum").set_value("eligibility").run()
    assert not page.exception
    assert "No rule of this kind stands behind" in text_of(page)
    assert "for another setting" in graph(page)


def test_the_address_can_name_an_option(open_form: Open) -> None:
    page = filled(open_form(), record_of("half-known"))
    page.query_params["option"] = "cabozantinib"
    teach(page)
    assert page.selectbox(key="teach_option").value == "cabozantinib"
    page.selectbox(key="teach_option").select("lenvatinib").run()
    assert page.selectbox(key="teach_option").value == "lenvatinib", "the address is taken over once"


@pytest.mark.parametrize("name", ["option", "vignette"])
def test_an_address_that_names_nothing_there_is_said_to(open_form: Open, name: str) -> None:
    page = open_form()
    page.query_params[name] = "<script>"
    assert "do not have" in text_of(teach(page))


def test_a_refused_record_is_said_to_be_refused_and_shows_no_step(open_form: Open) -> None:
    page = filled(open_form(), record_of("half-known"))
    page.session_state["fact_afp_ng_ml"] = -5.0
    teach(page)
    assert "refused" in text_of(page)
    assert "Step 1 of" not in text_of(page)
    assert not page.get("graphviz_chart")


def test_a_lost_request_says_so(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(engine: IsolatedEngine, record: Any) -> Decision:
        raise WorkerError("gone")

    page = filled(open_form(), record_of("end-stage"))
    monkeypatch.setattr(IsolatedEngine, "decide", lost)
    teach(page)
    assert LOST in [item.value for item in page.error]
    assert "Step 1 of" not in text_of(page)
    exercise(page, ANY)
    press(page, f"teach_answer_{ANY}_commit")
    assert LOST in [item.value for item in page.error]
    assert "nothing was decided" in tables_of(page)
    assert "cannot be marked" in tables_of(page)


# Exercises.


def test_no_exercise_shows_its_answer_before_one_commits(open_form: Open) -> None:
    page = teach(open_form())
    for name in VIGNETTES:
        exercise(page, name)
        vignette, text = KNOWLEDGE.vignettes[name], text_of(page) + tables_of(page)
        assert plain(vignette.story) in text
        assert vignette.title in text
        assert "-badge[" not in text
        assert plain(vignette.teaches) not in text
        for item in vignette.expect:
            assert plain(item.why) not in text
            question = page.selectbox(key=f"teach_answer_{name}_{item.option}")
            assert question.value is None
            assert question.label == option_name(KNOWLEDGE, item.option)
            assert len(question.options) == len(VERDICTS)
        assert f"teach_answer_{name}_commit" in {item.key for item in page.button}


def right_answers(name: str, decision: Decision) -> dict[str, str]:
    vignette = KNOWLEDGE.vignettes[name]
    answers = {item.option: str(item.verdict) for item in vignette.expect}
    return answers | {"setting": vignette.setting, "first": first_choices(decision)[0]}


@pytest.mark.parametrize("name", VIGNETTES[::9])
def test_right_answers_are_marked_right_with_reasons_and_the_ranking(
    open_form: Open, decided: Callable[[str], Decision], name: str
) -> None:
    vignette, decision = KNOWLEDGE.vignettes[name], decided(name)
    page = exercise(teach(open_form()), name)
    for question, answer in right_answers(name, decision).items():
        page.selectbox(key=f"teach_answer_{name}_{question}").set_value(answer)
    press(page, f"teach_answer_{name}_commit")
    text = text_of(page)
    results = list(page.table[1].value["Result"])
    assert len(results) == len(vignette.expect) + 2
    assert all("right" in item for item in results)
    for item in vignette.expect:
        assert plain(item.why) in text
        for rule in item.rules:
            assert plain(KNOWLEDGE.rules[f"options/{item.option}/{rule}"].text) in text
    assert plain(vignette.teaches) in text
    assert plain(headline(decision, KNOWLEDGE)) in text
    assert "1 of 77 exercises done" in text
    assert f"{len(results)} right, 0 wrong, 0 left out" in text
    assert f"teach_answer_{name}_setting" not in {item.key for item in page.selectbox}, "the answer stands"
    press(page, "teach_anew")
    assert "0 of 77 exercises done" in text_of(page)
    assert "-badge[" not in text_of(page) + tables_of(page)


def test_wrong_answers_are_marked_wrong_and_missing_ones_are_not_counted(open_form: Open) -> None:
    vignette = KNOWLEDGE.vignettes[ANY]
    item = vignette.expect[0]
    wrong = next(verdict for verdict in VERDICTS if verdict != item.verdict)
    page = exercise(teach(open_form()), ANY)
    page.selectbox(key=f"teach_answer_{ANY}_{item.option}").set_value(wrong)
    press(page, f"teach_answer_{ANY}_commit")
    results = list(page.table[1].value["Result"])
    assert sum("wrong" in text for text in results) == 1
    assert sum("not answered, not counted" in text for text in results) == len(results) - 1
    assert f"0 right, 1 wrong, {len(results) - 1} left out" in text_of(page)


def test_after_an_exercise_one_goes_on_to_the_next_or_opens_the_case(
    open_form: Open, decided: Callable[[str], Decision]
) -> None:
    page = exercise(teach(open_form()), ANY)
    press(page, f"teach_answer_{ANY}_commit")
    press(page, "teach_next_exercise")
    following = str(page.selectbox(key="teach_exercise").value)
    assert following != ANY
    press(page, f"teach_answer_{following}_commit")
    assert "2 of 77 exercises done" in text_of(page)
    press(page, "teach_walk")
    assert page.segmented_control(key="teach_part").value == STEPS
    kept = state.record_of(page.session_state.to_dict(), KNOWLEDGE)
    assert parse_patient(kept, KNOWLEDGE.option_ids) == parse_patient(
        KNOWLEDGE.vignettes[following].patient, KNOWLEDGE.option_ids
    )
    assert "fictional" in text_of(page) or "teaching case" in text_of(page)
    assert "Step 1 of" in text_of(page)


def test_the_case_of_an_exercise_opens_in_the_form(open_form: Open) -> None:
    page = exercise(teach(open_form()), ANY)
    press(page, f"teach_answer_{ANY}_commit")
    press(page, "teach_open")
    kept = state.record_of(page.session_state.to_dict(), KNOWLEDGE)
    assert kept == parse_patient(KNOWLEDGE.vignettes[ANY].patient, KNOWLEDGE.option_ids).to_record()
    assert page.title[0].value != "Teach"


def test_exercises_are_chosen_by_setting_at_random_or_by_address(open_form: Open) -> None:
    page = exercise(teach(open_form()), ANY)
    page.selectbox(key="teach_setting").select("curative").run()
    assert not page.exception
    assert KNOWLEDGE.vignettes[str(page.selectbox(key="teach_exercise").value)].setting == "curative"
    assert "answers the first question" in text_of(page)
    for _ in range(4):
        before = page.selectbox(key="teach_exercise").value
        press(page, "teach_random")
        after = page.selectbox(key="teach_exercise").value
        assert after != before
        assert KNOWLEDGE.vignettes[str(after)].setting == "curative"
    page = open_form()
    page.query_params["vignette"] = VIGNETTES[-1]
    teach(page)
    assert page.selectbox(key="teach_exercise").value == VIGNETTES[-1]
    assert plain(KNOWLEDGE.vignettes[VIGNETTES[-1]].story) in text_of(page)


# Marking.


def test_the_order_of_the_questions_is_the_same_each_time_and_not_the_order_as_written() -> None:
    for name in VIGNETTES:
        vignette = KNOWLEDGE.vignettes[name]
        assert asked(vignette) == asked(vignette)
        assert sorted(item.option for item in asked(vignette)) == sorted(item.option for item in vignette.expect)
    assert any(asked(KNOWLEDGE.vignettes[name]) != list(KNOWLEDGE.vignettes[name].expect) for name in VIGNETTES)


def test_nothing_is_marked_that_was_not_answered_and_the_first_choice_needs_a_decision(
    decided: Callable[[str], Decision],
) -> None:
    vignette = KNOWLEDGE.vignettes[ANY]
    nothing = Commitment(None, {}, None)
    found = marks(vignette, nothing, decided(ANY))
    assert Score.of(found) == Score(0, 0, len(vignette.expect) + 2)
    lost = marks(vignette, Commitment(vignette.setting, {}, NOBODY), None)
    assert [mark.right for mark in lost if mark.question in ("setting", "first")] == [True, None]


@pytest.mark.parametrize("name", VIGNETTES)
def test_the_system_decides_each_exercise_as_it_expects(decided: Callable[[str], Decision], name: str) -> None:
    answers = right_answers(name, decided(name))
    given = Commitment(answers.pop("setting"), answers, answers.pop("first"))
    found = marks(KNOWLEDGE.vignettes[name], given, decided(name))
    assert all(mark.right and mark.expected == mark.found for mark in found)
    assert setting_labels(KNOWLEDGE)[given.setting or ""]
