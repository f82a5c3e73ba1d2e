"""The benchmark of looking ahead."""

from __future__ import annotations

from benchmarks.sequences import measure_sequences, sequences_section

from hcc_decide.knowledge.catalogue import Knowledge


def test_each_depth_and_width_gets_a_row_with_figures_of_every_followed_example(knowledge: Knowledge) -> None:
    rows = measure_sequences(knowledge, depths=(1, 2), widths=(1,))
    assert [(row.depth, row.width) for row in rows] == [(1, 1), (2, 1)]
    for row in rows:
        assert len(row.states) == len(row.ways) == len(row.cold) == len(row.warm) == len(row.judged) > 5
        assert all(shared <= every for shared, every in zip(row.states, row.ways, strict=True))
        assert min(row.judged) > 0
    section = sequences_section(rows, patients=9, examples=13)
    assert section.startswith("### Looking ahead\n")
    assert section.count("\n| ") == 4
    assert "| 2 | 1 | " in section
