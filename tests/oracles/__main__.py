"""``python -m tests.oracles``: compare the program with all other readers of the rules on many random records."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from tests.oracles.campaign import RULES, Portion, compare_all, portions_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print rate, counts and disagreements; return 1 if there is any disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracles", description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rules", type=Path, default=RULES, help="what the program and its shadow read")
    parser.add_argument("--oracle-rules", type=Path, help="what the oracles read instead, to see a change noticed")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    portions = portions_of(chosen.records, chosen.seed)
    found = compare_all(portions, chosen.processes, chosen.rules, chosen.oracle_rules or chosen.rules)
    return _told(found, chosen.records, began)


def _told(portions: Iterable[Portion], wanted: int, began: float) -> int:
    count = judged = disagreeing = 0
    by_setting: dict[str, int] = {}
    shown: set[str] = set()
    for portion in portions:
        count += portion.records
        judged += portion.judged
        disagreeing += portion.disagreeing
        for name, number in portion.settings.items():
            by_setting[name] = by_setting.get(name, 0) + number
        for record, differences in portion.disagreements:
            text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
            if text not in shown:
                shown.add(text)
                print("disagreement:", *(f"  {line}" for line in differences), "record:", sep="\n")
                print("".join(f"  {line}\n" for line in text.splitlines()), flush=True)
        seconds = time.monotonic() - began
        print(f"{count} of {wanted} records, {count / seconds:.0f} a second, {disagreeing} disagree", flush=True)
    print(f"rules judged: {judged}")
    print("settings:", ", ".join(f"{name} {number}" for name, number in sorted(by_setting.items())))
    print(f"{count} records compared in {time.monotonic() - began:.0f} s; {disagreeing} disagree")
    return 1 if disagreeing else 0


if __name__ == "__main__":
    sys.exit(main())
