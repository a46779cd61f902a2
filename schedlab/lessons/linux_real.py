"""Part 2, lesson 1R: recordings of real kernels. Every number here is read out of data/linux when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from typing import Any

from schedlab.exercises import Diagnosis, Exercise
from schedlab.goals import latency, segments
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.files import data
from schedlab.lessons.listing import Elsewhere
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.real.compared import Comparison, compare_with_recording, trace_of
from schedlab.linux.real.compared import play as replayed
from schedlab.linux.real.recorded import Recording, Traced, read_recording
from schedlab.linux.task import Task
from schedlab.readers import read_trace
from schedlab.readers.stream import lines_of
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import Trace, judgement
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

FOLDERS = {"2.4.24": "2.4.24-on", "2.6.20": "2.6.20-o1", "6.1": "6.1-cfs", "6.12": "6.12-eevdf"}
KERNELS = tuple(FOLDERS)
WORKLOADS = ("w01_3hogs", "w02a_nice", "w03_inter", "w13_late")  # those that were recorded on every kernel
RAW_6_12 = "linux/raw/ftrace_6.12_cpu1_w03_inter.trace.txt.gz"


@cache
def recording(kernel: str, workload: str) -> Recording:
    """A recorded workload."""
    return read_recording(data(f"linux/{FOLDERS[kernel]}/{workload}.json"))


def titled(trace: Trace, title: str) -> Trace:
    """The trace under a title that says what a learner looks for."""
    trace.about["title"] = title
    return trace


def of_kernel(kernel: str, workload: str) -> Trace:
    """What the kernel did."""
    return titled(trace_of(recording(kernel, workload)), f"Linux {kernel}, recorded")


def of_model(kernel: str, workload: str) -> Trace:
    """What the model of that kernel does with the same workload."""
    recorded = recording(kernel, workload)
    return titled(trace_of(recorded, replayed(recorded)), f"The model of {kernel}")


def beginning(kernel: str, workload: str, until: int, title: str) -> Trace:
    """The first `until` ns of a recording."""
    whole = recording(kernel, workload)
    turns = tuple(
        turn if turn.end <= until else turn._replace(end=until, left="R")
        for turn in whole.stretches
        if turn.start < until
    )
    cut = replace(whole, window=until, stretches=turns)
    if isinstance(cut, Traced):
        cut = replace(cut, wakes=tuple(wake for wake in cut.wakes if wake[0] < until))
    return titled(trace_of(cut), title)


RUNS: dict[str, Any] = {
    "raw": lambda: titled(read_trace(data(RAW_6_12)), "ftrace of Linux 6.12"),
    "game": partial(beginning, "6.1", "w03_inter", 40 * MS, "Linux 6.1: you are the kernel"),
    **{f"{kernel}": partial(of_kernel, kernel, "w03_inter") for kernel in KERNELS},
    **{f"{kernel}-model": partial(of_model, kernel, "w03_inter") for kernel in KERNELS},
    "nice": partial(of_kernel, "6.1", "w02a_nice"),
}


def raw_lines(name: str, first: int, count: int, events: Sequence[str] = ("sched_wakeup", "sched_switch")) -> str:
    """So many lines of a raw trace that tell of these events, from the `first` such line on, with one blank a gap."""
    found = [" ".join(text.decode("utf-8").split()) for text in lines_of(data(name))]
    return "\n".join([one for one in found if any(f": {event}:" in one for event in events)][first - 1 :][:count])


# -- what kernels did ------------------------------------------------------------------------------------


def nice_shares(kernel: str) -> tuple[dict[str, Any], Chart]:
    """How much of the CPU each of four nice values got from a kernel, and from all four kernels."""

    def shares_of(name: str) -> list[tuple[int, float]]:
        jobs = recording(name, "w02a_nice").jobs
        whole = sum(job.cpu for job in jobs)
        return [(job.nice, 100 * job.cpu / whole) for job in jobs]

    facts = {f"nice {nice}": f"{share:.1f} %" for nice, share in shares_of(kernel)}
    turns = [turn.end - turn.start for turn in recording(kernel, "w02a_nice").stretches if turn.task == "n-10"]
    facts["longest turn of nice -10"] = f"{max(turns) / MS:.0f} ms"
    series = {f"Linux {name}": shares_of(name) for name in KERNELS}
    return facts, line(series, title="Who gets how much of one CPU", x="nice value", y="share of the CPU, %")


def served(kernel: str, task: str = "inter") -> str:
    """How long a sleeper waits for the CPU after it wakes, in one line."""
    found = latency(of_kernel(kernel, "w03_inter"), [task])
    return f"Linux {kernel}: " + fill("{number} wake-ups, median {median:dur}, longest {longest:dur}", found._asdict())


def beside(kernel: str, workload: str) -> Comparison:
    """The table of a recording and the model's run of it."""
    return compare_with_recording(data(f"linux/{FOLDERS[kernel]}/{workload}.json"))


