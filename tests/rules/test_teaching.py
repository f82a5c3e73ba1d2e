"""Vignettes and sequences: what the files teach is what the rule base decides."""

from __future__ import annotations

from typing import Any

import pytest

from hcc_decide.coverage import untaught
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.schema_sources import Expectation, Sequence, Vignette
from hcc_decide.teaching import differences, disagreements, followings, record_of
from tests.conftest import ROOT

RAW = read_files(ROOT / "rules")
VIGNETTES = [pytest.param(source.body, id=source.body.id) for source in RAW.vignettes]
assert RAW.sequences is not None
SEQUENCES = [pytest.param(item, id=item.id) for item in RAW.sequences.body.sequences]


@pytest.mark.parametrize("vignette", VIGNETTES)
def test_a_vignette_is_answered_as_it_teaches(engine: Engine, vignette: Vignette) -> None:
    assert list(differences(vignette, engine)) == []


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_has_the_standing_that_the_file_states(engine: Engine, sequence: Sequence) -> None:
    assert list(disagreements(sequence, engine)) == []


def test_there_are_at_least_sixty_vignettes_of_distinct_patients() -> None:
    assert len(RAW.vignettes) >= 60
    patients = [source.body.patient for source in RAW.vignettes]
    assert all(patients.count(patient) == 1 for patient in patients)


def test_every_setting_has_a_vignette(knowledge: Knowledge) -> None:
    taught = {vignette.setting for vignette in knowledge.vignettes.values()}
    named = {setting for treatment in knowledge.options.values() for setting in treatment.settings}
    assert named <= taught


def test_every_usable_verdict_of_every_option_is_taught(knowledge: Knowledge) -> None:
    assert list(untaught(knowledge)) == []


def test_a_wrong_expectation_is_told_with_what_was_found(engine: Engine) -> None:
    right = engine.knowledge.vignettes["first-line-untreated-varices"]
    first = right.expect[0]
    wrong = first.model_copy(update={"verdict": "preferred", "rules": []})
    absent = first.model_copy(update={"rules": ["no-such-rule"]})
    changes: list[tuple[dict[str, Any], str]] = [
        ({"expect": [wrong]}, f"{first.option} is {first.verdict}, expected is preferred"),
        ({"expect": [absent]}, f"the rule no-such-rule does not show for {first.option}"),
        ({"setting": "adjuvant"}, f"the setting is {right.setting}, expected is adjuvant"),
        ({"missing": ["weight_kg"]}, "weight_kg is not asked for"),
        ({"patient": {"ecog": 9}}, "the record is refused: ecog: 9 is refused; allowed is 4 or less"),
    ]
    for change, said in changes:
        found = list(differences(right.model_copy(update=change), engine))
        assert found == [said]


def test_a_wrong_rank_is_told(engine: Engine) -> None:
    right = engine.knowledge.vignettes["first-line-untreated-varices"]
    expected = Expectation(option="sorafenib", verdict="recommended", why="for the test", rank=99)
    (said,) = differences(right.model_copy(update={"expect": [expected]}), engine)
    assert said.startswith("sorafenib has rank ")


def test_a_wrong_standing_is_told(engine: Engine) -> None:
    right: Sequence = engine.knowledge.sequences[0]
    other = "discouraged" if right.standing != "discouraged" else "offered"
    wrong = right.model_copy(update={"standing": other})
    found = list(disagreements(wrong, engine))
    assert len(found) == len(right.outcome)
    assert all(f"the file says {other}" in sentence for sentence in found)


def test_a_sequence_whose_record_is_refused_is_told(engine: Engine) -> None:
    right: Sequence = engine.knowledge.sequences[0]
    found = list(disagreements(right.model_copy(update={"patient": {"ecog": 9}}), engine))
    assert found == [
        f"the record is refused ({outcome}): ecog: 9 is refused; allowed is 4 or less" for outcome in right.outcome
    ]


def test_the_record_of_a_sequence_ends_with_the_line_it_starts_from() -> None:
    sequence = Sequence(
        id="x", after="b", outcome=["progression"], line={"last_daily_dose_mg": 400}, option="c", standing="offered",
        text="x", claims=["TST-001"], patient={"ecog": 1, "prior_systemic": ["a"]},
    )  # fmt: skip
    assert record_of(sequence, "progression") == {
        "ecog": 1,
        "prior_systemic": ["a", {"option": "b", "outcome": "progression", "last_daily_dose_mg": 400}],
    }


def test_what_follows_each_treatment_never_has_the_treatment_that_failed(engine: Engine) -> None:
    found = list(followings(engine))
    assert {(item.after, item.outcome) for item in found} >= {
        ("sorafenib", "progression"),
        ("sorafenib", "intolerance"),
        ("atezolizumab+bevacizumab", "progression"),
    }
    for item in found:
        name = engine.knowledge.options[item.after].body.name
        assert all(name not in names for names in item.offered.values()), item
    (after_sorafenib,) = [item for item in found if (item.after, item.outcome) == ("sorafenib", "progression")]
    assert after_sorafenib.offered["recommended"][:2] == ("Cabozantinib", "Ramucirumab")
    assert after_sorafenib.offered["undetermined"] == ("Regorafenib",)
