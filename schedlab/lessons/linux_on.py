"""Part 2, lesson 12: Linux 2.4, O(n). A tick of 10 ms, six of them for nice 0."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from schedlab.exercises import Diagnosis, Exercise
from schedlab.goals import cpu_time, segments
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.files import data
from schedlab.lessons.linux_v001 import relay
from schedlab.lessons.listing import Elsewhere
from schedlab.lessons.promises import served_within
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.on import ON, PROC_CHANGE_PENALTY, SAME_MM_BONUS, ONTask, nice_to_ticks
from schedlab.linux.real.compared import play as replayed
from schedlab.linux.real.compared import trace_of
from schedlab.linux.real.recorded import read_recording
from schedlab.linux.task import SCHED_FIFO, SCHED_NORMAL
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

HZ = 100  # ticks per second of 2.4 on a PC
TICK = 10 * MS  # ns
SLICE_2_2 = 210 * MS  # ns: "210 ms time slices", says the comment beside DEF_PRIORITY in include/linux/sched.h of 2.2
WATCHED = 100 * MS  # ns of a run whose work is counted
LOOK = 100  # ns for one call of goodness(): a price for the picture, not a measurement

EDITOR: dict[str, Any] = {"name": "editor", "does": [{"repeat": [{"sleep": "175ms"}, {"run": "5ms"}]}]}
THREE: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "archiver"}, {"name": "indexer"}]
BACKUP: dict[str, Any] = {"name": "backup", "nice": 10}
THREE_HOGS = data("linux/2.4.24-on/w01_3hogs.json")
RELAY: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "relay", "does": relay}]


def three_hogs() -> Trace:
    """A real 2.4.24: three programs that compute."""
    return trace_of(read_recording(THREE_HOGS))


def three_hogs_model() -> Trace:
    """The same programs on `ON_2_4_24`."""
    recording = read_recording(THREE_HOGS)
    return trace_of(recording, replayed(recording))


RUNS: dict[str, Any] = {
    "hook": Scenario("o(n)", THREE, until="360ms", title="Three equal programs under 2.4"),
    "epochs": Scenario("o(n)", THREE, until="900ms", title="Five epochs of three equal programs"),
    "game": Scenario(
        "o(n)",
        [
            *THREE[:2],
            {**BACKUP, "nice": 15},
            {"name": "editor", "does": [{"repeat": [{"sleep": "145ms"}, {"run": "5ms"}]}]},
        ],
        until="300ms",
        title="You are the scheduler",
    ),
    "relay-then": Scenario("v0.01", RELAY, until="1s", title="A relay under 0.01"),
    "relay": Scenario("o(n)", RELAY, until="1s", title="A relay under 2.4"),
    "kernel": three_hogs,
    "model": three_hogs_model,
}


# -- goodness, term by term -------------------------------------------------------------------------------


def scored(counter: int, nice: int, mm: bool, cpus: int = 1, fifo: int = 0) -> int:
    """`ON.goodness` of a task with this counter and nice value; `mm`: its page tables are loaded."""
    policy = ON()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False), cpus=cpus)
    task = machine.create("task", [], nice=nice)
    assert isinstance(task, ONTask)
    task.counter, task.last_cpu = counter, machine.cpus[0]
    task.policy, task.rt_priority = (SCHED_FIFO, fifo) if fifo else (SCHED_NORMAL, 0)
    return int(policy.goodness(task, machine.cpus[0], task.mm if mm else -1))


def terms(counter: int, nice: int, ran: str, cpus: int) -> tuple[dict[str, Any], Chart]:
    """The goodness of one task with its terms, and of every counter."""
    mm = ran == "this task"
    total = scored(counter, nice, mm, cpus)
    parts = {
        "counter": counter,
        "same mm": SAME_MM_BONUS if mm else 0,
        "same CPU": PROC_CHANGE_PENALTY if cpus > 1 else 0,
        "20 - nice": 20 - nice,
    }
    facts: dict[str, Any] = {name: f"+ {points}" if counter else "not asked" for name, points in parts.items()}
    facts["goodness"] = str(total) if counter else "0: the ticks are used up"
    facts["a FIFO task of priority 1"] = str(scored(0, nice, mm, cpus, fifo=1))
    assert total == (sum(parts.values()) if counter else 0)
    counters = range(12)
    series = {
        f"nice {nice}, as set": [(n, scored(n, nice, mm, cpus)) for n in counters],
        "nice 0": [(n, scored(n, 0, False, 1)) for n in counters],
        "nice 19": [(n, scored(n, 19, False, 1)) for n in counters],
    }
    return facts, line(series, title="Goodness", x="counter, ticks", y="points", at=counter)


# -- what a choice and an epoch cost ------------------------------------------------------------------------


class Counting(ON):
    """2.4 with a counter of its own work."""

    def attach(self, machine: Any) -> None:
        """Nothing counted yet."""
        super().attach(machine)
        self.choices = self.scored = 0
        self.epochs: list[int] = []

    def pick(self, cpu: Any, prev: Any) -> Any:
        """One choice more."""
        self.choices += 1
        return super().pick(cpu, prev)

    def can_schedule(self, task: Any, cpu: Any, prev: Any) -> bool:
        """The walk has come to one task more."""
        self.scored += 1
        return super().can_schedule(task, cpu, prev)

    def new_epoch(self) -> None:
        """One epoch more."""
        self.epochs.append(self.machine.now)
        super().new_epoch()


class Work(NamedTuple):
    """What the kernel did in `WATCHED` ns."""

    choices: int
    scored: int


@cache
def busy(ready: int) -> Work:
    """A sound program, woken every millisecond, among so many that compute: what the kernel counted."""
    sound = {"name": "sound", "class": "fifo", "does": [{"repeat": [{"sleep": "900us"}, {"run": "100us"}]}]}
    tasks: list[dict[str, Any]] = [{"name": "hog", "count": ready}, sound]
    policy = Counting()
    Scenario(Counting, tasks, until=WATCHED).run(policy=policy)
    return Work(policy.choices, policy.scored)


def scan(ready: int) -> tuple[dict[str, Any], Chart]:
    """What choosing costs with so many programs ready, and with every number of them."""
    one = busy(ready)
    facts = {
        "choices in 100 ms": str(one.choices),
        "tasks scored for them": f"{one.scored:,}",
        "an epoch refills": f"{ready + 1:,} tasks",
        f"if a task costs {LOOK} ns": f"{100 * one.scored * LOOK / WATCHED:.1f} % of the CPU",
    }
    series = {"2.4": [(n, busy(n).scored) for n in (3, 10, 30, 100, 300, 1000)]}
    return facts, line(series, title="Tasks scored in 100 ms", x="programs ready", y="tasks scored", at=ready)


# -- a hundred programs ---------------------------------------------------------------------------------------


@cache
def turns(programs: int) -> tuple[int, int, int]:
    """An epoch, the median and the longest wait between two turns (ns) among so many that compute."""
    epoch = programs * nice_to_ticks(0, HZ) * TICK
    policy = Counting()
    trace = Scenario(Counting, [{"name": "hog", "count": programs}], until=4 * epoch).run(policy=policy)
    ended: dict[int, int] = {}
    gaps = []
    for turn in segments(trace):
        if turn.task in ended:
            gaps.append(turn.start - ended[turn.task])
        ended[turn.task] = turn.stop
    return policy.epochs[1] - policy.epochs[0], sorted(gaps)[len(gaps) // 2] if gaps else 0, max(gaps, default=0)


def gap(programs: int) -> tuple[dict[str, Any], Chart]:
    """How long one waits among so many programs: 2.4 as measured in a run, 2.2 by the slice its source names."""
    epoch, median, longest = turns(programs)
    length = "{ns:dur}"
    facts = {
        "2.4, an epoch": fill(length, {"ns": epoch}) + f" = {programs} × 60 ms",
        "2.4, half of all waits are at most": fill(length, {"ns": median}),
        "2.4, the longest wait": fill(length, {"ns": longest}),
        "2.2, an epoch": fill(length, {"ns": programs * SLICE_2_2}) + f" = {programs} × 210 ms",
    }
    counts = (2, 5, 10, 20, 40, 60, 80, 100)
    each = {n: turns(n) for n in counts}
    series = {
        "2.4, an epoch": [(n, each[n][0] / S) for n in counts],
        "2.4, longest wait": [(n, each[n][2] / S) for n in counts],
        "2.2, an epoch (its slice times n)": [(n, n * SLICE_2_2 / S) for n in counts],
    }
    return facts, line(series, title="Among programs that compute", x="programs", y="seconds", at=programs)


def nice_share(nice: int) -> tuple[dict[str, Any], Chart]:
    """What a program of this nice value gets beside one of nice 0, and what every nice value gets."""

    def share(value: int) -> float:
        pair: list[dict[str, Any]] = [{"name": "other"}, {"name": "nice", "nice": value}]
        period = (nice_to_ticks(0, HZ) + nice_to_ticks(value, HZ)) * TICK
        return 100 * cpu_time(Scenario("o(n)", pair, until=20 * period).run())["nice"] / (20 * period)

    ticks = nice_to_ticks(nice, HZ)
    same = [value for value in range(-20, 20) if nice_to_ticks(value, HZ) == ticks]
    facts = {
        "ticks in an epoch": f"{ticks}, beside 6 of nice 0",
        "share of the CPU": f"{share(nice):.0f} %",
        "the same ticks have": f"nice {same[0]} to {same[-1]}" if len(same) > 1 else f"nice {nice} alone",
    }
    series = {"beside nice 0": [(value, share(value)) for value in range(-20, 20)]}
    return facts, line(series, title="What nice is worth", x="nice value", y="share of the CPU, %", at=nice)


# -- questions --------------------------------------------------------------------------------------------------

PREDICTIONS = {
    "epoch": Question(
        "At 180 ms all three counters are 0, so every goodness is 0. What does the kernel do?",
        (
            Option(
                "It runs the idle task until the next tick",
                "A best score of 0 means that somebody is ready and has no ticks left: that begins an epoch.",
                idea="no ticks left means nothing to run",
            ),
            Option(
                "It gives new ticks to the one at the head of the list",
                "There is no way to refill one task. The loop goes over every task of the system.",
                idea="a task is refilled when it is picked",
            ),
            Option(
                "It gives new ticks to every task there is, and walks the list again",
                "Half of what is left plus the share of the nice value; then the walk is made a second time.",
                right=True,
            ),
        ),
    ),
    "third": Question(
        "Call compiler, archiver and indexer 1, 2 and 3. The list holds 3, 2, 1 in this order. The first epoch went "
        "3 2 1, the second 1 3 2. How does the third go?",
        (
            Option(
                "3 2 1",
                "The head wins only a tie. Who ran last has its page tables loaded: 27 points against 26.",
                idea="equal counters mean equal goodness",
            ),
            Option(
                "2 3 1",
                "Program 2 ran last, so it has the point and goes on; then 3 and 1 tie, and 3 is nearer the head.",
                right=True,
            ),
            Option(
                "2 1 3",
                "Program 2 goes on, yes. But goodness does not know that 1 has waited: 1 and 3 tie, and the head wins.",
                idea="the kernel remembers who has waited",
            ),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "A task at nice 0 has 6 ticks left, one at nice 5 has 11. Neither has just run. Who is better?",
        (
            Option(
                "The one at nice 0",
                "Nice is one term of the sum: 6 + 20 is 26, and so is 11 + 15.",
                idea="a better nice value always wins",
            ),
            Option(
                "The one at nice 5",
                "The counter is one term of the sum: 11 + 15 is 26, and so is 6 + 20.",
                idea="more ticks are always better",
            ),
            Option("Neither: the one nearer the head runs", "11 + 15 and 6 + 20 are both 26.", right=True),
        ),
    ),
    Question(
        "A task at nice -20 has used its ticks up. What is its goodness?",
        (
            Option(
                "40, for its nice value",
                "A counter of 0 answers 0 before any other term is looked at.",
                idea="nice counts without ticks",
            ),
            Option("0", "Used up is used up, whatever the nice value: it waits for the next epoch.", right=True),
            Option("-20", "The nice value is subtracted from 20, and only where ticks are left."),
        ),
    ),
    Question(
        "What is the n in O(n)?",
        (
            Option(
                "The tasks that are ready, for a choice; all tasks, for an epoch",
                "The walk goes over the run queue, the refill over every task of the system.",
                right=True,
            ),
            Option(
                "The number of CPUs",
                "All CPUs share one list and one lock, but the walk is as long as the list.",
            ),
            Option(
                "The number of priorities",
                "There are no lists by priority here: those come with O(1).",
                idea="2.4 has a list for each priority",
            ),
        ),
    ),
    Question(
        "100 programs compute on Linux 2.4 at HZ=100, all at nice 0. How long is an epoch?",
        (
            Option(
                "21 s",
                "100 × 210 ms is 2.2, whose source names that slice. 2.4 gives 6 ticks of 10 ms.",
                idea="2.4 has the slice of 2.2",
            ),
            Option("6 s", "100 × 60 ms. One program waits for most of it, some for nearly two of them.", right=True),
            Option("As long as the programs need", "Each is stopped when its 6 ticks are used up."),
        ),
    ),
    Question(
        "A program with 7 ticks forks. What have the two?",
        (
            Option(
                "7 each",
                "That would make CPU time out of nothing, as in 0.01, where the child got a whole quantum.",
                idea="a child gets a full slice",
            ),
            Option("The child 4 and the parent 3", "(7 + 1) >> 1 and 7 >> 1: the sum stays.", right=True),
            Option("The child 0 and the parent 7", "Then the child would wait for the next epoch."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("21", "Go 1.0 kept one list and one lock for all threads: which of its costs do you know from here?"),
    Elsewhere(
        "31", "Kubernetes adds up the points of many small rules for each node: which term of goodness is like them?"
    ),
)

# -- the exercise -------------------------------------------------------------------------------------------------

PROMPT = 20 * MS  # ns that an editor may wait at the 95th percentile
NICES = (1, 2, 3)  # all of which have 5 ticks in 2.4
LEAST_STEP = Fraction(102, 100)  # what a level gets is at least so many times what the next one gets
RANKED: list[dict[str, Any]] = [{"name": f"nice{value}", "nice": value} for value in NICES]


def every_level_counts(trace: Trace) -> Iterator[Violation]:
    """Each nice value gets clearly more CPU time than the next one."""
    got = cpu_time(trace)
    for better, worse in pairwise(NICES):
        one, two = got.get(f"nice{better}", 0), got.get(f"nice{worse}", 0)
        if one < LEAST_STEP * two:
            told = fill("{one:dur} and {two:dur}", {"one": one, "two": two})
            yield Violation(trace.end, len(trace) - 1, "every-level", f"nice {better} and nice {worse} have had {told}")


def editor_is_prompt(trace: Trace) -> Iterator[Violation]:
    """The editor's 95th percentile, told at the first wait that was too long."""
    return served_within(trace, "editor", PROMPT, "editor-prompt")


