"""The pages under docs/knowledge/: they follow the rules, and every link in them leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.build_pages import PAGES, Pages, cell, main, passage, stale, write

from hcc_decide.knowledge.catalogue import Knowledge
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("pages")  # the pages are rendered once
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(Pages(ROOT / "rules").render())


def test_the_pages_in_the_repository_are_those_that_the_rules_give(pages: dict[str, str]) -> None:
    assert stale(pages, PAGES) == [], "run `make docs`"


def test_every_option_has_a_page_and_every_trial_claim_and_conflict_its_place(
    pages: dict[str, str], knowledge: Knowledge
) -> None:
    assert {name for name in pages if name.startswith("options/")} == {
        f"options/{name}.md" for name in knowledge.options
    }
    for page, names in (
        ("trials.md", knowledge.trials),
        ("conflicts.md", {item.id for item in knowledge.conflicts}),
    ):
        assert set(ANCHOR.findall(pages[page])) == set(names)
    for claim in knowledge.claims:
        assert f"| {claim} |" in pages["claims.md"]
    for vignette in knowledge.vignettes.values():
        assert f"## {vignette.title}" in pages["vignettes.md"]


def test_every_link_between_pages_leads_somewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for target, anchor in LINK.findall(text):
            path = (Path("/") / Path(name).parent / target).resolve() if target else Path("/") / name
            found = path.relative_to("/").as_posix()
            assert found in pages, f"{name} links to {target}"
            if anchor:
                assert f'<a id="{anchor}"></a>' in pages[found], f"{name} links to {target}#{anchor}"


def test_no_table_is_broken_by_a_text(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        width = 0
        for line in text.splitlines():
            bars = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and bars) or bars == width, f"{name}: {line[:100]}"
            width = bars


def test_pages_are_written_compared_and_removed(pages: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "options").mkdir()
    (tmp_path / "options" / "gone.md").write_text("old", encoding="utf-8")
    assert set(stale(pages, tmp_path)) == {*pages, "options/gone.md"}
    write(pages, tmp_path)
    assert not (tmp_path / "options" / "gone.md").exists()
    assert stale(pages, tmp_path) == []
    (tmp_path / "trials.md").write_text("changed", encoding="utf-8")
    assert stale(pages, tmp_path) == ["trials.md"]


def test_a_text_stays_in_its_cell_and_a_passage_is_named_by_its_lines() -> None:
    assert cell("a |\n b") == "a \\| b"
    assert passage("000", [3, 3]) == "review 000, line 3"
    assert passage("000", [3, 5]) == "review 000, lines 3 to 5"


def test_a_misspelt_check_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chek"]) == 2
    assert capsys.readouterr().err == "'--chek' is refused; allowed is --check\n"


def test_a_broken_rule_base_is_named_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "knowledge.yaml:1: K01 the file does not exist" in capsys.readouterr().err.splitlines()
