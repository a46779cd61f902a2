"""Traces: reading, words, keeping, and what a damaged file says."""

from __future__ import annotations

import json

import pytest

from schedlab.scenario import Scenario
from schedlab.trace import Replay, Trace, TraceError, family_named, first_difference, judgement

SCENARIO = Scenario("o1", [{"name": "hog"}, {"name": "<b>&", "does": [{"repeat": [{"run": "2ms"}, {"sleep": "5ms"}]}]}],
                    until="100ms")  # fmt: skip
TRACE = SCENARIO.run()


def test_rows_are_read_by_number_kind_and_time():
    assert list(TRACE.rows(0, 3)) == [TRACE.row(0), TRACE.row(1), TRACE.row(2)]
    assert TRACE.row(-1) == TRACE.row(len(TRACE) - 1)
    with pytest.raises(IndexError):
        TRACE.row(len(TRACE))
    assert all(TRACE.kinds[row.kind].name == "wake" for row in TRACE.table("wake"))
    assert TRACE.index_at(-1) == 0
    assert TRACE.index_at(TRACE.end) == len(TRACE)
    assert TRACE.first_at(0) == 0


def test_an_unknown_kind_is_told_with_those_there_are():
    with pytest.raises(ValueError, match="no kind of row is called 'swich'; there are spawn, wake, switch"):
        TRACE.table("swich")


def test_a_name_is_shown_as_it_was_typed():
    assert TRACE.sentence(2) == "<b>& is created on CPU 0, nice 0"


def test_a_replay_stops_at_both_ends():
    replay = Replay(TRACE)
    with pytest.raises(IndexError, match="stands at the start"):
        replay.back()
    replay.seek(len(TRACE))
    with pytest.raises(IndexError, match="stands at the end"):
        replay.forward()
    for index in (-1, len(TRACE) + 1):
        with pytest.raises(IndexError, match=f"row {index} is not in 0"):
            replay.seek(index)


def test_a_trace_without_rows_can_be_kept_and_replayed(tmp_path):
    empty = SCENARIO.run(record=False)
    empty.save(tmp_path / "empty.json")
    again = Trace.load(tmp_path / "empty.json")
    assert len(again) == 0
    assert again.at(50).index == 0
    assert again.end == empty.end


def test_the_first_difference_of_equal_traces_is_none():
    assert first_difference(TRACE, SCENARIO.run()) is None


def test_a_longer_trace_differs_where_the_shorter_ends():
    longer = SCENARIO.but(until="200ms").run()
    difference = first_difference(TRACE, longer)
    assert difference is not None
    assert (difference.row, difference.time_a, difference.time_b) == (len(TRACE), None, longer.time[len(TRACE)])


def damaged(**changes):
    data = TRACE.to_json()
    data["columns"] = {name: list(column) for name, column in data["columns"].items()}
    for key, value in changes.items():
        data[key] = value(data) if callable(value) else value
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "not a saved trace"),
        (damaged(schedlab=99), "the key 'schedlab' is not 1"),
        (damaged(family="bsd"), "no family is called 'bsd'; there are"),
        (damaged(family=["linux"]), "no family is called"),
        (damaged(columns={}), "column 'time'"),
        (damaged(columns=lambda d: {**d["columns"], "who": d["columns"]["who"][:-1]}), "the columns differ in length"),
        (
            damaged(columns=lambda d: {**d["columns"], "kind": [99] * len(TRACE)}),
            "row 0: the linux family has no kind 99",
        ),
        (damaged(columns=lambda d: {**d["columns"], "kind": ["x"] * len(TRACE)}), "column 'kind'"),
        (damaged(columns=lambda d: {**d["columns"], "time": [-5, *d["columns"]["time"][1:]]}), "row 0: a time cannot"),
        (damaged(columns=lambda d: {**d["columns"], "time": [9, *d["columns"]["time"][1:]]}), "row 1: time goes back"),
        (damaged(end="late"), "'end' must be a time in ns"),
        (damaged(end=1), "'end' must be a time in ns not before the last row"),
        (damaged(names=[]), "'names' must map a table to a list of names"),
        (damaged(names=lambda d: {**d["names"], "task": []}), "there is no task 0, 'names' has 0"),
        (damaged(columns=lambda d: {**d["columns"], "who": [255] * len(TRACE)}), "row 0: there is no task 255"),
        (damaged(end=10**30), "'end' must be a time in ns"),
        (damaged(notes=7), "'notes' must be a list, not 7"),
        (damaged(about=[1]), "'about' must map keys to values, not [1]"),
        (damaged(about={"assumptions": 7}), "'about.assumptions' must be a list of sentences, not 7"),
    ],
)
def test_a_damaged_file_says_what_and_where_and_loads_nothing(data, words, tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(data))
    with pytest.raises(TraceError) as caught:
        Trace.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", '{"schedlab": 1', "\x00\x01", "[" * 100_000, '{"schedlab":' + "9" * 5000 + "}"]
)
def test_a_cut_off_file_is_told(text, tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(text)
    with pytest.raises(TraceError, match="not a saved trace"):
        Trace.load(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_what_is_no_file_is_not_read(path):
    with pytest.raises(TraceError, match="not a file"):
        Trace.load(path)


def test_what_cannot_be_saved_leaves_the_older_file(tmp_path):
    path = tmp_path / "t.json"
    TRACE.save(path)
    before = path.read_bytes()
    broken = Trace.from_json({**TRACE.to_json(), "about": {"title": "\ud800"}})
    with pytest.raises(UnicodeEncodeError):
        broken.save(path)
    assert path.read_bytes() == before


def test_a_recording_cannot_be_explained_and_says_why(tmp_path):
    TRACE.save(tmp_path / "t.json")
    with pytest.raises(ValueError, match="this trace is a recording"):
        Trace.load(tmp_path / "t.json").explain()


def test_every_kind_has_a_sentence_whose_fields_are_columns():
    for family in ("linux", "design"):
        for kind in family_named(family).kinds:
            assert kind.text
            for effect in kind.sets:
                assert effect.field in {field.name for field in family_named(family).fields}


@pytest.mark.parametrize("wrong", ["20ms", None, []])
def test_what_is_no_time_or_row_is_told(wrong):
    trace = Scenario("o1", [{"name": "a"}], until="10ms").run()
    for ask in (trace.at, trace.index_at, trace.first_at):
        with pytest.raises(TypeError, match="a number of ns"):
            ask(wrong)
    with pytest.raises(TypeError, match="whole numbers of rows"):
        trace.explain(wrong)
    with pytest.raises(TypeError, match="@judgement stands before a method"):
        judgement(wrong)