def counter_of(answer: Any, nice: int, left: int = 0) -> int | float:
    """What an epoch under a learner's policy makes of a task that has `left` ticks."""
    policy = answer()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    task = machine.create("probe", [], nice=nice)
    assert isinstance(task, ONTask)
    task.counter = left
    policy.new_epoch()
    return task.counter


def ticks_of(answer: Any, nice: int, left: int = 0) -> int:
    """The same in whole ticks."""
    return int(counter_of(answer, nice, left))


def in_parts(_report: Any, answer: Any) -> bool:
    """Does an epoch give parts of a tick?"""
    return any(counter_of(answer, nice) % 1 for nice in range(6))


def flat(report: Any, answer: Any) -> bool:
    """Do all nice values get the same?"""
    return len({ticks_of(answer, nice) for nice in range(6)}) == 1 and not in_parts(report, answer)


def rounded(report: Any, answer: Any) -> bool:
    """Do two neighbouring nice values get the same, though others do not?"""
    ticks = [ticks_of(answer, nice) for nice in range(6)]
    same = any(one == two for one, two in pairwise(ticks))
    return same and ticks[0] > ticks[-1] and not in_parts(report, answer)


def reversed_order(_report: Any, answer: Any) -> bool:
    """Does a worse nice value get more?"""
    return ticks_of(answer, 5) > ticks_of(answer, 0)


