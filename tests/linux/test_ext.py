"""sched_ext, one behaviour each, worked out from kernel/sched/ext.c of 6.12. A tick is 4 ms, a slice 20 ms."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from schedlab import goals, laws
from schedlab.guard import LearnerError
from schedlab.linux.scx import (
    DSQ_GLOBAL,
    DSQ_LOCAL,
    DSQ_LOCAL_ON,
    ENQ_PREEMPT,
    SLICE_DFL,
    SLICE_INF,
    SchedExt,
    Simple,
    SimpleVtime,
)
from schedlab.linux.weights import weight_of
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace
from tests.linux.scene import turns

AB: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}]
HOG: list[dict[str, Any]] = [{"name": "hog"}]


def log(trace: Trace) -> list[str]:
    """What the kernel has told, with the time in ms."""
    return [f"{row.time // MS} {trace.names['told'][row.a]}" for row in trace.table("told")]


def put_out(scheduler: type[SchedExt], tasks: Any = AB, **more: Any) -> str:
    """Why a scheduler was put out; everybody goes on under the fair class, and nobody is lost."""
    trace = Scenario(scheduler, tasks, **{"until": "200ms", **more}).run()
    (first, second) = trace.names["told"]
    assert first.startswith(f'sched_ext: BPF scheduler "{scheduler.__name__}" disabled (')
    assert laws.check(trace) == []
    at = trace.table("told")[0].time
    after = {row.who for row in trace.table("switch") + trace.table("resume") + trace.table("keep") if row.time >= at}
    assert after, "nobody runs any more"
    return first.partition("(")[2].rstrip(")") + ": " + second.split(": ", 2)[2]


# -- what the kernel does itself --------------------------------------------------------------------------------


def test_without_any_answer_there_is_one_queue_and_a_slice_of_20_ms():
    trace = Scenario(SchedExt, AB, until="60ms").run()
    assert turns(trace) == [("a", 0, 20), ("b", 20, 40), ("a", 40, 60)]


def test_a_slice_ends_at_a_tick():
    trace = Scenario(SchedExt, AB, until="60ms", machine={"hz": 100}).run()
    assert turns(trace) == [("a", 0, 20), ("b", 20, 40), ("a", 40, 60)]
    late = Scenario(SchedExt, [{"name": "a", "start": "1ms"}, {"name": "b", "start": "1ms"}], until="50ms").run()
    assert turns(late) == [("a", 1, 24), ("b", 24, 44), ("a", 44, 50)]


def test_who_is_alone_goes_on_with_a_new_slice():
    trace = Scenario(SchedExt, [{"name": "a"}], until="59ms").run()
    assert turns(trace) == [("a", 0, 59)]
    assert [row.time // MS for row in trace.table("keep")] == [20, 40]


def test_a_waking_task_interrupts_nobody():
    tasks: list[dict[str, Any]] = [
        {"name": "hog"},
        {"name": "key", "does": [{"run": "1ms"}, {"sleep": "4ms"}, {"run": "1ms"}]},
    ]
    assert turns(Scenario(SchedExt, tasks, until="50ms").run())[:4] == [
        ("hog", 0, 20), ("key", 20, 21), ("hog", 21, 44), ("key", 44, 45),
    ]  # fmt: skip


def test_a_waking_task_goes_where_it_was_if_that_is_idle_else_to_the_next_idle_cpu():
    tasks = [
        {"name": "a", "does": [{"run": "5ms"}, {"sleep": "5ms"}, {"run": "5ms"}]},
        {"name": "b", "start": "1ms", "does": [{"run": "2ms"}]},
        {"name": "c", "start": "7ms", "does": [{"run": "20ms"}]},
    ]
    trace = Scenario(SchedExt, tasks, cpus=3, until="30ms").run()
    assert turns(trace, 0) == [("a", 0, 5), ("c", 7, 27)]
    assert turns(trace, 1) == [("b", 1, 3)]
    assert turns(trace, 2) == [("a", 10, 15)]


def test_better_classes_interrupt_and_the_rest_of_the_slice_is_kept():
    rt = {"name": "rt", "class": "fifo", "does": [{"sleep": "10ms"}, {"run": "5ms"}]}
    assert turns(Scenario(SchedExt, [*AB, rt], until="50ms").run()) == [
        ("a", 0, 10), ("rt", 10, 15), ("a", 15, 28), ("b", 28, 48), ("a", 48, 50),
    ]  # fmt: skip


def test_who_yields_gives_the_rest_of_its_slice_away():
    tasks: list[dict[str, Any]] = [{"name": "a", "does": [{"run": "5ms"}, "yield", {"run": "30ms"}]}, {"name": "b"}]
    assert turns(Scenario(SchedExt, tasks, until="50ms").run()) == [
        ("a", 0, 5),
        ("b", 5, 28),
        ("a", 28, 48),
        ("b", 48, 50),
    ]


def test_weights_are_those_of_cgroups():
    seen = {}

    class Look(SchedExt):
        def set_weight(self, task, weight):
            seen[task.name] = weight

    tasks = [{"name": f"{nice}", "nice": nice} for nice in (-20, -5, 0, 5, 19)]
    tasks += [{"name": "idle", "class": "idle"}]
    Scenario(Look, tasks, until="1ms").run()
    assert seen == {"-20": 8668, "-5": 305, "0": 100, "5": 33, "19": 1, "idle": 1}


# -- a scheduler of one's own -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nices", [(0, 0, 5), (0, 0, 5, 5), (0, 0, 0, 10)])
def test_the_vtime_scheduler_shares_by_weight(nices):
    trace = Scenario(SimpleVtime, [{"name": f"t{i}", "nice": nice} for i, nice in enumerate(nices)], until="30s").run()
    weights = [(weight_of(nice) * 100 + 512) // 1024 for nice in nices]
    for i, weight in enumerate(weights):
        assert goals.shares(trace)[f"t{i}"] == pytest.approx(weight / sum(weights), abs=0.01)


def test_of_two_each_has_half_whatever_they_weigh():
    """dispatch() is asked before the running task is put back, so it finds the other one only."""
    trace = Scenario(SimpleVtime, [{"name": "a"}, {"name": "b", "nice": 19}], until="10s").run()
    assert goals.shares(trace) == {"a": 0.5, "b": 0.5}


def test_who_has_slept_for_long_comes_back_at_most_a_slice_behind():
    tasks = [*HOG, {"name": "late", "does": [{"sleep": "1s"}, {"run": "100ms"}]}]
    trace = Scenario(SimpleVtime, tasks, until="1200ms").run()
    first = [turn for turn in turns(trace) if turn[0] == "late"]
    assert first[0][1] < 1024
    assert goals.longest_waits(trace)["hog"] <= 2 * 24 * MS


class LastIn(SchedExt):
    """Keeps its tasks itself: who came last goes first."""

    def init(self):
        self.stack: list[Any] = []

    def enqueue(self, task, enq_flags):
        self.stack.append(task)

    def dequeue(self, task, deq_flags):
        self.stack.remove(task)

    def dispatch(self, cpu, prev):
        if self.stack:
            self.dsq_insert(self.stack.pop(), DSQ_LOCAL)


def test_tasks_can_be_kept_until_a_cpu_asks_for_them():
    tasks = [
        {"name": "hog", "does": [{"run": "40ms"}]},
        *({"name": n, "start": "1ms", "does": [{"run": "1ms"}]} for n in "xyz"),
    ]
    assert [turn[0] for turn in turns(Scenario(LastIn, tasks).run())] == ["hog", "z", "hog", "y", "x"]


def test_what_is_kept_is_told_when_it_is_taken_away():
    scenario = Scenario(LastIn, [*AB, {"name": "c"}], until="100ms", events=[{"at": "10ms", "kill": "b"}])
    trace = scenario.run()
    assert laws.check(trace) == []
    assert "told" not in trace.names


class Urgent(Simple):
    """A key press takes the CPU at once."""

    def enqueue(self, task, enq_flags):
        if task.name == "key":
            return self.dsq_insert(task, DSQ_LOCAL, SLICE_DFL, ENQ_PREEMPT)
        return self.dsq_insert(task, 0, SLICE_DFL, enq_flags)


def test_who_is_inserted_with_preempt_takes_the_cpu():
    key = {"name": "key", "does": [{"run": "1ms"}, {"sleep": "4ms"}, {"run": "1ms"}]}
    trace = Scenario(Urgent, [{"name": "hog"}, key], until="50ms").run()
    assert turns(trace)[:4] == [("key", 0, 1), ("hog", 1, 5), ("key", 5, 6), ("hog", 6, 50)]


def test_a_task_can_be_sent_to_another_cpu():
    class Second(SchedExt):
        def enqueue(self, task, enq_flags):
            self.dsq_insert(task, DSQ_LOCAL_ON | 1)

        def select_cpu(self, task, prev_cpu, wake_flags):
            return prev_cpu

    trace = Scenario(Second, AB, cpus=2, until="50ms").run()
    assert turns(trace, 0) == []
    assert turns(trace, 1) == [("a", 0, 20), ("b", 20, 40), ("a", 40, 50)]


class NoShortcut(SchedExt):
    """An idle CPU is not given a waking task at once, so enqueue is always asked."""

    def select_cpu(self, task, prev_cpu, wake_flags):
        return prev_cpu


def test_a_slice_without_end_is_ended_by_nobody():
    class Endless(NoShortcut):
        def enqueue(self, task, enq_flags):
            self.dsq_insert(task, DSQ_GLOBAL, SLICE_INF)

    assert turns(Scenario(Endless, AB, until="900ms").run()) == [("a", 0, 900)]


def test_a_scheduler_can_end_a_turn_at_a_tick():
    class Short(SchedExt):
        def tick(self, task):
            task.scx.slice = 0

    assert turns(Scenario(Short, AB, until="16ms").run()) == [("a", 0, 4), ("b", 4, 8), ("a", 8, 12), ("b", 12, 16)]


def test_with_partial_switching_only_tasks_of_the_class_ext_are_asked_about():
    class Some(Simple):
        switch_partial = True

    tasks = [{"name": "fair"}, {"name": "mine", "class": "ext"}]
    assert turns(Scenario(Some, tasks, until="100ms").run()) == [("fair", 0, 100)]  # the fair class comes first
    changes = [{"at": "50ms", "setscheduler": {"task": "fair", "class": "ext"}}]
    trace = Scenario(Some, tasks, until="120ms", events=changes).run()
    assert [turn[0] for turn in turns(trace)] == ["fair", "mine", "fair", "mine"]


def test_its_options_are_those_of_its_class():
    class Sliced(NoShortcut):
        def __init__(self, ms: int = 20):
            self.slice_ns = ms * MS

        def enqueue(self, task, enq_flags):
            self.dsq_insert(task, DSQ_GLOBAL, self.slice_ns)

    trace = Scenario(Sliced, AB, until="24ms", options={"ms": 8}).run()
    assert turns(trace) == [("a", 0, 8), ("b", 8, 16), ("a", 16, 24)]
    with pytest.raises(ScenarioError, match="there is no key 'mss'; did you mean 'ms'"):
        Scenario(Sliced, AB, until="24ms", options={"mss": 8})
    with pytest.raises(ScenarioError, match="cannot change its options while it runs"):
        Scenario(Sliced, AB, until="24ms", events=[{"at": 5, "set": {"ms": 2}}])


def test_control_groups_are_not_modelled_for_it():
    with pytest.raises(ScenarioError, match=r"sched_ext Simple has no control groups; linux-5\.15"):
        Scenario(Simple, AB, until="1ms", groups={"web": {}})


def test_a_kernel_without_it_has_no_such_class():
    with pytest.raises(ScenarioError, match="has no class 'ext'"):
        Scenario("linux-6.12", [{"class": "ext"}], until="1ms")


def test_its_reasons_are_told_and_its_own_source_is_shown():
    explained = Scenario(LastIn, [{"name": n, "does": [{"run": "1ms"}]} for n in "ab"]).run().explain()
    assert explained.about["source"]["file"] == "class LastIn"
    assert "self.stack.pop()" in explained.about["source"]["text"]
    note = explained.notes[explained.table("decided")[0].a]
    assert note["winner"] >= 0


# -- what puts a scheduler out ----------------------------------------------------------------------------------


def test_who_leaves_a_task_waiting_for_30_s_is_put_out_by_the_watchdog():
    class Never(SchedExt):
        def enqueue(self, task, enq_flags):
            """Forgets it."""

    scenario = Scenario(Never, AB, until="46s")
    trace = scenario.run()
    assert log(trace) == [
        '45000 sched_ext: BPF scheduler "Never" disabled (runnable task stall)',
        "45000 sched_ext: Never: b failed to run for 45.000s",
    ]
    assert goals.cpu_time(trace)["b"] >= 490 * MS


def test_the_watchdog_can_be_quicker():
    class Never(SchedExt):
        timeout_ms = 100

        def enqueue(self, task, enq_flags):
            """Forgets it."""

    assert put_out(Never, until="400ms") == "runnable task stall: b failed to run for 0.148s"


def test_a_real_time_task_that_never_sleeps_starves_it_and_the_watchdog_tells():
    class Quick(SchedExt):
        timeout_ms = 100

    trace = Scenario(Quick, [{"name": "a"}, {"name": "rt", "class": "fifo"}], until="1s").run()
    assert "a failed to run for" in trace.names["told"][1]


class Raises(SchedExt):
    def running(self, task):
        if self.now >= 40 * MS:
            raise KeyError("oh")


class OtherTask(SchedExt):
    def enqueue(self, task, enq_flags):
        for other in self.kernel.machine.tasks.values():
            self.dsq_insert(other, DSQ_GLOBAL)


class Foreign(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_insert("b", DSQ_GLOBAL)


class Twice(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_insert(task, DSQ_GLOBAL)
        self.dsq_insert(task, DSQ_GLOBAL)


class NoQueue(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_insert(task, 7)


class NoCpu(SchedExt):
    def select_cpu(self, task, prev_cpu, wake_flags):
        return 9


class NoAnswer(SchedExt):
    def select_cpu(self, task, prev_cpu, wake_flags):
        """Forgets to answer."""


class Negative(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_insert(task, DSQ_GLOBAL, -5)


class GlobalVtime(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_insert_vtime(task, DSQ_GLOBAL, SLICE_DFL, 0)


class Mixed(Simple):
    def enqueue(self, task, enq_flags):
        if task.name == "a":
            self.dsq_insert(task, 0)
        else:
            self.dsq_insert_vtime(task, 0, SLICE_DFL, 0)


class Overflow(LastIn):
    def dispatch(self, cpu, prev):
        for _ in range(33):
            self.dsq_insert(self.stack[0], DSQ_LOCAL)


class NotHere(LastIn):
    def dispatch(self, cpu, prev):
        if self.stack:
            self.dsq_insert(self.stack.pop(), DSQ_LOCAL_ON | 1)


class WrongPlace(SchedExt):
    def enqueue(self, task, enq_flags):
        self.dsq_move_to_local(0)


class TakesNothing(LastIn):
    def dispatch(self, cpu, prev):
        self.dsq_move_to_local(3)


class GivesUp(SchedExt):
    def enqueue(self, task, enq_flags):
        self.error("I cannot do this")


class TwoOfAKind(SchedExt):
    def init(self):
        self.create_dsq(1)
        self.create_dsq(1)


class BuiltIn(SchedExt):
    def init(self):
        self.create_dsq(DSQ_GLOBAL)


@pytest.mark.parametrize(
    ("scheduler", "why"),
    [
        (Raises, "runtime error: Raises.running failed at 40 ms, task c: KeyError: 'oh' (line"),
        (OtherTask, "runtime error: scheduling for b but trying to direct-dispatch a"),
        (Foreign, "runtime error: called with 'b', which is no task of this class"),
        (Twice, "runtime error: b already direct-dispatched"),
        (NoQueue, "runtime error: non-existent DSQ 0x7 for"),
        (NoCpu, "runtime error: invalid CPU 9 from ops.select_cpu()"),
        (NoAnswer, "runtime error: invalid CPU None from ops.select_cpu()"),
        (Negative, "runtime error: slice_ns: a whole number, at least 0, not -5"),
        (GlobalVtime, "runtime error: cannot use vtime ordering for built-in DSQs"),
        (Mixed, "runtime error: DSQ ID 0x0000000000000000 already had"),
        (Overflow, "runtime error: dispatch buffer overflow"),
        (WrongPlace, "runtime error: dsq_move_to_local() is for dispatch"),
        (TakesNothing, "runtime error: invalid DSQ ID 3"),
        (GivesUp, "scx_bpf_error: I cannot do this"),
        (TwoOfAKind, "runtime error: create_dsq(1): there is one already (EEXIST)"),
        (
            BuiltIn,
            "runtime error: create_dsq(9223372036854775809): the number of a queue is from 0 to 2^63 - 1 (EINVAL)",
        ),
    ],
)
def test_what_a_scheduler_may_not_do_puts_it_out(scheduler, why):
    assert put_out(scheduler, [*AB, {"name": "c", "start": "5ms"}]).startswith(why)


def test_a_task_is_not_moved_to_a_cpu_that_it_may_not_use():
    tasks = [{"name": n, "cpus": [0]} for n in "ab"]
    assert put_out(NotHere, tasks, cpus=2) == "runtime error: SCX_DSQ_LOCAL[_ON] target CPU 1 not allowed for b"


def test_a_scheduler_that_does_not_come_back_is_broken_off():
    class Loops(LastIn):
        def dispatch(self, cpu, prev):
            while True:
                pass

    with pytest.raises(LearnerError, match=r"Loops\.dispatch"):
        Scenario(Loops, AB, until="1s").run()


def test_a_dispatch_that_moves_only_what_cannot_run_here_does_not_hang():
    class Wrong(LastIn):
        def dispatch(self, cpu, prev):
            for task in deque(self.stack):
                self.dsq_insert(task, DSQ_GLOBAL)

    tasks = [{"name": "a", "cpus": [0]}, {"name": "b", "cpus": [0]}]
    trace = Scenario(Wrong, tasks, cpus=2, until="100ms").run()
    assert laws.check(trace) == []


@pytest.mark.parametrize("timeout", [0, -5, 30_001, "x", None])
def test_the_watchdog_waits_for_1_ms_to_30_s(timeout):
    class Mine(SchedExt):
        timeout_ms = timeout

    with pytest.raises(ScenarioError, match=r"Mine\.timeout_ms: "):
        Scenario(Mine, AB, until="60ms")


@pytest.mark.parametrize("dsq", [[], {}, None, "0"])
def test_a_queue_that_is_no_number_puts_it_out(dsq):
    class Mine(LastIn):
        def dispatch(self, cpu, prev):
            self.dsq_move_to_local(dsq)

    class Other(SchedExt):
        def enqueue(self, task, enq_flags):
            self.dsq_insert(task, dsq)

    assert put_out(Mine).startswith("runtime error: invalid DSQ ID")
    assert put_out(Other).startswith("runtime error: non-existent DSQ")
