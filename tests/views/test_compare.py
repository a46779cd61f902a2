"""Two futures side by side."""

from __future__ import annotations

from array import array

import pytest

from schedlab.trace import Trace
from schedlab.views.compare import compare
from schedlab.views.payload import DIFFERENCE, unpack
from tests.views.runs import MS, plain, scenario


def test_two_futures_share_their_events_up_to_the_first_difference():
    whole = scenario("o(n)")
    other = whole.fork("100ms", {"renice": {"task": "hog0", "nice": 10}})
    a, b, difference = whole.compare(other)
    one, two, info = compare(a, b)
    assert difference is not None
    assert info["prefix"] == info["differ_a"] == info["differ_b"] == difference.row
    first, second = unpack(*one), unpack(*two)
    assert second["events.at"][info["differ_b"]] == 100 * MS
    assert [k for k, flags in enumerate(first["events.flags"]) if flags & DIFFERENCE] == [info["differ_a"]]
    assert [k for k, flags in enumerate(second["events.flags"]) if flags & DIFFERENCE] == [info["differ_b"]]


def test_explained_futures_part_where_plain_ones_do_or_at_their_reasons():
    whole = scenario("o(n)")
    a, b, difference = whole.compare(whole.fork("100ms", {"renice": {"task": "hog0", "nice": 10}}))
    one, _two, info = compare(a.explain(), b.explain())
    assert difference is not None
    assert unpack(*one)["events.at"][info["differ_a"]] <= difference.time_a


def test_equal_futures_have_no_difference():
    _one, _two, info = compare(plain("o1"), plain("o1"))
    assert info["differ_a"] is info["differ_b"] is None
    assert info["prefix"] == len(plain("o1"))


def test_totals_stand_side_by_side():
    a, b = plain("o(n)"), plain("o1")
    info = compare(a, b)[2]
    totals = {total["name"]: (total["a"], total["b"]) for total in info["totals"]}
    switched = [
        sum(one.kinds[k].name == "switch" and t < one.end for k, t in zip(one.kind, one.time)) for one in (a, b)
    ]
    assert totals["switches"] == tuple(switched)
    assert totals["longest wait"][0] < totals["longest wait"][1]


def test_runs_of_two_families_cannot_be_compared():
    from schedlab.scenario import Scenario

    toy = Scenario("cooperative", [{"name": "a", "work": "1ms"}]).run()
    with pytest.raises(ValueError, match="a linux run and a design run have no events in common"):
        compare(plain("o1"), toy)


def test_events_within_the_tolerance_of_a_trace_are_the_same_and_no_others():
    early = plain("o(n)")
    times = array("q", (time + 9 for time in early.time))
    columns = (times, early.kind, early.who, early.where, early.a, early.b)
    for tolerance, differ in ((9, None), (8, 0), (0, 0), ("9", 0)):
        late = Trace(early.family, columns, early.names, end=early.end + 9, about={"tolerance": tolerance})
        assert compare(early, late)[2]["differ_a"] == differ


def test_a_share_of_the_cpu_that_has_grown_is_told():
    """The liar of lesson 13: its waits look better, and what it has won is the CPU."""
    from schedlab import lesson

    _one, _two, info = compare(lesson("o1/honest").run(), lesson("o1/liar").run())
    share = next(total for total in info["totals"] if total["name"] == "CPU of compiler")
    assert share["b"] > share["a"] + 5
    assert not any(total["name"].startswith("CPU of") for total in compare(plain("o1"), plain("o1"))[2]["totals"])
