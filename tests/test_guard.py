"""A learner's code that loops, raises or answers nonsense: a clear error within a second, and the process lives on."""

from __future__ import annotations

import gc
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from schedlab import guard
from schedlab.guard import LearnerError, is_ours
from schedlab.linux.machine import Loop, PolicyError
from schedlab.linux.o1 import O1
from schedlab.linux.on import ON
from schedlab.linux.policy import Policy
from schedlab.linux.task import FORK, fork, renice, run, sleep, yield_cpu
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS

WITHIN_S = 5.0  # the promise is one second; a machine that is busy with other things is allowed five


class Queue(Policy):
    """A correct first-come policy, to be spoilt in one place."""

    def __init__(self):
        self.line = []

    def enqueue(self, task, cpu, why):
        self.line.append(task)

    def dequeue(self, task, cpu, why):
        self.line.remove(task)

    def pick(self, cpu, prev):
        return next((task for task in self.line if task is prev or task.state == 1), None)

    def tick(self, cpu, curr):
        if len(self.line) > 1 and curr in self.line:
            self.line.remove(curr)
            self.line.append(curr)
            self.machine.resched(cpu)

    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle


TASKS = [
    {"name": "hog", "does": [{"run": "50ms"}]},
    {"name": "editor", "does": [{"repeat": [{"run": "1ms"}, {"sleep": "5ms"}], "times": 5}]},
]


def scenario(policy, tasks=TASKS, **more):
    return Scenario(policy, tasks, **{"until": "100ms", **more})


def told(kind, call, within=WITHIN_S):
    """What the error says, and that it came in time."""
    start = time.perf_counter()
    with pytest.raises(kind) as caught:
        call()
    assert time.perf_counter() - start < within
    return str(caught.value)


def test_the_spoilt_policy_is_correct_when_it_is_not_spoilt():
    assert len(scenario(Queue).run()) > 20


def endless():
    while True:
        pass


def endless_catching_all():
    while True:
        try:
            endless()
        except:  # noqa: E722  # this is what the test is about
            pass


def endless_catching_twice():
    while True:
        try:
            try:
                endless()
            except BaseException:
                continue
        except:  # noqa: E722  # the same
            continue


def endless_with_finally():
    while True:
        try:
            time.sleep(0.01)
        except BaseException as error:
            kept = error
            del kept
        finally:
            len("still here")


LOOPS = (endless, endless_catching_all, endless_catching_twice, endless_with_finally)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_in_pick_is_broken_off_and_says_where_and_when(loop):
    class Stays(Queue):
        def pick(self, cpu, prev):
            if self.machine.now >= 20 * MS:
                loop()
            return super().pick(cpu, prev)

    said = told(LearnerError, scenario(Stays).run)
    assert said.startswith("Stays.pick does not come back: broken off at 20 ms, CPU 0, task ")
    assert "(line " in said


def test_a_loop_in_tick_names_the_task_that_ran():
    class Stays(Queue):
        def tick(self, cpu, curr):
            while True:
                pass

    assert "Stays.tick does not come back: broken off at 10 ms, CPU 0, task hog" in told(
        LearnerError, scenario(Stays).run
    )


def test_a_hook_that_calls_other_hooks_for_ever_gets_nowhere_by_it():
    class Stays(Queue):
        def tick(self, cpu, curr):
            while True:
                self.preempts(cpu, curr)

        def preempts(self, cpu, woken):
            return False

    assert "Stays." in told(LearnerError, scenario(Stays).run)


def test_a_loop_in_the_constructor_is_broken_off():
    class Stays(Queue):
        def __init__(self):
            endless_catching_all()

    assert told(LearnerError, lambda: scenario(Stays)).startswith("Stays.__init__ does not come back")


def test_an_exception_in_the_constructor_is_told_with_its_line():
    class Wrong(Queue):
        def __init__(self):
            self.quantum = 1 // 0

    said = told(LearnerError, lambda: scenario(Wrong))
    assert said.startswith("Wrong.__init__ failed at 0 ns: ZeroDivisionError: ")
    assert "in __init__)" in said


