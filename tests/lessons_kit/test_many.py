"""Lesson 14: what its text says of runs, its exercise with right and wrong answers, its assumptions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from schedlab.exercises import check, questions, score
from schedlab.goals import completions, cpu_time, segments
from schedlab.laws import work_conserving
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_many import (
    COUNTS,
    HOMES,
    KEPT,
    KERNELS,
    LOCK,
    LOOK,
    ONE,
    WAYS,
    Longest,
    Pulling,
    crowd,
    even,
    extremes,
    hogs,
    lock_share,
    lock_times,
    may_use,
    measured,
    moves,
    waiting,
    yard,
)  # fmt: skip
from schedlab.linux.balance import BUSY_FACTOR, CACHE_NICE_TRIES, MIGRATION_COST_NS, Balancer, Look
from schedlab.linux.cfs import CFS
from schedlab.linux.domains import IDLE, Counting
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import O1
from schedlab.linux.task import SCHED_NORMAL
from schedlab.scenario import Scenario
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import Recorder, Trace


def scenario(name: str) -> Scenario:
    made = lesson(f"many/{name}")
    assert isinstance(made, Scenario)
    return made


def moved(trace: Trace) -> list[tuple[float, str, int, int]]:
    """Every move: when (ms), who, from, to."""
    return [(row.time / MS, trace.name("task", row.who), row.a, row.where) for row in trace.table("migrate")]


def ms(trace: Trace) -> dict[str, float]:
    return {name: ns / MS for name, ns in cpu_time(trace).items()}


# -- what the text says ------------------------------------------------------------------------------------


def test_the_hook_says_what_three_programs_get():
    assert ms(scenario("one").run()) == {"compiler": 390, "archiver": 430, "indexer": 380}
    assert ms(scenario("two").run()) == {"compiler": 300, "archiver": 600, "indexer": 300}


def test_no_cpu_is_idle_in_the_hook():
    for name in ("one", "two"):
        assert sum(cpu_time(scenario(name).run()).values()) == 2 * 600 * MS


def test_four_cpus_choose_at_once_and_the_last_begins_after_6_us():
    trace = scenario("lock").run()
    first = [(row.where, row.a, row.b) for row in trace.table("lock") if row.time == 0]
    assert first == [(cpu, cpu * 1_500, 1_500) for cpu in range(4)]
    assert LOCK + LOOK * 8 == 1_500
    assert min(one.start for one in segments(trace) if one.cpu == 3) == 6 * US


def test_eight_cpus_that_choose_at_once_lose_56_us():
    trace = scenario("lock").but(cpus=8, machine={"lock": "2us"}, until="1us").run()
    assert sum(row.a for row in trace.table("lock")) == 56 * US


def test_at_53_6_us_cpu_3_waits_for_cpu_1_which_waits_for_cpu_0():
    found = [(row.time, row.where, row.a, row.b) for row in scenario("lock").run().table("lock")]
    line = [one for one in found if 52_000 < one[0] < 54_000]
    assert [(cpu, waited) for _time, cpu, waited, _held in line] == [(0, 0), (1, 959), (3, 1_326)]
    (begins, _cpu, _waited, held), second, third = line
    assert begins + held == second[0] + second[2]
    assert second[0] + second[2] + second[3] == third[0] + third[2]
    assert round(third[0] / 100) == 536


def test_the_lock_is_held_four_times_as_long_with_twice_the_cpus():
    busy = {n: f"{100 * measured(ONE, n).busy:.1f}" for n in (8, 16, 32)}
    assert busy == {8: "6.8", 16: "27.1", 32: "94.7"}
    assert lock_share(32, LOOK)[0][0]["lost at the lock"] == "23.0 %"
    assert round(measured(ONE, 16).busy / measured(ONE, 8).busy) == 4


def test_without_the_walk_the_one_lock_costs_nothing():
    one, each = lock_share(32, 0)[0]
    assert one["lost at the lock"] == each["lost at the lock"] == "0.0 %"


def test_queues_of_their_own_lose_nothing_at_their_locks():
    assert all(measured(KEPT, n).lost < 0.000_1 for n in COUNTS)


def test_the_chart_marks_the_knob_and_holds_every_count():
    chart = lock_share(16, LOOK)[1]
    assert chart.at == 16
    assert [x for x, _y in chart.series["one queue, 2.4"]] == list(COUNTS)
    lost = [y for _x, y in chart.series["one queue, 2.4"]]
    assert lost == sorted(lost)
    assert list(lock_share(16, 0)[1].series) == ["one queue, 2.4", "one each, 2.6.11", "one queue at 150 ns"]


def test_the_worked_pull_takes_the_tail_at_70_ms():
    trace = scenario("pull").run()
    assert moved(trace) == [(70, "archiver", 0, 1)]
    line = [trace.name("task", row.who) for row in trace.table("spawn") if row.where == 0]
    assert line == ["compiler", "indexer", "archiver"]


def test_what_a_worker_waits_with_8_cpus():
    one, alone, pulled, placed = (row["waits on average"] for row in waiting(8)[0])
    assert (one, alone, pulled, placed) == ("52 µs", "198 µs", "69 µs", "85 µs")


def test_2_6_11_overtakes_one_queue_at_24_cpus_and_6_1_is_best_there_and_at_32_but_not_at_8():
    overtakes = [n for n in COUNTS if n > 1 and measured(KEPT, n).waited < measured(ONE, n).waited]
    assert overtakes == [24, 32]
    *_others, placed = WAYS
    assert placed == "places and pulls (6.1)"
    for n in overtakes:
        assert min(WAYS, key=lambda way: measured(way, n).waited) == placed
    assert measured(ONE, 8).waited < measured(KEPT, 8).waited < measured(placed, 8).waited


@pytest.mark.parametrize(("used", "looks_at"), [(819, 1), (820, 0)])
def test_at_80_percent_a_search_for_an_idle_cpu_looks_at_one_of_eight_and_above_at_none(used, looks_at):
    machine: Any = Machine(CFS(), Engine(), Recorder(LINUX), cpus=8)
    for rq in machine.policy.queues_of:
        rq.avg.util_avg = used
    machine.policy.placing.set_scan(machine.policy.balancer.domains[0][0])
    assert list(machine.policy.placing.scan.values()) == [looks_at]


def test_in_one_queue_nobody_waits_beside_an_idle_cpu():
    assert work_conserving().check(crowd(ONE, 4).but(machine={}).run()) == []
    assert work_conserving().check(crowd("a queue each, no moves", 4).but(machine={}).run()) != []


def test_the_game_asks_seven_times_and_guessing_gets_28_percent():
    trace = scenario("game").run().explain()
    asked = questions(trace)
    assert len(asked) == 7
    assert round(100 * score({}, trace).chance) == 28
    places = [sorted(one.candidates).index(one.winner) for one in asked]
    assert max(places.count(place) for place in places) <= 2
    assert score({one.row: one.winner for one in asked}, trace).percent == 100


def test_the_rule_of_the_text_answers_every_question_of_the_game():
    """Head of the own line; else the tail of the longest, who runs counted, the lower number among equals."""
    trace = scenario("game").run()
    lines: dict[int, list[int]] = {0: [], 1: [], 2: []}  # who runs first
    told: dict[tuple[int, int], int] = {}
    pulled = []
    for row in trace.rows():
        kind, mine = trace.kinds[row.kind].name, lines.get(row.where, [])
        if kind == "wake":
            mine.append(row.who)
        if kind != "exit":
            continue
        mine.remove(row.who)
        if not mine:
            others = [cpu for cpu in lines if cpu != row.where]
            source = max(others, key=lambda cpu: (len(lines[cpu]), -cpu))
            if len(lines[source]) > 1:
                mine.append(lines[source].pop())
                pulled.append((row.time, row.where))
        if mine:
            told[row.time, row.where] = mine[0]
    asked = questions(trace.explain())
    assert [told[one.time, one.cpu] for one in asked] == [one.winner for one in asked]
    assert sum((one.time, one.cpu) in pulled for one in asked) == 5


def test_slices_do_not_end_in_the_game():
    trace = scenario("game").run()
    assert all(one.stop - one.start < 100 * MS for one in segments(trace))
    assert max(cpu_time(trace).values()) <= 50 * MS


def test_6_12_looks_in_vain_at_120_ms_and_moves_one_at_148(monkeypatch):
    seen = []
    usual = Balancer.balance

    def watched(self: Balancer, look: Look, mine: bool = True) -> bool:
        cpu, before = look.cpu, look.domain.failed
        came = usual(self, look, mine)
        if look.domain.failed != before:
            loads = [self.loads.current(one).load_avg for one in self.cpus]
            seen.append((self.machine.now / MS, cpu.id, look.domain.failed, came, loads))
        return came

    monkeypatch.setattr(Balancer, "balance", watched)
    trace = scenario("round").run()
    assert seen[:2] == [(120, 1, 1, False, [2048, 1024]), (148, 1, 0, True, [1025, 2047])]
    assert [when for when, *_rest in moved(trace)][:2] == [148, 268]
    assert (2048 - 1024) // 2 == 512
    assert BUSY_FACTOR == 16


def test_a_task_that_has_just_run_stays_for_two_looks_in_vain():
    assert MIGRATION_COST_NS == 500 * US
    machine = type("M", (), {"now": 10 * MS})()
    balancer = type("B", (), {"machine": machine})()
    for ran, failed, hot in ((400 * US, 0, True), (400 * US, 1, True), (400 * US, 2, False), (600 * US, 0, False)):
        task = type("T", (), {"exec_start": 10 * MS - ran, "policy": SCHED_NORMAL})()
        domain = type("D", (), {"failed": failed, "nice_tries": CACHE_NICE_TRIES})()
        assert Balancer.is_hot(balancer, task, domain) is hot


def test_2_6_11_is_unfair_to_odd_numbers_of_programs():
    ratio = {n: most / least for n in range(2, 9) for least, most in [extremes("2.6.11", n)]}
    assert [n for n in ratio if ratio[n] > 1.3] == [3, 5, 7]
    assert extremes("2.6.11", 3) == (1 * S, 2 * S)


def test_6_1_and_6_12_move_one_16_times_for_three_programs():
    rows = {row[""]: row for row in even(3)[0]}
    assert [rows[kernel]["moves"] for kernel in ("6.1", "6.12", "2.6.11")] == [16, 16, 0]
    assert extremes("6.12", 3)[1] / extremes("6.12", 3)[0] < 1.25


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_cpu_is_idle_beside_programs_that_compute(kernel):
    assert sum(cpu_time(hogs(kernel, 5)).values()) == 4 * S


def test_a_pinned_task_leaves_a_cpu_idle_until_what_runs_is_pushed():
    free, pinned = scenario("free").run(), scenario("pinned").run()
    assert moved(free) == [(60, "indexer", 0, 1)]
    assert moved(pinned) == [(64, "compiler", 0, 1)]
    assert next(one.start for one in segments(pinned) if one.cpu == 1 and one.start >= 60 * MS) == 64 * MS
    assert ms(free)["indexer"] == 190
    assert ms(pinned)["indexer"] == 186


def test_cpu_1_looks_in_vain_four_times_before_the_push(monkeypatch):
    seen = []
    usual = Counting.load_balance

    def watched(self: Counting, cpu: Any, domain: Any, idle: int) -> bool:
        came = usual(self, cpu, domain, idle)
        if cpu.id == 1 and idle == IDLE:
            seen.append((self.machine.now / MS, came, self.queues[0].active_balance))
        return came

    monkeypatch.setattr(Counting, "load_balance", watched)
    scenario("pinned").run()
    assert seen[:4] == [(61, False, False), (62, False, False), (63, False, False), (64, False, True)]


def test_busy_cpus_of_2_6_11_look_around_every_256_ms_and_leave_the_odd_one(monkeypatch):
    seen = []
    usual = Counting.find_busiest_group

    def watched(self: Counting, cpu: Any, domain: Any, idle: int) -> Any:
        found = usual(self, cpu, domain, idle)
        seen.append((self.machine.now // MS, cpu.id, found[1]))
        return found

    monkeypatch.setattr(Counting, "find_busiest_group", watched)
    scenario("two").but(until="2s").run()
    times = [when for when, cpu, _many in seen if cpu == 1]
    assert {later - earlier for earlier, later in pairwise(times[4:])} == {256}
    assert {many for _when, _cpu, many in seen} == {0}


def test_2_6_11_gives_up_at_the_longest_queue():
    pinned = yard({0: 6}, ["24ms", "5ms", "7ms"])
    assert moves(pinned.but(scheduler="o1").run()) == moves(pinned.but(scheduler=Longest).run()) == 0
    assert moves(pinned.run()) == 2


def test_the_rules_of_the_lesson_are_those_of_the_model():
    """`Longest` does what O1 does, move by move; `Pulling` too where nobody is pinned."""
    for name in ("pull", "free"):
        runs = [moved(scenario(name).but(scheduler=one).run()) for one in (O1, Longest, Pulling)]
        assert runs[0] == runs[1] == runs[2]


# -- the exercise --------------------------------------------------------------------------------------------


class First(Pulling):
    def source(self, cpu: Any) -> Any:
        return next((other for other in self.others(cpu) if self.could_come(other, cpu)), None)


class Half(Pulling):
    def amount(self, cpu: Any, source: Any, waiting: int) -> int:
        return (waiting + 1) // 2


class Never(Pulling):
    def source(self, cpu: Any) -> Any:
        return None


class All(Pulling):
    def amount(self, cpu: Any, source: Any, waiting: int) -> int:
        return waiting


@pytest.mark.parametrize("answer", [Pulling, First, Half])
def test_several_right_answers_pass(answer):
    report = check(answer, exercise("many/pull"))
    assert report.passed, report.text()


@pytest.mark.parametrize(
    ("answer", "rule", "says"),
    [
        (Longest, "work-conserving", "whose tasks may not leave it"),
        (Never, "work-conserving", "answers None although"),
        (All, "moves", "takes them back"),
        (O1, "work-conserving", None),
    ],
)
def test_known_wrong_answers_get_messages_of_their_own(answer, rule, says):
    report = check(answer, exercise("many/pull"))
    assert rule in {one.rule for one in report.broken}, report.text()
    assert [says is not None and says in hint for hint in report.hints] == [True] * (says is not None)
    assert report.marks[0]["time"] > 0


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ({"source": lambda self, cpu: cpu}, "must return another CPU or None"),
        ({"source": lambda self, cpu: 1}, "must return another CPU or None"),
        ({"source": lambda self, cpu: self.machine.cpus[9]}, "IndexError"),
        ({"amount": lambda self, cpu, source, waiting: 0}, "amount: 0 is not in 1.."),
        ({"amount": lambda self, cpu, source, waiting: 0.5}, "amount: a whole number"),
        ({"amount": lambda self, cpu, source, waiting: waiting + 1}, "is not in 1.."),
    ],
)
def test_an_impossible_rule_is_told(hooks, says):
    assert says in check(type("Mine", (Pulling,), hooks), exercise("many/pull")).error


def test_an_endless_rule_is_stopped():
    def source(self: Any, cpu: Any) -> Any:
        while True:
            pass

    assert "does not come back" in check(type("Mine", (Pulling,), {"source": source}), exercise("many/pull")).error


def test_the_yard_is_as_the_text_says():
    names = [str(one["name"]) for one in exercise("many/pull").scenarios[0].given_tasks]
    assert [may_use(name) for name in names] == [[0]] * 6 + [None] * 12


# -- what is simplified --------------------------------------------------------------------------------------


def test_a_lock_costs_what_the_scenario_says():
    """lock-prices-are-chosen: 300 ns and 150 for each task of the list; without them no lock is recorded."""
    run = scenario("lock")
    lengths = {(row.b - LOCK) / LOOK for row in run.run().table("lock")}
    assert lengths <= set(range(1, 9))
    assert run.but(machine={}).run().table("lock") == []


def test_only_a_choice_takes_the_lock():
    """only-a-choice-locks: as many locks as choices, at the same times, whatever woke or was pulled meanwhile."""
    for way in (ONE, KEPT):
        trace = crowd(way, 4).run()
        kinds = [trace.kinds[row.kind].name for row in trace.rows()]
        chosen = [row.time for row, kind in zip(trace.rows(), kinds) if kind in ("switch", "resume", "rest", "keep")]
        locked = [row.time for row in trace.table("lock")]
        assert set(chosen) <= set(locked)
        assert kinds.count("wake") > 100
        assert sum(lock_times(trace)[1].values()) <= sum(row.b for row in trace.table("lock"))


def test_who_runs_dry_takes_one():
    """one-at-a-time: seven stand at the other CPU; by the lesson's rule one comes, in 2.6.11 three do."""
    tasks = [{"name": f"hog{k}", "cpus": [0]} for k in range(7)]
    free = [{"at": "5ms", "cpus": {"task": f"hog{k}", "cpus": [0, 1]}} for k in range(7)]
    short = {"name": "short", "cpus": [1], "does": [{"run": "10ms"}]}
    kernel = Scenario("o1", [*tasks, short], cpus=2, until="60ms", events=free)
    assert [one[0] for one in moved(kernel.but(scheduler=Longest).run())] == [10]
    assert [one[0] for one in moved(kernel.run())] == [10] * 3


