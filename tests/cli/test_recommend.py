"""`hcc-decide recommend`: decisions as text, Markdown and JSON, and refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SETTINGS = {
    "advanced-untreated": "first_line",
    "advanced-untreated-varices": "first_line",
    "after-atezolizumab-bevacizumab": "second_line",
    "after-sorafenib-afp-120": "second_line",
    "after-sorafenib-afp-812": "second_line",
    "child-pugh-b": "first_line",
    "early-single-nodule": "curative",
    "end-stage": "supportive",
    "adjuvant-high-risk": "adjuvant",
    "colorectal-liver-metastases": "liver_metastasis",
    "half-known": "first_line",
    "sorafenib-intolerance": "second_line",
    "tace-refractory": "first_line",
}
ADVANCED = "bclc_stage: C\nchild_pugh_class: A\necog: 1\nprior_systemic: []\n"

# The keys as the contract lists them; more may stand beside them.
KEYS = [
    "schema_version", "knowledge", "patient", "setting", "derived", "options", "excluded", "missing", "notices",
    "intended_use", "trace",
]  # fmt: skip
PART_KEYS = {
    "derived": {"fact", "value", "rule", "from"},
    "options": {
        "rank", "id", "name", "verdict", "evidence_level", "criteria", "cautions", "preferences", "evidence",
        "would_be", "regimen", "ranked_here_because",
    },
    "excluded": {"id", "verdict", "criteria", "reason"},
    "missing": {"fact", "would_decide"},
    "notices": {"rule", "text", "claims"},
    "trace": {"step", "stratum", "rule", "matched", "asserted"},
}  # fmt: skip
OPTION_PART_KEYS = {
    "criteria": {"rule", "text", "result", "facts", "claims"},
    "cautions": {"rule", "text", "facts", "claims"},
    "preferences": {"rule", "text", "effect", "facts", "claims"},
    "evidence": {"trial", "summary", "citation", "doi", "nct"},
}
LISTED = ["preferred", "recommended", "alternative", "investigational", "undetermined"]
EXCLUDED = ["not_recommended", "ineligible", "not_applicable"]

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def decision(invoke: Invoke, source: str, stdin: str = "") -> dict[str, Any]:
    answer = invoke("recommend", source, "--format", "json", stdin=stdin)
    assert (answer.status, answer.err) == (0, "")
    found: dict[str, Any] = json.loads(answer.out)
    return found


def refused(invoke: Invoke, *arguments: str, stdin: str | bytes = b"") -> list[str]:
    """Run a command that is to refuse: status 2, nothing on standard output, and return the lines said."""
    answer = invoke(*arguments, stdin=stdin)
    assert answer.status == 2
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert answer.err.endswith("\n")
    return answer.err.splitlines()


# JSON


def test_every_example_has_its_setting_here() -> None:
    assert {path.stem for path in EXAMPLES} == set(SETTINGS)


@examples
def test_an_example_as_json_follows_the_contract(invoke: Invoke, knowledge: Knowledge, example: Path) -> None:
    found = decision(invoke, str(example))
    assert [key for key in found if key in KEYS] == KEYS
    assert found["schema_version"] == 1
    assert found["knowledge"] == {
        "edition": "reviews",
        "version": knowledge.version,
        "sha256": knowledge.sha256,
    }
    assert found["setting"] == SETTINGS[example.stem]
    assert found["patient"]["case_id"] == f"example-{example.stem}"
    for part, keys in PART_KEYS.items():
        assert all(keys <= set(item) for item in found[part])
    for option in found["options"]:
        for part, keys in OPTION_PART_KEYS.items():
            assert all(keys <= set(item) for item in option[part])
        assert all(item["result"] in ("met", "not_met", "unknown") for item in option["criteria"])
    assert "health professionals" in found["intended_use"]
    assert [step["step"] for step in found["trace"]] == list(range(1, len(found["trace"]) + 1))
    strata = ["staging", "eligibility", "ranking"]
    assert [step["stratum"] for step in found["trace"]] == sorted(
        (step["stratum"] for step in found["trace"]), key=strata.index
    )


@examples
def test_an_example_as_json_is_a_decision(invoke: Invoke, example: Path) -> None:
    found = decision(invoke, str(example))
    assert Decision.model_validate(found).model_dump(mode="json") == found


@examples
def test_every_option_of_the_catalogue_stands_in_a_decision_once(
    invoke: Invoke, knowledge: Knowledge, example: Path
) -> None:
    found = decision(invoke, str(example))
    ids = [option["id"] for option in (*found["options"], *found["excluded"])]
    assert sorted(ids) == sorted(knowledge.options)
    assert {option["verdict"] for option in found["options"]} <= set(LISTED)
    assert {option["verdict"] for option in found["excluded"]} <= set(EXCLUDED)
    assert all(option["reason"] for option in found["excluded"])


@examples
def test_options_stand_by_rank_and_verdict_and_say_why(invoke: Invoke, example: Path) -> None:
    options = decision(invoke, str(example))["options"]
    ranks = [option["rank"] for option in options]
    assert ranks == sorted(ranks)
    assert ranks[:1] == [1]
    order = [LISTED.index(option["verdict"]) for option in options]
    assert order == sorted(order)
    assert all(option["ranked_here_because"].endswith(".") for option in options)
    assert all((option["would_be"] is not None) == (option["verdict"] == "undetermined") for option in options)


@examples
def test_what_is_missing_is_not_known_and_decides_options_that_are_undetermined(invoke: Invoke, example: Path) -> None:
    found = decision(invoke, str(example))
    undetermined = {option["id"] for option in found["options"] if option["verdict"] == "undetermined"}
    for item in found["missing"]:
        assert item["fact"] not in found["patient"]
        assert item["would_decide"]
        assert set(item["would_decide"]) <= undetermined


def test_the_record_comes_back_as_understood_and_nothing_derived_is_added(invoke: Invoke) -> None:
    record = (
        '{"prior_systemic": ["sorafenib:intolerance"], "etiology": ["hcv", "hbv"], "child_pugh_score": 6, "inr": null}'
    )
    found = decision(invoke, "-", record)
    assert found["patient"] == {
        "tumour": "hcc",
        "intent": "treatment",
        "child_pugh_score": 6,
        "etiology": ["hbv", "hcv"],
        "prior_systemic": [{"option": "sorafenib", "outcome": "intolerance"}],
    }
    (derived,) = [item for item in found["derived"] if item["fact"] == "child_pugh_class"]
    assert derived["value"] == "A"
    assert derived["rule"].startswith("staging/child-pugh-class")
    assert derived["from"] == ["child_pugh_score"]


def test_nothing_known_gives_a_decision_that_asks(invoke: Invoke) -> None:
    found = decision(invoke, "-", "{}")
    assert found["setting"] == "undetermined"
    assert found["missing"]
    assert {option["verdict"] for option in found["options"]} == {"undetermined"}


# Text and Markdown


@examples
def test_an_example_as_text_fits_80_columns_without_colour(invoke: Invoke, example: Path) -> None:
    answer = invoke("recommend", str(example))
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    assert all(line == line.rstrip() for line in lines)
    titles = [line for line in lines if line.isupper() and not line.startswith(" ")]
    assert [title for title in titles if title in ("OPTIONS", "EXCLUDED", "INTENDED USE")] == [
        "OPTIONS",
        "EXCLUDED",
        "INTENDED USE",
    ]


@examples
def test_text_names_every_option_and_every_verdict_of_the_json(invoke: Invoke, example: Path) -> None:
    found = decision(invoke, str(example))
    text = " ".join(invoke("recommend", str(example)).out.split())
    for option in found["options"]:
        assert " ".join(option["name"].split()) in text
        assert option["verdict"].replace("_", " ").upper() in text
    for option in found["excluded"]:
        # Options that belong to another setting for one reason share a line.
        named = re.escape(" ".join(option["name"].split()))
        assert re.search(rf"{named}(?:, [^.]+)?: {re.escape(option['reason'])}", text), option["name"]
    assert found["intended_use"] in text


@examples
def test_an_example_as_markdown_names_the_same_options_in_the_same_order(invoke: Invoke, example: Path) -> None:
    found = decision(invoke, str(example))
    answer = invoke("recommend", str(example), "--format", "markdown")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("# Treatment options\n\nSetting: **")
    assert answer.out.endswith(f"sha256 `{found['knowledge']['sha256']}`\n")
    headings = re.findall(r"^## (\d+)\. (.+): ([a-z ]+)(?:, would be [a-z ]+)?$", answer.out, re.MULTILINE)
    assert headings == [
        (str(option["rank"]), option["name"], option["verdict"].replace("_", " ")) for option in found["options"]
    ]
    for option in found["excluded"]:
        assert f"| {option['name']} | {option['verdict'].replace('_', ' ')} | {option['reason']} |" in answer.out


@examples
def test_the_tables_of_the_markdown_have_a_cell_for_every_column(invoke: Invoke, example: Path) -> None:
    columns = 0
    for line in invoke("recommend", str(example), "--format", "markdown").out.splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        cells = line.count("|") - line.count("\\|") - 1
        columns = columns or cells
        assert cells == columns


def test_text_is_the_format_unless_another_is_asked_for(invoke: Invoke) -> None:
    plain = invoke("recommend", "-", stdin=ADVANCED)
    assert plain.status == 0
    assert invoke("recommend", "-", "--format", "text", stdin=ADVANCED) == plain


# Where the record comes from


def test_a_record_is_read_from_yaml_from_json_and_from_standard_input_alike(invoke: Invoke, tmp_path: Path) -> None:
    record = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": []}
    (tmp_path / "record.yaml").write_text(ADVANCED)
    (tmp_path / "record.json").write_text(json.dumps(record))
    answers = [
        invoke("recommend", str(tmp_path / "record.yaml")),
        invoke("recommend", str(tmp_path / "record.json")),
        invoke("recommend", "-", stdin=ADVANCED),
        invoke("recommend", "-", stdin=json.dumps(record, indent=2)),
        invoke("recommend", "-", stdin=b"\xef\xbb\xbf" + ADVANCED.replace("\n", "\r\n").encode()),
    ]
    assert answers[0].status == 0
    assert answers == [answers[0]] * 5


# Refusals


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n", "is not UTF-8 text (byte 1); is it a binary file?"),
        (b"- ecog\n", "the record is a list; a mapping of fields is expected"),
        (b"ecog: &x 1\n", "uses an anchor or alias in line 1; write the value out"),
        (b"ecog: !!str 1\n", "uses the tag 'tag:yaml.org,2002:str' in line 1; tags are not allowed"),
        (b"ecog: 1\necog: 2\n", "gives the key 'ecog' twice (line 2)"),
        (b"[" * 100_000, "is nested deeper than 24 levels (line 1)"),
        (b'{"a":' * 100_000, "is nested deeper than 24 levels"),
        (b"x" * 1_000_001, "is larger than 1000 kB; a record or rule file is a few kB"),
        (b'{"ecog": 1', "is not well-formed JSON: line 1, column 11: Expecting ',' delimiter"),
        (b"ecog: 7\n", "ecog: 7 is refused; allowed is 4 or less"),
        (b'{"ecog": NaN}', "ecog: nan is refused; a finite number is expected"),
        (
            b"prior_systemic: [aspirin]\n",
            "prior_systemic[1].option: 'aspirin' is not an option of the catalogue; "
            "allowed are its option ids, or `other` with a `name`",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:30],
)
def test_a_record_that_cannot_be_used_is_refused_in_one_line_with_status_2(
    invoke: Invoke, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "record.yaml"
    file.write_bytes(content)
    assert refused(invoke, "recommend", str(file)) == [f"{file}: {said}"]
    assert refused(invoke, "recommend", "-", stdin=content) == [f"standard input: {said}"]
    assert refused(invoke, "explain", "sorafenib", str(file)) == [f"{file}: {said}"]


def test_every_problem_has_its_line(invoke: Invoke) -> None:
    said = refused(invoke, "recommend", "-", stdin="ecog: 7\ncirrhosis: 'yes'\ntumor: hcc\nprior_systemic: [aspirin]\n")
    assert sorted(line.split(": ")[1] for line in said) == ["cirrhosis", "ecog", "prior_systemic[1].option", "tumor"]
    assert all(line.startswith("standard input: ") for line in said)


@pytest.mark.parametrize("file_format", ["text", "markdown", "json"])
def test_a_refusal_is_the_same_in_every_format(invoke: Invoke, file_format: str) -> None:
    said = refused(invoke, "recommend", "-", "--format", file_format, stdin="ecog: 7\n")
    assert said == ["standard input: ecog: 7 is refused; allowed is 4 or less"]


def test_a_missing_file_and_a_folder_are_refused(invoke: Invoke, tmp_path: Path) -> None:
    missing = tmp_path / "nobody.yaml"
    assert refused(invoke, "recommend", str(missing)) == [f"{missing}: does not exist"]
    assert refused(invoke, "recommend", str(tmp_path)) == [f"{tmp_path}: is a folder, not a file"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "pdf"), "--format: 'pdf' is refused; allowed are text, markdown, json"),
        (("--edition", "tomorrow"), "--edition: has no edition 'tomorrow'; allowed is reviews"),
        (("--rules", "nowhere"), "--rules: nowhere is not a folder"),
    ],
)
def test_an_option_with_an_unknown_value_is_refused(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    assert refused(invoke, "recommend", "-", *arguments, stdin=ADVANCED) == [said]


@pytest.mark.parametrize("arguments", [("recommend",), ("recommend", "-", "--frobnicate"), ("frobnicate",)])
def test_a_command_that_is_typed_wrongly_is_refused_with_its_usage(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    said = refused(invoke, *arguments)
    assert said[0].startswith("Usage: ")
    assert said[-1].startswith("Error: ")


def test_an_empty_folder_is_no_rule_base(invoke: Invoke, tmp_path: Path) -> None:
    answer = invoke("recommend", "-", "--rules", str(tmp_path), stdin=ADVANCED)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "knowledge.yaml:1: K01 the file does not exist",
        "notices.yaml:1: K01 the file does not exist",
        "vocabulary.yaml:1: K01 the file does not exist",
    ]


def test_text_begins_with_the_ranking_in_short(invoke: Invoke) -> None:
    out = invoke("recommend", str(ROOT / "examples" / "after-sorafenib-afp-812.yaml")).out
    short = out.partition("IN SHORT\n")[2].partition("\n\n")[0].splitlines()
    assert short[0] == "  1  Cabozantinib: recommended"
    ranks = [int(line.split()[0]) for line in short if line[2].isdigit()]
    assert ranks == sorted(ranks)
    further = " ".join(" ".join(short).partition("Further: ")[2].split())
    assert re.fullmatch(r"\d+ investigational, \d+ not recommended, \d+ ineligible, \d+ for another setting\.", further)


def test_text_says_in_short_when_nothing_is_established(invoke: Invoke) -> None:
    out = invoke("recommend", str(ROOT / "examples" / "adjuvant-high-risk.yaml")).out
    short = out.partition("IN SHORT\n")[2].partition("\n\n")[0]
    assert short.startswith("  No option is preferred, recommended or alternative.\n  Further: ")


def test_an_investigational_option_is_shown_briefly_with_its_cautions_and_trials(invoke: Invoke) -> None:
    path = str(ROOT / "examples" / "after-sorafenib-afp-812.yaml")
    found = decision(invoke, path)
    printed = [" ".join(part.split()) for part in invoke("recommend", path).out.split("\n\n")]
    brief = [option for option in found["options"] if option["verdict"] == "investigational"]
    assert any(option["cautions"] for option in brief)
    assert any(option["evidence"] for option in brief)
    for option in brief:
        (text,) = [part for part in printed if part.startswith(f"{option['rank']} {option['name']} INVESTIGATIONAL ")]
        assert "] Indication: " in text
        for left_out in ("] Needs: ", "] Exclusion: "):
            assert left_out not in text
        for caution in option["cautions"]:
            assert f"CAUTION: {caution['text']}" in text
        for trial in option["evidence"]:
            assert f"Trial {trial['name']} (" in text
            assert trial["citation"] not in text
        for conflict in option["conflicts"]:
            assert " ".join(conflict["about"].rstrip(".").split()) in text