def too_long(_report: Any, answer: Any) -> bool:
    """Are the levels apart, but an epoch of three programs longer than the wait that is allowed?"""
    ticks = [ticks_of(answer, nice) for nice in NICES]
    return ticks == sorted(set(ticks), reverse=True) and sum(ticks) * TICK > WAIT


DIAGNOSES = (
    Diagnosis(
        "rounded", rounded,
        "Two neighbouring nice values still get the same ticks: rounding down, as by a shift to the right, throws "
        "their difference away.",
    ),
    Diagnosis("flat", flat, "Every nice value gets the same ticks. What an epoch gives has to depend on nice."),
    Diagnosis(
        "in-parts", in_parts,
        "Your epoch gives parts of a tick. The timer takes whole ones: 4.75 and 4.5 are both used up at the fifth.",
    ),
    Diagnosis(
        "reversed", reversed_order,
        "nice 5 gets more ticks than nice 0. A higher nice value is nicer to the others: it gets less.",
    ),
    Diagnosis(
        "too-long", too_long,
        "Every level counts, but one epoch of three programs is longer than the wait you may ask of them. How few "
        "ticks keep two levels apart?",
    ),
)  # fmt: skip

WAIT = 1_500 * MS  # ns that a program may wait for its turn
EXERCISES = {
    "nice": Exercise(
        "A nice value that counts",
        [Scenario("o(n)", [*RANKED, EDITOR], until="30s", title="nice 1, 2 and 3, and an editor")],
        held_back=[Scenario("o(n)", [*RANKED, {"name": "editor", "does": [{"sleep": "forever"}]}], until="30s")],
        diagnoses=DIAGNOSES,
        rules=(
            longest_wait(WAIT),
            Law("every-level", "Each nice value gets at least 2 % more than the next one.", every_level_counts),
            Law("editor-prompt", "The editor waits at most 20 ms in 95 of 100 cases.", editor_is_prompt),
        ),
    ),
}