def test_a_value_that_the_constructor_refuses_is_an_option_refused():
    class RoundRobin(Queue):
        def __init__(self, quantum_ms):
            super().__init__()
            if quantum_ms <= 0:
                raise ValueError(f"a quantum is at least 1 ms, not {quantum_ms}")

    for quantum in (0, -3):
        said = told(ScenarioError, lambda q=quantum: scenario(RoundRobin, options={"quantum_ms": q}))
        assert said == f"options of RoundRobin: a quantum is at least 1 ms, not {quantum}"
    assert "'quantum_ms' is missing" in told(ScenarioError, lambda: scenario(RoundRobin))
    assert "did you mean 'quantum_ms'" in told(ScenarioError, lambda: scenario(RoundRobin, options={"quantum": 3}))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_in_a_behaviour_is_broken_off_under_every_policy(loop):
    def stays():
        yield run(3 * MS)
        loop()
        yield run(1)

    for policy in ("o1", Queue):
        said = told(LearnerError, scenario(policy, [{"name": "worker", "does": stays}]).run)
        assert said.startswith("the behaviour of worker does not come back: broken off at 3 ms")


def test_a_behaviour_that_never_yields_is_broken_off():
    def stays():
        endless()
        yield run(1)

    assert "the behaviour of worker does not come back" in told(
        LearnerError, scenario("v0.01", [{"name": "worker", "does": stays}]).run
    )


@pytest.mark.parametrize("policy", ["v0.01", "o(n)", "o1", "o1-2.6.22", Queue])
def test_a_behaviour_that_raises_is_told_with_its_task_time_and_line(policy):
    def breaks():
        yield run(2 * MS)
        raise KeyError("no such page")

    said = told(LearnerError, scenario(policy, [{"name": "browser", "does": breaks}]).run)
    assert said.startswith("the behaviour of browser failed at 2 ms: KeyError: 'no such page' (line ")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (5, "5 is no step"),
        ("run", "'run' is no step"),
        ((), "() is no step"),
        ((99, 1), "(99, 1) is no step"),
        ((0, 1.5 * MS), "a time is a whole number of ns"),
        (run(-7), "a time cannot be negative"),
        (sleep(True), "a time is a whole number of ns"),
        (renice(40), "40 is not in -20..19"),
        (None, "None is no step"),
    ],
)
def test_a_step_that_is_none_is_told(step, words):
    def wrong():
        yield run(1 * MS)
        yield step

    said = told(LearnerError, scenario("o1", [{"name": "worker", "does": wrong}]).run)
    assert words in said
    assert "the behaviour of worker failed at 1 ms" in said


def test_a_childs_behaviour_is_looked_after_like_its_parents():
    def child():
        yield run(1 * MS)
        raise OSError("disk is full")

    def parent():
        number = yield fork("kid", child)
        assert number == 1
        yield run(30 * MS)

    said = told(LearnerError, scenario("o1", [{"name": "shell", "does": parent}]).run)
    assert said.startswith("the behaviour of kid failed at 1 ms: OSError: disk is full")
    assert scenario("o1", [{"name": "shell", "does": [fork("kid", lambda: [run(5)]), run(9)]}]).run().table("exit")
    assert fork("x", child)[0] == FORK


@pytest.mark.parametrize("hook", ["enqueue", "dequeue", "pick", "tick", "preempts", "attach", "select_cpu", "put_prev"])
def test_an_exception_in_a_hook_names_the_hook_the_time_and_the_task(hook):
    def breaks(self, *arguments):
        if hook == "attach" or self.machine.now >= 1 * MS:
            raise AttributeError("no 'prioritee'")
        return getattr(Queue, hook)(self, *arguments)

    said = told(LearnerError, scenario(type("Wrong", (Queue,), {hook: breaks})).run)
    assert said.startswith(f"Wrong.{hook} failed at ")
    assert "AttributeError: no 'prioritee' (line " in said
    if hook != "attach":
        assert ", task " in said


def test_leaving_python_from_a_hook_is_an_error_like_any_other():
    class Leaves(Queue):
        def tick(self, cpu, curr):
            raise SystemExit(3)

    assert "Leaves.tick failed at 10 ms" in told(LearnerError, scenario(Leaves).run)


