"""Documents that are broken or hostile: one plain sentence each, quickly, and never anything but `DocumentError`."""

from __future__ import annotations

import json
import math
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hcc_decide import documents
from hcc_decide.documents import Document, DocumentError, Place, parse, read
from hcc_decide.patient import RecordError, parse_patient, record_from_csv
from tests.conftest import ROOT

SECONDS = 10  # of the processor, with memory being traced; plain reading takes a tenth
MEGABYTES = 120
TOO_LARGE = "is larger than 1000 kB; a record or rule file is a few kB"


@pytest.fixture(autouse=True)
def quickly_and_in_little_memory(request: pytest.FixtureRequest) -> Iterator[None]:
    if "fuzz" in request.node.name:
        yield
        return
    tracemalloc.start()
    started = time.process_time()
    yield
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < MEGABYTES * 1_000_000


def refusal(content: bytes, *, json_only: bool = False) -> str:
    with pytest.raises(DocumentError) as caught:
        parse(content, json_only=json_only)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 200
    return message


def data(text: str) -> Any:
    return parse(text.encode()).data


# Not a document


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_an_empty_file_is_called_empty(content: bytes) -> None:
    assert refusal(content) == "is empty"
    assert refusal(content, json_only=True) == "is empty"


def test_a_file_of_comments_only_is_called_empty() -> None:
    assert refusal(b"# nothing yet\n# still nothing\n") == "is empty"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text (byte 1); is it a binary file?"),
        (b"ecog: 1 \xff", "is not UTF-8 text (byte 9); is it a binary file?"),
        ("case_id: Müller".encode("latin-1"), "is not UTF-8 text (byte 11); is it a binary file?"),
        ("ecog: 1".encode("utf-16"), "is not UTF-8 text (byte 1); is it a binary file?"),
        (b"ecog: 1\x00", "is not text (it holds a zero byte); is it a binary file?"),
        ("ecog: 1".encode("utf-16-le"), "is not text (it holds a zero byte); is it a binary file?"),
    ],
)
def test_a_binary_file_or_another_encoding_is_called_so(content: bytes, message: str) -> None:
    assert refusal(content) == message
    assert refusal(content, json_only=True) == message


def test_a_control_character_is_refused() -> None:
    assert refusal(b"ecog: \x01") == (
        "is not well-formed YAML: unacceptable character #x0001: control characters are not allowed "
        'in "<unicode string>", position 6'
    )


@pytest.mark.parametrize(
    ("text", "data", "kind"),
    [
        ("- ecog\n- 1\n", ["ecog", 1], "a list"),
        ("ecog 1", "ecog 1", "text"),
        ("1", 1, "a number"),
        ("---\n...\n", None, "empty"),
    ],
)
def test_a_document_that_is_no_mapping_is_refused_as_a_record(text: str, data: object, kind: str) -> None:
    document = parse(text.encode())
    assert document.data == data
    with pytest.raises(RecordError) as caught:
        parse_patient(document.data)
    assert caught.value.problems == (f"the record is {kind}; a mapping of fields is expected",)


# Files


@pytest.mark.parametrize("name", ["record.yaml", "record.json"])
def test_a_file_of_10_megabytes_is_refused_without_being_read_whole(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"# " + b"x" * 10_000_000)
    tracemalloc.reset_peak()
    with pytest.raises(DocumentError) as caught:
        read(file)
    assert str(caught.value) == TOO_LARGE
    assert tracemalloc.get_traced_memory()[1] < 5_000_000


def test_a_megabyte_is_the_limit_to_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_bytes(b"ecog: 1 #" + b"x" * 999_991)
    assert read(file).data == {"ecog": 1}
    file.write_bytes(b"ecog: 1 #" + b"x" * 999_992)
    with pytest.raises(DocumentError) as caught:
        read(file)
    assert str(caught.value) == TOO_LARGE


def test_a_file_that_is_missing_or_is_a_folder_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"^does not exist$"):
        read(tmp_path / "nobody.yaml")
    with pytest.raises(DocumentError, match=r"^is a folder, not a file$"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["zero\x00byte.yaml", "x" * 5000])
