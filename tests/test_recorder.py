"""Rows on their way into columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlab.design.kinds import DESIGN
from schedlab.trace import COLUMNS, Recorder, Trace

large, small = st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1)
rows = st.lists(st.tuples(st.sampled_from(DESIGN.kinds), large, small, small, large, large), max_size=40)


@given(rows, st.integers(1, 7))
def test_what_is_taken_down_stands_in_the_columns(given_rows, look_every):
    recorder = Recorder(DESIGN)
    columns = recorder.columns
    for i, (kind, *row) in enumerate(given_rows):
        getattr(recorder, kind.name)(*row)
        if i % look_every == 0:
            assert len(recorder) == i + 1
    assert recorder.columns is columns
    assert [column.typecode for column in columns] == [code for _name, code in COLUMNS]
    trace = Trace(DESIGN, recorder.columns, {}, end=0)
    assert [tuple(row) for row in trace.rows()] == [
        (now, kind.id, who, where, a, b) for kind, now, who, where, a, b in given_rows
    ]


def test_columns_left_out_are_nobody_and_nought():
    recorder = Recorder(DESIGN)
    recorder.exit(5)
    assert tuple(Trace(DESIGN, recorder.columns, {}, end=5).row(0)) == (5, 9, -1, -1, 0, 0)


def test_a_number_too_large_for_its_column_is_refused_and_leaves_nothing():
    recorder = Recorder(DESIGN)
    with pytest.raises(OverflowError, match=r"no row can hold exit\(1, 2147483648, -1, 0, 0\)"):
        recorder.exit(1, 2**31)
    assert len(recorder) == 0


def test_a_recorder_that_is_off_keeps_nothing():
    recorder = Recorder(DESIGN, on=False)
    recorder.switch(1, 2, 3, 4, 5)
    assert len(recorder) == 0


def test_a_verb_that_does_not_exist_is_named():
    with pytest.raises(AttributeError, match="no kind of row called 'swich'"):
        Recorder(DESIGN).swich(1)
