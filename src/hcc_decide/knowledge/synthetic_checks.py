"""Reading ``synthetic.yaml`` and checking it: everything that it names must exist, and every value must fit the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hcc_decide.documents import Path_
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.citations import uncited
from hcc_decide.knowledge.figures import unsourced_in
from hcc_decide.knowledge.files import SYNTHETIC, Source, read_file
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.locate import bundled
from hcc_decide.knowledge.schema import Limits, Scalar
from hcc_decide.knowledge.synthetic import HISTORY, LINE_FIELD, Chance, Draw, Recipe
from hcc_decide.patient import OTHER, Patient, PriorLine, record_from_csv
from hcc_decide.refusals import problem


def load_synthetic(knowledge: Knowledge, folder: Path | None = None) -> Recipe:
    """Load the recipe of synthetic cohorts of a rule base.

    Args:
        knowledge: the rule base, for what the recipe names.
        folder: the folder it was loaded from; ``None`` takes the one that ships with the program.

    Raises:
        KnowledgeError: with every finding, when there is no recipe or anything is wrong with it.
    """
    folder = folder or bundled("rules")
    recipe, findings = inspect_synthetic(knowledge, folder)
    if recipe is None or findings:
        missing = Finding(SYNTHETIC, 1, "K01", "", "the file does not exist; without it there are no synthetic cohorts")
        raise KnowledgeError(findings or [missing])
    return recipe


def inspect_synthetic(knowledge: Knowledge, folder: Path) -> tuple[Recipe | None, list[Finding]]:
    """Load the recipe of a rule base with its findings; ``None`` when it cannot be read, or, without findings, is not there."""
    if not (folder / SYNTHETIC).exists():
        return None, []
    source, findings = read_file(folder, SYNTHETIC, Recipe)
    if source is None:
        return None, sorted(set(findings))
    return source.body, sorted({*findings, *_check(source, knowledge)})


def cell_text(value: Scalar) -> str:
    """Write a value as a cell of a table (see `patient.record_from_csv`)."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _check(source: Source[Recipe], knowledge: Knowledge) -> Iterator[Finding]:
    recipe = source.body
    before: dict[str, Draw] = {}
    for name, draw in recipe.draws.items():
        path: Path_ = ("draws", name)
        yield from _name(source, path, name, draw)
        yield from _computed(source, path, name, draw, before, knowledge)
        for latent in draw.follows:
            if latent not in recipe.latent:
                yield source.finding(
                    "K10", (*path, "follows", latent), f"follows {latent}, which `latent` does not have"
                )
        for index, case in enumerate(draw.cases):
            for other, test in case.when.items():
                here = (*path, "cases", index, "when", other)
                yield from _test(source, here, before.get(other), other, test)
            if not draw.hidden:
                yield from _values(source, (*path, "cases", index), name, case, knowledge)
        before[name] = draw
    yield from _lines(source)
    yield from _gaps(source)
    yield from uncited(source, knowledge.claims, knowledge.trials)
    yield from unsourced_in(source, knowledge.claims, knowledge.trials)
    for path, review in _reviews(recipe):
        if review not in knowledge.claim_reviews.values():
            yield source.finding("K05", path, f"names the review {review}, which rules/claims does not have")


def _name(source: Source[Recipe], path: Path_, name: str, draw: Draw) -> Iterator[Finding]:
    is_field = (name in Patient.model_fields and name not in ("case_id", HISTORY)) or LINE_FIELD.fullmatch(name)
    if draw.hidden and is_field:
        yield source.finding("K10", (*path, "hidden"), "is a field of the record, and a hidden draw is none")
    elif not draw.hidden and not is_field:
        message = "is no field of the record, nor line_<n>.<field>; what only others depend on is `hidden: true`"
        yield source.finding("K10", path, message)


def _computed(
    source: Source[Recipe], path: Path_, name: str, draw: Draw, before: Mapping[str, Draw], knowledge: Knowledge
) -> Iterator[Finding]:
    if draw.computed is None:
        return
    facts = knowledge.vocabulary.facts
    for item in facts[draw.computed].from_:
        number = facts[item].kind == "number"
        if item != name and (item not in before or (number and before[item].decimals is None)):
            how = ", by `normal` or `log_normal`" if number else ""
            yield source.finding("K03", (*path, "computed"), f"needs {item}, which is not drawn before{how}")


def _values(source: Source[Recipe], path: Path_, name: str, case: Chance, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield a finding for each value that the record would refuse, read from a table as it will be."""
    line = LINE_FIELD.fullmatch(name)
    for place, value in _outcomes(case):
        text = cell_text(value)
        try:
            if line:
                record = {"option": OTHER} | record_from_csv({line[2]: text})
                PriorLine.model_validate(record, context=knowledge.option_ids)
            else:
                Patient.model_validate(record_from_csv({name: text}), context=knowledge.option_ids)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                code = "K10" if item["type"] == "option" else "K02"
                yield source.finding(code, (*path, *place), problem(item))


def _outcomes(case: Chance) -> Iterator[tuple[Path_, Scalar]]:
    """Yield the values of a case, of a number the limits, with their places."""
    if case.weights is not None:
        for value in case.weights:
            yield ("weights", value), value
    elif case.share is not None:
        for answer in (False, True):
            yield ("share",), answer
    elif case.shape is not None:
        way = "normal" if case.normal is not None else "log_normal"
        yield (way, "at_least"), case.shape.at_least
        yield (way, "at_most"), case.shape.at_most


def _test(source: Source[Recipe], path: Path_, draw: Draw | None, name: str, test: Any) -> Iterator[Finding]:
    if draw is None:
        yield source.finding("K03", path, f"asks for {name}, which is not drawn before")
    elif isinstance(test, Limits):
        if draw.values and any(isinstance(value, (str, bool)) for value in draw.values):
            yield source.finding("K03", path, f"gives limits for {name}, which is no number")
        if not test.model_dump(exclude_none=True):
            yield source.finding("K03", path, "gives no limit")
    elif not draw.values:
        yield source.finding("K03", path, f"gives values for {name}, which is a number; it needs limits")
    else:
        for value in test if isinstance(test, list) else [test]:
            # A yes is no 1 here.
            if not any(value == known and type(value) is type(known) for known in draw.values):
                yield source.finding("K03", path, f"asks whether {name} is {cell_text(value)}, which is never drawn")


def _lines(source: Source[Recipe]) -> Iterator[Finding]:
    lines = source.body.lines()
    for number, fields in lines.items():
        for name in ("option", "outcome"):
            if name not in fields:
                yield source.finding("K02", ("draws",), f"draws line_{number} without line_{number}.{name}")
        if number > 1 and number - 1 not in lines:
            yield source.finding("K02", ("draws",), f"draws line_{number} and no line_{number - 1}")


def _gaps(source: Source[Recipe]) -> Iterator[Finding]:
    recipe = source.body
    fields = {name for name, draw in recipe.draws.items() if not draw.hidden}
    # Without its treatment or its end, a line would say something else.
    fields -= {name for name in fields if name.endswith((".option", ".outcome"))}
    for name in recipe.not_known.shares:
        if name not in fields | {HISTORY}:
            message = f"names {name}, which is not drawn or cannot be left out"
            yield source.finding("K10", ("not_known", "shares", name), message)


def _reviews(recipe: Recipe) -> Iterator[tuple[Path_, str]]:
    for name, draw in recipe.draws.items():
        if draw.passage is not None:
            yield ("draws", name, "passage"), draw.passage.review
        for index, case in enumerate(draw.cases):
            if case.passage is not None:
                yield ("draws", name, "cases", index, "passage"), case.passage.review