def test_in_the_lessons_rule_a_task_wakes_where_it_ran():
    """one-at-a-time: a sleeper comes back to the CPU of a hog although the other one is idle; not in 2.6.11."""
    does = [{"repeat": [{"sleep": "5ms"}, {"run": "1ms"}]}]
    short = {"name": "short", "does": [{"run": "1ms"}]}
    tasks: list[dict[str, Any]] = [{"name": "sleeper", "does": does}, short, {"name": "hog"}]
    for scheduler, where in ((Longest, 0), ("o1", 1)):
        trace = Scenario(scheduler, tasks, cpus=2, until="100ms").run()
        wakes = [row.where for row in trace.table("wake") if trace.name("task", row.who) == "sleeper" and row.time]
        assert set(wakes) == {where}


def test_a_push_takes_no_time():
    """pushing-is-free: at 64 ms both programs run on, and all CPU time is theirs."""
    pinned = scenario("pinned").run()
    assert [(one.start, one.cpu) for one in segments(pinned) if one.start == 64 * MS] == [(64 * MS, 0), (64 * MS, 1)]
    assert sum(cpu_time(pinned).values()) == (2 * 250 - 4) * MS


def test_a_move_takes_no_time():
    """cold-caches-are-free: a task that was moved ends as soon after as if it had been there."""
    tasks: list[dict[str, Any]] = [
        {"name": "hog"},
        {"name": "short", "does": [{"run": "10ms"}]},
        {"name": "waits", "does": [{"run": "20ms"}]},
    ]
    trace = Scenario("o1", tasks, cpus=2, until="100ms").run()
    assert moved(trace) == [(10, "waits", 0, 1)]
    assert completions(trace)["waits"] == 30 * MS


def test_all_cpus_are_alike():
    """one-domain: one domain over all CPUs, however many."""
    policy = scenario("round").but(cpus=8).policy()
    scenario("round").but(cpus=8, until="1ms").run(policy=policy)
    assert [[len(one.cpus) for one in domains] for domains in policy.balancer.domains] == [[8]] * 8


def test_the_game_puts_jobs_where_it_says():
    trace = scenario("game").run()
    found = {trace.name("task", row.who): row.where for row in trace.table("spawn")}
    assert found == {f"job {k}": home for k, home in enumerate(HOMES)}
