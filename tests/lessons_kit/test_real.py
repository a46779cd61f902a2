"""Lesson 1R: the exercise knows its answers, and what the lesson says in numbers stands in the recordings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedlab.exercises import check
from schedlab.goals import latencies, latency
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_real import RAW_6_12, Guess, beside, nice_shares, raw_lines, recording, side_by_side
from schedlab.linux.real import replay
from schedlab.linux.real.compared import play
from schedlab.linux.real.recorded import Traced
from schedlab.linux.weights import weight_of
from schedlab.readers.recording import rows
from schedlab.sim import MS, US
from schedlab.trace import Trace


def guess(price):
    return type("Mine", (Guess,), {"price": lambda self, task: price(task.nice)})


@pytest.mark.parametrize("price", [lambda nice: 1.25**nice, lambda nice: 1024 / weight_of(nice)])
def test_a_factor_of_five_quarters_and_the_kernels_table_pass(price):
    assert check(guess(price), exercise("real/price")).passed


@pytest.mark.parametrize(
    ("price", "says"),
    [
        (lambda nice: 1, "the four share alike"),
        (lambda nice: 20 - nice, "should be the cheapest"),
        (lambda nice: 20 + nice, "not the same difference"),
        (lambda nice: 1.1**nice, "3.05 to 1"),
    ],
)
def test_a_wrong_price_is_told_what_is_wrong_with_it_and_when(price, says):
    report = check(guess(price), exercise("real/price"))
    assert not report.passed
    assert [says in hint for hint in report.hints] == [True]
    assert report.marks[0]["rule"] == "as-recorded"
    assert 0 < report.marks[0]["time"] < 600 * MS


@pytest.mark.parametrize("price", [lambda nice: "much", lambda nice: 1 / nice, lambda nice: None, lambda nice: -1])
def test_a_price_that_is_none_is_a_report(price):
    report = check(guess(price), exercise("real/price"))
    assert not report.passed
    assert report.text()


def test_a_sleeper_is_served_in_microseconds_by_6_1_and_at_the_tick_by_6_12():
    traces = [lesson("real/6.1"), lesson("real/6.12")]
    old, new = (latency(trace, ["inter"]) for trace in traces if isinstance(trace, Trace))
    assert (old.number, new.number) == (181, 166)
    assert old.median is not None
    assert old.longest is not None
    assert 4 * US < old.median < old.longest < 6 * US
    assert new.median is not None
    assert new.longest is not None
    assert 990 * US < new.median < new.longest < 1_100 * US
    assert isinstance(traces[1], Trace)
    first = latencies(traces[1], ["inter"])[0]
    assert round(first.wake / MS, 3) == 10.033
    assert round((first.wake + first.ns) / MS, 3) == 11.129


def test_the_deadlines_of_that_wait_are_in_the_recording():
    path = recording("6.12", "w03_inter").path.with_suffix(".csv.gz")
    picks = {int(row["t_ns"]): row for row in rows(path) if row["event"] == "pick" and int(row["t_ns"]) < 13 * MS}
    hog, inter, again = (picks[at] for at in (10034761, 11124286, 12133595))
    assert [row["comm"] for row in (hog, inter, again)] == ["hog0", "inter", "hog0"]
    assert int(hog["deadline_ns"]) < int(inter["deadline_ns"]) < int(again["deadline_ns"])


def test_the_raw_lines_are_those_of_the_wait():
    text = raw_lines(RAW_6_12, 6, 5).split("\n")
    assert "prev_state=R" in text[0]
    assert "sched_wakeup: comm=inter" in text[2]
    assert text[4].endswith("next_comm=inter next_pid=281 next_prio=120")


def test_four_kernels_treat_nice_in_three_ways():
    assert nice_shares("2.4.24")[0]["nice -10"] == "33.0 %"
    assert nice_shares("2.6.20")[0]["nice -10"] == "49.4 %"
    assert nice_shares("6.1")[0]["nice -10"] == "67.9 %"
    assert nice_shares("6.12")[0]["nice -10"] == "68.0 %"
    jobs = {job.nice: job.cpu for job in recording("6.1", "w02a_nice").jobs}
    assert round(jobs[-10] / jobs[-5], 2) == 3.05
    assert round(jobs[-10] / jobs[5]) == 27


def test_the_table_says_where_they_part():
    assert side_by_side("6.1", "w03_inter")[0] == "The same in 149 of 633 turns, until 459.5 ms."
    assert side_by_side("6.12", "w03_inter")[0].endswith("in all 834 turns.")


# -- assumptions ------------------------------------------------------------------------------------------


def test_the_first_virtual_runtimes_are_the_recordings():
    """start-is-recorded: given to the model as they were; without them the turns are others."""
    whole = recording("6.1", "w01_3hogs")
    assert isinstance(whole, Traced)
    assert play(replace(whole, placed=None)).turns != play(whole).turns
    away = replay.Stage(replace(whole, foreign=()))
    away.run()
    assert not [row for row in zip(*away.recorder.columns) if row[0] > 0 and row[2] == 0]


def test_the_start_of_an_old_recording_is_one_of_those_tried():
    """start-is-searched: the run that is shown says which start it had."""
    assert play(recording("2.4.24", "w03_inter")).set_up == "the parent began with counter 19"


def test_costs_are_fixed_and_part_model_and_kernel_by_microseconds():
    """costs-are-fixed: at 459.48 ms two virtual runtimes are 2.5 µs apart, and the model's order is the other one."""
    whole = recording("6.1", "w03_inter")
    assert isinstance(whole, Traced)
    parted = beside("6.1", "w03_inter").divergence
    assert parted is not None
    assert parted.time == 459480325
    told = {int(row["t_ns"]): row for row in rows(whole.path.with_suffix(".csv.gz")) if row["event"] != "mark"}
    hog0, hog1 = int(told[459476036]["vruntime_ns"]), int(told[459477262]["vruntime_ns"])
    assert hog0 - hog1 == 2477
    stage = replay.Stage(whole)
    stage.machine.boot()
    stage.engine.run(459_480_000)
    mine = {task.name: task.vruntime for task in stage.machine.tasks.values() if task.name.startswith("hog")}
    assert -2 * US < mine["hog0"] - mine["hog1"] < 0
