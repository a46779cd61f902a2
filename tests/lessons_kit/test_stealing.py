"""Lesson 04: what its text says of runs, its exercise with right and wrong answers, its assumptions."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.design.results import KIND, results
from schedlab.design.stealing import Stealing
from schedlab.exercises import check, questions
from schedlab.goals import cpu_time
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.design_stealing import (
    BURSTS,
    BUSY,
    INTERVALS,
    amounts,
    burst,
    counted,
    done_after,
    farm,
    found_nothing,
    load,
    message,
    sent_while_busy,
    yard,
)  # fmt: skip
from schedlab.scenario import Scenario
from schedlab.sim import MS, US
from schedlab.trace import Trace
from schedlab.widgets.play import play


def scenario(name: str) -> Scenario:
    made = lesson(f"stealing/{name}")
    assert isinstance(made, Scenario)
    return made


# -- what the text says ------------------------------------------------------------------------------------


def test_the_hook_says_when_all_is_done_and_what_was_sent():
    rows = {name: counted(scenario(name)) for name in ("none", "sharing", "stealing")}
    assert [row["all done after"] for row in rows.values()] == ["23.9 ms", "15.1 ms", "9.8 ms"]
    assert [row["messages"] for row in rows.values()] == [0, 21, 14]
    assert [row["sent by a busy CPU"] for row in rows.values()] == [0, 19, 0]
    assert rows["stealing"]["found nothing"] == 8
    assert scenario("none").run().table("spawn")[-1].time == 1_400 * US


def test_the_work_of_the_hook_is_the_same_three_times():
    works = [cpu_time(scenario(name).run()) for name in ("none", "sharing", "stealing")]
    assert works[0] == works[1] == works[2]
    assert works[0]["job 0"] // (100 * US) == 69


def test_under_sharing_two_jobs_wait_behind_the_long_one_while_a_cpu_is_idle():
    trace = scenario("sharing").run()
    replay = trace.at(4 * MS)
    ready = trace.family.states.index("ready")
    waiting = [trace.name("task", task) for task, now in enumerate(replay.state["state"]) if now == ready]
    at_cpu_0 = [name for name in waiting if replay.state["home"][trace.names["task"].index(name)] == 0]
    assert at_cpu_0 == ["job 3", "job 6"]
    assert replay.state["running"][1] == -1


def test_the_worked_theft_takes_three_of_five_and_one_is_stolen_again():
    thefts = [(row.time, row.where, row.a, row.b) for row in scenario("stealing").run().table("steal")]
    assert (1_536 * US, 1, 0, 3) in thefts
    assert (1_601 * US, 2, 1, 1) in thefts


def test_busy_cpus_make_stealing_cheap_and_idle_ones_make_it_dear():
    _none, sharing, stealing = load(400 * US)[0]
    assert (sharing["messages"], stealing["messages"]) == (518, 89)
    _none, sharing, stealing = load(4 * MS)[0]
    assert (sharing["messages"], stealing["messages"], stealing["found nothing"]) == (449, 701, 648)


@pytest.mark.parametrize("every", INTERVALS[::5])
def test_no_thief_has_other_work(every):
    assert sent_while_busy(farm("stealing", every).run()) == 0


def test_the_lines_cross_where_cpus_begin_to_be_idle():
    chart = load(400 * US)[1]
    pairs = list(zip(chart.series["sharing"], chart.series["stealing"]))
    assert [one[1] > other[1] for one, other in pairs] == [x <= 1.0 for (x, _y), _other in pairs]


def test_dear_messages_make_sharing_worse_than_doing_nothing():
    assert done_after("sharing", MS) > done_after("none", MS) > done_after("sharing", 900 * US)
    assert done_after("stealing", MS) < done_after("none", MS) / 2
    assert message(MS)[0]["stealing"] == "done after 222.9 ms"
    assert farm("none", BUSY).run().end == done_after("none", 0)


def test_one_at_a_time_sends_more_and_moves_less():
    half, one = amounts(256)[0]
    assert (half["messages"], one["messages"]) == (38, 392)
    assert (half["jobs moved"], one["jobs moved"]) == (313, 188)
    assert all(results(burst(n, "half")).messages <= results(burst(n, "one")).messages for n in BURSTS)


def test_the_game_asks_ten_times_and_guessing_gets_33_percent():
    asked = questions(scenario("game").run().explain())
    assert len(asked) == 10
    assert round(100 * sum(1 / len(one.candidates) for one in asked) / len(asked)) == 33


def test_chance_decides_nothing_in_the_game():
    """Four of its questions are thefts; another seed for the victims' order alone would change nothing."""
    trace = scenario("game").run()
    explained = trace.explain()
    thefts = {(row.time, row.where) for row in trace.table("steal")}
    asked = [explained.row(one.row) for one in questions(explained)]
    assert sum((row.time, row.where) in thefts for row in asked) == 4
    for row in trace.rows():
        if row.kind == KIND["miss"]:  # whoever has a lower number was looked at and had nothing, or is the thief
            later = [one.a for one in trace.table("steal") if (one.time, one.where) == (row.time, row.where)]
            assert all(row.a < victim for victim in later)


def test_a_wrong_answer_is_told_in_the_words_of_the_table():
    head = play(scenario("game"), scheduler=True).head
    templates = head["templates"]["en"]
    said = " ".join(str(templates[one["long"]]) for one in head["reasons"] if one["long"])
    assert "further back in line" in said
    assert "turn" not in said