def test_a_hook_that_calls_itself_is_told():
    class Calls(Queue):
        def pick(self, cpu, prev):
            return self.pick(cpu, prev)

    assert "Calls.pick failed at 0 ns" in told(LearnerError, scenario(Calls).run)


def asleep(policy, cpu, prev):
    return next((task for task in policy.machine.tasks.values() if task.state == 3), Queue.pick(policy, cpu, prev))


def elsewhere(policy, cpu, prev):
    return next((c.curr for c in policy.machine.cpus if c is not cpu and c.curr is not c.idle), policy.line[0])


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (lambda policy, cpu, prev: 42, "Wrong.pick must return a task or None, not 42"),
        (lambda policy, cpu, prev: "hog", "Wrong.pick must return a task or None, not 'hog'"),
        (lambda policy, cpu, prev: policy.line, "Wrong.pick must return a task or None, not [<hog>"),
        (lambda policy, cpu, prev: policy.machine.cpus[1].idle, "must return a task or None, not <idle>"),
        (lambda policy, cpu, prev: Policy.Task(7, "made up"), "picks made up on CPU 0, but it is absent"),
        (asleep, "Wrong picks editor on CPU 1, but it is asleep"),
        (elsewhere, "Wrong picks hog on CPU 1, but it runs on CPU 0 already"),
    ],
)
def test_an_answer_of_pick_that_cannot_be_is_told(pick, words):
    wrong = type("Wrong", (Queue,), {"pick": pick})
    assert words in told(PolicyError, scenario(wrong, cpus=2).run)


def test_a_task_is_not_run_where_it_may_not_run():
    tasks = [{"name": "pinned", "cpus": [1], "does": [{"run": "5ms"}]}]

    class Pinned(Queue):
        def select_cpu(self, task, why):
            return self.machine.cpus[1]

    assert "Queue sends pinned to CPU 0, but it may only use CPU 1" in told(
        PolicyError, scenario(Queue, tasks, cpus=2).run
    )
    assert "Pinned picks pinned on CPU 0, but it may only use CPU 1" in told(
        PolicyError, scenario(Pinned, tasks, cpus=2).run
    )


@pytest.mark.parametrize("answer", [None, 0, "CPU 0"])
def test_an_answer_of_select_cpu_that_is_no_cpu_is_told(answer):
    wrong = type("Wrong", (Queue,), {"select_cpu": lambda self, task, why: answer})
    assert "Wrong.select_cpu must return a CPU of the machine" in told(PolicyError, scenario(wrong).run)


def test_a_policy_that_asks_for_ever_to_choose_again_is_told():
    class Restless(Queue):
        def pick(self, cpu, prev):
            return next(task for task in self.line if task is not prev)

        def put_prev(self, cpu, prev):
            self.machine.resched(cpu)

    said = told(Loop, scenario(Restless, [{"name": "a"}, {"name": "b"}]).run)
    assert "CPU 0 has chosen 10,0" in said
    assert "without time passing: Restless asks it to choose again and again" in said


def test_asking_to_choose_again_inside_the_choice_changes_nothing():
    class Asks(Queue):
        def pick(self, cpu, prev):
            self.machine.resched(cpu)
            return super().pick(cpu, prev)

    assert list(scenario(Asks).run().rows()) == list(scenario(Queue).run().rows())


def test_two_tasks_that_only_yield_to_each_other_are_told():
    def polite():
        while True:
            yield yield_cpu()

    tasks = [{"name": "you first", "does": polite}, {"name": "no, you", "does": polite}]
    assert "tasks only yield to each other" in told(Loop, scenario("o1", tasks).run)


def test_a_task_that_takes_steps_without_time_for_ever_is_told():
    idle = [{"name": "busy", "does": [{"repeat": [{"wake": "nobody"}]}]}]
    assert "busy has taken 10,000 steps at 0 ns without using time" in told(Loop, scenario("o1", idle).run)


def test_thousands_of_tasks_may_fall_asleep_at_one_instant():
    tasks = [{"name": "sleeper", "count": 12_000, "does": [{"sleep": "1s"}]}]
    assert len(Scenario("o1", tasks, until="1ms").run(record=False)) == 0


