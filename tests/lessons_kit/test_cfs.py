"""Lesson 15: the numbers of its prose, and its exercise with right and wrong answers and what each is told."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise
from typing import Any

import pytest

from schedlab.exercises import check, questions, score
from schedlab.goals import latencies, latency, segments, shares
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_cfs import one_sleep, pair, placed, slice_of, slices
from schedlab.lessons.linux_real import beside, recording, same_turns
from schedlab.linux.cfs import CFS
from schedlab.linux.fair import FIRST_VRUNTIME
from schedlab.linux.weights import WEIGHTS
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import Trace


def run(name: str) -> Trace:
    """A run of the lesson."""
    found = lesson(f"cfs/{name}")
    return found.run() if isinstance(found, Scenario) else found


def stays(trace: Trace) -> list[tuple[str, int, int]]:
    """Who had the CPU, from when, and for how many ms."""
    names = trace.names["task"]
    found = []
    for task, group in groupby(segments(trace), key=lambda one: one.task):
        parts = list(group)
        found.append((names[task], parts[0].start // MS, (parts[-1].stop - parts[0].start) // MS))
    return found


def compared(one: Any, field: str) -> dict[int, int]:
    """What a decision compares, by task."""
    return {entry["task"]: entry["numbers"][field] for entry in one.note["candidates"]}


def seen(trace: Trace, field: str) -> dict[int, dict[str, int]]:
    """What each decision compares, by its time in ms and by name."""
    asked = questions(trace.explain(0, len(trace)))
    return {
        one.time // MS: {trace.name("task", task): value for task, value in compared(one, field).items()}
        for one in asked
    }


def test_the_turns_of_the_hook():
    turns = [stay for stay in stays(run("hook")) if 20 <= stay[1] < 100]
    assert turns[:4] == [("archiver", 20, 4), ("compiler", 24, 12), ("archiver", 36, 4), ("compiler", 40, 12)]
    assert {(name, length) for name, _start, length in turns} == {("archiver", 4), ("compiler", 12)}


def test_the_answer_to_the_hook():
    at = seen(run("hook"), "virtual_runtime")
    assert [at[24]["compiler"], at[24]["archiver"]] == [14_951_424, 23_405_154]  # 14.95 and 23.41 ms
    assert at[32]["compiler"] == 22_951_424 < at[32]["archiver"] == 23_405_154
    assert at[36]["compiler"] == 26_951_424 > at[36]["archiver"]
    assert round(4 * 1024 / 335, 1) == 12.2
    assert at[0] == {"compiler": -(1 << 20), "archiver": -(1 << 20)}  # -1.05 ms


def test_the_balances_of_2_6_23():
    trace = run("clock")
    assert trace.name("task", next(row.who for row in trace.table("switch") if row.time == 8 * MS)) == "archiver"
    assert trace.scenario is not None
    scenario = trace.scenario.but(until=8 * MS + 1)
    policy = scenario.policy()
    scenario.run(policy=policy)
    compiler, archiver, _indexer = policy.machine.tasks.values()
    assert compiler.wait_runtime == -5_333_334
    assert archiver.wait_runtime + 1 == pytest.approx(2_666_666, abs=3)
    assert compiler.fair_key == 8 * MS + 1  # 2.67 - (-5.33) = 8.00 ms
    assert policy.queues_of[0].fair_clock == pytest.approx(8 * MS / 3, abs=3)


def test_the_tree_has_five_of_six_and_its_leftmost_is_picked():
    trace = run("tree")
    at = seen(trace, "virtual_runtime")
    assert min(at[20], key=lambda name: at[20][name]) == "n-1"
    assert min(at[24], key=lambda name: at[24][name]) == "n-1"  # which runs on
    assert stays(trace)[4:6] == [("n0", 16, 4), ("n-1", 20, 8)]
    assert trace.scenario is not None
    policy = trace.scenario.policy()
    trace.scenario.but(until=21 * MS).run(policy=policy)
    assert len(policy.queues_of[0].tree) == 5


def test_five_levels_are_worth_the_same_everywhere():
    for nice in (-20, 0, 14):
        share = float(pair(nice, 5)[0][f"first, nice {nice}"].split()[-2])
        assert 74.9 <= share <= 75.5
    assert "55" in pair(0, 1)[0]["first, nice 0"]
    assert all(1.15 < a / b < 1.35 for a, b in pairwise(WEIGHTS))


def test_slices_and_turns():
    assert [round(slice_of(n), -3) for n in (2, 8, 9, 16)] == [3_000_000, 750_000, 750_000, 750_000]
    assert slice_of(7) > slice_of(8)  # from eight on it no longer shrinks
    assert slices(8, 250)[0]["everybody should run once in"] == "6 ms"
    assert slices(9, 250)[0]["everybody should run once in"] == "6.75 ms"
    for tasks in (2, 3, 6, 8, 16):
        assert slices(tasks, 250)[0]["a turn, with 250 ticks a second"] == "4 ms"
    assert slices(2, 1000)[0]["a turn, with 1000 ticks a second"] == "3 ms"


def test_what_a_sleep_is_worth():
    assert one_sleep(6 * MS)[0]["put so far behind"] == "2 ms"
    assert one_sleep(7 * MS)[0]["put so far behind"] == "3 ms"
    assert {one_sleep(ms * MS)[0]["put so far behind"] for ms in range(7, 61)} == {"3 ms"}
    waits = {nice: one_sleep(30 * MS, nice)[0]["waits for the CPU"] for nice in range(-20, 20)}
    assert {nice for nice, waited in waits.items() if waited != "0 ns"} == set(range(5, 20))
    assert one_sleep(30 * MS, 5)[0]["preempts if further left than"] == "3.057 ms"


def test_the_game_can_be_reckoned_and_is_not_won_by_one_name():
    trace = run("game")
    explained = trace.explain(0, len(trace))
    asked = questions(explained)
    assert len(asked) == 16
    assert all(len(one.candidates) >= 2 for one in asked)
    winners = Counter(one.winner for one in asked)
    assert max(winners.values()) <= 7
    assert round(score({}, explained).chance * 100) == 31
    for one in asked:
        numbers = compared(one, "virtual_runtime")
        assert numbers[one.winner] == min(numbers.values())
    assert [round(4 * 1024 / weight, 1) for weight in (335, 1024, 3121)] == [12.2, 4.0, 1.3]


def test_the_editor_of_the_game_comes_back_3_ms_behind_all():
    for time, numbers in seen(run("game"), "virtual_runtime").items():
        if time > 8 and "editor" in numbers:
            rest = [value for name, value in numbers.items() if name != "editor"]
            assert numbers["editor"] == min(rest) - 3 * MS


def test_music_at_nice_10_waits_and_at_nice_0_does_not():
    polite, plain = run("polite"), run("plain")
    assert latency(polite, ["music"]).median == 2 * MS
    assert {one.ns for one in latencies(polite, ["music"]) if one.wake > 10 * MS} == {2 * MS}
    assert {one.ns for one in latencies(plain, ["music"]) if one.wake > 100 * MS} == {0}
    assert shares(polite)["music"] < 0.03
    assert round(110 / (110 + 2 * 1024), 2) == 0.05
    assert one_sleep(30 * MS, 10)[0]["preempts if further left than"] == "9.309 ms"
    one, other = lesson("cfs/polite"), lesson("cfs/plain")
    assert isinstance(one, Scenario)
    assert isinstance(other, Scenario)
    difference = one.compare(other)[2]
    assert difference is not None
    assert difference.time_a == difference.time_b == 100 * MS


def test_the_recording_and_its_model():
    assert same_turns(beside("6.1", "w02a_nice")) == "The same task at the same time, to half a tick, in all 453 turns."
    turns: dict[str, list[int]] = {}
    for one in recording("6.1", "w02a_nice").stretches:
        turns.setdefault(one.task, []).append(round((one.end - one.start) / MS))
    assert turns["n-10"][:4] == [12, 12, 8, 8]
    for name in ("n-5", "n0", "n5"):
        assert set(turns[name][1:]) == {4}
    weights = [9548, 3121, 1024, 335]
    assert round(6 * weights[0] / sum(weights), 1) == 4.1


class Hoards(CFS):
    def place(self, rq, task, initial):
        if initial:
            super().place(rq, task, initial)


class NoCredit(CFS):
    def place(self, rq, task, initial):
        task.vruntime = max(task.vruntime, rq.min_vruntime)


class MovedBack(CFS):
    def place(self, rq, task, initial):
        if initial:
            super().place(rq, task, initial)
        else:
            task.vruntime = rq.min_vruntime - self.latency_ns // 2


class WholeLatency(CFS):
    def place(self, rq, task, initial):
        if initial:
            super().place(rq, task, initial)
        else:
            task.vruntime = max(task.vruntime, rq.min_vruntime - self.latency_ns)


@pytest.mark.parametrize("answer", [CFS, WholeLatency])
def test_a_furthest_place_passes(answer):
    assert check(answer, exercise("cfs/place")).passed


@pytest.mark.parametrize(
    ("answer", "rule", "told"),
    [
        (Hoards, "longest-wait", "until it has caught up"),
        (NoCredit, "editor-prompt", "level with the queue"),
        (MovedBack, "compiler-share", "what it has had is forgotten"),
    ],
)
def test_a_known_wrong_answer_is_told_its_own_reason(answer, rule, told):
    report = check(answer, exercise("cfs/place"))
    assert not report.passed
    assert {one.rule for one in report.broken} == {rule}
    assert len(report.hints) == 1
    assert told in report.hints[0]
    assert report.marks[0]["time"] > 0


def test_where_the_kernel_puts_a_sleeper():
    assert placed(CFS, 5_000 * MS) == 3 * MS
    assert placed(CFS, -5 * MS) == -5 * MS


def test_tasks_start_level_and_forked_ones_behind():
    """all-start-level: two at time 0 have one vruntime; a child forked later stands a slice to the right."""
    does: list[Any] = [{"run": "2ms"}, {"fork": {"name": "child"}}, {"run": "forever"}]
    shell = {"name": "shell", "does": does}
    scenario = Scenario("cfs", [shell, {"name": "hog"}], until="40ms")
    early, late = scenario.policy(), scenario.policy()
    scenario.but(until=1).run(policy=early)
    assert {task.vruntime - task.sum_exec_runtime for task in early.machine.tasks.values()} == {FIRST_VRUNTIME}
    scenario.but(until=2 * MS + 1).run(policy=late)
    child = next(task for task in late.machine.tasks.values() if task.name == "child")
    assert child.vruntime == late.queues_of[0].min_vruntime + 2 * MS  # 6 ms among three


def test_a_sleep_ends_to_the_nanosecond():
    """timers-have-no-slack: a sleep of 1,234,567 ns ends then."""
    trace = Scenario("cfs", [{"name": "a", "does": [{"sleep": 1_234_567}, {"run": "1ms"}]}]).run()
    assert [row.time for row in trace.table("wake")][-1] == 1_234_567


def test_tasks_share_by_their_own_weights():
    """one-group: three tasks of equal weight have a third each, whoever started them."""
    got = shares(Scenario("cfs", [{"name": name} for name in "abc"], until="3s").run())
    assert all(share == pytest.approx(1 / 3, abs=0.005) for share in got.values())