# -- the exercise --------------------------------------------------------------------------------------------


class ByNumber(Stealing):
    def order(self, cpu: Any) -> list[Any]:
        return [other for other in self.machine.cpus if other is not cpu]


class NextDoor(Stealing):
    def order(self, cpu: Any) -> list[Any]:
        cpus = list(self.machine.cpus)
        return cpus[cpu.id + 1 :] + cpus[: cpu.id]


class Emptiest(ByNumber):
    def order(self, cpu: Any) -> list[Any]:
        return sorted(super().order(cpu), key=lambda other: len(self.queue[other.id]))


class OnlyOne(Stealing):
    def order(self, cpu: Any) -> list[Any]:
        return self.victims[cpu.id][:1]


class Longest(ByNumber):
    def order(self, cpu: Any) -> list[Any]:
        return sorted(super().order(cpu), key=lambda other: -len(self.queue[other.id]))


class OnlyWhoHasWork(Stealing):
    def order(self, cpu: Any) -> list[Any]:
        return [other for other in self.victims[cpu.id] if self.queue[other.id]]


class WhereItWasFound(Stealing):
    def attach(self, machine: Any) -> None:
        self.last: dict[int, Any] = {}
        super().attach(machine)

    def order(self, cpu: Any) -> list[Any]:
        return sorted(self.victims[cpu.id], key=lambda other: other is not self.last.get(cpu.id))

    def take(self, cpu: Any, victim: Any, waiting: int) -> int:
        self.last[cpu.id] = victim
        return super().take(cpu, victim, waiting)


@pytest.mark.parametrize("answer", [Longest, OnlyWhoHasWork, WhereItWasFound])
def test_several_right_answers_pass(answer):
    report = check(answer, exercise("stealing/order"))
    assert report.passed, report.text()


@pytest.mark.parametrize(
    ("answer", "rule", "says"),
    [
        (Stealing, "messages", None),
        (ByNumber, "messages", "You begin with CPU 0, always"),
        (NextDoor, "messages", "You begin with the neighbour"),
        (Emptiest, "messages", "You begin with the shortest queue"),
        (OnlyOne, "work-conserving", "stops before it has tried everybody"),
    ],
)
def test_known_wrong_answers_get_messages_of_their_own(answer, rule, says):
    report = check(answer, exercise("stealing/order"))
    assert rule in {one.rule for one in report.broken}, report.text()
    assert [says is not None and says in hint for hint in report.hints] == [True] * (says is not None)


def test_cpu_0_first_passes_where_the_work_comes_to_cpu_0():
    report = check(ByNumber, exercise("stealing/order"))
    assert {one.scenario for one in report.broken} == {1, 2}


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ({"order": lambda self, cpu: [cpu]}, "must name other CPUs"),
        ({"order": lambda self, cpu: [1, 2]}, "must name other CPUs"),
        ({"order": lambda self, cpu: None}, "NoneType"),
        ({"take": lambda self, cpu, victim, waiting: 0}, "take: 0 is not in 1.."),
        ({"take": lambda self, cpu, victim, waiting: waiting + 1}, "is not in 1.."),
        ({"take": lambda self, cpu, victim, waiting: 0.5}, "take: a whole number"),
    ],
)
def test_an_impossible_rule_is_told(hooks, says):
    assert says in check(type("Mine", (Stealing,), hooks), exercise("stealing/order")).error


# -- what is simplified --------------------------------------------------------------------------------------


def twice(scheduler: Any, price: str) -> tuple[Trace, Trace]:
    made = yard(0, 2).but(scheduler=scheduler)
    return made.run(), made.but(machine={"message": price}).run()


def test_a_message_is_paid_by_its_sender():
    """toy-messages-take-turns: the job before which a thief has tried in vain begins later, and no other one."""
    jobs = [{"name": "own", "work": "4ms"}, {"name": "loot", "work": "4ms"}]
    free = Scenario("stealing", jobs, cpus=2)
    dear = free.but(machine={"message": "1ms"})
    ends = [{t.name("task", row.who): row.time for row in t.table("exit")} for t in (free.run(), dear.run())]
    assert ends == [{"own": 4 * MS, "loot": 4 * MS}, {"own": 4 * MS, "loot": 5 * MS}]


def test_moving_takes_no_time():
    """toy-moving-is-free: whoever steals more, and moves more, gives each job the same CPU time."""
    half, one = burst(64, "half"), burst(64, "one")
    assert results(half).moved > results(one).moved
    assert cpu_time(half) == cpu_time(one)


def test_an_idle_cpu_tries_each_other_one_once():
    """toy-thieves-do-not-spin: between two instants at which something happens, nobody tries again."""
    trace = farm("stealing", 4 * MS).run()
    tries: dict[tuple[int, int], int] = {}
    for row in trace.table("miss"):
        tries[row.time, row.where] = tries.get((row.time, row.where), 0) + 1
    assert max(tries.values()) == 3
    moments = {row.time for kind in ("spawn", "exit") for row in trace.table(kind)}
    assert {time for time, _cpu in tries} <= moments


def test_reading_lengths_sends_nothing():
    """toy-looking-is-free: who tries only CPUs with work never finds an empty queue, and sends thefts alone."""
    trace, _dear = twice(OnlyWhoHasWork, "1us")
    assert found_nothing(trace) == 0
    assert results(trace).messages == trace.kind.count(KIND["steal"])