def test_an_impossible_file_name_is_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match=r"^cannot be read \(.+\)$"):
        read(f"{tmp_path}/{name}")


def test_a_json_file_is_read_as_json_only(tmp_path: Path) -> None:
    for name in ("record.json", "RECORD.JSON"):
        file = tmp_path / name
        file.write_text("ecog: 1")
        with pytest.raises(DocumentError, match=r"^is not well-formed JSON: line 1, column 1: Expecting value$"):
            read(file)
        file.write_text('{"ecog": 1}')
        assert read(file).data == {"ecog": 1}


# A document never means more than it shows


def bomb() -> bytes:
    rows = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        rows.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(rows).encode()


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    assert refusal(bomb()) == "uses an anchor or alias in line 1; write the value out"


@pytest.mark.parametrize(
    ("text", "line"),
    [("ecog: &x 1\n", 1), ("ecog: 1\ncirrhosis: *x\n", 2), ("a: &x {b: *x}\n", 1), ("ecog: 1\n<<: *defaults\n", 2)],
)
def test_anchors_and_aliases_are_refused_by_line(text: str, line: int) -> None:
    assert refusal(text.encode()) == f"uses an anchor or alias in line {line}; write the value out"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!!python/object/apply:os.system ['true']", "'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !!python/object:datetime.datetime {}", "'tag:yaml.org,2002:python/object:datetime.datetime'"),
        ("a: !!python/name:os.system", "'tag:yaml.org,2002:python/name:os.system'"),
        ("a: !custom 1", "'!custom'"),
        ("a: !!str 1", "'tag:yaml.org,2002:str'"),
        ("a: !!binary aGVsbG8=", "'tag:yaml.org,2002:binary'"),
        ("a: ! 1", "'!'"),
        ("!!set {a, b}", "'tag:yaml.org,2002:set'"),
        ("%TAG !e! tag:example.org,2024:\n---\na: !e!x 1", "'tag:example.org,2024:x'"),
        ("a: !forged%0Aline%1B%5B2J 1", r"'!forged\nline\x1b[2J'"),
    ],
)
def test_tags_are_refused_and_shown_harmlessly(text: str, tag: str) -> None:
    line = 3 if text.startswith("%") else 1
    assert refusal(text.encode()) == f"uses the tag {tag} in line {line}; tags are not allowed"


def test_a_merge_key_merges_nothing() -> None:
    assert data("<<: {ecog: 1}\n") == {"<<": {"ecog": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ecog: 1\necog: 2\n", "gives the key 'ecog' twice (line 2)"),
        ("ecog: 1\n'ecog': 1\n", "gives the key 'ecog' twice (line 2)"),
        ("a:\n  - {b: 1, b: 2}\n", "gives the key 'b' twice (line 2)"),
        ("1: a\n01: b\n", "gives the key 1 twice (line 2)"),
        ('"a\\n\\e": 1\n"a\\n\\e": 1\n', r"gives the key 'a\n\x1b' twice (line 2)"),
        ('{"ecog": 1, "ecog": 2}', "gives the key 'ecog' twice"),
        ('{"a": [{"b": 1, "b": 1}]}', "gives the key 'b' twice"),
    ],
)
def test_a_repeated_key_is_refused(text: str, message: str) -> None:
    assert refusal(text.encode()) == message


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "? {a: 1}\n: 1\n", "[a]: 1"])
def test_a_key_is_a_plain_word(text: str) -> None:
    assert refusal(text.encode()) == "has a key that is not a plain word in line 1"


@pytest.mark.parametrize("text", ["ecog: 1\n---\necog: 2\n", "ecog: 1\n...\n---\necog: 2\n"])
def test_a_file_holds_one_document(text: str) -> None:
    assert refusal(text.encode()).endswith("but found another document")


