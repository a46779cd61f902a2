"""Lesson 17: the exercise knows its answers, and what the lesson says in numbers is so."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.exercises import Question, check, questions, score
from schedlab.goals import latencies, segments, shares
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_eevdf import (
    BASE_SLICE,
    EEVDF_6_12,
    HZ,
    NAPS,
    REQUESTS,
    Choosing,
    ahead,
    asking,
    game_is_soon,
    napping,
    requests,
    served,
)
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.fair import FIRST_VRUNTIME
from schedlab.linux.real.compared import compare_with_recording
from schedlab.linux.weights import weight_of
from schedlab.scenario import Scenario, duration
from schedlab.sim import MS
from schedlab.trace import Trace
from schedlab.widgets.play import play
from tests.source import ROOT


class Right(Choosing):
    def choose(self, queued, queue):
        return min((task for task in queued if queue.eligible(task)), key=lambda task: task.deadline)


class ByTheAverage(Choosing):
    def choose(self, queued, queue):
        return min((task for task in queued if task.vruntime <= queue.average()), key=lambda task: task.deadline)


class NoEligibility(Choosing):
    def choose(self, queued, queue):
        return min(queued, key=lambda task: task.deadline)


class Least(Choosing):
    def choose(self, queued, queue):
        return min(queued, key=lambda task: task.vruntime)


class Latest(Choosing):
    def choose(self, queued, queue):
        return max((task for task in queued if queue.eligible(task)), key=lambda task: task.deadline)


@pytest.mark.parametrize("answer", [Right, ByTheAverage, EEVDF_6_12])
def test_the_earliest_deadline_among_the_eligible_passes(answer):
    assert check(answer, exercise("eevdf/pick")).passed


@pytest.mark.parametrize(
    ("answer", "broken", "told"),
    [
        (NoEligibility, ["ahead", "soon"], "the deadlines of all"),
        (Least, ["soon"], "what CFS takes"),
        (Latest, ["soon"], "The earliest is due first"),
    ],
)
def test_a_known_wrong_answer_is_told_its_own_reason(answer, broken, told):
    report = check(answer, exercise("eevdf/pick"))
    assert not report.passed
    assert [one.rule for one in report.broken] == broken
    assert [told in hint for hint in report.hints] == [True]
    assert report.marks[0]["time"] > 0


@pytest.mark.parametrize(
    ("choose", "told"),
    [
        (lambda self, queued, queue: None, "must return one of the tasks in queued, not None"),
        (lambda self, queued, queue: queued.clear(), "must return one of the tasks"),
        (lambda self, queued, queue: queued[99], "IndexError"),
    ],
)
def test_an_answer_that_is_none_is_a_report(choose, told):
    report = check(type("Mine", (Choosing,), {"choose": choose}), exercise("eevdf/pick"))
    assert not report.passed
    assert told in report.error


def test_a_choice_that_is_not_written_is_asked_for():
    assert "write choose" in check(Choosing, exercise("eevdf/pick")).text()


def test_the_two_rules_see_a_task_that_gets_all_of_a_long_turn():
    """Turns of 150 ms, as Linux 0.01 gives them."""
    long = Scenario("v0.01", [{"name": name} for name in ("game", "compiler", "archiver")], until="600ms").run()
    assert next(iter(ahead(long))).says == "archiver is 100 ms ahead of an equal share"
    assert next(iter(game_is_soon(long))).says == "the game waits for 300 ms"


def of(name: str) -> Scenario:
    """A run of this lesson that is a scenario."""
    run = lesson(f"eevdf/{name}")
    assert isinstance(run, Scenario)
    return run


def compared(one: Question) -> list[dict[str, Any]]:
    """The candidates of a decision."""
    assert one.note is not None
    return list(one.note["candidates"])


def picked(run: str, time: int) -> tuple[str, dict[str, tuple[int, int, int]]]:
    """Who was picked at this time, and lag, eligibility and deadline of each candidate (from V, ns)."""
    trace = of(run).run().explain()
    one = next(one for one in questions(trace) if one.time == time)
    names = trace.names["task"]
    numbers = {names[c["task"]]: c["numbers"] for c in compared(one)}
    rows = {name: (n["lag"], n["eligible"], n["virtual_deadline"]) for name, n in numbers.items()}
    return names[one.winner], rows


def test_at_7_ms_the_game_is_due_first_and_not_eligible():
    who, rows = picked("hook", 7 * MS)
    assert who == "compiler"
    assert {name: round(row[0] / MS, 2) for name, row in rows.items()} == {
        "game": -0.67, "compiler": 0.33, "archiver": 0.33,
    }  # fmt: skip
    assert [name for name, row in rows.items() if row[1]] == ["compiler", "archiver"]
    assert rows["compiler"][2] == rows["archiver"][2]
    assert rows["compiler"][2] - rows["game"][2] == 1 * MS
    had = dict.fromkeys(rows, 0)
    trace = of("hook").run()
    for one in segments(trace):
        had[trace.names["task"][one.task]] += max(min(one.stop, 7 * MS) - one.start, 0)
    assert had == {"game": 3 * MS, "compiler": 2 * MS, "archiver": 2 * MS}


def test_at_10_ms_the_game_is_due_first_and_eligible():
    who, rows = picked("hook", 10 * MS)
    assert who == "game"
    assert {name: round(row[0] / MS, 2) for name, row in rows.items()} == {
        "game": 0.33, "compiler": -1.67, "archiver": 1.33,
    }  # fmt: skip
    assert {name: round(row[2] / MS, 2) for name, row in rows.items()} == {
        "game": 0.67, "compiler": 4.67, "archiver": 1.67,
    }  # fmt: skip


def test_the_tiny_request_gets_a_third():
    assert round(shares(of("tiny").run())["game"], 2) == 0.34  # of 80 ms; a third in 6 s, see below
    assert {requests(duration(one, ""), hz)[0]["the game gets"] for one in REQUESTS for hz in (250, 1000)} == {
        "33 % of the CPU"
    }


def test_how_long_the_game_waits_for_what_it_asks():
    said = {one: requests(duration(one, ""))[0]["it waits at most"] for one in REQUESTS}
    assert said == {
        "0.1ms": "3 ms", "0.5ms": "4 ms", "1ms": "4 ms", "2ms": "6 ms", "3ms": "6 ms", "5ms": "12 ms", "10ms": "24 ms",
    }  # fmt: skip
    assert {requests(duration(one, ""), 250)[0]["it waits at most"] for one in ("0.1ms", "1ms", "3ms")} == {"8 ms"}


def test_the_editor_waits_for_the_archivers_slice():
    old, new, short = (of(name).run() for name in ("cfs", "late", "prompt"))
    assert (31 * MS, 0) in [(one.wake, one.ns) for one in latencies(old, ["editor"])]
    assert (34 * MS, 2 * MS) in [(one.wake, one.ns) for one in latencies(new, ["editor"])]
    assert (32 * MS, 0) in [(one.wake, one.ns) for one in latencies(short, ["editor"])]
    assert {one.ns for one in latencies(short, ["editor"])} == {0}
    assert [new.names["task"][row.who] for row in new.table("switch") if row.time == 33 * MS] == ["archiver"]
    assert (weight_of(-5), weight_of(0)) == (3121, 1024)
    assert round(3 * 1024 / 3121, 2) == 0.98


def test_at_that_wake_up_the_editor_is_eligible_and_due_first_and_the_archiver_protected():
    seen = []

    class Watched(EEVDF_6_12):
        def preempts_entity(self, rq, cpu, curr, woken):
            answer = super().preempts_entity(rq, cpu, curr, woken)
            if self.machine.now == 34 * MS:
                far = [round((task.deadline - rq.average()) / MS, 2) for task in (woken, curr)]
                eligible = [rq.eligible(task) for task in (woken, curr)]
                seen.append((woken.name, curr.name, far, eligible, self.protected(curr), answer))
            return answer

    of("late").but(scheduler=Watched).run()
    assert seen == [("editor", "archiver", [0.72, 1.41], [True, True], True, False)]


def test_two_seconds_of_each_are_counted():
    assert served("cfs").endswith("182 wake-ups, median wait 0 ns, 95 of 100 within 0 ns")
    assert served("late").endswith("172 wake-ups, median wait 0 ns, 95 of 100 within 2 ms")
    assert served("prompt").endswith("182 wake-ups, median wait 0 ns, 95 of 100 within 0 ns")


@pytest.mark.parametrize(("name", "moment"), [("late", "33ms"), ("late", "36ms"), ("debt-6.6", "36ms")])
def test_who_is_picked_among_waiting_ones_that_are_ahead_is_said_to_be_alone_eligible(name, moment):
    text = play(of(name), at=moment).text
    assert "it alone is eligible." in text
    assert "Not eligible:" in text
    assert "it alone could run" not in text


def test_a_deadline_in_a_sentence_says_where_it_is_counted_from():
    assert "its deadline, 3 ms from V, equals archiver's" in play(of("late"), at="30ms").text


def test_the_three_zeros_of_the_text():
    """The game's deadline at 7 ms: 4 from the start, 1.667 from V, and 2.951 where Linux begins to count."""
    trace = of("hook").run().explain()
    one = next(one for one in questions(trace) if one.time == 7 * MS)
    assert one.note is not None
    game = trace.names["task"].index("game")
    numbers = next(c["numbers"] for c in one.note["candidates"] if c["task"] == game)
    assert numbers["virtual_deadline"] == pytest.approx(4 * MS - 7 * MS / 3, abs=1)
    deadline = [row.a for row in trace.table("field_deadline") if row.who == game and row.time <= 7 * MS][-1]
    assert deadline == 4 * MS + FIRST_VRUNTIME


