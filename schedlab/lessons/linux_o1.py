"""Part 2, lesson 13: O(1). Numbers of tasks and times are chosen so that each rule is seen within a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from schedlab.exercises import Diagnosis, Exercise, Goal
from schedlab.goals import cpu_time, shares
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.files import data
from schedlab.lessons.listing import Elsewhere
from schedlab.lessons.promises import served_within
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import O1, O1_2_6_22, O1Task
from schedlab.linux.real.compared import play as replayed
from schedlab.linux.real.compared import trace_of
from schedlab.linux.real.recorded import read_recording
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

# An editor that sleeps for a key and draws a letter, a compiler that never sleeps, a player of music.
EDITOR = {"name": "editor", "does": [{"repeat": [{"sleep": "30ms"}, {"run": "3ms"}]}]}
COMPILER = {"name": "compiler"}
MUSIC = {"name": "music", "does": [{"repeat": [{"sleep": "18ms"}, {"run": "2ms"}]}]}

RUNS: dict[str, Any] = {
    "hook": Scenario("o1", [EDITOR, COMPILER, MUSIC], until="300ms", title="Three programs under O(1)"),
    "slice": Scenario("o1", [COMPILER, {"name": "archiver"}], until="350ms", title="A slice ends"),
}

HONEST = Scenario("o1", [EDITOR, COMPILER, {"name": "archiver"}], until="1500ms", title="An honest compiler")
NAPPING: dict[str, Any] = {"name": "compiler", "does": [{"repeat": [{"run": "9ms"}, {"sleep": "1ms"}]}]}
NO_BONUS = 5  # the bonus that moves nobody: MAX_BONUS / 2
HONEST_FOR = "150ms"  # of CPU time; then it begins to nap


def late_sleeper() -> Trace:
    """A real 2.6.20: two hogs, and a task that slept two seconds."""
    return trace_of(read_recording(data("linux/2.6.20-o1/w13_late.json")))


def late_sleeper_model() -> Trace:
    """The same program on `O1_2_6_22`."""
    recording = read_recording(data("linux/2.6.20-o1/w13_late.json"))
    return trace_of(recording, replayed(recording))


RUNS |= {
    # the editor comes last in the list of tasks, so that "always the first one" is no way to win
    "game": HONEST.but(
        tasks=[COMPILER, {"name": "archiver"}, MUSIC, {**EDITOR, "nice": -5}],
        until="190ms",
        title="You are the scheduler",
    ),
    "honest": HONEST,
    "liar": HONEST.but(
        tasks=[
            EDITOR,
            {"name": "compiler", "does": [{"run": HONEST_FOR}, *NAPPING["does"]]},
            {"name": "archiver"},
        ],
        title="A compiler that naps 1 ms in 10",
    ),
    "kernel": late_sleeper,
    "model": late_sleeper_model,
}


def looked_at(scheduler: str, tasks: int) -> int:
    """How many tasks (or slots) one choice among so many ready ones looks at: asked of the policy itself."""
    run = Scenario(scheduler, [{"name": "task", "count": tasks}], until="1ms")
    policy = run.policy()
    run.run(policy=policy)
    return int(policy.looks_at(policy.machine.cpus[0]))


def cost(tasks: int) -> tuple[dict[str, Any], Chart]:
    """What a choice costs under three generations, for `tasks` ready tasks and for all numbers at once."""
    counts = (1, 3, 10, 30, 60, 100, 300, 1000)
    facts = {
        "v0.01 looks at": f"{looked_at('v0.01', tasks)} slots" if tasks < 64 else "cannot: it has room for 63",
        "O(n) looks at": f"{looked_at('o(n)', tasks)} tasks; a new epoch also refills every one",
        "O(1) looks at": "1 list head; a swap moves two pointers",
    }
    series = {
        "O(n), 2.4": [(n, looked_at("o(n)", n)) for n in counts],
        "O(1), 2.6": [(n, looked_at("o1", n)) for n in counts],
        "v0.01": [(n, looked_at("v0.01", n)) for n in counts if n < 64],
    }
    return facts, line(series, title="What one choice looks at", x="tasks ready to run", y="tasks looked at", at=tasks)


def after_one_sleep(policy: O1, ns: int, nice: int = 0) -> O1Task:
    """A task that has never slept, after one sleep of so many ns."""
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    task = machine.create("editor", [], nice=nice)
    assert isinstance(task, O1Task)
    policy.recalc_task_prio(task, ns)
    return task


def one_sleep(ns: int, nice: int = 0) -> tuple[dict[str, Any], Chart]:
    """What one sleep of so many ns is worth, and what every sleep up to a second is."""
    policy, later = O1(), O1_2_6_22()
    task = after_one_sleep(policy, ns, nice)
    bonus, needed = policy.current_bonus(task), NO_BONUS + policy.delta(nice)
    sum_ = task.static_prio - (bonus - NO_BONUS)
    facts = {
        "remembered (sleep_avg)": fill("{ns:dur}", {"ns": task.sleep_avg}),
        "bonus": f"{bonus} of 10, {needed} needed",
        "priority": f"{sum_} = {task.static_prio} - ({bonus} - 5)"
        + ("" if sum_ == task.prio else f", cut to {task.prio}"),
        "interactive": "yes, back to active when its slice ends" if policy.is_interactive(task) else "no, not yet",
    }
    lengths = range(0, 1001, 10)
    series = {
        "2.6.11": [(ms, policy.current_bonus(after_one_sleep(policy, ms * MS, nice))) for ms in lengths],
        "2.6.22": [(ms, later.current_bonus(after_one_sleep(later, ms * MS, nice))) for ms in lengths],
        f"needed at nice {nice}": [(ms, needed) for ms in lengths],
    }
    return facts, line(series, title="What one sleep is worth", x="length of the sleep, ms", y="bonus", at=ns / MS)


def napper(work: int | str) -> Scenario:
    """A compiler that naps 1 ms after every `work` (ns, or "10ms") of computing, beside an honest archiver."""
    liar = {"name": "compiler", "does": [{"repeat": [{"run": work}, {"sleep": "1ms"}]}]}
    return HONEST.but(tasks=[EDITOR, liar, {"name": "archiver"}], until="3s", title="A compiler that naps")


def napping(work: int | str) -> tuple[dict[str, Any], Scenario]:
    """What the compiler gets that naps 1 ms after every `work` of computing."""
    run = napper(work)
    policy = run.policy()
    got = shares(run.run(policy=policy))
    return {
        "the compiler gets": fill("{share:%.0}", {"share": got["compiler"]}),
        "the archiver, who never naps": fill("{share:%.0}", {"share": got["archiver"]}),
        "the compiler's bonus at the end": f"{policy.current_bonus(policy.machine.tasks[1])} of 10",
    }, run


PREDICTIONS = {
    "empty": Question(
        "The active array is empty, and tasks wait in the expired one. What happens?",
        (
            Option(
                "Every task gets a new slice, one after the other",
                "That was 2.4: a new epoch walks all tasks. Here each task got its new slice when it expired.",
                idea="an epoch recalculates every slice",
            ),
            Option(
                "Two pointers swap",
                "Expired becomes active at one stroke, however many tasks there are: press ← below to see it.",
                right=True,
            ),
            Option(
                "The idle task runs",
                "Tasks in the expired array can run: they only wait until active is empty.",
                idea="expired tasks are asleep",
            ),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "Two tasks are ready: one has priority 117, the other 123. Who runs first?",
        (
            Option("117", "The bitmap is searched from bit 0: the lowest set bit wins.", right=True),
            Option(
                "123",
                "Lower means first: the search begins at bit 0, so 117 is found before 123.",
                idea="bigger number means higher priority",
            ),
            Option("Whoever waits longer", "Waiting counts only among tasks of one list, which take turns."),
        ),
    ),
    Question(
        "What does the 1 in O(1) promise?",
        (
            Option(
                "Every task gets the same slice",
                "Slices differ with the nice value: 800 ms at -20, 5 ms at 19.",
                idea="O(1) means the slices are equal",
            ),
            Option(
                "A pick costs the same with ten tasks as with ten thousand",
                "One search in a bitmap of 140 bits, one list head.",
                right=True,
            ),
            Option("One task runs at a time", "That is true of any CPU and says nothing about the cost of choosing."),
        ),
    ),
    Question(
        "A task uses its slice up at tick 100. When does it get its next slice?",
        (
            Option("At once, as it is put into the expired array", "Each task is refilled as it expires.", right=True),
            Option(
                "At the swap",
                "The swap moves two pointers. All slices were filled one by one before.",
                idea="refill at the swap",
            ),
            Option(
                "When every task has used its slice",
                "That is the epoch of 2.4.",
                idea="an epoch recalculates every slice",
            ),
        ),
    ),
    Question(
        "In 2.6.11 a task at nice 0 sleeps once for 801 ms. What is its bonus then?",
        (
            Option(
                "10, the most there is",
                "A long sleep is cut to 900 ms of credit, so that nobody gets the top by one sleep.",
            ),
            Option("9", "One sleep longer than 799 ms sets sleep_avg to 900 ms, whatever it was before.", right=True),
            Option("8", "801 ms would give 8 if they counted as they are. They do not.", idea="sleep counts as it is"),
        ),
    ),
    Question(
        "Why can a nice 19 task never count as interactive?",
        (
            Option(
                "Its slice is too short",
                "A slice of 5 ms decides how long it runs, not which array it returns to.",
                idea="a short slice is a low priority",
            ),
            Option(
                "It needs a bonus of 11, and there are ten",
                "What is needed grows with nice: 7 at nice 0, 11 at nice 19.",
                right=True,
            ),
            Option("The kernel forbids it", "No rule names it: the sum just never works out."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("22", "Go's local run queue is a list too, but it has no bitmap: why does it need none?"),
    Elsewhere("33", "Kubernetes keeps its active queue as a heap: what would 140 lists cost it?"),
)

MIX: list[dict[str, Any]] = [
    EDITOR,
    COMPILER,
    {"name": "archiver"},
    {"name": "liar", "does": [{"repeat": [{"run": "9ms"}, {"sleep": "1ms"}]}]},
]
PROMPT = 20 * MS  # ns that an editor may wait at the 95th percentile
COMPUTING = ("compiler", "archiver", "liar")


def editor_is_prompt(trace: Trace) -> Iterator[Violation]:
    """The editor's 95th percentile, told at the first wait that was too long."""
    return served_within(trace, "editor", PROMPT, "editor-prompt")


