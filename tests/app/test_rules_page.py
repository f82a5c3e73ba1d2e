"""The page of the rules: search, filters, deep links, and every thing of the rule base in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import pages, resources, state
from form.rules import browser as rule_browser
from form.rules import links as rule_links
from form.rules import yaml_text
from hcc_decide.browse.lookup import index
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.knowledge.phrasing import condition_text
from hcc_decide.worker import WorkerError

Open = Callable[[], AppTest]
SECOND_LINE = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 1,
    "afp_ng_ml": 812,
    "prior_systemic": [{"option": "sorafenib", "outcome": "progression"}],
}


@pytest.fixture
def page(open_form: Open) -> AppTest:
    return open_form().switch_page(pages.RULES.path).run()


def asked(page: AppTest, **address: str) -> AppTest:
    """Open an address of the page."""
    page.query_params.clear()
    for name, value in address.items():
        page.query_params[name] = value
    return sound(page.run())


def opened(page: AppTest) -> AppTest:
    """Open everything that opens only on request."""
    for key in [key for key in page.session_state.to_dict() if lazy(page, key)]:
        page.session_state[key] = True
    return sound(page.run())


def lazy(page: AppTest, key: str) -> bool:
    buttons = {item.key for item in page.button}
    return key.startswith("rules_") and key not in buttons and page.session_state[key] is False


def sound(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].message
    return page


def text_of(page: AppTest) -> str:
    """Everything that the page says, without the marks that escape it."""
    parts = [item.value for group in (page.header, page.subheader, page.markdown, page.caption) for item in group]
    parts += [item.value for group in (page.warning, page.info, page.code) for item in group]
    for table in page.table:
        parts += [str(cell) for row in table.value.itertuples(index=False) for cell in row]
    return "\n".join(parts).replace("\\", "")


def filled(page: AppTest, record: dict[str, Any], knowledge: Knowledge) -> AppTest:
    for key, value in state.state_of(record, knowledge).items():
        page.session_state[key] = value
    return sound(page.run())


# What is asked for in the address


@pytest.mark.parametrize(
    ("address", "heading"),
    [
        ({"option": "ramucirumab"}, "Ramucirumab"),
        ({"option": "atezolizumab+bevacizumab"}, "Atezolizumab + bevacizumab"),
        ({"staging": "bclc_stage"}, "BCLC stage from tumour burden, liver function and performance status"),
        ({"notice": "child-pugh-b"}, "Child–Pugh B"),
        ({"fact": "afp_ng_ml"}, "Alpha-fetoprotein (AFP)"),
        ({"fact": PRIOR_SYSTEMIC}, "Prior systemic therapy"),
        ({"trial": "reach-2"}, "REACH-2"),
        ({"claim": "SYS-107"}, "SYS-107"),
    ],
)
def test_an_address_shows_its_thing(page: AppTest, address: dict[str, str], heading: str) -> None:
    asked(page, **address)
    assert page.header[0].value.replace("\\", "") == heading
    assert not page.warning
    assert page.query_params == address or {key: [value] for key, value in address.items()} == page.query_params


def test_an_alias_in_the_address_shows_the_option_that_it_stands_for(page: AppTest, knowledge: Knowledge) -> None:
    alias, name = next((alias, name) for alias, name in knowledge.option_ids.items() if alias != name)
    asked(page, option=alias)
    assert page.header[0].value.replace("\\", "") == knowledge.options[name].body.name


@pytest.mark.parametrize("kind", ["option", "staging", "notice", "fact", "trial", "claim"])
def test_an_unknown_id_in_the_address_is_said_and_nothing_else_is_shown_for_it(page: AppTest, kind: str) -> None:
    asked(page, **{kind: "<b>no_such_thing</b> [x](y)"})
    assert "“\\<b\\>no\\_such\\_thing\\</b\\> \\[x\\](y)”" in page.warning[0].value
    assert page.header[0].value == "How to read the rules"


def test_an_address_that_names_something_else_is_left_alone(page: AppTest) -> None:
    asked(page, utm="x")
    assert page.header[0].value == "How to read the rules"
    assert not page.warning


def test_what_was_chosen_last_is_there_again_after_another_page(page: AppTest) -> None:
    asked(page, fact="ecog")
    page.query_params.clear()
    page.switch_page(pages.PATIENT.path).run()
    page.switch_page(pages.RULES.path).run()
    assert page.header[0].value == "ECOG performance status"
    assert list(page.query_params) == ["fact"]


# Search, filters and the list


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sorafenib", "option sorafenib"),
        ("AFP", "fact afp_ng_ml"),
        ("NCT02435433", "trial reach-2"),
        ("reach-2", "trial reach-2"),
        ("sys-107", "claim SYS-107"),
        ("interferon-α", "option interferon_alpha"),
    ],
)
def test_search_lists_what_was_meant_first(page: AppTest, text: str, first: str) -> None:
    page.text_input(key="rules_search").set_value(text).run()
    sound(page)
    assert options(page)[0].startswith(label(first))


def label(name: str) -> str:
    kind, _, thing = name.partition(" ")
    return {
        "option": {"sorafenib": "Sorafenib", "interferon_alpha": "Interferon alpha"},
        "fact": {"afp_ng_ml": "Alpha-fetoprotein (AFP)"},
        "trial": {"reach-2": "REACH-2"},
        "claim": {"SYS-107": "SYS-107"},
    }[kind][thing]


def options(page: AppTest) -> list[str]:
    return list(page.radio(key="rules_found").options)


def test_choosing_from_the_list_shows_the_thing_and_says_so_in_the_address(page: AppTest) -> None:
    page.text_input(key="rules_search").set_value("ramucirumab afp").run()
    page.radio(key="rules_found").set_value("option ramucirumab").run()
    sound(page)
    assert page.header[0].value == "Ramucirumab"
    assert page.query_params["option"] in ("ramucirumab", ["ramucirumab"])
    page.radio(key="rules_found").set_value("trial reach-2").run()
    assert page.header[0].value == "REACH-2"
    assert list(page.query_params) == ["trial"]


def test_the_list_marks_what_is_shown(page: AppTest) -> None:
    asked(page, option="ablation")
    assert page.radio(key="rules_found").value == "option ablation"
    asked(page, claim="SYS-107")
    assert page.radio(key="rules_found").value is None


def test_more_of_the_list_is_shown_on_request_and_a_new_search_begins_at_the_top(page: AppTest) -> None:
    before = options(page)
    page.button(key="rules_more").click().run()
    assert len(options(page)) == 2 * len(before)
    assert options(page)[: len(before)] == before
    page.text_input(key="rules_search").set_value("sorafenib").run()
    assert len(options(page)) == len(before)


def test_kinds_limit_the_list(page: AppTest) -> None:
    page.text_input(key="rules_search").set_value("albi").run()
    page.button_group(key="rules_kinds").set_value(["staging"]).run()
    sound(page)
    assert options(page)
    assert all("staging rule" in item for item in options(page))


def test_options_can_be_filtered_by_setting_and_verdict_of_one_indication(page: AppTest, knowledge: Knowledge) -> None:
    page.selectbox(key="rules_setting").set_value("second_line").run()
    page.selectbox(key="rules_verdict").set_value("recommended").run()
    sound(page)
    expected = [
        treatment.body.name
        for treatment in knowledge.options.values()
        if any("second_line" in use.settings and use.body.verdict == "recommended" for use in treatment.uses)
    ]
    assert 0 < len(expected) < 15
    assert f"Found: {len(expected)}" == page.radio(key="rules_found").label


def test_options_can_be_filtered_by_the_status_of_their_file(page: AppTest, knowledge: Knowledge) -> None:
    page.selectbox(key="rules_status").set_value("draft").run()
    drafts = [item for item in knowledge.options.values() if item.body.review.status == "draft"]
    assert f"Found: {len(drafts)}," in page.radio(key="rules_found").label
    page.selectbox(key="rules_status").set_value("retired").run()
    assert sound(page).info[0].value.startswith("Nothing was found")


def test_a_search_that_finds_nothing_says_so(page: AppTest) -> None:
    page.text_input(key="rules_search").set_value("xyzzy").run()
    assert "Nothing was found" in sound(page).info[0].value


# In full


def test_an_option_is_shown_with_everything_that_its_file_says(page: AppTest, knowledge: Knowledge) -> None:
    treatment = knowledge.options["ramucirumab"]
    asked(page, option=treatment.id)
    shown = text_of(opened(page))
    body = treatment.body
    for rule in treatment.rules:
        assert rule.text[1:] in shown, rule.id
        if rule.condition:
            assert condition_text(knowledge, rule.condition) in shown, rule.id
        for claim in rule.claims:
            assert claim in shown
            assert knowledge.claims[claim].statement[:60] in shown
    for note in body.notes:
        assert note.text in shown
    for item in body.evidence:
        assert knowledge.trials[item.trial].summary in shown
    for event in body.later_evidence:
        assert event.text in shown
    assert body.rationale.strip() in shown
    assert "primary endpoint missed" in shown
    assert "draft" in shown
    assert "no clinician has reviewed this file yet" in shown
    assert "id: ramucirumab" in page.code[0].value
    assert "rules/options/ramucirumab.yaml" in shown


@pytest.mark.parametrize(
    "name", ["sorafenib", "lenvatinib", "atezolizumab+bevacizumab", "ablation", "nivolumab", "tace"]
)
def test_what_an_option_teaches_is_marked_as_teaching(page: AppTest, knowledge: Knowledge, name: str) -> None:
    asked(page, option=name)
    labels = [item.label for item in page.expander]
    effects = knowledge.options[name].body.microenvironment
    assert any("teaching matter, decides nothing" in label for label in labels) == bool(effects)
    shown = text_of(opened(page))
    for effect in effects:
        assert " ".join(effect.text.split()) in shown
    for use in knowledge.options[name].uses:
        assert use.body.text[1:] in shown
        assert use.body.verdict.replace("_", " ") in shown


def test_closed_parts_are_not_drawn(page: AppTest) -> None:
    asked(page, option="sorafenib")
    assert not page.code
    assert {item.label for item in page.expander} >= {"The YAML behind"}


def test_every_option_can_be_shown(page: AppTest, knowledge: Knowledge) -> None:
    for name, treatment in knowledge.options.items():
        asked(page, option=name)
        assert page.header[0].value.replace("\\", "") == treatment.body.name


def test_every_staging_rule_and_notice_can_be_shown_with_its_file(page: AppTest, knowledge: Knowledge) -> None:
    for derived in knowledge.staging:
        asked(page, staging=derived.fact)
        assert page.header[0].value.replace("\\", "") == derived.body.title
        shown = text_of(opened(page))
        assert f"fact: {derived.fact}" in shown
        for value in derived.values:
            assert value.text[1:] in shown
    for notice in knowledge.notices:
        asked(page, notice=notice.name)
        shown = text_of(opened(page))
        assert " ".join(notice.text.split()) in shown
        assert page.code[0].value.startswith(f"- id: {notice.name}\n")
        assert page.code[0].value.count("- id:") == 1


def test_every_fact_can_be_shown_with_its_entry(page: AppTest, knowledge: Knowledge) -> None:
    for name in (PRIOR_SYSTEMIC, *knowledge.vocabulary.facts):
        asked(page, fact=name)
        opened(page)
        assert page.code[0].value.startswith(f"{name}:"), name


def test_claims_and_trials_can_be_shown(page: AppTest, knowledge: Knowledge) -> None:
    for name in list(knowledge.claims)[::12]:
        asked(page, claim=name)
        assert page.code or page.expander
        shown = text_of(opened(page))
        assert knowledge.claims[name].statement in shown
        assert page.code[0].value.startswith(f"- id: {name}\n")
    for name in list(knowledge.trials)[::6]:
        asked(page, trial=name)
        assert knowledge.trials[name].summary in text_of(opened(page))


def test_a_claim_that_nothing_encodes_says_why(page: AppTest, knowledge: Knowledge) -> None:
    claim = next(item for item in knowledge.claims.values() if item.not_encoded)
    asked(page, claim=claim.id)
    assert f"Why not:** {claim.not_encoded}" in text_of(page)


def test_a_trial_that_missed_its_endpoint_says_so(page: AppTest) -> None:
    asked(page, trial="reach")
    assert "primary endpoint missed" in text_of(page)


def test_a_fact_shows_its_cut_points_and_who_depends_on_it_through_what(page: AppTest) -> None:
    asked(page, fact="afp_ng_ml")
    assert "Cut-points" in [item.value for item in page.subheader]
    assert "at least 400 ng/mL" in text_of(page)
    asked(page, fact="bilirubin_umol_l")
    ways = [item.label for item in page.expander]
    assert any(label.startswith("→ Child–Pugh points → Child–Pugh class (") for label in ways)
    assert "No rule reads it directly" in text_of(page)
    assert "Child–Pugh class is A, as in the trial" in text_of(opened(page))


def test_a_thing_leads_to_another(page: AppTest) -> None:
    asked(page, option="ramucirumab")
    next(item for item in page.button if item.label.replace("\\", "") == "Alpha-fetoprotein (AFP)").click().run()
    sound(page)
    assert page.header[0].value == "Alpha-fetoprotein (AFP)"
    assert list(page.query_params) == ["fact"]


def test_where_many_things_depend_one_of_them_is_chosen_in_a_list(page: AppTest) -> None:
    asked(page, fact="autoimmune_disease")
    opened(page)
    page.selectbox(key="rules_go_direct").set_value("option nivolumab").run()
    sound(page)
    assert page.header[0].value == "Nivolumab"
    assert list(page.query_params) == ["option"]


# The patient in the form


def test_an_untouched_form_has_no_patient_to_speak_of(page: AppTest) -> None:
    asked(page, option="ramucirumab")
    assert "The patient in the form" not in text_of(page)


def test_an_option_says_what_it_is_for_the_patient_in_the_form(page: AppTest, knowledge: Knowledge) -> None:
    filled(page, SECOND_LINE, knowledge)
    asked(page, option="ramucirumab")
    assert "The patient in the form:** :green-badge[:material/check_circle: recommended]" in text_of(page)
    asked(page, option="durvalumab+tremelimumab")
    assert "The patient in the form" in text_of(page)


@pytest.mark.parametrize(
    "record",
    [
        {"tumour": "liver_metastasis", "primary_site": "colorectal"},
        {"ecog": 1},
        {"child_pugh_class": "C", "age_years": 50},
    ],
)
def test_the_patient_may_be_half_known_or_have_another_tumour(
    page: AppTest, knowledge: Knowledge, record: dict[str, Any]
) -> None:
    filled(page, record, knowledge)
    asked(page, option="pembrolizumab")
    assert "The patient in the form" in text_of(page)


def test_a_refused_record_has_no_verdict_here(page: AppTest, knowledge: Knowledge) -> None:
    filled(page, {"ecog": 1}, knowledge)
    page.session_state[state.key_of("age_years")] = -3.0
    asked(page, option="ramucirumab")
    assert "The patient in the form" not in text_of(page)


def test_a_lost_worker_costs_the_verdict_and_no_more(
    page: AppTest, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost:
        def decide(self, record: object) -> None:
            raise WorkerError("lost")

    monkeypatch.setattr(resources, "engine", Lost)
    filled(page, {"ecog": 1, "age_years": 61}, knowledge)
    asked(page, option="ramucirumab")
    assert page.header[0].value == "Ramucirumab"
    assert "The patient in the form" not in text_of(page)


def test_nothing_of_the_patient_goes_into_the_address(page: AppTest, knowledge: Knowledge) -> None:
    filled(page, SECOND_LINE | {"case_id": "somebody"}, knowledge)
    asked(page, option="ramucirumab")
    assert list(page.query_params) == ["option"]


# Parts


def test_an_entry_of_a_file_ends_where_the_next_begins() -> None:
    text = "list:\n  - id: a\n    x: 1\n\n  - id: ab\n    y:\n      - 2\n  # about c\n  - id: c\nrest: 1\n"
    assert yaml_text.entry(text, "- id: ab") == "- id: ab\n  y:\n    - 2\n"
    assert yaml_text.entry(text, "list:") == text[: text.index("rest")]
    assert yaml_text.entry(text, "nothing") == text


def test_a_changed_file_is_not_shown(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    yaml_text._text.clear()
    monkeypatch.setattr(yaml_text, "fingerprint", lambda folder: "other")
    asked(page, option="ramucirumab")
    opened(page)
    assert not page.code
    assert any("changed or moved" in item.value for item in page.warning)
    yaml_text._text.clear()


def test_every_statement_of_the_rule_base_has_an_owner_with_a_name(knowledge: Knowledge) -> None:
    for rule in knowledge.rules:
        assert rule_links.statement_name(knowledge, rule)
    for derived in knowledge.staging:
        assert rule_links.statement_name(knowledge, derived.rule) == derived.body.title
        for value in derived.values:
            assert rule_links.statement_name(knowledge, value.rule) == derived.body.title


def test_every_hit_can_be_resolved(knowledge: Knowledge) -> None:
    for entry in index(knowledge):
        assert rule_browser._resolve(knowledge, entry.kind, entry.id).known
        assert rule_links.name_of(knowledge, entry.kind, entry.id)
