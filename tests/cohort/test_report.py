"""The summary of a cohort: what it says, and that every format says it safely."""

from __future__ import annotations

import doctest
import re
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from hcc_decide.cohort import concordance
from hcc_decide.cohort.reporting import markdown as report_markdown
from hcc_decide.cohort.reporting import words as report_words
from hcc_decide.cohort.reporting.html import html
from hcc_decide.cohort.reporting.markdown import escaped, markdown
from hcc_decide.cohort.reporting.plots import svg
from hcc_decide.cohort.reporting.shape import MOST_ROWS, Bar, Plot, Section, Summary, Table
from hcc_decide.cohort.reporting.summary import About, Disagreement, first_disagreements, other_units, summary
from hcc_decide.cohort.reporting.terminal import summary_lines
from hcc_decide.cohort.reporting.words import rule_text
from hcc_decide.cohort.tally import Tally
from hcc_decide.knowledge.catalogue import Knowledge
from tests.cohort import samples

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Reads a page: its tags, attributes and text; every tag must be closed by its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def whole(knowledge: Knowledge) -> Summary:
    return summary(samples.with_given(), knowledge, samples.about_given())


@pytest.fixture(scope="module")
def page(whole: Summary) -> str:
    return html(whole)


@pytest.fixture(scope="module")
def text(whole: Summary) -> str:
    return markdown(whole)


def section(found: Summary, name: str) -> Section:
    return next(item for item in found.sections if item.name == name)


def rows(found: Summary, name: str, place: int = 0) -> tuple[tuple[str, ...], ...]:
    return section(found, name).tables[place].rows


def test_it_says_what_was_decided_and_what_refused(whole: Summary) -> None:
    assert section(whole, "decided").sentence == (
        "1,000 of 1,020 (98.0 %) rows have a decision. 20 rows were refused: nothing is guessed. "
        "They stand whole, with the reason, in decisions.rejects.csv."
    )
    assert rows(whole, "decided")[0] == ("Total bilirubin (bilirubin_umol_l)", "12", "60.0 %")


def test_it_counts_settings_and_stages(whole: Summary) -> None:
    found = section(whole, "settings").tables[0]
    assert [head.title for head in found.columns[3:]] == ["BCLC B", "BCLC C", "BCLC not settled"]
    assert found.rows[0] == ("First line of systemic therapy", "600", "60.0 %", "100", "500", "0")
    assert found.rows[-1] == ("Setting not settled", "100", "10.0 %", "0", "0", "100")


def test_it_names_first_choices_by_setting_and_where_there_is_none(whole: Summary) -> None:
    assert rows(whole, "first-choices") == (
        ("First line of systemic therapy", "Atezolizumab + bevacizumab", "550", "91.7 %"),
        ("First line of systemic therapy", "no usable option", "50", "8.3 %"),
        ("Second line of systemic therapy", "Cabozantinib", "200", "66.7 %"),
        ("Second line of systemic therapy", "Cabozantinib / Ramucirumab", "100", "33.3 %"),
        ("Setting not settled", "no usable option", "100", "100 %"),
    )


def test_it_gives_the_reason_of_exclusions_in_the_words_of_the_rule_with_its_claims(
    whole: Summary, knowledge: Knowledge
) -> None:
    rule = knowledge.rules["options/sorafenib/already-failed"]
    assert rows(whole, "exclusions")[0] == (
        "Sorafenib",
        f"Exclusion that applies: {rule.text}",
        "287",
        "First line of systemic therapy: 7; Second line of systemic therapy: 280",
        ", ".join(rule.claims),
    )
    needed = knowledge.rules["options/ramucirumab/afp-400-or-more"]
    assert rows(whole, "exclusions")[1][1] == f"Not met: {needed.text}"


def test_missing_facts_that_could_change_the_first_choice_come_first(whole: Summary) -> None:
    # More verdicts hang on AFP, but fewer first choices.
    assert [row[:4] for row in rows(whole, "missing")] == [
        ("ECOG performance status", "100", "100", "10.0 %"),
        ("Alpha-fetoprotein (AFP)", "20", "210", "21.0 %"),
    ]


def test_completeness_lists_every_field_and_marks_columns_that_are_not_there(whole: Summary) -> None:
    found = {row[1]: row[2:] for row in rows(whole, "completeness")}
    assert found["afp_ng_ml"] == ("400", "40.0 %", "")
    assert found["nlr"] == ("0", "0 %", "no such column")
    assert "case_id" not in found
    assert "prior_systemic" in found


