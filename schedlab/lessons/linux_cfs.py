"""Part 2, lesson 15: CFS. Runs are short enough to step through, and each number that the prose names is tested."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from schedlab.exercises import Diagnosis, Exercise
from schedlab.goals import latencies, segments, shares
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.linux_real import of_kernel, of_model
from schedlab.lessons.listing import Elsewhere
from schedlab.lessons.promises import served_within
from schedlab.linux.cfs import CFS, CfsRq
from schedlab.linux.fair import calc_delta_fair
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.weights import weight_of
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

COMPILER: dict[str, Any] = {"name": "compiler"}
ARCHIVER: dict[str, Any] = {"name": "archiver"}
# 3 % of a CPU. At nice 10 beside two others at nice 0 its weight is worth 5 %.
MUSIC: dict[str, Any] = {"name": "music", "nice": 10, "does": [{"repeat": [{"sleep": "9700us"}, {"run": "300us"}]}]}
EDITOR: dict[str, Any] = {"name": "editor", "does": [{"repeat": [{"sleep": "18ms"}, {"run": "2ms"}]}]}

POLITE = Scenario("cfs", [MUSIC, COMPILER, ARCHIVER], until="400ms", title="Music at nice 10")

RUNS: dict[str, Any] = {
    "hook": Scenario("cfs", [COMPILER, {**ARCHIVER, "nice": 5}], until="120ms", title="Two programs under CFS"),
    "clock": Scenario(
        "cfs-2.6.23", [COMPILER, ARCHIVER, {"name": "indexer"}], until="100ms", title="The fair clock of 2.6.23"
    ),
    "tree": Scenario(
        "cfs",
        [{"name": f"n{nice}", "nice": nice} for nice in (4, 3, 2, 1, 0, -1)],
        until="120ms",
        title="Six programs in a tree",
    ),
    "game": Scenario(
        "cfs",
        [{**ARCHIVER, "nice": 5}, EDITOR, {"name": "tests"}, {**COMPILER, "nice": -5}],
        until="62ms",
        title="You are the scheduler",
    ),
    "polite": POLITE,
    "plain": POLITE.fork("100ms", {"renice": {"task": "music", "nice": 0}}),
    "kernel": partial(of_kernel, "6.1", "w02a_nice"),
    "model": partial(of_model, "6.1", "w02a_nice"),
}


# -- weights -----------------------------------------------------------------------------------------------


def pair(nice: int, levels: int) -> tuple[Any, ...]:
    """What a task gets beside one that is so many levels nicer: by a run, and at all nice values by their weights."""
    nicer = min(nice + levels, 19)
    run = Scenario(
        "cfs", [{"name": "first", "nice": nice}, {"name": "second", "nice": nicer}], until="5s", title="Two nice values"
    )
    got = shares(run.run())
    facts = {
        f"first, nice {nice}": f"weight {weight_of(nice):,}, gets {100 * got['first']:.1f} %",
        f"second, nice {nicer}": f"weight {weight_of(nicer):,}, gets {100 * got['second']:.1f} %",
        "the weights": f"{weight_of(nice) / weight_of(nicer):.2f} to 1",
    }
    series = {
        f"{apart} levels apart" if apart != 1 else "1 level apart": [
            (n, 100 * weight_of(n) / (weight_of(n) + weight_of(n + apart))) for n in range(-20, 20 - apart)
        ]
        for apart in dict.fromkeys((1, 5, levels))
    }
    return facts, line(series, title="What the first one's weight is worth", x="its nice value", y="share, %", at=nice)


# -- latency and granularity -------------------------------------------------------------------------------


def turns(trace: Trace) -> list[int]:
    """Stretches on the CPU between two switches to another task, ns; the first and the last are not counted."""
    found: list[list[int]] = []
    for one in segments(trace):
        if found and found[-1][0] == one.task:
            found[-1][1] += one.stop - one.start
        else:
            found.append([one.task, one.stop - one.start])
    return [ns for _task, ns in found[1:-1]]


def crowd(tasks: int, hz: int) -> Scenario:
    """So many tasks that compute, all of nice 0."""
    many = [{"name": f"hog{k + 1}"} for k in range(tasks)]
    return Scenario("cfs", many, until="1s", machine={"hz": hz}, title=f"{tasks} programs that compute")


def usual_turn(tasks: int, hz: int) -> int:
    """The most frequent length of a turn among so many tasks, ns, to a millisecond."""
    found = [round(ns / MS) * MS for ns in turns(crowd(tasks, hz).run())]
    return max(sorted(set(found)), key=found.count)


def slice_of(tasks: int) -> int:
    """What one of so many equal tasks is given, asked of the policy itself, ns."""
    run = crowd(tasks, 250).but(until="1ms")
    policy = run.policy()
    run.run(policy=policy)
    rq = policy.queues_of[0]
    return int(policy.ideal_slice(rq, rq.curr))


def slices(tasks: int, hz: int) -> tuple[dict[str, Any], Chart]:
    """The period, each task's part of it, and the turns that the ticks make of it: for `tasks` and for all numbers."""
    period = CFS.period(_at_rest(), tasks)
    facts = {
        "everybody should run once in": fill("{ns:dur}", {"ns": period}),
        "each one's slice": fill("{ns:dur}", {"ns": round(slice_of(tasks), -3)}),
        f"a turn, with {hz} ticks a second": fill("{ns:dur}", {"ns": usual_turn(tasks, hz)}),
        "so everybody has run after": fill("{ns:dur}", {"ns": tasks * usual_turn(tasks, hz)}),
    }
    counts = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16)
    series = {
        "slice": [(n, slice_of(n) / MS) for n in counts],
        f"turn, {hz} ticks a second": [(n, usual_turn(n, hz) / MS) for n in counts],
    }
    return facts, line(series, title="The slice and the turn", x="tasks that want the CPU", y="ms", at=tasks)


