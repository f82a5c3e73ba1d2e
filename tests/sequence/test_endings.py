"""How lines can end stands in the rules; a rule author is told what is wrong there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc_decide.knowledge.courses import check_course
from hcc_decide.knowledge.files import RawKnowledge, read_files
from hcc_decide.knowledge.load import load_knowledge
from tests.conftest import ROOT

RULES = ROOT / "rules"
FILE = (RULES / "sequences.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rule base with little beside the sequences."""
    made = tmp_path_factory.mktemp("rules")
    for name in ("knowledge.yaml", "vocabulary.yaml", "notices.yaml"):
        shutil.copy(RULES / name, made / name)
    (made / "options").mkdir()
    for name in ("tace", "sorafenib"):
        shutil.copy(RULES / "options" / f"{name}.yaml", made / "options" / f"{name}.yaml")
    return made


def read(folder: Path, part: str) -> RawKnowledge:
    (folder / "sequences.yaml").write_text(part + "\nsequences:\n" + FILE.split("\nsequences:\n")[1], encoding="utf-8")
    raw = read_files(folder)
    assert raw.sequences is not None, raw.findings
    return raw


ENDINGS = """typical_patient: {}
endings:
  progression: {label: progression, text: it grows, line: {outcome: progression}}
"""


@pytest.mark.parametrize(
    ("part", "code", "message"),
    [
        (ENDINGS.replace("outcome: progression", "outcome: cured"), "K02", "'cured' is refused"),
        (ENDINGS.replace("outcome: progression", "dose: 3, outcome: progression"), "K02", "unknown field"),
        (ENDINGS.replace("{outcome: progression}", "{radiological_progression: true}"), "K02", "needs an `outcome`"),
        (
            ENDINGS.replace("outcome: progression", "option: sorafenib, outcome: progression"),
            "K02",
            "belongs to the treatment",
        ),
        (f"{ENDINGS}still_running: {{text: it ends, line: {{outcome: running}}}}", "K02", "'running' is refused"),
        (
            f"{ENDINGS}procedures: [{{options: [tacee], adds: tace, after: {{progression: {{text: x}}}}}}]",
            "K10",
            "names tacee, which rules/options does not have",
        ),
        (
            f"{ENDINGS}procedures: [{{options: [tace], adds: tase, after: {{progression: {{text: x}}}}}}]",
            "K02",
            "'tase' is refused",
        ),
        (
            f"{ENDINGS}procedures: [{{options: [tace], adds: tace, after: {{relapse: {{text: x}}}}}}]",
            "K10",
            "names the ending relapse",
        ),
        (
            f"{ENDINGS}procedures: [{{options: [tace], adds: tace, "
            "after: {progression: {text: x, record: {refractory: true}}}}]",
            "K02",
            "unknown field",
        ),
        (
            f"{ENDINGS}procedures: [{{options: [tace], adds: tace, "
            "after: {progression: {text: x, record: {refractory_to_tace: 3}}}}]",
            "K02",
            "refractory_to_tace: 3",
        ),
        (
            f"{ENDINGS}procedures: [{{options: [tace, tace], adds: tace, after: {{progression: {{text: x}}}}}}]",
            "K06",
            "names already",
        ),
        (f"{ENDINGS}not_followed: [{{options: [cure], text: x}}]", "K10", "names cure"),
        (f"{ENDINGS}may_change: [mood]", "K10", "names mood, which is no fact of a record"),
        (f"{ENDINGS}may_change: [setting]", "K10", "names setting, which is no fact of a record"),
    ],
)
def test_an_entry_that_names_what_does_not_exist_is_found(folder: Path, part: str, code: str, message: str) -> None:
    found = list(check_course(read(folder, part)))
    assert [item.code for item in found] == [code], found
    assert message in found[0].message
    assert found[0].file == "sequences.yaml"
    assert found[0].line > 1


def test_a_rule_base_without_endings_is_sound_and_follows_nothing(folder: Path) -> None:
    assert list(check_course(read(folder, "typical_patient: {}"))) == []
    (folder / "sequences.yaml").unlink()
    assert list(check_course(read_files(folder))) == []


def test_the_shipped_rules_have_no_finding_about_endings_and_a_sentence_for_every_choice() -> None:
    knowledge = load_knowledge(RULES)
    assert set(knowledge.course.endings) == {"progression", "intolerance"}
    # The last sentence is for whatever none of those before it fits.
    assert (knowledge.course.not_followed[-1].options, knowledge.course.not_followed[-1].settings) == (None, None)
    assert all(item.settings or item.options for item in knowledge.course.not_followed[:-1])
