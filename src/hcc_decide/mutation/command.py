"""Running the mutants of a rule base and reporting who noticed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.mutation.checks import KILLERS, Checks, Kill, Proofs
from hcc_decide.mutation.edits import Mutant
from hcc_decide.mutation.mutants import mutants, sampled
from hcc_decide.mutation.survivors import read_survivors

CHUNK = 20
"""Mutants that a process takes at a time: neighbours in a file, which share what was looked up for it."""


class UnsoundError(ValueError):
    """A rule base that fails its own cases or vignettes as it is; the message names them."""


@dataclass(frozen=True)
class Outcome:
    """One mutant and who noticed it first, if anybody did."""

    mutant: Mutant
    kill: Kill | None


@dataclass(frozen=True)
class Report:
    """What became of the mutants that were tried.

    Attributes:
        outcomes: in order of file and place.
        reasons: why each reviewed survivor is left alone, by its name.
        strangers: reviewed survivors that are no mutants of this rule base.
    """

    outcomes: tuple[Outcome, ...]
    reasons: Mapping[str, str]
    strangers: tuple[str, ...]

    @property
    def survivors(self) -> tuple[str, ...]:
        """Mutants that nobody noticed and that are not on the list."""
        return tuple(
            item.mutant.name for item in self.outcomes if item.kill is None and item.mutant.name not in self.reasons
        )

    @property
    def reviewed(self) -> tuple[str, ...]:
        """Mutants that nobody noticed and that are on the list."""
        return tuple(
            item.mutant.name for item in self.outcomes if item.kill is None and item.mutant.name in self.reasons
        )

    @property
    def stale(self) -> tuple[Outcome, ...]:
        """Mutants on the list that somebody notices."""
        return tuple(item for item in self.outcomes if item.kill is not None and item.mutant.name in self.reasons)

    @property
    def share(self) -> float:
        """The share of all mutants tried that were noticed, reviewed survivors counted as missed."""
        noticed = sum(item.kill is not None for item in self.outcomes)
        return noticed / len(self.outcomes) if self.outcomes else 1.0

    @property
    def passed(self) -> bool:
        """Whether every survivor is on the list and the list holds nothing else."""
        return not (self.survivors or self.stale or self.strangers)

    def lines(self) -> Iterator[str]:
        """Yield the lines that the command line prints."""
        killed = Counter((item.mutant.kind, item.kill.by) for item in self.outcomes if item.kill)
        kinds = Counter(item.mutant.kind for item in self.outcomes)
        alive = Counter(item.mutant.kind for item in self.outcomes if item.kill is None)
        wide = max(map(len, kinds), default=0)
        yield f"{'mutant':<{wide}}" + "".join(f"{name:>13}" for name in ("made", *KILLERS, "survived"))
        for kind in sorted(kinds):
            numbers = [kinds[kind], *(killed[kind, killer] for killer in KILLERS), alive[kind]]
            yield f"{kind:<{wide}}" + "".join(f"{number:>13}" for number in numbers)
        totals = [sum(number for (_, by), number in killed.items() if by == killer) for killer in KILLERS]
        whole = [len(self.outcomes), *totals, sum(alive.values())]
        yield f"{'all':<{wide}}" + "".join(f"{number:>13}" for number in whole)
        yield f"Noticed: {self.share:.2%}"
        yield f"Reviewed survivors: {len(self.reviewed)}"
        yield f"Survivors that are not in survivors.yaml: {len(self.survivors)}"
        yield from (f"  {name}" for name in self.survivors)
        yield f"In survivors.yaml although noticed: {len(self.stale)}"
        yield from (f"  {item.mutant.name} (by {item.kill.by})" for item in self.stale if item.kill)
        yield f"In survivors.yaml although no such mutant is made: {len(self.strangers)}"
        yield from (f"  {name}" for name in self.strangers)


def run(
    folder: Path,
    *,
    only: str = "",
    sample: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    proofs: Proofs | None = None,
) -> Report:
    """Try the mutants of a rule base.

    Args:
        folder: the folder that holds ``knowledge.yaml``.
        only: try those alone whose name begins with this, for example ``options/NAME/``.
        sample: how many mutants to try; ``None`` tries all.
        seed: which sample; the same number and seed give the same one.
        jobs: processes to use. With more than one, ``proofs`` is sent to them and must be a function of a module.
        proofs: further proofs, tried last on what everybody else missed.

    Raises:
        KnowledgeError: the rule base has findings before anything is changed.
        UnsoundError: it fails its own cases or vignettes.
        DocumentError, SurvivorsError: the list of survivors cannot be used.
    """
    reasons = read_survivors(folder)
    raw = read_files(folder)
    if raw.findings:
        raise KnowledgeError(raw.findings)
    every = mutants(raw)
    names = {mutant.name for mutant in every}
    wanted = [mutant for mutant in every if mutant.name.startswith(only)]
    chosen = wanted if sample is None else sampled(wanted, sample, seed)
    checks = Checks(raw, proofs)
    failures = tuple(checks.failures())
    if failures:
        raise UnsoundError("the rule base fails its own checks before anything is changed:\n" + "\n".join(failures))
    if jobs > 1:
        setup = partial(_prepare, folder, proofs)
        # Not forked: what a parent process has compiled or started would come along.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=setup) as pool:
            kills = list(pool.map(_try, chosen, chunksize=CHUNK))
    else:
        kills = [checks.kill(mutant) for mutant in chosen]
    outcomes = tuple(Outcome(mutant, kill) for mutant, kill in zip(chosen, kills, strict=True))
    return Report(outcomes, reasons, tuple(name for name in reasons if name not in names))


class _Process:
    """What one process of the pool keeps between mutants."""

    checks: Checks


def _prepare(folder: Path, proofs: Proofs | None) -> None:
    _Process.checks = Checks(read_files(folder), proofs)


def _try(mutant: Mutant) -> Kill | None:
    return _Process.checks.kill(mutant)