def _at_rest() -> CFS:
    """The policy on a machine with one CPU and no task."""
    policy = CFS()
    Machine(policy, Engine(), Recorder(LINUX, on=False))
    return policy


# -- sleepers ----------------------------------------------------------------------------------------------


class Watched(CFS):
    """CFS that notes how far behind min_vruntime each sleeper was, and how far it is allowed to be, ns."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[tuple[int, int]] = []

    def place(self, rq: CfsRq, task: Any, initial: bool) -> None:
        """As the kernel does it."""
        before = rq.min_vruntime - task.vruntime
        super().place(rq, task, initial)
        if not initial:
            self.woken.append((before, rq.min_vruntime - task.vruntime))


def napper(ns: int, nice: int = 0) -> Scenario:
    """One that sleeps so many ns and then computes, beside two that only compute."""
    sleeper = {"name": "sleeper", "nice": nice, "does": [{"sleep": ns}, {"run": "40ms"}, "exit"]}
    return Scenario("cfs", [sleeper, COMPILER, ARCHIVER], until=ns + 400 * MS, title="A sleeper wakes up")


def woken(ns: int) -> tuple[int, int]:
    """How far behind the queue a sleeper is after so many ns: as it left, and as it is placed, ns."""
    policy = Watched()
    napper(ns).but(until=ns + 1 * MS).run(policy=policy)
    return policy.woken[-1]


def one_sleep(ns: int, nice: int = 0) -> tuple[dict[str, Any], Chart]:
    """What one sleep of so many ns is worth to a task at this nice value, and what every sleep up to 60 ms is."""
    run = napper(ns, nice)
    policy = Watched()
    trace = run.run(policy=policy)
    before, after = policy.woken[-1]
    task = policy.machine.tasks[0]
    waited = latencies(trace, ["sleeper"])[-1].ns
    facts = {
        "behind when it wakes": fill("{ns:dur}", {"ns": before}),
        "put so far behind": fill("{ns:dur}", {"ns": after}),
        "preempts if further left than": fill("{ns:dur}", {"ns": calc_delta_fair(policy.wakeup_granularity_ns, task)}),
        "waits for the CPU": fill("{ns:dur}", {"ns": waited}),
    }
    lengths = range(2, 61, 2)
    points = [(ms, woken(ms * MS)) for ms in lengths]
    series = {
        "as it left": [(ms, before / MS) for ms, (before, _after) in points],
        "as it is placed": [(ms, after / MS) for ms, (_before, after) in points],
    }
    return facts, line(
        series, title="How far behind a sleeper comes back", x="length of the sleep, ms", y="ms behind", at=ns / MS
    )


# -- questions ---------------------------------------------------------------------------------------------

PREDICTIONS = {
    "clock": Question(
        "Three equal tasks under 2.6.23. The compiler has the CPU for the first 8 ms. What is its wait_runtime then?",
        (
            Option(
                "−8 ms: what it has had",
                "It had a right to a third of these 8 ms. Only what is more than its share is a debt.",
                idea="a task owes all that it has run",
            ),
            Option(
                "−5.33 ms: what it has had beyond its third",
                "8 ms had, 2.67 due. Its key: 2.67 + 5.33 = 8.",
                right=True,
            ),
            Option(
                "2.67 ms: its third",
                "That is what each of the two that waited is owed. The compiler has had its third and more.",
                idea="wait_runtime is the fair share",
            ),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "Two tasks of nice 0 on one CPU have a slice of 3 ms. Four more of nice 0 wake up. What is the slice now?",
        (
            Option(
                "3 ms",
                "No slice is stored anywhere: it is each one's part of the period, and there are six parts now.",
                idea="a time slice is fixed in CFS",
            ),
            Option("1 ms", "6 ms among six of equal weight.", right=True),
            Option("0.75 ms", "That is the least there is. Six tasks are not enough to come down to it."),
        ),
    ),
    Question(
        "Compiler and archiver both have nice 0. The compiler's vruntime is lower by 2 ms. What does that say?",
        (
            Option("The compiler has had 2 ms less", "So it goes first, until it has caught up.", right=True),
            Option(
                "The compiler has the higher priority and gets more of the CPU",
                "It goes first now, and its vruntime grows as it runs. Shares come from weights, which are equal.",
                idea="lower vruntime means higher priority",
            ),
            Option("The compiler has slept for 2 ms", "It may as well have waited: vruntime is what a task has had."),
        ),
    ),
    Question(
        "Two tasks compute, one at nice 10 and one at nice 15. What does the first one get?",
        (
            Option("About 75 %", "Five levels apart, as nice 0 and 5 are: 110 to 36.", right=True),
            Option(
                "About 50 %: both are nice",
                "Only the ratio of the weights counts, 110 to 36. Being nice together changes nothing.",
                idea="the share depends on the absolute nice value",
            ),
            Option("About 25 %", "That is left for the second: a lower nice value has the larger weight."),
        ),
    ),
    Question(
        "A task at nice 0 wakes up after an hour. How far behind the queue is it placed on one CPU?",
        (
            Option(
                "An hour",
                "It would have the CPU to itself until it had caught up. place_entity() allows half a latency.",
                idea="sleep is saved up",
            ),
            Option("0 ms", "Then it could not be sure to preempt what runs: it gets 3 ms of credit."),
            Option("3 ms", "Half of the latency of 6 ms, however long it slept.", right=True),
        ),
    ),
    Question(
        "In a red-black tree of vruntimes, who runs next?",
        (
            Option(
                "The root",
                "The root is somewhere in the middle of the order: that is what keeps paths short.",
                idea="the top of a tree is its first",
            ),
            Option("A red one", "Colours only keep the tree balanced. They say nothing about a task."),
            Option("The leftmost", "The one with the lowest vruntime of those that wait.", right=True),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("22", "Go's run queues know no vruntime: what keeps one goroutine from having all?"),
    Elsewhere("33", "Kubernetes' active queue is a heap by priority: what would a tree by past use change?"),
)


# -- the exercise ------------------------------------------------------------------------------------------

MIX: list[dict[str, Any]] = [
    {"name": "editor", "does": [{"repeat": [{"sleep": "30ms"}, {"run": "3ms"}]}]},
    COMPILER,
    {"name": "napper", "does": [{"repeat": [{"run": "1800us"}, {"sleep": "200us"}]}]},
    {"name": "backup", "does": [{"repeat": [{"sleep": "700ms"}, {"run": "300ms"}]}]},
]
PROMPT = 2 * MS  # that the editor may wait in 95 of 100 cases, ns
LONGEST = 20 * MS  # that anybody may wait, ns
FAIR = 0.30  # of the CPU: what the compiler must have


def editor_is_prompt(trace: Trace) -> Iterator[Violation]:
    """The editor's 95th percentile, told at the first wait that was too long."""
    return served_within(trace, "editor", PROMPT, "editor-prompt")


