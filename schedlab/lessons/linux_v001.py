"""Part 2, lesson 11: Linux 0.01. One CPU, a tick of 10 ms, a quantum of 15 ticks: all numbers are its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schedlab.exercises import Diagnosis, Exercise
from schedlab.goals import cpu_time, latency, longest_waits
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.listing import Elsewhere
from schedlab.lessons.promises import served_within
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.task import Step, fork, run
from schedlab.linux.v001 import DEF_PRIORITY, V001, V001Task
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

TICK = 10 * MS  # ns, at the 100 Hz of this kernel
QUANTUM = DEF_PRIORITY * TICK  # ns
MOST_HOGS = 62  # programs that compute, beside a shell

# A shell that waits for a key and answers it in 5 ms, and programs that never wait.
SHELL: dict[str, Any] = {"name": "shell", "does": [{"repeat": [{"sleep": "175ms"}, {"run": "5ms"}]}]}
HOGS: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "archiver"}]
JOB: dict[str, Any] = {"fork": {"name": "job", "does": [{"run": "1ms"}]}}
STINT = 140 * MS  # ns that a runner of the relay computes before it hands over: one tick less than its quantum


def relay(stint: int = STINT) -> Iterator[Step]:
    """Compute for `stint` ns, let a child go on with the work, and exit."""
    yield run(stint)
    yield fork("relay", lambda: relay(stint))


RUNS: dict[str, Any] = {
    "hook": Scenario("v0.01", [*HOGS, SHELL], until="1s", title="A shell and two programs that compute"),
    "round": Scenario("v0.01", [*HOGS, {"name": "indexer"}], until="1s", title="Three programs that compute"),
    # sleepers stand in the middle slots, so that neither the first nor the last one is always right
    "game": Scenario(
        "v0.01",
        [
            {"name": "compiler"},
            {"name": "shell", "does": [{"repeat": [{"sleep": "110ms"}, {"run": "5ms"}]}]},
            {"name": "printer", "does": [{"repeat": [{"sleep": "260ms"}, {"run": "30ms"}]}]},
            {"name": "archiver"},
        ],
        until="700ms",
        title="You are the scheduler",
    ),
    # the first fork of all made the shell, in slot 1; slots 2 to 63 take 62 jobs
    "full": Scenario(
        "v0.01",
        [
            {
                "name": "shell",
                "does": [
                    {"repeat": [JOB], "times": 62},
                    {"sleep": "100ms"},
                    JOB,
                    {"sleep": "20ms"},
                    "reap",
                    JOB,
                    {"sleep": "20ms"},
                ],
            }
        ],
        until="200ms",
        title="A shell that forks 62 jobs, and one more",
    ),
    "worker": Scenario("v0.01", [{"name": "compiler"}, {"name": "relay"}], until="1200ms", title="Two that compute"),
}
RUNS["relay"] = RUNS["worker"].but(tasks=[{"name": "compiler"}, {"name": "relay", "does": relay}], title="A relay")


def counter_after(refills: int, priority: int) -> int:
    """The counter of a task with a full quantum after so many refills in its sleep: the policy's own."""
    policy = V001()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    task = machine.create("sleeper", [])
    assert isinstance(task, V001Task)
    task.priority = task.counter = priority
    for _ in range(refills):
        policy.refill()
    return task.counter


def saved(refills: int, priority: int) -> tuple[dict[str, Any], Chart]:
    """What a sleeper has saved after so many refills, and after every number of them."""
    ticks = counter_after(refills, priority)
    facts = {
        "counter": f"{ticks} ticks, {fill('{ns:dur}', {'ns': ticks * TICK})} of CPU time",
        "the next refill makes it": f"{ticks} >> 1, plus {priority}: {counter_after(refills + 1, priority)}",
        "a compiler of the same priority has at most": f"{priority}",
    }
    series = {
        f"priority {one}": [(n, counter_after(n, one)) for n in range(13)] for one in sorted({priority, 5, 15, 30})
    }
    return facts, line(series, title="What a sleeper saves", x="refills slept through", y="counter, ticks", at=refills)


def hog_waits(hogs: int) -> int:
    """The longest wait (ns) of a program among so many that only compute."""
    crowd = Scenario("v0.01", [{"name": "hog", "count": hogs}], until=f"{2 * hogs * QUANTUM}ns")
    return max(longest_waits(crowd.run()).values())


def key_waits(hogs: int) -> int:
    """The longest wait (ns) of a key press beside so many programs that compute."""
    beside: list[dict[str, Any]] = [{"name": "hog", "count": hogs}, SHELL]
    crowd = Scenario("v0.01", beside, until="3s")
    return latency(crowd.run(), ["shell"]).longest or 0