def test_the_rows_up_to_the_failure_are_kept_for_the_player():
    class Breaks(Queue):
        def tick(self, cpu, curr):
            if self.machine.now >= 30 * MS:
                raise RuntimeError("enough")
            super().tick(cpu, curr)

    with pytest.raises(LearnerError) as caught:
        scenario(Breaks).run()
    trace = caught.value.trace
    assert trace.end == 30 * MS
    assert len(trace) > 10
    assert trace.names["task"] == ["hog", "editor"]


def test_a_long_run_of_a_slow_policy_is_not_broken_off():
    class Slow(Queue):
        def tick(self, cpu, curr):
            time.sleep(0.03)
            super().tick(cpu, curr)

    assert scenario(Slow, until="500ms").run().end == 500 * MS


def test_a_long_run_of_our_own_is_not_broken_off():
    tasks = [{"name": "busy", "count": 40, "does": [{"repeat": [{"run": "1ms"}, {"sleep": "1ms"}]}]}]
    assert len(Scenario("o1", tasks, cpus=4, until="40s").run()) > 300_000


def test_whoever_else_uses_the_alarm_gets_it_back():
    rings = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rings.append(1))
    timer = signal.setitimer(signal.ITIMER_REAL, 60, 0)
    try:
        told(LearnerError, scenario(type("Stays", (Queue,), {"tick": lambda *_: endless()})).run)
        left, _interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 60
        signal.raise_signal(signal.SIGALRM)
        assert rings == [1]
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_the_process_goes_on_as_before_after_a_loop():
    for _ in range(3):
        told(LearnerError, scenario(type("Stays", (Queue,), {"tick": lambda *_: endless_catching_all()})).run)
    time.sleep(0.05)  # a late interruption would strike here
    gc.collect()
    assert len(scenario(Queue).run()) > 20


def test_in_another_thread_a_run_works_as_well():
    got = []
    worker = threading.Thread(target=lambda: got.append(scenario(Queue).run().digest()))
    worker.start()
    worker.join()
    assert got == [scenario(Queue).run().digest()]


