"""A small rule base to break: the shipped vocabulary and staging, two options, one trial and made-up claims."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.load import inspect_knowledge
from tests.conftest import ROOT

ALPHA = """\
id: alpha
name: Alpha
aliases: [alphamab]
kind: drug
drugs: [alpha]
classes: [tki]
targets: []
regimen:
  text: once daily
  variants:
    - {id: low-weight, text: half the dose, when: {weight_kg: {below: 60}}}
  claims: [TST-001]
indications:
  - id: first-line
    text: no systemic therapy yet
    settings: [first_line]
    verdict: recommended
    evidence_level: 1
    effect: {trial: trial-1, endpoint: os}
    provenance: review
    claims: [TST-001]
  - id: second-line-hbv
    text: hepatitis B, after one line
    settings: [second_line]
    when: {etiology: {any_of: [hbv]}}
    verdict: investigational
    evidence_level: 3
    provenance: review
    claims: [TST-001]
  - id: adjuvant
    text: after resection
    settings: [adjuvant]
    verdict: not_recommended
    evidence_level: 1
    provenance: review
    claims: [TST-001]
include:
  - id: child-pugh-a
    text: Child–Pugh A
    when: {child_pugh_class: A}
    claims: [TST-001]
    trials: [trial-1]
exclude:
  - id: already-failed
    text: failed before
    when: {failed_option: {any_of: [alpha]}}
    claims: [TST-001]
reservations:
  - id: ecog-2
    text: ECOG above one
    when: {ecog: {at_least: 2}}
    for: [first-line]
    claims: [TST-001]
cautions:
  - id: bleeding
    text: bled before
    when: {bleeding_within_6_months: true}
    claims: [TST-001]
preferences: []
notes: []
later_lines:
  opens:
    - {option: beta, text: beta comes next, claims: [TST-001]}
  closes: []
evidence:
  - {trial: trial-1, direction: supports, for: [first-line]}
rationale: It works.
later_evidence: []
review: {status: draft}
cases:
  - rule: child-pugh-a
    met: [{child_pugh_class: A}]
    not_met: [{child_pugh_class: B}]
    unknown: [{}]
  - rule: already-failed
    met: [{prior_systemic: [alpha]}]
    not_met: [{prior_systemic: []}]
    unknown: [{}]
  - rule: ecog-2
    met: [{ecog: 2}]
    not_met: [{ecog: 1}]
    unknown: [{}]
  - rule: bleeding
    met: [{bleeding_within_6_months: true}]
    not_met: [{bleeding_within_6_months: false}]
    unknown: [{}]
  - rule: low-weight
    met: [{weight_kg: 59.9}]
    not_met: [{weight_kg: 60}]
    unknown: [{}]
  - rule: second-line-hbv
    met: [{etiology: [hbv]}]
    not_met: [{etiology: []}]
    unknown: [{}]
"""
BETA = """\
id: beta
name: Beta
kind: procedure
drugs: []
classes: []
targets: []
regimen: {text: once}
indications:
  - id: curative
    text: early stage
    settings: [curative]
    verdict: preferred
    evidence_level: 2
    provenance: review
    claims: [TST-001]
include: []
exclude: []
reservations: []
cautions: []
preferences: []
notes: []
later_lines: {opens: [], closes: []}
evidence: []
rationale: It cures.
later_evidence: []
review: {status: draft}
cases: []
"""
TRIAL = """\
id: trial-1
name: TRIAL 1
phase: "3"
design: randomised
settings: [first_line]
population: Child–Pugh A
enrolled: 100
arms:
  - {id: alpha, text: alpha, option: alpha, n: 50}
  - {id: placebo, text: placebo, n: 50}
primary_endpoint: overall survival
primary_endpoint_met: met
endpoints:
  - id: os
    measure: overall_survival
    arm: alpha
    control: placebo
    unit: months
    hr: 0.7
    verified: true
citation: {authors: A. Author, journal: Journal, year: 2020}
nct: null
unverified: []
reported_in: []
discrepancies: []
summary: Longer survival.
"""
CLAIM = """\
  - id: {id}
    lines: [1, 2]
    section: Background
    references: []
    kind: outcome
    actionable: true
    subjects: []
    statement: Made up.
    figures: {{}}
"""


@dataclass(frozen=True)
class RuleBase:
    """A rule base in a folder of its own, to be changed at will."""

    folder: Path

    def text(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        (self.folder / file).write_bytes(text.encode())

    def change(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file."""
        text = self.text(file)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def line(self, file: str, text: str) -> int:
        """Return the line, counted from 1, on which a text stands that occurs once."""
        lines = self.text(file).splitlines()
        (found,) = [number for number, line in enumerate(lines, start=1) if text in line]
        return found

    @property
    def findings(self) -> list[Finding]:
        return inspect_knowledge(self.folder)[1]


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small rule base while nothing is wrong with it; not to be written to."""
    folder = tmp_path_factory.mktemp("rules")
    for name in ("knowledge.yaml", "vocabulary.yaml", "notices.yaml"):
        shutil.copy(ROOT / "rules" / name, folder / name)
    shutil.copytree(ROOT / "rules" / "staging", folder / "staging")
    for name, text in (("options/alpha", ALPHA), ("options/beta", BETA), ("trials/trial-1", TRIAL)):
        path = folder / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    cited = {
        claim
        for path in folder.rglob("*.yaml")
        for claim in re.findall(r"\b[A-Z]{2,4}-\d{3}\b", path.read_text("utf-8"))
    }
    (folder / "claims").mkdir()
    claims = 'review: "000"\nclaims:\n' + "".join(CLAIM.format(id=claim) for claim in sorted(cited))
    (folder / "claims" / "all.yaml").write_bytes(claims.encode())
    return folder


@pytest.fixture
def rule_base(sound: Path, tmp_path: Path) -> RuleBase:
    """A fresh copy of the small rule base."""
    shutil.copytree(sound, tmp_path / "rules")
    return RuleBase(tmp_path / "rules")
