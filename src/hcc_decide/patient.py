"""The patient record: what may be said of a patient, and what is refused.

Every fact is optional; ``None`` means "not known" and is never taken for "no". Labels, units and questions live in
``rules/vocabulary.yaml``; this module fixes names, types and limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hcc_decide.documents import DocumentError, parse
from hcc_decide.refusals import further, kind_of, problem, shown

OTHER = "other"
"""The option id that stands for a drug outside the catalogue, or one that was not named."""

Outcome = Literal["progression", "intolerance", "progression_and_intolerance", "completed", "ongoing"]
OUTCOMES: tuple[str, ...] = (
    "progression",
    "intolerance",
    "progression_and_intolerance",
    "completed",
    "ongoing",
)

MAX_PROBLEMS = 100
"""Of a record that are told; nobody reads more, and a hostile record has as many as it has values."""


MAX_CASE_ID = 64
"""Characters of a pseudonym."""


class RecordError(ValueError):
    """A refused record.

    Attributes:
        problems: one line per problem, each naming the field, the value and what is allowed.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        """Keep ``problems`` in the order of the record."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number", "a plain number is expected, without a unit")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise PydanticCustomError("finite", "a finite number is expected")
    return value


def _integer(value: object) -> object:
    _number(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise PydanticCustomError("integer", "a whole number is expected")
        return int(value)
    return value


def _zero_as_text(value: object) -> object:
    # A bare 0 in a YAML file can only mean BCLC stage 0.
    return "0" if value == 0 and type(value) is int else value


def _sorted_unique(value: object) -> object:
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise PydanticCustomError("list", "a list is expected")
    if all(isinstance(item, str) for item in value):
        return tuple(dict.fromkeys(value))
    return tuple(value)


Number = Annotated[float, BeforeValidator(_number)]
Integer = Annotated[int, BeforeValidator(_integer)]
YesNo = Annotated[bool, Field(strict=True)]
Above0 = Annotated[Number, Field(gt=0)]

Etiology = Literal["hbv", "hcv", "alcohol", "masld", "other"]
Locoregional = Literal["resection", "ablation", "transplant", "tace", "tare", "sbrt", "haic"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PriorLine(_Record):
    """One line of prior systemic therapy.

    Attributes:
        option: option id of the catalogue, or ``other``.
        name: what the drug is called; only with ``other``.
        outcome: how the line ended.
        radiological_progression: whether imaging showed the progression; ``None`` when not known.
        last_daily_dose_mg: last daily dose, mg.
        tolerated_days_of_last_28: days of the last 28 on which that dose was tolerated.
    """

    option: Annotated[str, Field(min_length=1, max_length=120)]
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    outcome: Outcome = "progression"
    radiological_progression: YesNo | None = None
    last_daily_dose_mg: Annotated[Number, Field(ge=0)] | None = None
    tolerated_days_of_last_28: Annotated[Integer, Field(ge=0, le=28)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        option, colon, outcome = value.partition(":")
        return {"option": option.strip(), "outcome": outcome.strip()} if colon else {"option": option.strip()}

    @field_validator("option")
    @classmethod
    def _of_the_catalogue(cls, value: str, info: ValidationInfo) -> str:
        options: Mapping[str, str] | None = info.context
        if options is None or value == OTHER:
            return value
        if value not in options:
            raise PydanticCustomError("option", "an option id is expected")
        return options[value]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name is not None and self.option != OTHER:
            raise PydanticCustomError("contradiction", "`name` goes with the option `other` only")
        if self.radiological_progression and "progression" not in self.outcome:
            raise PydanticCustomError(
                "contradiction",
                "`radiological_progression: true` contradicts the outcome `{outcome}`",
                {"outcome": self.outcome},
            )
        return self

    @property
    def progressed(self) -> bool:
        """Whether the tumour progressed on this line."""
        return "progression" in self.outcome

    @property
    def not_tolerated(self) -> bool:
        """Whether the line ended because it was not tolerated."""
        return "intolerance" in self.outcome


class Patient(_Record):
    """One patient, as far as known. Every fact is described in ``rules/vocabulary.yaml``."""

    case_id: Annotated[str, Field(max_length=MAX_CASE_ID)] | None = None
    tumour: Literal["hcc", "liver_metastasis"] = "hcc"
    intent: Literal["treatment", "adjuvant", "neoadjuvant"] = "treatment"
    bclc_stage: Annotated[Literal["0", "A", "B", "C", "D"], BeforeValidator(_zero_as_text)] | None = None
    tumour_count: Annotated[Integer, Field(ge=1)] | None = None
    largest_tumour_cm: Above0 | None = None
    portal_vein_invasion: Literal["none", "branch", "main", "unspecified"] | None = None
    hepatic_vein_or_ivc_invasion: YesNo | None = None
    bile_duct_invasion: YesNo | None = None
    liver_involvement_percent: Annotated[Number, Field(ge=0, le=100)] | None = None
    extrahepatic_spread: YesNo | None = None
    microvascular_invasion: YesNo | None = None
    child_pugh_class: Literal["A", "B", "C"] | None = None
    child_pugh_score: Annotated[Integer, Field(ge=5, le=15)] | None = None
    bilirubin_umol_l: Above0 | None = None
    albumin_g_l: Above0 | None = None
    inr: Above0 | None = None
    ascites: Literal["none", "mild", "moderate_severe"] | None = None
    encephalopathy: Literal["none", "grade_1_2", "grade_3_4"] | None = None
    albi_grade: Annotated[Literal[1, 2, 3], BeforeValidator(_integer)] | None = None
    cirrhosis: YesNo | None = None
    ecog: Annotated[Integer, Field(ge=0, le=4)] | None = None
    age_years: Annotated[Number, Field(ge=0)] | None = None
    weight_kg: Above0 | None = None
    afp_ng_ml: Annotated[Number, Field(ge=0)] | None = None
    nlr: Above0 | None = None
    etiology: Annotated[tuple[Etiology, ...], BeforeValidator(_sorted_unique)] | None = None
    region: Literal["us", "eu", "china", "japan", "other"] | None = None
    prior_systemic: Annotated[tuple[PriorLine, ...], Field(max_length=40)] | None = None
    prior_locoregional: Annotated[tuple[Locoregional, ...], BeforeValidator(_sorted_unique)] | None = None
    refractory_to_tace: YesNo | None = None
    amenable_to_resection: YesNo | None = None
    amenable_to_ablation: YesNo | None = None
    amenable_to_transplant: YesNo | None = None
    amenable_to_tace: YesNo | None = None
    varices: Literal["none", "treated", "untreated", "unspecified"] | None = None
    bleeding_within_6_months: YesNo | None = None
    endoscopy_within_6_months: YesNo | None = None
    autoimmune_disease: YesNo | None = None
    high_recurrence_risk: YesNo | None = None
    primary_site: (
        Literal[
            "colorectal",
            "cutaneous_melanoma",
            "uveal_melanoma",
            "nsclc",
            "breast",
            "pancreatic",
            "urothelial",
            "renal",
            "other",
        ]
        | None
    ) = None
    msi_high: YesNo | None = None
    tmb_high: YesNo | None = None
    pd_l1_positive: YesNo | None = None
    liver_metastasis_resectable: YesNo | None = None

    @field_validator("tumour", "intent", mode="before")
    @classmethod
    def _null_is_left_out(cls, value: object, info: Any) -> object:
        return cls.model_fields[info.field_name].default if value is None else value

    @field_validator("etiology", "prior_locoregional", mode="after")
    @classmethod
    def _one_order(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        # The order of a set means nothing; one order makes equal records equal.
        return None if value is None else tuple(sorted(value))

    def to_record(self) -> dict[str, Any]:
        """Return the record as plain data, without the facts that are not known."""
        record = self.model_dump(mode="json", exclude_none=True)
        for name in ("etiology", "prior_locoregional", "prior_systemic"):
            if name in record:
                record[name] = list(record[name])
        return record


CONTRADICTING = (
    ("refractory_to_tace", "amenable_to_tace", "prior_locoregional"),
    ("tumour", "primary_site", "liver_metastasis_resectable"),
    ("prior_systemic",),
)
"""The facts that can contradict one another, group by group; `contradictions` reads no others."""


def contradictions(patient: Patient) -> list[str]:
    """Return one line for each pair of facts that cannot both hold; of `CONTRADICTING` only."""
    found: list[str] = []
    if patient.refractory_to_tace and patient.amenable_to_tace:
        found.append(
            "refractory_to_tace: true contradicts amenable_to_tace: true; TACE that has failed is not feasible, "
            "allowed is one of the two"
        )
    if (
        patient.refractory_to_tace
        and patient.prior_locoregional is not None
        and "tace" not in patient.prior_locoregional
    ):
        found.append(
            "refractory_to_tace: true contradicts prior_locoregional, which does not name tace; "
            "allowed is false, or a list that names tace"
        )
    if patient.tumour == "hcc":
        for name in ("primary_site", "liver_metastasis_resectable"):
            value = getattr(patient, name)
            if value is not None:
                found.append(
                    f"{name}: {shown(value)} contradicts tumour: hcc; it belongs to tumour: liver_metastasis only"
                )
    lines = patient.prior_systemic or ()
    for index, line in enumerate(lines[:-1]):
        if line.outcome == "ongoing":
            found.append(
                f"prior_systemic[{index + 1}].outcome: ongoing contradicts the lines after it; "
                "only the last line can be ongoing"
            )
    return found


def parse_patient(data: object, options: Mapping[str, str] | None = None) -> Patient:
    """Check a record and return the patient.

    Args:
        data: the mapping read from JSON, YAML or a form; ``None`` values count as left out.
        options: every option id and alias of the catalogue, with the id it stands for; ``None`` skips that check.

    Raises:
        RecordError: with one line per problem, all problems at once; beyond `MAX_PROBLEMS` they are only counted.
    """
    if not isinstance(data, Mapping):
        raise RecordError([f"the record is {kind_of(data)}; a mapping of fields is expected"])
    problems: list[str] = []
    untold = 0
    rest = dict(data)
    while True:
        try:
            patient = Patient.model_validate(rest, context=options)
            break
        except ValidationError as error:
            found = error.errors(include_url=False)
            told = found[: MAX_PROBLEMS - len(problems)]
            problems += [problem(item) for item in told]
            untold += len(found) - len(told)
            wrong = {item["loc"][0] for item in found if item["loc"]}
            if "tumour" in wrong:
                wrong |= {"primary_site", "liver_metastasis_resectable"}
            # What is sound by itself may still contradict itself, so it is looked at again without the rest.
            sound = {name: rest[name] for name in Patient.model_fields if name in rest and name not in wrong}
            rest = sound if len(sound) < len(rest) else {}
    problems += contradictions(patient)
    if problems:
        raise RecordError(dict.fromkeys([*problems, *further(untold)]))
    return patient


_LISTS = frozenset({"etiology", "prior_locoregional", "prior_systemic"})
_TEXTS = frozenset({"case_id", "bclc_stage"})
# Narrower than int() and float(), which take `1_000` and the digits of other scripts.
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def record_from_csv(row: Mapping[str, str | None]) -> dict[str, Any]:
    """Turn one row of a CSV table into a record.

    An empty cell is unknown, ``[]`` is an empty list, list items are joined with ``;``; a list of which more is told than
    its items is written as JSON. Cells that fit no type are handed on as text, so that `parse_patient` refuses them by name.

    >>> record_from_csv({"bclc_stage": "0", "ecog": "1", "etiology": "hbv;alcohol", "afp_ng_ml": "", "varices": "none"})
    {'bclc_stage': '0', 'ecog': 1, 'etiology': ['hbv', 'alcohol'], 'varices': 'none'}
    """
    record: dict[str, Any] = {}
    for name, cell in row.items():
        text = (cell or "").strip()
        if not text:
            continue
        if name in _LISTS:
            record[name] = _list(text)
        elif name in _TEXTS:
            record[name] = text
        else:
            record[name] = _cell(text)
    return record


def _list(text: str) -> object:
    if text.startswith("["):
        try:
            found = parse(text.encode(), json_only=True).data
        except (DocumentError, UnicodeEncodeError):
            return text
        return found if isinstance(found, list) else text
    return [item.strip() for item in text.split(";")]


def _cell(text: str) -> object:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    try:
        return int(text) if _WHOLE.fullmatch(text) else float(text) if _DECIMAL.fullmatch(text) else text
    except ValueError:  # thousands of digits
        return text