def crowd(hogs: int) -> tuple[dict[str, Any], Chart]:
    """Who waits how long among so many programs that compute, and among every number of them."""
    counts = (1, 2, 5, 10, 20, 30, 40, 50, MOST_HOGS)
    wait, key = hog_waits(hogs), key_waits(hogs)
    facts = {
        "a program that computes waits": f"{fill('{ns:dur}', {'ns': wait})} = {hogs - 1} × 150 ms",
        "a key press waits at most": fill("{ns:dur}", {"ns": key}),
        "one walk looks at": "63 slots, whoever is in them",
    }
    series = {
        "a program that computes": [(n, hog_waits(n) / S) for n in counts],
        "a key press": [(n, key_waits(n) / S) for n in counts],
    }
    return facts, line(series, title="The longest wait", x="programs that compute", y="seconds", at=hogs)


def handing_over(stint: int) -> tuple[dict[str, Any], Chart]:
    """What is left for a compiler beside a relay whose runners compute for `stint` ns."""

    def left(each: int) -> float:
        tasks: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "relay", "does": lambda: relay(each)}]
        return 100 * cpu_time(Scenario("v0.01", tasks, until="6s").run())["compiler"] / (6 * S)

    facts = {
        "one runner computes": fill("{ns:dur}", {"ns": stint}),
        "the compiler gets": f"{left(stint):.0f} % of the CPU",
    }
    series = {"compiler": [(ms, left(ms * MS)) for ms in range(10, 301, 10)]}
    return facts, line(
        series, title="Beside a relay", x="one runner computes, ms", y="share of the compiler, %", at=stint / MS
    )


