"""Compare every claim with the review it is taken from: do its lines exist, and do its figures stand there?

The reviews are not part of this repository. Whoever has their text as numbered lines runs:

    python tools/check_claims.py 000=systemic.txt 001=tkis.txt 003=metastases.txt

One line is printed for each claim that does not hold, and the exit status is 1 if there is any; it is 2 when an argument is
refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hcc_decide.knowledge.files import Source, read_files
from hcc_decide.knowledge.schema_sources import Claim, ClaimFile

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"\d+(?:\.\d+)?")
YEAR = re.compile(r"\b((?:19|20)\d\d)\.(?=\d)")
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-"))


def plain(text: str) -> str:
    """Return a text as compared: one kind of dash, no spaces, lower case."""
    return re.sub(r"\s+", "", text.translate(DASHES)).lower()


def problems(claim: Claim, lines: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a claim, one sentence each.

    Args:
        claim: the claim.
        lines: the lines of its review, the first being line 1.
    """
    first, last = claim.lines
    if not 1 <= first <= last <= len(lines):
        yield f"lines {first} to {last} are not in the review, which has {len(lines)}"
        return
    # A reference printed above the line stands after its year like a decimal: 2018.43.
    passage = YEAR.sub(r"\1. ", " ".join(lines[first - 1 : last]))
    squeezed, numbers = plain(passage), frozenset(NUMBER.findall(passage))
    if not squeezed:
        yield f"lines {first} to {last} are empty"
    for key, value in claim.figures.items():
        shown = str(value)
        if not _as_printed(plain(shown), squeezed) and not _in_parts(shown, squeezed, numbers):
            yield f"the figure {key}: {shown!r} does not stand in lines {first} to {last}"


def _as_printed(shown: str, squeezed: str) -> bool:
    """Whether a figure stands in the passage as written, and not as the tail or the head of a longer number."""
    return re.search(rf"(?<!\d)(?<!\d\.){re.escape(shown)}(?!\.?\d)", squeezed) is not None


def _in_parts(shown: str, squeezed: str, numbers: frozenset[str]) -> bool:
    """Whether every number of a figure stands in the passage; for one without numbers, every word."""
    wanted = NUMBER.findall(shown)
    if wanted:
        return numbers.issuperset(wanted)
    return all(plain(word) in squeezed for word in re.findall(r"\w+", shown))


def check(reviews: Mapping[str, Sequence[str]], sources: Iterable[Source[ClaimFile]]) -> Iterator[str]:
    """Yield one line for each claim of the given reviews that does not hold."""
    for source in sources:
        lines = reviews.get(source.body.review)
        if lines is not None:
            for claim in source.body.claims:
                yield from (f"{source.file}: {claim.id}: {problem}" for problem in problems(claim, lines))


def main(arguments: Sequence[str], rules: Path = ROOT / "rules") -> int:
    """Run the comparison.

    Args:
        arguments: ``REVIEW=FILE`` for each review, the files in UTF-8.
        rules: folder of the rule base.

    Returns:
        0 when every claim holds, 1 when one does not or the claims cannot be read, 2 when an argument is refused.
    """
    raw = read_files(rules)
    broken = [finding for finding in raw.findings if finding.file.startswith("claims/")]
    if broken:
        # A file that cannot be read is left out by the loader; its claims would pass unseen.
        print(*broken, sep="\n", file=sys.stderr)
        return 1
    known = sorted({source.body.review for source in raw.claims})
    reviews: dict[str, Sequence[str]] = {}
    for argument in arguments:
        name, separator, file = argument.partition("=")
        if not separator or not Path(file).is_file():
            print(f"{argument!r} is refused; write REVIEW=FILE, for example 000=systemic.txt", file=sys.stderr)
            return 2
        if name not in known:
            print(f"{argument!r} is refused; the claims are of {', '.join(known) or 'no review'}", file=sys.stderr)
            return 2
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            print(f"{argument!r} is refused; the file cannot be read as UTF-8 text: {error}", file=sys.stderr)
            return 2
        # Not splitlines(): a form feed starts no line in an editor, so it starts none here.
        reviews[name] = text.split("\n")
    if not reviews:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(check(reviews, raw.claims))
    for line in found:
        print(line)
    print(f"{len(found)} problems in the claims of {', '.join(sorted(reviews))}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
