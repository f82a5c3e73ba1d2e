"""`hcc-decide explain`, `schema` and `rules`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.explain import Explanation, explain
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import parse_patient
from hcc_decide.render import explanation_text
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

AFTER_SORAFENIB = str(ROOT / "examples" / "after-sorafenib-afp-812.yaml")


def lines(invoke: Invoke, *arguments: str) -> list[str]:
    answer = invoke(*arguments)
    assert (answer.status, answer.err) == (0, "")
    return answer.out.splitlines()


# explain


@pytest.mark.parametrize("option", ["ramucirumab", "sorafenib", "tace", "resection", "atezolizumab+bevacizumab"])
def test_an_explanation_fits_80_columns_and_leads_back_to_the_reviews(invoke: Invoke, option: str) -> None:
    shown = lines(invoke, "explain", option, AFTER_SORAFENIB)
    assert max(map(len, shown)) <= 80
    assert all(line.isprintable() for line in shown)
    assert "WHAT THE REVIEWS SAY" in shown
    assert any(line.strip().startswith("review 0") and ", lines " in line for line in shown)


@pytest.mark.parametrize("option", ["ramucirumab", "sorafenib", "tace"])
def test_an_explanation_agrees_with_the_decision(invoke: Invoke, option: str) -> None:
    explained = json.loads(invoke("explain", option, AFTER_SORAFENIB, "--format", "json").out)
    decided = json.loads(invoke("recommend", AFTER_SORAFENIB, "--format", "json").out)
    (here,) = [item for item in (*decided["options"], *decided["excluded"]) if item["id"] == option]
    assert explained["id"] == option
    assert explained["verdict"] == here["verdict"]
    assert explained["setting"] == decided["setting"] == "second_line"
    assert explained["reason"] == here.get("ranked_here_because", here.get("reason"))
    assert Explanation.model_validate(explained).model_dump(mode="json") == explained


def test_every_option_of_the_catalogue_can_be_explained(engine: Engine) -> None:
    record = parse_patient(read(AFTER_SORAFENIB).data, engine.knowledge.option_ids)
    for option in engine.knowledge.options:
        found = explain(record, engine, option)
        assert max(len(line.text) for line in explanation_text(found)) <= 80
        explained = found.model_dump(mode="json")
        cited = {claim for part in explained["indications"] for item in part["criteria"] for claim in item["claims"]}
        assert cited
        assert cited <= {claim["id"] for claim in explained["claims"]}
        assert all(claim["statement"] and claim["lines"] for claim in explained["claims"])
        assert sum(part["decides"] for part in explained["indications"]) <= 1


def test_another_name_of_an_option_explains_the_same_option(invoke: Invoke) -> None:
    assert lines(invoke, "explain", "transplant", AFTER_SORAFENIB) == lines(
        invoke, "explain", "transplantation", AFTER_SORAFENIB
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("aspirin", AFTER_SORAFENIB), "OPTION: 'aspirin' is not an option of the catalogue; see `hcc-decide rules list`"),
        (("sorafenib", AFTER_SORAFENIB, "--format", "markdown"), "--format: 'markdown' is refused; allowed are text, json"),
        (("sorafenib", "nobody.yaml"), "nobody.yaml: does not exist"),
        (("sorafenib", AFTER_SORAFENIB, "--edition", "x"), "--edition: has no edition 'x'; allowed is reviews"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_refused(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    answer = invoke("explain", *arguments)
    assert (answer.status, answer.out, answer.err) == (2, "", f"{said}\n")


# schema


@pytest.mark.parametrize(("which", "title"), [("patient", "Patient record"), ("decision", "Decision")])
def test_a_schema_is_printed_as_json(invoke: Invoke, which: str, title: str) -> None:
    schema = json.loads("\n".join(lines(invoke, "schema", which)))
    assert schema["title"] == title
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False


def test_no_other_schema_is_printed(invoke: Invoke) -> None:
    answer = invoke("schema", "trial")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "'trial' is refused; allowed are patient and decision\n"


# rules


def test_the_list_has_every_option_with_its_indications(invoke: Invoke, knowledge: Knowledge) -> None:
    head, *shown = lines(invoke, "rules", "list")
    assert head.startswith(f"edition reviews, knowledge {knowledge.version}, sha256 {knowledge.sha256[:16]}")
    assert max(map(len, (head, *shown))) <= 80
    assert [line for line in shown if not line.startswith(" ")] == sorted(knowledge.options)
    uses = [line for line in shown if line.startswith(" ")]
    assert len(uses) == sum(len(treatment.uses) for treatment in knowledge.options.values())
    assert all(line[-9:-1] == ", level " and line[-1] in "12345" for line in uses)
    assert "  first line: recommended, level 1" in uses


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("sorafenib", "options/sorafenib.yaml"),
        ("atezolizumab+bevacizumab", "options/atezolizumab+bevacizumab.yaml"),
        ("transplant", "options/transplantation.yaml"),
        ("first-line-untreated-varices", "vignettes/first-line-untreated-varices.yaml"),
        ("conflicts", "conflicts.yaml"),
        ("sequences", "sequences.yaml"),
        ("sharp", "trials/sharp.yaml"),
        ("bclc_stage", "staging/bclc-stage.yaml"),
    ],
)
def test_show_prints_the_file_that_holds_a_name(invoke: Invoke, name: str, file: str) -> None:
    answer = invoke("rules", "show", name)
    assert answer.status == 0
    assert answer.out == (ROOT / "rules" / file).read_text(encoding="utf-8")


def test_every_option_trial_and_derived_fact_can_be_shown(invoke: Invoke, knowledge: Knowledge) -> None:
    for name in (*knowledge.options, *knowledge.trials, *(item.fact for item in knowledge.staging)):
        assert invoke("rules", "show", name).status == 0


@pytest.mark.parametrize("name", ["aspirin", "ecog", "../vocabulary", "", "options/sorafenib"])
def test_show_refuses_what_is_no_name(invoke: Invoke, name: str) -> None:
    answer = invoke("rules", "show", name)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"{name!r} is no option, trial, derived fact or vignette; see `hcc-decide rules list`\n"


def test_the_shipped_rules_pass_the_lint(invoke: Invoke, knowledge: Knowledge) -> None:
    options, trials, claims = len(knowledge.options), len(knowledge.trials), len(knowledge.claims)
    assert lines(invoke, "rules", "lint") == [f"no findings: {options} options, {trials} trials, {claims} claims"]


def test_the_lint_prints_findings_and_counts_them(invoke: Invoke, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    notices = tmp_path / "rules" / "notices.yaml"
    text = notices.read_text(encoding="utf-8")
    before, _, after = text.partition("notices:\n")
    notices.write_text(f"{before}notices:\n  - {{id: x, text: X., when: {{ecog: 1}}}}\n{after}", encoding="utf-8")
    place = f"notices.yaml:{len(before.splitlines()) + 2}: K03 notices["
    answer = invoke("rules", "lint", str(tmp_path / "rules"))
    assert answer.status == 1
    assert answer.out.startswith(place)
    assert "tests the number `ecog` with 1; allowed are at_least, above, at_most, below\n" in answer.out
    assert answer.err == "1 finding; see docs/findings.md for what each code asks\n"


def test_the_lint_wants_a_folder(invoke: Invoke, tmp_path: Path) -> None:
    answer = invoke("rules", "lint", str(tmp_path / "nowhere"))
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"FOLDER: {tmp_path / 'nowhere'} is not a folder\n"


# rules coverage


def test_the_coverage_of_the_shipped_rules_is_complete(invoke: Invoke) -> None:
    shown = lines(invoke, "rules", "coverage")
    assert shown[0] == "Actionable claims of the reviews"
    (whole,) = [line.split() for line in shown if line.startswith("  all")]
    (header,) = [line.split() for line in shown if line.startswith("  review")]
    assert whole[header.index("missing")] == "0"
    gaps = [line for line in shown if ": " in line and not line.startswith(" ")]
    assert len(gaps) == 4
    assert all(line.endswith(": 0") for line in gaps)


def test_a_gap_in_the_coverage_ends_with_status_1(invoke: Invoke, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    vignettes = sorted((tmp_path / "rules" / "vignettes").iterdir())
    for path in vignettes[1:]:
        path.unlink()
    answer = invoke("rules", "coverage", str(tmp_path / "rules"))
    assert answer.status == 1
    assert "  sorafenib: recommended\n" in answer.out
    assert answer.err == "coverage is not complete; see docs/coverage.md for what each line asks\n"


def test_the_coverage_wants_a_folder(invoke: Invoke, tmp_path: Path) -> None:
    answer = invoke("rules", "coverage", str(tmp_path / "nowhere"))
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"FOLDER: {tmp_path / 'nowhere'} is not a folder\n"


def test_an_explanation_shows_notes_surroundings_later_lines_and_conflicts(invoke: Invoke) -> None:
    answer = invoke("explain", "sorafenib", str(ROOT / "examples" / "advanced-untreated.yaml"))
    for title in ("NOTES", "TUMOUR MICROENVIRONMENT", "LATER LINES", "WHERE SOURCES DISAGREE"):
        assert f"\n{title}" in answer.out
    found = Explanation.model_validate_json(
        invoke("explain", "sorafenib", str(ROOT / "examples" / "advanced-untreated.yaml"), "--format", "json").out
    )
    assert {effect.part for effect in found.microenvironment} >= {"nk_cells", "macrophages", "neutrophils"}
    assert ("regorafenib", "opens") in {(step.option, step.effect) for step in found.later_lines}
    cited = {claim.id for claim in found.claims}
    assert all(cited.issuperset(effect.claims) for effect in found.microenvironment)


def test_other_names_are_accepted_and_shown(invoke: Invoke) -> None:
    answer = invoke("explain", "ipilimumab+nivolumab", AFTER_SORAFENIB)
    assert answer.status == 0
    assert "Also known as: ipilimumab+nivolumab" in answer.out
    record = '{"prior_systemic": ["camrelizumab+rivoceranib", "ipilimumab+nivolumab:intolerance"]}'
    found = json.loads(invoke("recommend", "-", "--format", "json", stdin=record).out)
    assert [line["option"] for line in found["patient"]["prior_systemic"]] == [
        "camrelizumab+apatinib",
        "nivolumab+ipilimumab",
    ]
    assert "y90" in next(item for item in [*found["options"], *found["excluded"]] if item["id"] == "tare")["aliases"]