def computed(trace: Trace) -> int:
    """CPU time of the tasks that compute, ns."""
    return sum(cpu_time(trace).get(name, 0) for name in COMPUTING)


def worth(answer: Any, *sleeps: int, nice: int = 0) -> tuple[int, int]:
    """The bonus and sleep_avg of a task under a learner's policy after so many sleeps, ns each."""
    policy = answer()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    task = machine.create("probe", [], nice=nice)
    assert task is not None
    for ns in sleeps:
        policy.recalc_task_prio(task, task.timestamp + ns)
    return int(policy.current_bonus(task)), int(task.sleep_avg)


def same_for_all(_report: Any, answer: Any) -> bool:
    """Does a sleep change nothing, at any nice value?"""
    return len({worth(answer, *sleeps, nice=nice)[0] for sleeps in ((), (500 * MS,)) for nice in (-10, 0, 10)}) == 1


def by_nice(_report: Any, answer: Any) -> bool:
    """Does the bonus follow the nice value and no sleep?"""
    slept = [worth(answer, 500 * MS, nice=nice)[0] for nice in (-10, 0, 10)]
    return len(set(slept)) > 1 and slept == [worth(answer, nice=nice)[0] for nice in (-10, 0, 10)]


def last_sleep_only(_report: Any, answer: Any) -> bool:
    """Does a short sleep wipe out what a long one earned?"""
    return worth(answer, 500 * MS, 1 * MS)[1] < worth(answer, 500 * MS)[1]


DIAGNOSES = (
    Diagnosis(
        "same-for-all", same_for_all,
        "Every task has the same bonus, so nobody jumps the queue: the editor stands in line behind the compilers.",
    ),
    Diagnosis(
        "by-nice", by_nice,
        "The bonus follows the nice value alone. All tasks here have nice 0, so it tells the editor from nobody.",
    ),
    Diagnosis(
        "last-sleep-only", last_sleep_only,
        "Only the last sleep counts, so one short nap forgets a long wait: what is remembered has to add up.",
    ),
)  # fmt: skip

EXERCISES = {
    "bonus": Exercise(
        "A bonus that programs cannot buy",
        [Scenario("o1", MIX, until="3s", title="An editor among three that compute, one of which naps")],
        diagnoses=DIAGNOSES,
        rules=(
            longest_wait(1 * S),
            Law("editor-prompt", "The editor waits at most 20 ms in 95 of 100 cases.", editor_is_prompt),
        ),
        goals=(
            Goal("work-done", "As much is computed as before, to within 2 %.", computed, Fraction(98, 100), more=True),
        ),
    ),
}
