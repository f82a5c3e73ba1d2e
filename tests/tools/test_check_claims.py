"""The script that compares claims with the reviews finds wrong lines and wrong figures, and accepts right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tools.check_claims import main, problems

from hcc_decide.knowledge.schema_sources import Claim

REVIEW = ["Background", "Survival was 10.7 vs 7.9 months (HR = 0.69;", "95% CI 0.55–0.87) in one trial.", ""]


@pytest.fixture
def claim() -> Callable[..., Claim]:
    def make(lines: list[int], **figures: object) -> Claim:
        return Claim(
            id="TST-001",
            lines=lines,
            section="Background",
            references=[],
            kind="outcome",
            actionable=True,
            subjects=[],
            statement="Made up.",
            figures=figures,
        )

    return make


def test_figures_that_stand_in_the_passage_are_accepted(claim: Callable[..., Claim]) -> None:
    found = claim([2, 3], os="10.7 vs 7.9", hr="0.69", ci="0.55-0.87", trials="one trial", n=0.69)
    assert list(problems(found, REVIEW)) == []


def test_a_year_with_a_reference_behind_it_is_a_year(claim: Callable[..., Claim]) -> None:
    review = ["approved by the trial in 2018.43 In the trial"]
    assert list(problems(claim([1, 1], year="2018"), review)) == []
    assert len(list(problems(claim([1, 1], year="2017"), review))) == 1


@pytest.mark.parametrize(
    ("lines", "figures", "complaint"),
    [
        ([2, 3], {"os": "10.8 vs 7.9"}, "the figure os: '10.8 vs 7.9' does not stand in lines 2 to 3"),
        ([2, 3], {"os": "0.7"}, "the figure os: '0.7' does not stand in lines 2 to 3"),
        ([2, 3], {"os": "7 months"}, "the figure os: '7 months' does not stand in lines 2 to 3"),
        ([2, 2], {"ci": "0.55-0.87"}, "the figure ci: '0.55-0.87' does not stand in lines 2 to 2"),
        ([2, 3], {"trials": "two trials"}, "the figure trials: 'two trials' does not stand in lines 2 to 3"),
        ([2, 5], {}, "lines 2 to 5 are not in the review, which has 4"),
        ([3, 2], {}, "lines 3 to 2 are not in the review, which has 4"),
        ([4, 4], {}, "lines 4 to 4 are empty"),
    ],
)
def test_what_does_not_stand_there_is_named(
    claim: Callable[..., Claim], lines: list[int], figures: dict[str, object], complaint: str
) -> None:
    assert list(problems(claim(lines, **figures), REVIEW)) == [complaint]


def test_the_script_reads_reviews_by_number_and_tells_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review = tmp_path / "short.txt"
    review.write_text("one line\n", encoding="utf-8")
    assert main([f"001={review}"]) == 1
    assert "are not in the review" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("000", None, "write REVIEW=FILE"),
        ("000", b"\xff\xfe", "cannot be read as UTF-8 text"),
        ("999", b"one line\n", "the claims are of 000, 001, 003"),
    ],
)
def test_the_script_refuses_a_wrong_argument_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, said: str
) -> None:
    review = tmp_path / "review.txt"
    if content is not None:
        review.write_bytes(content)
    for path in (review, tmp_path) if content is None else (review,):
        assert main([f"{name}={path}"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"'{name}={path}' is refused; ")
        assert said in line


def test_the_script_does_not_pass_over_claims_that_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "broken.yaml").write_text("claims: [", encoding="utf-8")
    assert main([f"000={tmp_path / 'any.txt'}"], tmp_path) == 1
    assert capsys.readouterr().err.startswith("claims/broken.yaml:1: K01 ")