def in_a_thread(call):
    """What a call in another thread returns, or the error that it raises there."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.parametrize("where", ["pick", "behaviour", "__init__"])
def test_a_loop_is_broken_off_in_another_thread_too(where):
    """Widgets of a notebook may be answered beside its cells; and Windows has no alarm signal."""

    class Stays(Queue):
        def __init__(self):
            super().__init__()
            if where == "__init__":
                endless()

        def pick(self, cpu, prev):
            if where == "pick" and self.machine.now >= 20 * MS:
                endless()
            return super().pick(cpu, prev)

    def stays():
        yield run(30 * MS)
        if where == "behaviour":
            endless()

    said = told(LearnerError, lambda: in_a_thread(lambda: scenario(Stays, [{"name": "it", "does": stays}]).run()))
    assert "does not come back: broken off at " in said
    assert said.endswith("in endless)")
    assert len(in_a_thread(scenario(Queue).run)) > 20


def test_a_run_of_too_many_rows_is_broken_off_in_another_thread_too(monkeypatch):
    monkeypatch.setattr(guard, "MOST_ROWS", 1_000)
    fidget = {"does": [{"repeat": [{"run": 1}, {"sleep": 1}]}]}
    assert "rows by" in told(LearnerError, lambda: in_a_thread(Scenario("o1", [fidget], until="5s").run))


def test_nobody_looks_on_any_longer_when_a_run_in_a_thread_is_over():
    for _ in range(5):
        in_a_thread(scenario(Queue).run)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(guard.LOOKING_ON)]


def test_what_comes_with_schedlab_runs_bare():
    assert is_ours(ON())
    assert is_ours(ON)
    assert not is_ours(Queue())
    assert not is_ours(type("Mine", (ON,), {"__module__": "__main__"}))


def test_a_subclass_of_a_generation_is_guarded_where_it_is_written_anew():
    class Mine(ON):
        def goodness(self, task, cpu, mm):
            raise ValueError("what was the formula?")

    said = told(LearnerError, scenario(Mine).run)
    assert said.startswith("Mine.preempts failed at 0 ns, CPU 0, task hog: ValueError: what was the formula? (line ")
    assert said.endswith("in goodness)")


def test_a_run_that_stands_still_in_our_own_code_is_broken_off(monkeypatch):
    monkeypatch.setattr(guard, "STANDSTILL_S", 0.3)
    stands = type("Stands", (O1,), {"__module__": O1.__module__, "tick": lambda *_: endless()})
    assert "does not come back: broken off at 1 ms" in told(LearnerError, scenario(stands).run)


def test_a_run_of_too_many_rows_is_broken_off_and_told(monkeypatch):
    monkeypatch.setattr(guard, "MOST_ROWS", 1_000)
    fidget = {"does": [{"repeat": [{"run": 1}, {"sleep": 1}]}]}
    assert "rows by" in told(LearnerError, lambda: Scenario("o1", [fidget], until="5s").run())


def test_a_hook_that_is_no_method_is_told():
    class NoMethod(Queue):
        pick = 5  # type: ignore[assignment]  # the mistake that is told

    assert told(LearnerError, lambda: scenario(NoMethod).run()) == "NoMethod.pick must be a method, not 5"


def test_an_attach_that_loops_is_broken_off():
    class Attaching(Queue):
        def attach(self, machine):
            while True:
                pass

    assert "Attaching.attach does not come back" in told(LearnerError, lambda: scenario(Attaching).run())


def test_a_policy_that_breaks_the_machine_is_told_in_a_sentence():
    class Vandal(Queue):
        def tick(self, cpu, curr):
            cpu.curr = None

    assert told(LearnerError, lambda: scenario(Vandal).run()).startswith("the machine cannot go on: AttributeError")


@pytest.mark.parametrize(
    ("queues", "words"),
    [
        (lambda self: 5, "Mumbles.queues failed at 0 ns: TypeError: 'int' object is not iterable"),
        (lambda self: [("line", 5)], "Mumbles.queues failed at 0 ns: TypeError: 'int' object is not iterable"),
        (lambda self: [("line", ["hog"])], "Mumbles.queues must give names of places, and the tasks of each"),
        (lambda self: [(5, self.line)], "Mumbles.queues must give names of places, and the tasks of each"),
    ],
)
def test_queues_that_are_none_are_told_when_a_run_is_explained(queues, words):
    trace = scenario(type("Mumbles", (Queue,), {"queues": queues})).run()
    assert words in told(LearnerError, trace.explain)


def test_leaving_python_is_an_error_also_when_a_run_is_explained():
    class Leaves(Queue):
        left = False

        def pick(self, cpu, prev):
            if Leaves.left:
                raise SystemExit(3)
            return super().pick(cpu, prev)

    trace = scenario(Leaves).run()
    Leaves.left = True
    assert "Leaves.pick failed at 0 ns, CPU 0, task idle: SystemExit: 3" in told(LearnerError, trace.explain)


@pytest.mark.parametrize("policy", ["o1", "cfs", "eevdf"])
def test_tasks_that_fork_for_ever_are_told(policy, monkeypatch):
    monkeypatch.setattr("schedlab.linux.machine.MOST_TASKS", 200)

    def bomb():
        while True:
            yield fork("bomb", bomb)
            yield run(MS)

    given = scenario(policy, [{"name": "bomb", "does": bomb}]).but(until="10s")
    assert "bomb would be task number 201" in told(Loop, given.run)


def test_the_alarm_is_not_lost_in_a_callback_of_the_garbage_collector(monkeypatch):
    """An exception that such a callback raises is only told of, and the loop goes on."""
    lost: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lost.append)

    def slow(_phase, _info):
        time.sleep(0.02)

    class Collects(Queue):
        def pick(self, cpu, prev):
            while True:
                gc.collect(0)

    gc.callbacks.append(slow)
    try:
        assert "Collects.pick does not come back" in told(LearnerError, scenario(Collects).run)
    finally:
        gc.callbacks.remove(slow)
    assert lost == []