PREDICTIONS = {
    "refill": Question(
        "At 305 ms the shell falls asleep, and both compiler and archiver have a counter of 0. Who gets new ticks?",
        (
            Option(
                "The two that are ready",
                "The loop asks no task for its state: it walks all slots, and a sleeper gains as well.",
                idea="only ready tasks are refilled",
            ),
            Option(
                "All three, the sleeping shell too",
                "Half of what is left, plus the priority: the shell goes from 15 to 7 + 15 = 22.",
                right=True,
            ),
            Option(
                "Only the one that runs next",
                "One refill serves every slot at once; there is no other until all that are ready are at 0 again.",
                idea="a task is refilled when it is picked",
            ),
        ),
    ),
    "full": Question(
        "At 100 ms all 62 jobs have exited, and nobody has asked how they ended. Can the shell fork one more?",
        (
            Option(
                "Yes: 62 slots are free again",
                "Exiting frees no slot. A dead task keeps its own until its parent has collected it.",
                idea="exit frees the slot",
            ),
            Option(
                "Yes: the table grows",
                "It is an array of 64 pointers, and it stays one. Slot 0 is the idle task's.",
                idea="the table of tasks grows",
            ),
            Option(
                "No: EAGAIN",
                "62 zombies and the shell fill slots 1 to 63, so this fork, the 64th since boot, is refused.",
                right=True,
            ),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "Three tasks in slots 1, 2 and 3 have counters 7, 9 and 9. Who runs?",
        (
            Option("Slot 1", "7 is the smallest counter: it is what is left of a quantum, not what was used."),
            Option(
                "Slot 2",
                "9 is the largest, but the walk begins at slot 63 and only a larger counter replaces the one found.",
                idea="ties go to the lowest slot",
            ),
            Option(
                "Slot 3",
                "The walk comes down from slot 63: it meets slot 3 first, and 9 is not more than 9.",
                right=True,
            ),
        ),
    ),
    Question(
        "A sleeping shell with a counter of 29 is woken; the compiler that runs has 4. When does the shell run?",
        (
            Option(
                "At once: 29 is more than 4",
                "The comparison is made only when schedule() runs, and a wake-up does not call it.",
                idea="a wake-up preempts",
            ),
            Option(
                "When the compiler has used its 4 ticks or blocks",
                "Then schedule() walks the slots, and 29 wins.",
                right=True,
            ),
            Option(
                "At the next tick",
                "A tick takes one from the counter. Only a counter that reaches 0 calls schedule().",
                idea="each tick chooses again",
            ),
        ),
    ),
    Question(
        "A task of priority 15 sleeps for a day beside busy programs. What is its counter then?",
        (
            Option("15, a full quantum", "Each refill halves what is left and adds 15: 15, 22, 26, 28, 29."),
            Option("29", "The most there is: 29 >> 1 is 14, and 14 + 15 is 29 again.", right=True),
            Option(
                "Thousands: it gets 15 in every round",
                "Half of the old counter is lost each time, so the sum stays below twice the priority.",
                idea="sleep is saved without limit",
            ),
        ),
    ),
    Question(
        "How many tasks does one choice look at when two are ready?",
        (
            Option(
                "Two",
                "There is no list of ready tasks. The walk asks every slot whether it is in use and ready.",
                idea="the kernel keeps a list of ready tasks",
            ),
            Option("63 slots", "Ready, asleep, dead or empty: each slot is looked at.", right=True),
            Option("As many as are not zombies", "The walk does not know what is in a slot before it looks."),
        ),
    ),
    Question(
        "Which program gets more than its share in 0.01?",
        (
            Option(
                "One that forks before its counter is used up", "The child starts with a whole quantum.", right=True
            ),
            Option("One that was started first", "It stands in the lowest slot, and loses every tie."),
            Option(
                "One that never sleeps",
                "It has a counter of at most 15. A sleeper saves up to 29.",
                idea="busy programs are preferred",
            ),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("20", "Go's first scheduler kept its goroutines in one list: what need it not look at?"),
    Elsewhere("31", "Kubernetes walks every node for one pod, as this walks every slot: why may it?"),
)

# -- the exercise ---------------------------------------------------------------------------------------

PROMPT = 20 * MS  # ns that a key press may wait at the 95th percentile
PRINTER: dict[str, Any] = {"name": "printer", "nice": 10, "does": [{"repeat": [{"sleep": "33ms"}, {"run": "3ms"}]}]}


def shell_is_prompt(trace: Trace) -> Iterator[Violation]:
    """The shell's 95th percentile, told at the first wait that was too long."""
    return served_within(trace, "shell", PROMPT, "shell-prompt")


def walks_in_vain(trace: Trace) -> Iterator[Violation]:
    """Wake-ups between two ticks that made the kernel walk the slots and pick the same task again."""
    woken: dict[int, int] = {row.time: row.who for row in trace.table("wake")}
    for row_number in range(len(trace)):
        row = trace.row(row_number)
        if trace.kinds[row.kind].name == "keep" and row.time % TICK and row.time in woken:
            name, runs = trace.name("task", woken[row.time]), trace.name("task", row.who)
            says = f"{name} wakes, 63 slots are walked, and {runs} is picked again"
            yield Violation(row.time, row_number, "no-vain-walk", says)


def interrupts(answer: Any, woken: int, running: int) -> bool:
    """Does a task that wakes with this counter interrupt one that runs with that, both of priority 15?"""
    policy = answer()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    tasks: list[Any] = [machine.create(name, []) for name in ("woken", "running")]
    for task, counter in zip(tasks, (woken, running)):
        task.counter = counter
    machine.cpus[0].curr = tasks[1]
    return bool(policy.preempts(machine.cpus[0], tasks[0]))


def counters_ignored(_report: Any, answer: Any) -> bool:
    """Does nobody interrupt anybody of the same priority?"""
    return not interrupts(answer, 29, 1) and not interrupts(answer, 1, 29)


def always(_report: Any, answer: Any) -> bool:
    """Does everybody interrupt everybody?"""
    return interrupts(answer, 29, 1) and interrupts(answer, 1, 29)


def backwards(_report: Any, answer: Any) -> bool:
    """Does the smaller counter interrupt the larger one?"""
    return interrupts(answer, 1, 29) and not interrupts(answer, 29, 1)


DIAGNOSES = (
    Diagnosis(
        "counters-ignored", counters_ignored,
        "A shell with 29 ticks does not interrupt a compiler with 1. Both have priority 15, so what is compared has "
        "to be what the walk compares.",
    ),
    Diagnosis(
        "always", always,
        "Whoever wakes interrupts, even with 1 tick against 29: then schedule() walks 63 slots and picks the same "
        "task again.",
    ),
    Diagnosis(
        "backwards", backwards,
        "A task that wakes with 1 tick interrupts one with 29, and not the other way round. The largest counter wins.",
    ),
)  # fmt: skip


MIX = [*HOGS, PRINTER, SHELL]
EXERCISES = {
    "wake": Exercise(
        "A wake-up that is noticed",
        [Scenario("v0.01", MIX, until="3s", title="A shell, a printer and two that compute")],
        held_back=[Scenario("v0.01", [PRINTER, *HOGS, {"name": "indexer"}, SHELL], until="3s")],
        diagnoses=DIAGNOSES,
        rules=(
            longest_wait(1 * S),
            Law("shell-prompt", "A key press waits at most 20 ms in 95 of 100 cases.", shell_is_prompt),
            Law("no-vain-walk", "No wake-up makes the kernel walk 63 slots in vain.", walks_in_vain),
        ),
    ),
}
