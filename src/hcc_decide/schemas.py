"""The JSON Schemas of the contract, with the vocabulary's labels, units and questions on every field."""

from __future__ import annotations

from typing import Any

from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact, LineField, PartialValue
from hcc_decide.patient import Patient

_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def patient_schema(knowledge: Knowledge) -> dict[str, Any]:
    """Return the JSON Schema of the patient record.

    Each field carries ``title`` (label), ``description``, ``x-unit``, ``x-question`` and ``x-labels`` where it has them.
    """
    schema = Patient.model_json_schema()
    schema["title"] = "Patient record"
    _name_limits(schema)
    fields: dict[str, Any] = schema["properties"]
    for name in ("tumour", "intent"):
        # Null means left out here too.
        fields[name] = {
            "anyOf": [{k: fields[name].pop(k) for k in ("enum", "type")}, {"type": "null"}],
            **fields[name],
        }
    fields["case_id"] |= {
        "title": "Case",
        "description": "A pseudonym; never a name, never written to a log.",
    }
    for name, fact in knowledge.vocabulary.facts.items():
        if fact.source in ("record", "record_or_derived"):
            fields[name] |= _annotations(fact)
    prior = knowledge.vocabulary.prior_systemic
    fields["prior_systemic"] |= {
        "title": prior.label,
        "description": "Lines in order. An empty list means none was given; left out means not known. "
        "A line may be written short: an option id (outcome progression), or `option:outcome`.",
        "x-question": prior.question,
    }
    line = schema["$defs"]["PriorLine"]
    line["title"], line["description"] = (
        "Line of systemic therapy",
        "One line, by option id or `other` with a name.",
    )
    for name, field in prior.fields.items():
        line["properties"][name] |= _line_annotations(field)
    fields["prior_systemic"]["anyOf"][0]["items"] = {
        "anyOf": [
            {"$ref": "#/$defs/PriorLine"},
            {"type": "string", "description": "An option id, or `option:outcome`."},
        ]
    }
    return schema


def decision_schema() -> dict[str, Any]:
    """Return the JSON Schema of the decision."""
    return Decision.model_json_schema(mode="serialization")


def _name_limits(node: Any) -> None:
    """Give limits their names in JSON Schema; pydantic keeps its own behind a validator."""
    if isinstance(node, dict):
        if node.get("type") in ("number", "integer"):
            for ours, theirs in _LIMITS.items():
                if ours in node:
                    node[theirs] = node.pop(ours)
        for child in node.values():
            _name_limits(child)
    elif isinstance(node, list):
        for child in node:
            _name_limits(child)


def _annotations(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": fact.label,
        "description": fact.description or fact.question or fact.label,
    }
    if fact.question:
        found["x-question"] = fact.question
    if fact.unit:
        found["x-unit"] = fact.unit
    if fact.values:
        found["x-labels"] = {
            str(value): label.label if isinstance(label, PartialValue) else label
            for value, label in fact.values.items()
        }
    if fact.code:
        found["x-code"] = {"system": fact.code.system, "code": fact.code.code}
    return found


def _line_annotations(field: LineField) -> dict[str, Any]:
    found: dict[str, Any] = {"title": field.label, "description": field.question}
    if field.unit:
        found["x-unit"] = field.unit
    if field.values:
        found["x-labels"] = dict(field.values)
    return found
