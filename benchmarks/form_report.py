"""The part of the benchmark's report that is about the form; it can be measured and written without the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.browser import COMMAND, FIRST_ANSWER, LISTENS, OPENED, PAGE, InBrowser
from benchmarks.form import Edits
from benchmarks.tables import quantile, table

HEADING = "## The form"


@dataclass(frozen=True)
class FormRun:
    """What one run of the benchmark saw of the form.

    Attributes:
        machine: the rows that describe machine, versions, knowledge and date.
        busy: whether other work ran on the machine when the run began.
        edits: by the page's title; empty when it was not measured.
        browser: ``None`` when it was not measured, or there is no browser.
    """

    machine: Mapping[str, str]
    busy: bool
    edits: Mapping[str, Edits]
    browser: InBrowser | None


START = """\
Medians over {starts} starts, each of all that a user starts, on the machine that runs the browser too. A headless Chromium
that runs already and has shown the form before opens the patient page, with an example in its address, as soon as the
server listens. From there to the answer it takes {opening:,.0f} ms. From the command to the answer it takes {ratio:.1f} times as
long as `hcc-decide recommend` from start to end with the same example; the two take turns."""

EDIT = """\
One fact, or the prior lines, of an example changes, as drawn from the vocabulary; the changes to an example add up. Timed is
the whole run of the page's script on the server, with the engine in its own process, and the test harness's reading of
the page. Decision: the part of that time in which the page waited for the engine and read its answer. Not asked again: whether
a run without a change asked for no decision."""

TYPED = """\
In the browser, from the key that ends an entry on the patient page to the changed answer beside it: p50 {p50:.0f} ms, p95
{p95:.0f} ms, over {count} entries."""


def form_section(run: FormRun) -> str:
    """Return the section, with its heading and without an empty line at its end."""
    parts = [HEADING, table(("", ""), run.machine.items())]
    if run.busy:
        parts.append("Other work ran on the machine at the time.")
    if run.browser is not None:
        parts += ["### From start to the first answer", *_start(run.browser)]
    if run.edits:
        parts += ["### After an edit", *_edits(run.edits)]
    if run.browser is not None and run.browser.typed:
        typed = [1000 * seconds for seconds in run.browser.typed]
        parts.append(TYPED.format(p50=quantile(typed, 0.5), p95=quantile(typed, 0.95), count=len(typed)))
    return "\n\n".join(parts)


def _start(seen: InBrowser) -> list[str]:
    names = {
        LISTENS: "`hcc-decide form`: the server listens",
        PAGE: "the page has its heading",
        FIRST_ANSWER: "the page shows an answer",
        OPENED: "a page opened on a form that runs: from opening to its answer",
        COMMAND: "`hcc-decide recommend`, start to end",
    }
    rows = [(name, f"{1000 * seen.medians[key]:,.0f}") for key, name in names.items()]
    ratio = seen.medians[FIRST_ANSWER] / seen.medians[COMMAND]
    opening = 1000 * (seen.medians[FIRST_ANSWER] - seen.medians[LISTENS])
    return [table(("", "ms"), rows, numbers=True), START.format(starts=seen.starts, ratio=ratio, opening=opening)]


def _edits(edits: Mapping[str, Edits]) -> list[str]:
    header = ("page", "edits", "p50, ms", "p95, ms", "decision", "decisions per edit", "not asked again")
    rows = [
        (
            title,
            str(len(item.runs)),
            f"{1000 * quantile(item.runs, 0.5):.0f}",
            f"{1000 * quantile(item.runs, 0.95):.0f}",
            f"{sum(item.decisions) / sum(item.runs):.0%}",
            f"{len(item.decisions) / len(item.runs):.1f}",
            "no" if item.again else "yes",
        )
        for title, item in edits.items()
    ]
    return [table(header, rows, numbers=True), EDIT]