def test_a_column_in_another_unit_is_warned_of_on_top(whole: Summary, page: str, text: str) -> None:
    assert whole.warnings[0].startswith(
        "Total bilirubin (bilirubin_umol_l): the column is probably in mg/dL. 849 of 1,000"
    )
    assert page.index("probably in mg/dL") < page.index("<nav")
    assert text.index("probably in mg/dL") < text.index("## ")


@pytest.mark.parametrize(
    ("given", "unusual", "other", "warned"),
    [(1000, 60, 60, True), (1000, 49, 49, False), (1000, 200, 90, False), (3, 1, 1, True), (0, 0, 0, False)],
)
def test_few_odd_values_are_slips_and_many_that_fit_another_unit_are_not(
    knowledge: Knowledge, given: int, unusual: int, other: int, warned: bool
) -> None:
    tally = Tally(rows=given)
    tally.given["albumin_g_l"], tally.unusual["albumin_g_l"] = given, unusual
    if other:
        tally.other_unit["albumin_g_l", "g/dL"] = other
    assert bool(other_units(tally, knowledge)) is warned


def test_a_part_of_a_column_in_another_unit_is_called_a_part(knowledge: Knowledge) -> None:
    tally = Tally(rows=1000)
    tally.given["albumin_g_l"] = 1000
    tally.unusual["albumin_g_l"] = tally.other_unit["albumin_g_l", "g/dL"] = 100
    assert "some of the column is probably in g/dL" in other_units(tally, knowledge)[0].text(knowledge)


def test_rates_stand_with_numerator_denominator_and_interval(whole: Summary) -> None:
    found = section(whole, "concordance")
    assert "600 (60.3 %) are judged. First choice: 430 of 600: 71.7 % (95 % interval 67.9 to 75.1 %)" in found.sentence
    rates = next(table for table in found.tables if table.caption.startswith("Rates"))
    assert rates.rows[0] == (
        *("All settings", "600", "430", "71.7 %", "67.9 to 75.1 %", "530", "88.3 %", "85.5 to 90.7 %"),
    )
    assert rates.rows[-1] == ("Setting not settled", "0", "0", "–", "–", "0", "–", "–")


def test_the_rule_of_scoring_and_how_to_read_it_stand_beside_the_rates(whole: Summary, knowledge: Knowledge) -> None:
    found = section(whole, "concordance")
    assert found.remarks[0].startswith("A disagreement is a question, not an error.")
    assert knowledge.version in found.remarks[1]
    assert [row[2] for row in found.tables[0].rows] == ["yes"] * 5 + ["no"] * 3


def test_disagreements_are_listed_with_the_file_that_has_them_all(whole: Summary) -> None:
    found = section(whole, "concordance").tables[-1]
    assert found.rows[0][0] == "17"
    assert found.rows[0][3:6] == ("Sorafenib", "ineligible", "Atezolizumab + bevacizumab")
    assert found.more == "1 row of 170 shown. disagreements.csv lists all."


def test_the_first_disagreements_are_taken_from_the_rows_of_the_comparison() -> None:
    frame = pl.DataFrame(
        {
            "line": [2, 3],
            "case_id": ["a", None],
            "setting": ["first_line"] * 2,
            "given_option": ["sorafenib"] * 2,
            "agreement": ["usable", "against"],
            "rank": [2, None],
            "verdict": ["recommended", "not_recommended"],
            "would_be": pl.Series([None, None], dtype=pl.String),
            "not_met": pl.Series([None, None], dtype=pl.String),
            "first_choice": ["lenvatinib", ""],
        }
    )
    found = first_disagreements(frame)
    assert found[1] == Disagreement(
        line=3,
        case_id=None,
        setting="first_line",
        option="sorafenib",
        agreement="against",
        rank=None,
        verdict="not_recommended",
        would_be=None,
        not_met="",
        first_choice="",
    )
    assert first_disagreements(frame, most=1) == found[:1]


def test_without_a_column_of_what_was_given_there_is_no_concordance(knowledge: Knowledge) -> None:
    found = summary(samples.tally(), knowledge, samples.about())
    assert "concordance" not in [item.name for item in found.sections]


def test_synthetic_patients_are_called_so_before_anything_else(knowledge: Knowledge) -> None:
    about = samples.about().model_copy(update={"synthetic": True})
    found = summary(samples.tally(), knowledge, about)
    assert markdown(found).startswith("> **SYNTHETIC:")
    written = html(found)
    assert "<title>SYNTHETIC" in written
    assert written.index("SYNTHETIC: every patient") < written.index("<h1>")
    assert summary_lines(samples.tally(), knowledge, about)[0].text.startswith("SYNTHETIC")