@pytest.mark.parametrize("harmless", ["a: 1\na: 2\n", "? [a]\n: 1\n", "a: 1\n---\n", ""])
@pytest.mark.parametrize(
    ("dangerous", "message"),
    [
        ("b: &x 1\n", "uses an anchor or alias"),
        ("b: !x 1\n", "uses the tag"),
        ("b: " + "[" * 30, "is nested deeper than 24 levels"),
        ("b: [\n" + "1,\n" * 50_000, "holds more than 50000 values"),
        ("b: [\n", "is not well-formed YAML"),
    ],
    ids=["anchor", "tag", "depth", "values", "broken"],
)
def test_what_is_worse_is_told_first_wherever_it_stands(harmless: str, dangerous: str, message: str) -> None:
    assert refusal((harmless + dangerous).encode()).startswith(message)


def test_of_several_wrong_keys_the_first_is_told() -> None:
    assert refusal(b"? [a]\n: 1\nb: 1\nb: 2\n") == "has a key that is not a plain word in line 1"
    assert refusal(b"b: 1\nb: 2\n? [a]\n: 1\n") == "gives the key 'b' twice (line 2)"
    assert refusal(b"? {a: 1, a: 2}\n: 1\n") == "has a key that is not a plain word in line 1"
    assert refusal(b"a: {b: 1, b: 2}\na: 1\n") == "gives the key 'b' twice (line 1)"


# Nesting and size

TOO_DEEP = "is nested deeper than 24 levels"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
def test_100000_levels_of_yaml_are_too_deep(opening: str) -> None:
    assert refusal(opening.encode() * 100_000) == f"{TOO_DEEP} (line 1)"


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_100000_levels_of_json_are_too_deep(opening: str, closing: str, closed: bool) -> None:
    text = opening * 100_000 + ("1" + closing * 100_000 if closed else "")
    assert refusal(text.encode(), json_only=True) == TOO_DEEP


def test_json_is_too_deep_without_its_file_name_saying_so() -> None:
    assert refusal(b'{"a":' * 100_000) == TOO_DEEP


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_24_levels_are_enough_and_25_are_not(opening: str, closing: str) -> None:
    def nested(levels: int) -> bytes:
        return (opening * levels + "1" + closing * levels).encode()

    value = parse(nested(24), json_only=True).data
    for _ in range(24):
        (value,) = value.values() if isinstance(value, dict) else value
    assert value == 1
    assert refusal(nested(25), json_only=True) == TOO_DEEP


def test_24_levels_of_yaml_are_enough_and_25_are_not() -> None:
    assert parse(b"[" * 24 + b"]" * 24).data
    assert refusal(b"[" * 25 + b"]" * 25) == f"{TOO_DEEP} (line 1)"


@pytest.mark.parametrize(
    "content",
    [
        b"- a\n" * 240_000,
        b"[" + b"a," * 450_000 + b"]",
        b"".join(b"k%d: 1\n" % n for n in range(90_000)),
        b"---\n" * 200_000,
    ],
    ids=["list", "flow list", "mapping", "documents"],
)
def test_a_megabyte_of_tiny_values_is_refused_before_it_grows(content: bytes) -> None:
    assert refusal(content).startswith("holds more than 50000 values (line ")


@pytest.mark.parametrize(
    "content",
    [
        b"a" * 999_000 + b": 1",
        b"'" + b"a" * 999_000,
        b"{" * 999_000,
        b'{"a": "' + b"\\" * 900_000,
        b"a: " + b"-" * 900_000 + b"\n b: 1\n  c",
        b"#" * 999_000,
    ],
    ids=["key", "open quote", "braces", "backslashes", "dashes", "comment"],
)
def test_other_large_nonsense_is_refused_quickly(content: bytes) -> None:
    assert refusal(content)


# Notation


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "\ta: 1\n", "a: [\n\t1\n"])
def test_tabs_as_indentation_give_a_sentence_with_the_line(text: str) -> None:
    assert refusal(text.encode()).startswith("is not well-formed YAML: line ")


def test_a_byte_order_mark_is_ignored() -> None:
    assert parse(b"\xef\xbb\xbfecog: 1\n").data == {"ecog": 1}
    assert parse(b'\xef\xbb\xbf{"ecog": 1}', json_only=True).data == {"ecog": 1}