def side_by_side(kernel: str, workload: str) -> tuple[str, list[dict[str, str]]]:
    """The same table for a page: first what the order of turns comes to, then each task."""
    found = beside(kernel, workload)
    rows = [
        {
            "task": one.task,
            "share": f"{100 * one.share.kernel:.2f} %",
            "model's": f"{100 * one.share.model:.2f} %",
            "turns": f"{one.switches.kernel:.0f}",
            "model's turns": f"{one.switches.model:.0f}",
            "longest wait": f"{one.longest_wait.kernel / MS:.1f} ms",
            "model's wait": f"{one.longest_wait.model / MS:.1f} ms",
        }
        for one in found.lines
    ]
    return same_turns(found), rows


def same_turns(found: Comparison) -> str:
    """How far kernel and model are the same, in a sentence."""
    turns, parted = len(found.recording.stretches), found.divergence
    if parted is None:
        return f"The same task at the same time, to half a tick, in all {turns} turns."
    return f"The same in {parted.turn} of {turns} turns, until {parted.time / MS:.1f} ms."


# -- guess the rule --------------------------------------------------------------------------------------


class GuessTask(Task):
    """A task and what it has paid for its CPU time."""

    __slots__ = ("paid",)

    def __init__(self, id: int, name: str) -> None:
        super().__init__(id, name)
        self.paid = 0