def test_real_patients_are_not_called_synthetic(page: str, text: str) -> None:
    assert "SYNTHETIC" not in page + text


def test_every_output_says_which_knowledge_it_rests_on_and_what_it_is_meant_for(
    page: str, text: str, knowledge: Knowledge
) -> None:
    for written in (page, text):
        assert knowledge.sha256 in written
        assert "not a medical device" in written


def test_summaries_of_parts_add_up_to_that_of_the_whole(knowledge: Knowledge) -> None:
    twice = samples.with_given()
    twice.add(samples.with_given())
    found = section(summary(twice, knowledge, samples.about_given()), "concordance")
    assert "First choice: 860 of 1,200: 71.7 %" in found.sentence


def test_an_empty_table_has_a_summary_too(knowledge: Knowledge) -> None:
    about = samples.about_given().model_copy(update={"disagreements": ()})
    found = summary(Tally(), knowledge, about)
    assert found.warnings == ("No row has a decision.",)
    assert "0 of 0: no rate" in section(found, "concordance").sentence
    assert not [plot for item in found.sections for plot in item.plots]
    assert "None." in markdown(found)
    Page(html(found))
    assert len(summary_lines(Tally(), knowledge, about)) == 1


def test_when_most_rows_are_refused_the_reader_is_warned(knowledge: Knowledge) -> None:
    tally = Tally(rows=10, refused=90)
    tally.problems["ecog"] = 90
    found = summary(tally, knowledge, samples.about())
    assert found.warnings == (
        "Most rows were refused: 90 of 100 (90.0 %). What follows speaks of the others only. "
        "The most frequent problem: ECOG performance status.",
    )


def test_a_column_that_is_mostly_not_understood_is_warned_of(knowledge: Knowledge) -> None:
    tally = Tally(rows=2)
    tally.not_understood["Nexavar"] = 2
    found = summary(tally, knowledge, samples.about_given())
    assert found.warnings[0].startswith("Column treatment: 2 cells are not understood.")


def test_a_long_table_is_cut_and_says_so(knowledge: Knowledge) -> None:
    tally = Tally(rows=1)
    for rule in (rule for rule in knowledge.rules.values() if rule.kind == "exclude"):
        tally.excluded["first_line", rule.option or "", rule.id] = 1
    more = len(tally.excluded) - MOST_ROWS
    assert more > 0
    found = section(summary(tally, knowledge, samples.about()), "exclusions").tables[0]
    assert len(found.rows) == MOST_ROWS
    assert found.more == f"{more} further row{'s' if more > 1 else ''} with smaller counts left out."


@pytest.mark.parametrize(
    ("rule", "begins"),
    [
        ("notices/child-pugh-b", "Child–Pugh B."),
        ("staging/bclc-stage/disagreement", "The BCLC stage given differs"),
        ("vocabulary/inr/plausible", "INR is unusual"),
        ("options/sorafenib/fohaic-1", "Beyond the reviews (2021-12-14): FOHAIC-1"),
        ("options/gone/at-all", "options/gone/at-all"),
    ],
)
def test_every_kind_of_notice_is_told_in_words(knowledge: Knowledge, rule: str, begins: str) -> None:
    assert rule_text(knowledge, rule).startswith(begins)


def test_the_page_holds_no_script_and_loads_nothing(page: str) -> None:
    assert "<script" not in page.lower()
    assert "default-src 'none'" in page
    found = Page(page)
    for tag, attributes in found.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "data", "action", "style"}
            if name.rpartition(":")[2] == "href":
                assert (value or "").startswith("#")
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_shows_hostile_texts_as_they_are(page: str) -> None:
    found = Page(page)
    shown = " ".join(samples.HOSTILE.split())
    # The case id, the ignored column, the problem of a refused row and a cell that was not understood.
    assert sum(shown in data for data in found.texts) == 4


def test_the_page_can_be_walked_by_its_headings_tables_and_pictures(page: str, whole: Summary) -> None:
    found = Page(page)
    assert len(found.named("h1")) == 1
    assert [item["id"] for item in found.named("h2")] == [item.name for item in whole.sections]
    assert len(found.named("caption")) == len(found.named("table")) == sum(len(item.tables) for item in whole.sections)
    pictures = [item for item in found.named("div") if item.get("role") == "img"]
    assert len(pictures) == len(found.named("svg")) == sum(len(item.plots) for item in whole.sections)
    assert all(len(item["aria-label"] or "") > 40 for item in pictures)


def test_every_plot_has_a_table_in_its_section(whole: Summary) -> None:
    assert sum(len(item.plots) for item in whole.sections) == 5
    assert all(item.tables for item in whole.sections if item.plots)


