"""The recipe of synthetic cohorts: what is said of one with something wrong, and of which line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from hcc_decide.cli import app
from hcc_decide.cohort.synthetic import synthesise
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import SYNTHETIC
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.knowledge.synthetic_checks import inspect_synthetic, load_synthetic
from tests.knowledge.conftest import RuleBase

SMALL = """\
about: made up
latent:
  liver_failure: how far the liver has failed
draws:
  tumour:
    assumption: all
    cases:
      - weights: {hcc: 1}
  region:
    claims: [TST-001]
    text: somewhere
    cases:
      - weights: {us: 1, eu: 3}
  ecog:
    assumption: mostly well
    follows: {liver_failure: 0.5}
    cases:
      - when: {region: us}
        weights: {0: 2, 1: 1}
      - weights: {0: 1}
  inr:
    assumption: usual
    decimals: 1
    cases:
      - log_normal: {median: 1.1, spread: 1.1, at_least: 0.9, at_most: 2}
  lines:
    hidden: true
    assumption: some
    cases:
      - when: {inr: {below: 1.5}}
        weights: {0: 1, 1: 1}
  line_1.option:
    assumption: one
    cases:
      - when: {lines: 1}
        weights: {alpha: 1}
  line_1.outcome:
    assumption: one
    cases:
      - when: {lines: 1}
        weights: {progression: 1}
not_known:
  assumption: some
  together: 0
  shares: {ecog: 0.5}