def test_the_game_has_twelve_questions_that_no_habit_answers():
    trace = of("game").run().explain()
    asked = questions(trace)
    assert len(asked) == 12  # as the lesson says
    assert round(score({}, trace).chance * 100) == 25  # as the lesson says
    places = [one.candidates.index(one.winner) for one in asked]
    assert max(places.count(place) for place in places) <= 5
    assert not [one for one in asked if any(c["verdict"] == "tie" for c in compared(one))]
    earliest = [
        min(compared(one), key=lambda c: c["numbers"]["virtual_deadline"])["task"] == one.winner for one in asked
    ]
    least = [max(compared(one), key=lambda c: c["numbers"]["lag"])["task"] == one.winner for one in asked]
    assert earliest.count(False) >= 3  # the deadline alone does not win,
    assert least.count(False) >= 3  # and neither does the lag


def test_a_deadline_of_the_game_is_ahead_plus_what_is_asked():
    """Or plus half of it, before a task has run."""
    trace = of("game").run().explain()
    names = trace.names["task"]
    asks = {"game": 1 * MS, "music": 1_500_000, "compiler": 3 * MS, "archiver": 7 * MS}
    ran: set[str] = set()
    for one in questions(trace):
        for c in compared(one):
            name, numbers = names[c["task"]], c["numbers"]
            due = asks[name] if name in ran else asks[name] // 2
            assert numbers["virtual_deadline"] == due - numbers["lag"]
            assert bool(numbers["eligible"]) == (numbers["lag"] >= 0)
        ran.add(names[one.winner])


