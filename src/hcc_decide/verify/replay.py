"""The proof model against the engine: what z3 finds for a patient, durable-rules must find as well."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from hcc_decide.engine.engine import Engine
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.condition import Scalar
from hcc_decide.patient import parse_patient
from hcc_decide.verify.asking import Asker
from hcc_decide.verify.fields import Saying, holds
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.truth import Choice
from hcc_decide.verify.world import Judged, World

THEOREM = "model-is-the-engine"


def replay(engine: Engine, option: str, refused: tuple[tuple[Saying, Saying], ...]) -> Tally:
    """Find a patient for every verdict that an option can have, and let durable-rules decide for each.

    Args:
        engine: the compiled rule base.
        option: the option.
        refused: what no record may say.

    Raises:
        RecordError: the model takes for a patient what the record refuses.
        EngineError: the engine failed.
    """
    knowledge = engine.knowledge
    treatment = knowledge.options[option]
    world = World(knowledge, treatment.attributes, refused)
    judged = Judged(world, treatment)
    tally = Tally()
    ask = Asker([world], tally)
    for verdict, when in (*judged.verdicts.items(), *judged.would_be.items()):
        model = ask.possible(when)
        if model is None:
            continue
        record = world.record(model)
        inference = engine.infer(parse_patient(record, knowledge.option_ids))
        wrong = list(_differences(world, judged, model, inference))
        if wrong:
            tally.fail(Failure(THEOREM, option, f"{verdict}: {'; '.join(wrong)}", record))
        else:
            tally.hold(THEOREM)
    return tally


def _differences(world: World, judged: Judged, model: z3.ModelRef, inference: Inference) -> Iterator[str]:
    for item in world.derived:
        state = world.states[item]
        assert isinstance(state, Choice)
        possible: set[Scalar] = {value for value, when in state.possible.items() if holds(model, when)}
        if possible != set(inference.states[item].values or ()):
            yield f"{item} may be {sorted(map(str, possible))}, the engine says {inference.states[item].values}"
    for rule, truth in judged.rules.items():
        if rule in inference.results:
            expected = True if holds(model, truth.true) else False if holds(model, truth.false) else None
            if expected is not inference.results[rule]:
                yield f"{rule} is {expected}, the engine says {inference.results[rule]}"
    verdicts, would_be = judged.found(model)
    standing = inference.standings[judged.treatment.id]
    if [standing.verdict] != verdicts or standing.would_be != (would_be[0] if would_be else None):
        yield f"the verdict is {verdicts} {would_be}, the engine says {standing.verdict} {standing.would_be or ''}"
