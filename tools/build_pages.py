"""Write the pages of docs/knowledge/ from the rule base: options, trials, claims, conflicts, sequences, vignettes, cohorts.

``python tools/build_pages.py`` writes them; with ``--check`` it writes nothing, names the pages that are out of date
and ends with status 1 if there are any. Status 2 means that an argument was refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hcc_decide.coverage import review_counts
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge, Rule
from hcc_decide.knowledge.citing import Place, citing
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.knowledge.synthetic_checks import load_synthetic
from hcc_decide.knowledge.synthetic_text import describe, shares
from hcc_decide.patient import RecordError
from hcc_decide.sources import cite, claims_of, conflicts, trials_of
from hcc_decide.teaching import followings

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "knowledge"
TEMPLATES = Path(__file__).parent / "pages"
NOTE = "This page is written by `make docs` from `rules/`. Do not edit it."


def words(name: object) -> str:
    """Write an id of a category as words."""
    return str(name).replace("_", " ")


def cell(text: object) -> str:
    """Write a text so that it stays in one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def passage(review: str, lines: Sequence[int]) -> str:
    """Name a passage of a review."""
    first, last = lines
    return f"review {review}, line {first}" if first == last else f"review {review}, lines {first} to {last}"


def kinds(rules: Iterable[Rule], *wanted: str) -> list[Rule]:
    """Return the rules of some kinds."""
    return [rule for rule in rules if rule.kind in wanted]


class Pages:
    """Every page by its path below docs/knowledge/."""

    def __init__(self, folder: Path) -> None:
        """Load the rule base of a folder and the templates.

        Raises:
            KnowledgeError: the rule base has findings.
        """
        self._folder = folder
        self._knowledge: Knowledge = load_knowledge(folder)
        self._recipe = load_synthetic(self._knowledge, folder)
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # Markdown, read by people in a repository; nothing of a patient enters
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= {"words": words, "cell": cell, "cite": cite}

    def render(self) -> Mapping[str, str]:
        """Return the text of every page.

        Raises:
            RecordError: the typical patient of the sequences is not a patient record.
        """
        knowledge = self._knowledge
        raw = read_files(self._folder)
        places = citing(raw)
        shared: dict[str, Any] = {
            "note": NOTE,
            "knowledge": knowledge,
            "labels": setting_labels(knowledge),
            "passage": passage,
            "kinds": kinds,
            "claims_of": claims_of,
            "trials_of": trials_of,
        }
        reviews = tuple(review_counts(raw))
        trial_users = {name: self._users(name) for name in knowledge.trials}
        pages = {
            "README.md": self._page("index", shared),
            "trials.md": self._page("trials", shared, users=trial_users),
            "claims.md": self._page("claims", shared, reviews=reviews, places=self._named(places)),
            "conflicts.md": self._page("conflicts", shared),
            "sequences.md": self._page("sequences", shared, followings=list(followings(Engine(knowledge)))),
            "vignettes.md": self._page("vignettes", shared),
        }
        sourced, assumed = shares(self._recipe)
        pages["synthetic.md"] = self._page(
            "synthetic", shared, recipe=self._recipe, rows=describe(self._recipe), sourced=sourced, assumed=assumed
        )
        for name, treatment in knowledge.options.items():
            pages[f"options/{name}.md"] = self._page(
                "option", shared, treatment=treatment, body=treatment.body, found=conflicts(knowledge, treatment, None)
            )
        return pages

    def _page(self, template: str, shared: Mapping[str, Any], **own: object) -> str:
        text = self._environment.get_template(f"{template}.md.j2").render({**shared, **own})
        lines = [line.rstrip() for line in text.splitlines()]
        kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
        return "\n".join(kept).strip() + "\n"

    def _users(self, trial: str) -> list[str]:
        options = self._knowledge.options.values()
        return [item.id for item in options if any(part.trial == trial for part in item.body.evidence)]

    @staticmethod
    def _named(places: Mapping[str, Sequence[Place]]) -> Mapping[str, Mapping[str, list[str]]]:
        """Return, for each claim, the files that cite it, by role."""
        found: dict[str, dict[str, list[str]]] = {}
        for claim, cited in places.items():
            for place in cited:
                names = found.setdefault(claim, {}).setdefault(place.role, [])
                name = place.file.removesuffix(".yaml")
                if name not in names:
                    names.append(name)
        return found


def present(target: Path) -> set[str]:
    """Return the pages in a folder, by path."""
    return {path.relative_to(target).as_posix() for path in target.rglob("*.md")}


def stale(pages: Mapping[str, str], target: Path) -> list[str]:
    """Return the pages that a folder lacks, has otherwise or has too much."""
    here = present(target)
    changed = [
        name for name, text in pages.items() if name not in here or (target / name).read_text(encoding="utf-8") != text
    ]
    return changed + sorted(here - pages.keys())


def write(pages: Mapping[str, str], target: Path) -> None:
    """Write the pages to a folder and remove those that are no longer made."""
    for name in present(target) - pages.keys():
        (target / name).unlink()
    for name, text in pages.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str], rules: Path = ROOT / "rules") -> int:
    """Write the pages, or with ``--check`` compare them.

    Returns:
        0 when the pages are written or up to date, 1 when some are not or the rule base is broken, 2 for wrong arguments.
    """
    if set(arguments) - {"--check"}:
        # A misspelt --check must not write.
        print(f"{' '.join(arguments)!r} is refused; allowed is --check", file=sys.stderr)
        return 2
    try:
        pages = Pages(rules).render()
    except KnowledgeError as error:
        print(*error.findings, sep="\n", file=sys.stderr)
        return 1
    except RecordError as error:
        print(f"sequences.yaml: typical_patient: {'; '.join(error.problems)}", file=sys.stderr)
        return 1
    if "--check" not in arguments:
        write(pages, PAGES)
        print(f"{len(pages)} pages in {PAGES.relative_to(ROOT)}")
        return 0
    wrong = stale(pages, PAGES)
    for name in wrong:
        print(f"docs/knowledge/{name} is out of date; run `make docs`")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