"""


@pytest.fixture
def small(rule_base: RuleBase) -> RuleBase:
    rule_base.write(SYNTHETIC, SMALL)
    return rule_base


@pytest.fixture(scope="module")
def about(sound: Path) -> Knowledge:
    """The small rule base; a recipe changes nothing in it."""
    return load_knowledge(sound)


def _findings(base: RuleBase, about: Knowledge) -> Sequence[Finding]:
    return inspect_synthetic(about, base.folder)[1]


def test_a_sound_recipe_has_no_findings_and_draws(small: RuleBase, about: Knowledge) -> None:
    assert _findings(small, about) == []
    (rows,) = synthesise(load_synthetic(about, small.folder), 500, 1)
    assert rows.columns == ["case_id", "tumour", "inr", "ecog", "region", "prior_systemic"]
    assert set(rows["prior_systemic"]) == {"[]", "alpha"}
    assert set(rows["ecog"]) == {None, "0", "1"}
    assert set(rows.filter(pl.col("region") == "eu")["ecog"]) == {None, "0"}


WRONG: dict[str, tuple[str, str, str, str, str]] = {
    "no such fact": ("  region:\n", "  continent:\n", "continent:", "K10", "is no field of the record"),
    "no such value": ("{us: 1, eu: 3}", "{us: 1, mars: 3}", "mars", "K02", "'mars' is refused"),
    "a value out of range": (
        "weights: {0: 2, 1: 1}",
        "weights: {0: 2, 7: 1}",
        "7: 1}",
        "K02",
        "allowed is 4 or less",
    ),
    "limits that the record refuses": (
        "at_least: 0.9,",
        "at_least: 0,",
        "log_normal",
        "K02",
        "allowed is a number above 0",
    ),
    "no such option": ("{alpha: 1}", "{omega: 1}", "omega", "K10", "not an option of the catalogue"),
    "no such ending": ("{progression: 1}", "{boredom: 1}", "boredom", "K02", "'boredom' is refused"),
    "weights that sum to nothing": ("{us: 1, eu: 3}", "{us: 0, eu: 0}", "{us: 0", "K02", "the weights sum to nothing"),
    "a negative weight": ("{us: 1, eu: 3}", "{us: 1, eu: -3}", "eu: -3", "K02", "greater than or equal to 0"),
    "two ways at once": (
        "weights: {us: 1, eu: 3}",
        "weights: {us: 1}\n        share: 0.2",
        "weights: {us: 1}",
        "K02",
        "needs one of",
    ),
    "an unknown key": (
        "    decimals: 1\n",
        "    decimals: 1\n    units: x\n",
        "units",
        "K02",
        "is not a key of this file",
    ),
    "no decimals": ("    decimals: 1\n", "", "  inr:", "K02", "`decimals` goes with"),
    "no source": ("    assumption: mostly well\n", "", "  ecog:", "K02", "needs a source or an `assumption`"),
    "a source that says nothing": ("    text: somewhere\n", "", "  region:", "K02", "`text` says what"),
    "no such claim": ("[TST-001]", "[TST-999]", "TST-999", "K05", "cites the claim TST-999"),
    "no such trial": ("claims: [TST-001]", "trials: [trial-9]", "trial-9", "K04", "cites the trial trial-9"),
    "no such review": (
        "claims: [TST-001]",
        'passage: {review: "999", lines: [1, 2]}',
        "passage",
        "K05",
        "the review 999",
    ),
    "a figure that the source does not give": ("text: somewhere", "text: 75% in Europe", "75%", "K20", "gives 75"),
    "a condition on what comes later": (
        "when: {region: us}",
        "when: {lines: 1}",
        "when: {lines: 1}\n        weights: {0: 2",
        "K03",
        "lines, which is not drawn before",
    ),
    "a condition on a value that is never drawn": (
        "when: {region: us}",
        "when: {region: japan}",
        "japan",
        "K03",
        "japan, which is never drawn",
    ),
    "limits for what is no number": (
        "when: {region: us}",
        "when: {region: {below: 2}}",
        "below: 2}",
        "K03",
        "which is no number",
    ),
    "a value for a number": ("when: {inr: {below: 1.5}}", "when: {inr: 1.5}", "inr: 1.5", "K03", "it needs limits"),
    "limits without a limit": ("when: {inr: {below: 1.5}}", "when: {inr: {}}", "inr: {}", "K03", "gives no limit"),
    "no such latent number": ("{liver_failure: 0.5}", "{luck: 0.5}", "luck", "K10", "which `latent` does not have"),
    "following too much": ("{liver_failure: 0.5}", "{liver_failure: 1.5}", "1.5", "K02", "less than or equal to 1"),
    "a line without its end": (
        "  line_1.outcome:\n",
        "  line_1.name:\n",
        "draws:",
        "K02",
        "line_1 without line_1.outcome",
    ),
    "a line without the one before": ("  line_1.option:", "  line_2.option:", "draws:", "K02", "draws line_2"),
    "a gap in what is not drawn": ("shares: {ecog: 0.5}", "shares: {nlr: 0.5}", "nlr", "K10", "names nlr"),
    "a gap that would change a line": (
        "shares: {ecog: 0.5}",
        "shares: {line_1.outcome: 0.5}",
        "shares: {",
        "K10",
        "cannot be left out",
    ),
    "a score without its items": (
        "  lines:\n    hidden: true\n",
        "  albi:\n    hidden: true\n    computed: albi_score\n    assumption: x\n  lines:\n    hidden: true\n",
        "computed: albi",
        "K03",
        "needs bilirubin_umol_l",
    ),
    "limits beside the middle": (
        "at_least: 0.9,",
        "at_least: 1.5,",
        "log_normal",
        "K02",
        "the middle of a distribution",
    ),
    "a hidden field": (
        "  inr:\n",
        "  inr:\n    hidden: true\n",
        "hidden: true\n    assumption: usual",
        "K10",
        "is a field of the record",
    ),
}


@pytest.mark.parametrize(("old", "new", "where", "code", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_recipe_has_a_finding_with_file_and_line(
    small: RuleBase, about: Knowledge, old: str, new: str, where: str, code: str, said: str
) -> None:
    changed = SMALL.replace(old, new, 1)
    assert changed != SMALL
    small.write(SYNTHETIC, changed)
    line = changed[: changed.index(where)].count("\n") + 1
    found = [item for item in _findings(small, about) if item.code == code and said in item.message]
    assert found, [str(item) for item in _findings(small, about)]
    assert {item.file for item in found} == {SYNTHETIC}
    assert line in {item.line for item in found}, [str(item) for item in found]
    with pytest.raises(KnowledgeError, match=code):
        load_synthetic(about, small.folder)


def test_a_rule_base_without_a_recipe_is_sound_and_draws_nothing(rule_base: RuleBase, about: Knowledge) -> None:
    assert inspect_synthetic(about, rule_base.folder) == (None, [])
    with pytest.raises(KnowledgeError, match=r"synthetic\.yaml:1: K01 the file does not exist"):
        load_synthetic(about, rule_base.folder)


def test_rules_lint_tells_of_a_wrong_recipe_and_decisions_do_not_read_it(small: RuleBase) -> None:
    small.change(SYNTHETIC, "{alpha: 1}", "{omega: 1}")
    assert load_knowledge(small.folder).options
    result = CliRunner().invoke(app, ["rules", "lint", str(small.folder)])
    assert result.exit_code == 1
    assert "synthetic.yaml:" in result.output
    assert "omega" in result.output