class Guess(Policy):
    """Who has paid least runs until the next tick. What a nanosecond costs is yours to say: `price`."""

    Task = GuessTask
    ranking = Ranking(by="paid_so_far", best="lowest", tie="first in line")
    watched = ("paid",)
    classes = ("normal",)
    most_cpus = 1
    default_hz = 250

    def __init__(self) -> None:
        self.ready: list[Any] = []

    def price(self, task: Any) -> float:
        """What one nanosecond of CPU time costs this task."""
        return 1

    def charge(self, cpu: Any, curr: Any, ran_ns: int) -> None:
        """A task pays for what it had."""
        curr.paid += int(ran_ns * self.price(curr))

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """To the end of the line."""
        self.ready.append(task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Out of it."""
        self.ready.remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """Who has paid least."""
        return min(self.ready, key=self.paid_so_far, default=None)

    def tick(self, cpu: Any, curr: Any) -> None:
        """Choose again."""
        self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """Not before the tick."""
        return cpu.curr is cpu.idle

    @judgement
    def paid_so_far(self, task: Any) -> int:
        """What the line is ordered by."""
        return int(task.paid)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """All who are ready."""
        return [(task,) for task in self.ready]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The one line."""
        return [("run queue", list(self.ready))]


NICE_WINDOW = 3000 * MS  # that the recording lasts
APART = 100 * MS  # of CPU time; from one tick to the next nobody gets that far ahead
WAIT = 200 * MS  # the longest wait of the recording is 176 ms


def as_recorded(kernel: str, workload: str, apart: int) -> Law:
    """Every task has had as much CPU time as in the recording, at every moment, to within so many ns."""

    def find(trace: Trace) -> Iterator[Violation]:
        names = trace.names["task"]
        had = {job.name: 0 for job in recording(kernel, workload).jobs}
        for one in segments(trace):
            if names[one.task] not in had:
                continue
            name = names[one.task]
            had[name] += one.stop - one.start
            other = by_then(name, one.stop)
            if abs(had[name] - other) > apart:
                both = {"name": name, "mine": had[name], "theirs": other}
                says = fill("{name} has had {mine:dur}, in the recording {theirs:dur}", both)
                yield Violation(one.stop, max(trace.index_at(one.stop) - 1, 0), "as-recorded", says)
                return

    def by_then(name: str, now: int) -> int:
        turns = recording(kernel, workload).stretches
        return sum(min(turn.end, now) - turn.start for turn in turns if turn.task == name and turn.start < now)

    return Law("as-recorded", f"Each task gets what Linux {kernel} gave it, at every moment, to within 100 ms.", find)


def prices(answer: Any) -> list[float]:
    """What a learner's policy charges at nice -10, -5, 0 and 5."""
    found = []
    for nice in (-10, -5, 0, 5):
        task = GuessTask(1, "probe")
        task.nice = nice
        found.append(float(answer().price(task)))
    return found


def says_of(test: Callable[[list[float]], bool]) -> Callable[[Any, Any], bool]:
    """A diagnosis that looks at prices alone; an answer without them has none."""

    def applies(_report: Any, answer: Any) -> bool:
        try:
            return test(prices(answer))
        except Exception:  # a learner's price may fail in any way; the report has told of it
            return False

    return applies


def equal_steps(paid: list[float]) -> bool:
    """Is the price a straight line?"""
    steps = [b - a for a, b in pairwise(paid)]
    return min(steps) > 0 and max(steps) - min(steps) < 0.01 * max(steps)


def too_flat(paid: list[float]) -> bool:
    """Is it the same factor from level to level, but a wrong one?"""
    factors = [b / a if a else 0 for a, b in pairwise(paid)]
    return min(factors) > 1 and max(factors) - min(factors) < 0.01 and not 2.9 < factors[0] < 3.2


DIAGNOSES = (
    Diagnosis(
        "one-price", says_of(lambda paid: len(set(paid)) == 1),
        "A nanosecond costs the same at every nice value, so the four share alike. In the recording nice -10 has 27 "
        "times what nice 5 has.",
    ),
    Diagnosis(
        "upside-down", says_of(lambda paid: paid[0] > paid[-1]),
        "Who pays more runs less, and here the lowest nice value pays most. It should be the cheapest.",
    ),
    Diagnosis(
        "equal-steps", says_of(equal_steps),
        "The price rises by the same amount from level to level. Divide the recorded shares of two neighbours: it is "
        "the same factor, not the same difference.",
    ),
    Diagnosis(
        "wrong-factor", says_of(too_flat),
        "A factor from level to level is right, but which? Five levels apart, the recorded shares are 3.05 to 1.",
    ),
)  # fmt: skip

EXERCISES = {
    "price": Exercise(
        "The price of a nanosecond",
        [
            Scenario(
                "cfs",
                [{"name": f"n{nice}", "nice": nice} for nice in (-10, -5, 0, 5)],
                until=NICE_WINDOW,
                title="Four programs that compute, at nice -10, -5, 0 and 5",
            )
        ],
        diagnoses=DIAGNOSES,
        rules=(as_recorded("6.1", "w02a_nice", APART), longest_wait(WAIT)),
    ),
}

PREDICTIONS = {
    "state": Question(
        "`prev_comm=hog1 … prev_state=R ==> next_comm=hog0`. What has happened to hog1?",
        (
            Option(
                "It sleeps now",
                "Who goes to sleep leaves with S (or D). R says that it could have gone on.",
                idea="every switch means that a task has finished or waits for something",
            ),
            Option(
                "It could go on, and the kernel took the CPU from it", "R is runnable: it was preempted.", right=True
            ),
            Option("It has ended", "Who ends leaves with X or Z."),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "A trace says `sched_wakeup: comm=inter` at 10.033 ms. When does inter run?",
        (
            Option(
                "At 10.033 ms",
                "A wake-up puts it into the queue. Only a sched_switch with next_comm=inter puts it on the CPU.",
                idea="waking up means running",
            ),
            Option("At the next sched_switch that names it as next_comm", "Between the two it waits.", right=True),
            Option("At the next tick", "It may: in 6.12 it often does. But the trace tells it in another line."),
        ),
    ),
    Question(
        "You record sched_switch alone, without sched_wakeup. What can you no longer tell?",
        (
            Option("Who had the CPU, and for how long", "The switches tell that, all of it."),
            Option(
                "How long a sleeper waited for the CPU",
                "Without the wake-up, waiting and sleeping look the same: it is off the CPU.",
                right=True,
            ),
            Option(
                "Whether a task was preempted",
                "prev_state tells it in the switch itself.",
                idea="a switch does not say why",
            ),
        ),
    ),
    Question(
        "Linux 6.12 keeps inter waiting for a millisecond, 6.1 for five microseconds. Why?",
        (
            Option(
                "6.12 is slower at switching",
                "Its switch comes 7 µs after the wake-up. It goes to another task.",
                idea="a long latency means a slow kernel",
            ),
            Option(
                "At the wake-up hog0 has the earlier virtual deadline",
                "EEVDF asks whose deadline is earlier; at the tick it is inter's.",
                right=True,
            ),
            Option("inter has a higher nice value there", "All three have nice 0 in both recordings: prio=120."),
        ),
    ),
    Question(
        "Kernel and model agree in all 834 turns of one recording. What is proven?",
        (
            Option(
                "The model is the kernel",
                "On this workload it decides alike. Another one may ask what this one never asked.",
                idea="agreement in one run proves a model",
            ),
            Option("On this workload the model's rules and numbers decide as the kernel's", "No more.", right=True),
            Option("Nothing, since both were given the same programs", "The order of turns was not given."),
        ),
    ),
    Question(
        "Why do model and kernel part at 459.5 ms of w03_inter on 6.1?",
        (
            Option(
                "The model has another rule",
                "They agreed in 149 turns by that rule, and their totals agree to the end.",
                idea="a different schedule needs a different rule",
            ),
            Option(
                "Two virtual runtimes are 2.5 µs apart, and the model is off by a few µs",
                "The least wins, by however little; after that all else is different.",
                right=True,
            ),
            Option("The kernel rolls dice", "Nothing random is in that choice."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("26", "Go's runtime traces itself: which of its events is the wake-up, and which the switch?"),
    Elsewhere("35", "Kubernetes writes events too: from which two would you compute how long a pod waited for a node?"),
)