def test_line_endings_of_windows_change_nothing() -> None:
    text = "ecog: 1\nprior_systemic:\n  - option: sorafenib\n    outcome: progression\n"
    unix, windows = parse(text.encode()), parse(text.replace("\n", "\r\n").encode())
    assert unix == windows


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("none", "none"),
        ("'true'", "true"),
        ("'1'", "1"),
        ("''", ""),
        ("12", 12),
        ("012", 12),
        ("-3", -3),
        ("+3", 3),
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-0.5", -0.5),
        ("0x10", "0x10"),
        ("0o10", "0o10"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1,000", "1,000"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
        ("12 mg/dL", "12 mg/dL"),
        ("=", "="),
        ("<<", "<<"),
        ("١٢", "١٢"),
        (".inf", math.inf),
        ("+.Inf", math.inf),
        (".infinity", ".infinity"),
        ("inf", "inf"),
        ("nan", "nan"),
        ("1e999", math.inf),
        ("|\n  no\n", "no\n"),
        (">\n  12\n", "12\n"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, value: object) -> None:
    found = data(f"a: {written}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("written", [".nan", ".NaN", ".NAN"])
def test_nan_stays_visible_as_a_number(written: str) -> None:
    assert math.isnan(data(f"a: {written}")["a"])


def test_keys_are_text_or_short_whole_numbers() -> None:
    assert data("no: 1\ntrue: 2\n1: 3\n'1': 4\nnull: 5\n1.5: 6\n1234567890: 7\n") == {
        "no": 1,
        "true": 2,
        1: 3,
        "1": 4,
        "null": 5,
        "1.5": 6,
        "1234567890": 7,
    }


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 500, "-" + "9" * 900_000])
def test_numbers_that_json_should_not_hold_are_refused_by_field(written: str, as_json: bool) -> None:
    document = parse(f'{{"ecog": {written}}}'.encode(), json_only=as_json)
    with pytest.raises(RecordError) as caught:
        parse_patient(document.data)
    (problem,) = caught.value.problems
    assert problem.startswith("ecog: ")
    assert problem.endswith("is refused; a finite number is expected")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"ecog": 1', "line 1, column 11: Expecting ',' delimiter"),
        # Python 3.13 points at the comma, earlier ones behind it.
        ('{"ecog": 1,}', f"line 1, column {11 if sys.version_info >= (3, 13) else 12}: "),
        ('{"ecog": }', "line 1, column 10: Expecting value"),
        ('{"a": 1} {"b": 2}', "line 1, column 10: Extra data"),
        ('{\n"a": nope}', "line 2, column 6: Expecting value"),
    ],
)
def test_broken_json_is_refused_with_its_place(text: str, message: str) -> None:
    assert refusal(text.encode(), json_only=True).startswith(f"is not well-formed JSON: {message}")
    assert refusal(text.encode()).startswith(f"is not well-formed JSON: {message}")


def test_a_flow_mapping_of_yaml_is_not_taken_for_broken_json() -> None:
    assert data("{ecog: 1, etiology: [hbv]}") == {"ecog": 1, "etiology": ["hbv"]}


def test_broken_yaml_is_refused_with_its_place() -> None:
    assert refusal(b"ecog: 1\nfoo: [1, 2\nbar: 3\n").startswith("is not well-formed YAML: line 3, column ")
    assert refusal(b"a: b: c\n").startswith("is not well-formed YAML: line 1, column 5: ")
    assert refusal(b"a: 1\n  b: 2\n").startswith("is not well-formed YAML: line 2, column 4: ")


def test_every_value_has_its_place() -> None:
    document = parse(b"ecog: 1\ninclude:\n  - id: a\n    when: {ecog: 2}\n")
    assert document.place(("ecog",)) == Place(1, 1)
    assert document.place(("include", 0)) == Place(3, 5)
    assert document.place(("include", 0, "when", "ecog")) == Place(4, 12)
    assert document.place(("include", 0, "nowhere", 7)) == Place(3, 5)
    assert document.place(("elsewhere",)) == Place(1, 1)


def test_a_key_that_is_a_number_and_a_quoted_one_have_places_too() -> None:
    document = parse(b"values:\n  1: a\n  '1': b\n  \"x y\": |\n    text\n  z: ~\n")
    assert document.places[("values", 1)] == Place(2, 3)
    assert document.places[("values", "1")] == Place(3, 3)
    assert document.places[("values", "x y")] == Place(4, 3)
    assert document.places[("values", "z")] == Place(6, 3)