def test_a_debt_outlives_a_sleep_in_6_6_and_is_paid_by_time_in_6_12():
    old, new = (of(name).run() for name in ("debt-6.6", "debt"))
    assert (38 * MS, 7 * MS) in [(one.wake, one.ns) for one in latencies(old, ["backup"])]
    assert (36 * MS, 1 * MS) in [(one.wake, one.ns) for one in latencies(new, ["backup"])]
    facts = {nap: napping(duration(nap, ""))[0] for nap in NAPS}
    assert facts["5ms"] == {
        "Linux 6.6": "21 % of the CPU, median wait 7 ms", "Linux 6.12": "33 % of the CPU, median wait 1 ms",
    }  # fmt: skip
    assert facts["0.1ms"]["Linux 6.12"] == "33 % of the CPU, median wait 5.9 ms"


def test_when_it_wakes_in_6_12_it_owes_nothing_and_the_archiver_is_in_its_slice():
    seen = []

    class Watched(EEVDF):
        def preempts(self, cpu, woken):
            if self.machine.now == 36 * MS:
                rq = self.queues_of[0]
                seen.append((woken.name, cpu.curr.name, rq.eligible(woken), self.protected(cpu.curr)))
            return super().preempts(cpu, woken)

    trace = of("debt").but(scheduler=Watched).run()
    assert seen == [("backup", "archiver", True, True)]
    assert [trace.names["task"][row.who] for row in trace.table("switch") if row.time == 34 * MS] == ["archiver"]


def test_the_count_of_a_queue_begins_below_zero():
    assert round(FIRST_VRUNTIME / MS, 3) == -1.049


def test_the_recording_and_the_model_agree():
    found = compare_with_recording(ROOT / "data/linux/6.12-eevdf/w03_inter.json")
    assert found.divergence is None
    assert len(found.recording.stretches) == 834
    real = lesson("eevdf/kernel")
    assert isinstance(real, Trace)
    first = latencies(real, ["inter"])[0]
    assert (round(first.wake / MS, 3), round((first.wake + first.ns) / MS, 3)) == (10.033, 11.129)


# -- assumptions ------------------------------------------------------------------------------------------


def base_slice(cpus: int) -> int:
    """What a task that asks for nothing gets on so many CPUs, ns."""
    run = Scenario("eevdf", [{"name": "hog"}], cpus=cpus, until="10ms")
    policy = run.policy()
    run.run(policy=policy)
    return int(policy.machine.tasks[0].slice)


def test_the_usual_slice_is_that_of_eight_cpus():
    """one-of-eight."""
    assert base_slice(8) == BASE_SLICE == 3 * MS
    assert base_slice(1) == 750_000


def test_a_task_asks_once():
    """asks-at-birth: what is asked holds from the first request to the last."""
    run = asking([{"name": "game"}, {"name": "hog"}], "", game="1ms")
    policy = run.policy()
    run.run(policy=policy)
    assert isinstance(policy, EEVDF)
    assert {task.name: task.slice for task in policy.machine.tasks.values()} == {"game": 1 * MS, "hog": BASE_SLICE}


def test_a_sleep_ends_to_the_nanosecond():
    """sleeps-are-exact."""
    trace = Scenario("eevdf", [{"name": "a", "does": [{"sleep": 1_234_567}, {"run": "1ms"}]}], machine=HZ).run()
    assert [row.time for row in trace.table("wake")][-1] == 1_234_567