def compiler_has_its_share(trace: Trace) -> Iterator[Violation]:
    """What the compiler has had at the end."""
    got = shares(trace).get("compiler", 0)
    if got < FAIR:
        says = f"the compiler, which never sleeps, has had {100 * got:.0f} % of the CPU"
        yield Violation(trace.end, len(trace) - 1, "compiler-share", says)


def placed(answer: Any, behind: int) -> int:
    """Where a learner's place() puts a sleeper that left so far behind min_vruntime: ns behind it."""
    policy = answer()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    task: Any = machine.create("probe", [])
    rq = policy.queues_of[0]
    rq.min_vruntime = 10 * S
    task.vruntime = rq.min_vruntime - behind
    policy.place(rq, task, False)
    return int(rq.min_vruntime - task.vruntime)


DIAGNOSES = (
    Diagnosis(
        "hoards", lambda _report, answer: placed(answer, 5 * S) > LONGEST,
        "Who has slept for long comes back far behind and has the CPU until it has caught up. There has to be a "
        "furthest place: never further behind min_vruntime than so many ns.",
    ),
    Diagnosis(
        "no-credit", lambda _report, answer: placed(answer, 5 * S) <= 0,
        "A sleeper comes back level with the queue, so it is seldom 1 ms ahead of what runs, and waits for a tick. "
        "Let it come back some ms behind min_vruntime.",
    ),
    Diagnosis(
        "moved-back", lambda _report, answer: placed(answer, -5 * MS) > -5 * MS,
        "A task that has had much naps a moment and is moved back: what it has had is forgotten, every 2 ms. Who left "
        "ahead of that place has to stay where it was.",
    ),
)  # fmt: skip

EXERCISES = {
    "place": Exercise(
        "A sleeper that cannot hoard",
        [Scenario("cfs", MIX, until="3s", title="An editor, a compiler, one that naps, and a backup")],
        diagnoses=DIAGNOSES,
        rules=(
            longest_wait(LONGEST),
            Law("editor-prompt", "The editor waits at most 2 ms in 95 of 100 cases.", editor_is_prompt),
            Law("compiler-share", "The compiler has at least 30 % of the CPU.", compiler_has_its_share),
        ),
    ),
}
