"""The steps of ``hcc-decide recommend``, timed one by one in a fresh process.

Nothing of hcc-decide is imported before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise

PHASES = (
    "imports",
    "reading and checking the knowledge",
    "compiling the rules",
    "first decision, networks built",
    "writing the text",
)


def main(example: str) -> None:
    """Take the steps of ``hcc-decide recommend`` in this process and print how long each took, as JSON."""
    stamps = [time.perf_counter()]
    # What the command imports, and when.
    from hcc_decide.decide import decide
    from hcc_decide.documents import read
    from hcc_decide.engine.engine import Engine
    from hcc_decide.knowledge.labels import setting_labels
    from hcc_decide.knowledge.load import load_knowledge
    from hcc_decide.patient import parse_patient
    from hcc_decide.render import text

    stamps.append(time.perf_counter())
    knowledge = load_knowledge()
    stamps.append(time.perf_counter())
    engine = Engine(knowledge)
    stamps.append(time.perf_counter())
    decision = decide(parse_patient(read(example).data, knowledge.option_ids), engine)
    stamps.append(time.perf_counter())
    list(text(decision, setting_labels(knowledge)))
    stamps.append(time.perf_counter())
    taken = [end - start for start, end in pairwise(stamps)]
    print(json.dumps(dict(zip(PHASES, taken, strict=True))))


if __name__ == "__main__":
    main(sys.argv[1])