def test_without_the_parser_in_c_the_rules_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [*sorted((ROOT / "rules" / "staging").glob("*.yaml")), *sorted((ROOT / "examples").glob("*.yaml"))]
    expected = [parse(file.read_bytes()) for file in files]
    assert all(document.places for document in expected)
    monkeypatch.setattr(documents, "_Loader", yaml.SafeLoader)
    for file, before in zip(files, expected, strict=True):
        document = parse(file.read_bytes())
        assert (document.data, document.places) == (before.data, before.places)


# Anything at all

JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = st.sampled_from(
    ["ecog", "tumour", "bclc_stage", "albi_grade", "etiology", "prior_systemic", "afp_ng_ml", "cirrhosis", "case_id"]
)
PRINTABLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
WRITTEN = st.recursive(
    st.none() | st.booleans() | st.integers() | PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=12,
)
ALMOST_RECORDS = st.dictionaries(FIELD_NAMES | st.text(max_size=6), JSON_LIKE, max_size=6)
SNIPPETS = st.lists(
    st.sampled_from(
        [*"{}[]:,&*!|>'\"%@#-?\n\t \\~=", "ecog", "1", "---", "...", "<<", "!!str", "\ufeff", "\u2028", "é"]
    ),
    max_size=40,
).map("".join)


def reads_or_refuses(content: bytes) -> None:
    """Parse and check; only the two refusals may come out, each in lines fit to print."""
    for json_only in (False, True):
        said = ""
        try:
            document = parse(content, json_only=json_only)
        except DocumentError as error:
            said = str(error)
        else:
            checks_or_refuses(document.data)
        assert said.isprintable()


def checks_or_refuses(found: object) -> None:
    said: tuple[str, ...] = ()
    try:
        patient = parse_patient(found, {"sorafenib": "sorafenib"})
    except RecordError as error:
        said = error.problems or ("",)
    else:
        assert parse_patient(patient.to_record()) == patient
    assert all(problem and problem.isprintable() for problem in said)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value."""
    yield path
    if isinstance(value, (dict, list)):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(child, (*path, key))


@settings(max_examples=300, deadline=None)
@given(WRITTEN, st.sampled_from([None, 2]))
def test_fuzz_what_is_written_comes_back_with_a_place_for_every_value(value: object, indent: int | None) -> None:
    text = "- " + json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", "\n  ")
    document = parse(text.encode())
    assert document.data == [value]
    assert set(document.places) == set(paths([value]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"%YAML 9.9\n---\na")
def test_fuzz_random_bytes_are_read_or_refused(content: bytes) -> None:
    reads_or_refuses(content)


@settings(max_examples=300, deadline=None)
@given(SNIPPETS)
@example("? ")
@example('{"\\ud800": 1}')
@example('{"ecog": "\\udfff"}')
@example('{"prior_systemic": [{"\\ud800": 1}]}')
def test_fuzz_random_punctuation_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text.encode())


@settings(max_examples=300, deadline=None)
@given(JSON_LIKE | ALMOST_RECORDS)
def test_fuzz_random_structures_are_accepted_or_refused(structure: object) -> None:
    checks_or_refuses(structure)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(FIELD_NAMES, st.text(max_size=20), max_size=5))
def test_fuzz_random_table_cells_are_accepted_or_refused(row: dict[str, str]) -> None:
    checks_or_refuses(record_from_csv(row))


def test_reading_never_touches_what_it_was_given() -> None:
    record: dict[str, Any] = {"etiology": ["hcv", "hbv"], "prior_systemic": ["sorafenib"], "bclc_stage": 0}
    before = repr(record)
    parse_patient(record, {"sorafenib": "sorafenib"})
    assert repr(record) == before


def test_a_document_of_json_has_no_places() -> None:
    document = parse(b'{"ecog": 1}', json_only=True)
    assert document == Document({"ecog": 1})
    assert document.places == {}
    assert document.place(("ecog",)) == Place(1, 1)
