"""Two futures side by side."""

from __future__ import annotations

from array import array

import pytest

from schedlab.lessons.catalogue import lesson
from schedlab.scenario import Scenario
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


def counted(one: str, other: str) -> dict[str, tuple[float, float]]:
    """The totals of two runs of the lessons, in their unit."""
    runs = [run.run() if isinstance(run, Scenario) else run for run in (lesson(one), lesson(other))]
    found = {}
    for total in compare(*runs)[2]["totals"]:
        scale = total.get("scale", 1)
        found[total["name"]] = (round(total["a"] / scale, 3), round(total["b"] / scale, 3))
    return found


def test_runs_whose_work_is_done_are_counted_to_their_own_ends():
    """Lesson 04: every job takes as long in both, so there is no share of the CPU to tell."""
    assert counted("stealing/none", "stealing/stealing") == {
        "switches": (7, 5),
        "all done after": (23.864, 9.78),
        "longest wait": (21.459, 5.374),
    }
    assert counted("preemption/cooperative", "preemption/preemptive")["switches"] == (3, 5)  # as lesson 02 says


@pytest.mark.parametrize(
    ("one", "other", "task", "waits"),
    [
        ("start/hook", "start/asked", "editor", (122.5, 62.5)),  # its key at the fork waits 125 ms in A, 0 ms in B
        ("cfs/polite", "cfs/plain", "music", (2, 0)),
        ("eevdf/cfs", "eevdf/late", "editor", (0, 1)),
        ("eevdf/late", "eevdf/prompt", "editor", (1.2, 0)),
    ],
)
def test_of_sleepers_the_wait_after_a_wake_up_is_told_from_where_the_futures_part(one, other, task, waits):
    found = counted(one, other)
    assert found[f"{task}'s mean wait from ≠"] == waits
    assert "longest wait" not in found


def test_a_longer_run_is_counted_as_far_as_the_shorter_one_goes():
    short = Scenario("cfs", [{"name": "one"}, {"name": "two"}], until="400ms")
    found = compare(short.run(), short.but(until="800ms").run())[2]["totals"]
    assert [total["name"] for total in found] == ["switches (first 400 ms)", "longest wait (first 400 ms)"]
    assert all(total["a"] == total["b"] for total in found)


def test_a_share_of_the_cpu_that_has_grown_is_told():
    """The liar of lesson 13: its waits look better, and what it has won is the CPU."""
    _one, _two, info = compare(lesson("o1/honest").run(), lesson("o1/liar").run())
    share = next(total for total in info["totals"] if total["name"] == "CPU of compiler")
    assert share["b"] > share["a"] + 5
    assert not any(total["name"].startswith("CPU of") for total in compare(plain("o1"), plain("o1"))[2]["totals"])