def test_the_same_counts_give_the_same_bytes(whole: Summary, page: str, text: str) -> None:
    assert (html(whole), markdown(whole)) == (page, text)


def test_a_plot_escapes_its_texts_and_stays_without_a_background() -> None:
    bars = (Bar(label=samples.HOSTILE, value=3, text="</svg><script>"), Bar(label="b", value=0, text="0"))
    drawn = svg(Plot(name="a", title="t", axis="<b>", alt="x", bars=bars))
    assert "<script" not in drawn
    assert "&lt;b&gt;" in drawn
    assert 'fill="white"' not in drawn
    Page(drawn)


def _cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)


def test_markdown_tables_keep_their_columns_whatever_the_cells_hold(text: str, whole: Summary) -> None:
    outside = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)
    tables = re.findall(r"(?:^\|.*\n)+", outside, flags=re.MULTILINE)
    assert len(tables) == sum(len(item.tables) for item in whole.sections)
    for table, shape in zip(tables, (table for item in whole.sections for table in item.tables), strict=True):
        lines = table.splitlines()
        assert len(lines) == 2 + len(shape.rows)
        # A bar on either side of each cell makes an empty part before the first and after the last.
        assert {len(_cells(line)) for line in lines} == {len(shape.columns) + 2}
    assert not re.search(r"(?<!\\)<", outside)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a|b", r"a\|b"),
        ("one\ntwo\r\n\r\n# three", r"one two \# three"),
        ("<script>", r"\<script\>"),
        ("[x](https://evil.example)", r"\[x\](https\://evil.example)"),
        ("www.evil.example", r"www\.evil.example"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("5 - 6", "5 - 6"),
    ],
)
def test_markdown_is_escaped(written: str, expected: str) -> None:
    assert escaped(written) == expected


def test_a_label_cannot_end_the_block_of_a_text_plot() -> None:
    bar = Bar(label="```\n# out", value=1, text="`")
    plot = Plot(name="a", title="t", axis="Patients", alt="x", bars=(bar,))
    found = Summary(
        title="t",
        synthetic="",
        warnings=(),
        stamp=(),
        intended_use="u",
        sections=(Section(name="s", title="s", sentence="s", plots=(plot,)),),
    )
    lines = markdown(found).splitlines()
    assert lines[-3:] == ["```text", f"''' # out  {'█' * 40} '", "```"]


def test_text_plots_show_pieces_below_each_other_and_leave_out_those_of_nothing(text: str) -> None:
    assert f"First line of systemic therapy   B (intermediate)  {'█' * 8} 100\n" in text
    assert f"                                 C (advanced)      {'█' * 40} 500\n" in text
    assert "  not settled       0" not in text


def test_the_terminal_is_told_the_main_things_in_few_lines(knowledge: Knowledge) -> None:
    lines = summary_lines(samples.with_given(), knowledge, samples.about_given())
    said = " ".join(line.text.strip() for line in lines).replace("\N{NO-BREAK SPACE}", " ")
    assert 10 <= len(lines) <= 24
    assert all(len(line.text) <= 80 for line in lines)
    assert lines[0].text.startswith("1,000 of 1,020 (98.0")
    for part in (
        "Warning: Total bilirubin (bilirubin_umol_l): the column is probably in mg/dL.",
        "Refused: 20, kept in decisions.rejects.csv; Total bilirubin (12); ECOG performance status (9)",
        "Settings: First line of systemic therapy 600 (60.0 %)",
        "First choices: Atezolizumab + bevacizumab 550 (55.0 %)",
        "hangs: ECOG performance status (100 patients); Alpha-fetoprotein (AFP) (20 patients)",
        "First choice 430 of 600: 71.7 % (95 % interval 67.9 to 75.1 %)",
        f"knowledge {knowledge.version}",
    ):
        assert part in said


def test_the_terminal_gets_no_control_characters_from_a_table(knowledge: Knowledge) -> None:
    evil = "\x1b[31mred\x07\r\nnext"
    tally = Tally(rows=1, refused=1)
    tally.problems[evil] = 1
    about = About(input=evil, output=evil, date=evil, seconds=0, rejects=evil, given=evil)
    for line in summary_lines(tally, knowledge, about):
        assert not re.search(r"[\x00-\x1f\x7f]", line.text)


def test_models_refuse_what_they_do_not_know() -> None:
    unknown: dict[str, Any] = {"caption": "c", "columns": (), "rows": (), "colour": "red"}
    with pytest.raises(ValueError, match="colour"):
        Table(**unknown)


@pytest.mark.parametrize("module", [concordance, report_words, report_markdown])
def test_the_examples_of_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
