"""Finding things in the rule base: by drug, fact, trial, claim or word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_decide.browse.lookup import KINDS, Entry, Hit, excerpt, fold, index, search
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge
from tests.conftest import ROOT

ENTRIES = index(load_knowledge(ROOT / "rules"))


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.kind, hit.id) for hit in search(ENTRIES, text)]


def first(text: str) -> tuple[str, str]:
    return found(text)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sorafenib", ("option", "sorafenib")),
        ("Ramucirumab", ("option", "ramucirumab")),
        ("atezolizumab bevacizumab", ("option", "atezolizumab+bevacizumab")),
        ("tace", ("option", "tace")),
        ("afp", ("fact", "afp_ng_ml")),
        ("afp_ng_ml", ("fact", "afp_ng_ml")),
        ("Child–Pugh class", ("fact", "child_pugh_class")),
        ("prior systemic therapy", ("fact", "prior_systemic")),
        ("reach-2", ("trial", "reach-2")),
        ("REACH 2", ("trial", "reach-2")),
        ("NCT02435433", ("trial", "reach-2")),
        ("sys-107", ("claim", "SYS-107")),
        ("pseudo-progression", ("notice", "pseudo-progression")),
    ],
)
def test_a_name_finds_its_thing_first(text: str, expected: tuple[str, str]) -> None:
    assert first(text) == expected


def test_every_thing_is_found_by_its_id_before_whatever_only_mentions_it() -> None:
    named_so: dict[str, set[str]] = {}
    for entry in ENTRIES:
        for field in entry.fields:
            named_so.setdefault(field.folded, set()).add(entry.id)
    for entry in ENTRIES:
        hits = search(ENTRIES, entry.id)
        (own,) = [hit for hit in hits if (hit.kind, hit.id) == (entry.kind, entry.id)]
        rivals = {hit.id for hit in hits if hit.score > own.score}
        named = named_so.get(fold(entry.id), set())
        assert rivals <= named, entry.id


def test_every_option_is_found_by_each_of_its_drugs_names_and_trials(knowledge: Knowledge) -> None:
    for treatment in knowledge.options.values():
        body = treatment.body
        trials = [knowledge.trials[item.trial] for item in body.evidence]
        names = [body.name, *body.aliases, *body.drugs, *body.targets, *(trial.name for trial in trials)]
        for text in [*names, *(trial.nct for trial in trials if trial.nct)]:
            assert ("option", body.id) in found(text), (body.id, text)


def test_every_option_is_found_by_the_facts_that_its_rules_read(knowledge: Knowledge) -> None:
    hits = found("alpha-fetoprotein")
    readers = {rule.option for rule in knowledge.rules.values() if "afp_ng_ml" in rule.attributes}
    assert {("option", name) for name in readers} <= set(hits)


def test_every_word_must_be_found() -> None:
    assert ("option", "ramucirumab") in found("afp ramucirumab")
    both = set(found("afp ramucirumab"))
    assert both == set(found("ramucirumab afp"))
    assert both <= set(found("afp")) & set(found("ramucirumab"))
    assert found("ramucirumab xyzzy") == []


def test_case_accents_hyphens_and_greek_letters_make_no_difference() -> None:
    assert found("CHILD-PUGH") == found("child–pugh") == found("child pugh")
    assert ("option", "ctla_4_inhibitor+interferon_alpha") in found("interferon alpha")
    assert ("option", "ctla_4_inhibitor+interferon_alpha") in found("interferon-α")
    assert fold("Näïve  TGF-β_1") == "naive tgf beta 1"


def test_the_beginning_of_a_word_will_do_and_its_middle_only_when_nothing_else_is_found() -> None:
    assert ("option", "ramucirumab") in found("ramuc")
    assert ("option", "ramucirumab") in found("cirumab")
    assert first("inr") == ("fact", "inr")
    assert ("option", "ramucirumab") not in found("rab")[:1]
    assert found("zq") == []


def test_nothing_searched_for_finds_everything_by_kind_and_name(knowledge: Knowledge) -> None:
    hits = search(ENTRIES, "  ")
    assert len(hits) == len(ENTRIES)
    assert [hit.kind for hit in hits] == sorted((hit.kind for hit in hits), key=KINDS.index)
    assert not any(hit.where or hit.excerpt for hit in hits)
    assert len([hit for hit in hits if hit.kind == "option"]) == len(knowledge.options)
    assert search(ENTRIES, "+ – ,") == hits


def test_a_hit_says_where_it_was_found_and_shows_the_place() -> None:
    (hit,) = [hit for hit in search(ENTRIES, "untreated varices") if hit.id == "ramucirumab"]
    assert hit.where == "caution"
    assert "Untreated varices" in hit.excerpt


def test_an_excerpt_stands_around_the_word_on_one_line() -> None:
    text = "one two\nthree " * 40 + "needle in the middle of it " + "four five " * 40
    shown = excerpt(text, ["needle"])
    assert "needle" in shown
    assert "\n" not in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 160
    assert excerpt("short", ["needle"]) == "short"
    assert excerpt("x" * 400, ["needle"]) == "x" * 70 + " …"


@settings(deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_can_be_searched_for(text: str) -> None:
    hits = search(ENTRIES, text)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len({(hit.kind, hit.id) for hit in hits}) == len(hits)
    for hit in hits[:5]:
        assert isinstance(hit.excerpt, str)


@given(text=st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_every_kind_is_in_the_index_with_a_title() -> None:
    assert {entry.kind for entry in ENTRIES} == set(KINDS)
    for entry in ENTRIES:
        assert isinstance(entry, Entry)
        assert entry.title.strip()
        assert "{" not in entry.title
    assert len({(entry.kind, entry.id) for entry in ENTRIES}) == len(ENTRIES)
    assert isinstance(search(ENTRIES, "afp")[0], Hit)
