"""What README.md and docs/ show is what the program prints, and what they link to is there."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest
from tools.refresh_outputs import OutputError, Shown, pages, refreshed, run

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
once = lru_cache(maxsize=None)(run)


@pytest.mark.xdist_group("outputs")
@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page.name)
def test_a_page_shows_what_its_commands_print(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert refreshed(text, once) == text, "`make readme` refreshes it"


def test_the_readme_shows_a_first_decision() -> None:
    assert ROOT / "README.md" in pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_a_block_is_cut_at_the_lines_that_are_named() -> None:
    shown = Shown.read("recommend x.yaml | from two | until four")
    assert shown.cut("one\nline two\nthree\nline four\nfive\n") == "line two\nthree\n"
    assert Shown.read("recommend x.yaml").cut("one\n\ntwo\n") == "one\n\ntwo\n"


def test_a_block_that_its_command_does_not_print_is_refused() -> None:
    with pytest.raises(OutputError, match="no line with 'six'"):
        Shown.read("recommend x.yaml | from six").cut("one\ntwo\n")
    with pytest.raises(OutputError, match="neither from nor until"):
        Shown.read("recommend x.yaml | to six")


def test_a_command_that_fails_is_refused() -> None:
    with pytest.raises(OutputError, match="status 2"):
        run("recommend nowhere.yaml")


def test_a_stale_output_is_replaced_and_the_rest_of_the_page_is_not() -> None:
    page = "before\n\n<!-- output: rules list | until b -->\n```console\nold\n```\n\nafter `x`\n"
    fresh = refreshed(page, lambda command: "a\nb\nc\n")
    assert fresh == (
        "before\n\n<!-- output: rules list | until b -->\n```console\n$ .venv/bin/hcc-decide rules list\na\n```\n\nafter `x`\n"
    )
    assert refreshed(fresh, lambda command: "a\nb\nc\n") == fresh


def test_a_picture_of_an_output_stands_without_its_command() -> None:
    page = "<!-- output: trace x y --format mermaid -->\n```mermaid\n```\n"
    assert refreshed(page, lambda command: "flowchart LR\n").endswith("```mermaid\nflowchart LR\n```\n")
