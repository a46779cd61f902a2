"""Part 2, lesson 14: many CPUs. What a lock costs is chosen, and the lesson says so; all else is the models' own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from schedlab.exercises import Diagnosis, Exercise, Goal, Report
from schedlab.goals import completions, cpu_time, segments
from schedlab.laws import Law, Violation, work_conserving
from schedlab.lessons.listing import Elsewhere
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import O1
from schedlab.linux.policy import Ranking
from schedlab.linux.task import FOREVER, run
from schedlab.scenario import MOST_TASKS, Scenario, whole
from schedlab.sim import US, Engine
from schedlab.trace import Recorder, Trace, judgement
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

LOCK, LOOK = 300, 150  # ns: chosen, of the size of an uncontended lock and of one cache miss a task
PRICES = {"lock": LOCK, "look": LOOK}


# -- taking from another CPU, as a rule that can be changed ------------------------------------------------


class Pulling(O1):
    """O(1) whose balancing is no more than two questions of a CPU that runs dry: from whom, and how many."""

    name = "O(1)"
    balancing = None

    def source(self, cpu: Any) -> Any:
        """From whom to take, now that `cpu` has run dry: a CPU, or None. Here the one with most that may come."""
        return max(self.others(cpu), key=lambda other: len(self.could_come(other, cpu)))

    def amount(self, cpu: Any, source: Any, waiting: int) -> int:
        """How many of the `waiting` tasks that may come."""
        return 1

    def others(self, cpu: Any) -> list[Any]:
        """All CPUs but this one, by their numbers."""
        return [other for other in self.machine.cpus if other is not cpu]

    def length(self, cpu: Any) -> int:
        """How many tasks a CPU has, with the one that runs there."""
        return self.runqueues[cpu.id].nr_running

    def could_come(self, source: Any, cpu: Any) -> list[Any]:
        """Who waits at `source` and may use `cpu`: expired ones first, each list from its tail."""
        rq = self.runqueues[source.id]
        return [
            task
            for array in (rq.expired, rq.active)
            for queue in array.lists
            for task in reversed(queue)
            if task is not source.curr and (task.allowed is None or cpu.id in task.allowed)
        ]

    def balance(self, cpu: Any) -> None:
        """idle_balance(). Raises ValueError for a source that is none."""
        source = self.source(cpu)
        if source is None:
            return
        if source not in self.machine.cpus or source is cpu:
            raise ValueError(f"{self.name}.source must return another CPU or None, not {source!r}: {cpu} has run dry")
        waiting = self.could_come(source, cpu) if self.length(source) > 1 else []
        if waiting:
            many = whole(self.amount(cpu, source, len(waiting)), f"{self.name}.amount", 1, len(waiting))
            for task in waiting[:many]:
                self.pull(task, source, cpu)


class Longest(Pulling):
    """The longest queue and no other, as the kernel does: one task, or none if nobody there may come."""

    def source(self, cpu: Any) -> Any:
        """Whoever has most, counting the one that runs; the lower number among equals."""
        return max(self.others(cpu), key=self.length)


class Asked(Longest):
    """The same, and whoever could be taken is a candidate: for a game in which the learner takes.

    `homes` is the CPU on which each job appears, by the number in its name.
    """

    name = "O(1)"
    ranking = Ranking(by="place", best="lowest", tie="nearer the head of its list")

    def __init__(self, homes: Iterable[int] = ()) -> None:
        self.homes = tuple(homes)

    def select_cpu(self, task: Any, why: str) -> Any:
        """Where the game puts it."""
        return self.machine.cpus[self.homes[int(task.name.split()[-1])]] if why == "new" else task.cpu

    def in_order(self, cpu: Any) -> list[Any]:
        """Who would be picked here, and who after that: the CPU's own tasks, or those of others as it would take."""
        rq = self.runqueues[cpu.id]
        if rq.nr_running:
            array = rq.active if rq.active.nr_active else rq.expired
            return [task for queue in array.lists for task in queue]
        others = sorted(self.others(cpu), key=lambda other: -self.length(other))
        return [task for other in others for task in self.could_come(other, cpu)]

    @judgement
    def place(self, task: Any, cpu: Any) -> int:
        """How many would be picked before it."""
        return self.in_order(cpu).index(task)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The CPU's own, else everybody who waits."""
        return [(task, cpu) for task in self.in_order(cpu)]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """One line a CPU: in the game all have one priority, and no slice ends."""
        for cpu in self.machine.cpus:
            yield f"CPU {cpu.id}", [task for queue in self.runqueues[cpu.id].active.lists for task in queue]


class Alone(O1):
    """A queue each, and nobody takes anything from another."""

    name = "O(1), nobody moves"
    balancing = None

    def balance(self, cpu: Any) -> None:
        """Nothing."""


# -- runs --------------------------------------------------------------------------------------------------

THREE: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "archiver"}, {"name": "indexer"}]
SHORT = [{"run": {"between": ["10us", "30us"]}}, {"sleep": {"between": ["10us", "30us"]}}]
FREE = Scenario(
    "o1",
    [{"name": "compiler"}, {"name": "tests", "does": [{"run": "60ms"}]}, {"name": "indexer"}],
    cpus=2,
    until="250ms",
    title="Everybody may use both CPUs",
)

# twelve jobs: ms of work, home, and when it comes (ms); found by trying, so that five of seven questions are pulls
WORK = (10, 50, 50, 10, 30, 20, 50, 10, 10, 50, 10, 20)
HOMES = (1, 1, 0, 2, 0, 0, 1, 1, 1, 0, 0, 2)
COMES = (4, 3, 2, 11, 5, 10, 1, 7, 6, 0, 9, 8)

RUNS: dict[str, Any] = {
    "one": Scenario("o(n)", THREE, cpus=2, until="600ms", title="Three programs, one queue"),
    "two": Scenario("o1", THREE, cpus=2, until="600ms", title="Three programs, a queue each"),
    "lock": Scenario(
        "o(n)",
        [{"name": "worker ", "count": 8, "does": [{"repeat": SHORT}]}],
        cpus=4,
        until="100us",
        machine=PRICES,
        title="Four CPUs at one lock",
    ),
    "pull": Scenario(
        "o1",
        [
            {"name": "compiler"},
            {"name": "tests", "does": [{"run": "40ms"}]},
            {"name": "indexer"},
            {"name": "backup", "does": [{"run": "30ms"}]},
            {"name": "archiver"},
        ],
        cpus=2,
        until="250ms",
        title="A CPU runs dry",
    ),
    "round": Scenario("linux-6.12", THREE, cpus=2, until="600ms", title="Three programs under 6.12"),
    "free": FREE,
    "pinned": FREE.fork("30ms", {"cpus": {"task": "indexer", "cpus": [0]}}),
    "game": Scenario(
        Asked,
        [
            {"name": f"job {k}", "start": f"{when}ms", "does": [{"run": f"{work}ms"}]}
            for k, (work, when) in enumerate(zip(WORK, COMES))
        ],
        cpus=3,
        options={"homes": HOMES},
        title="You are the scheduler",
    ),
}


# -- many CPUs, one lock or many ---------------------------------------------------------------------------

COUNTS = (1, 2, 4, 8, 16, 24, 32)  # CPUs
A_CPU = 4  # workers for each
WORKER = [{"repeat": [{"run": {"mean": "200us"}}, {"sleep": {"mean": "800us"}}]}]
WAYS: dict[str, Any] = {
    "one queue (2.4)": "o(n)",
    "a queue each, no moves": Alone,
    "places and pulls (2.6.11)": "o1",
    "places and pulls (6.1)": "linux-6.1",
}
ONE, *_ = WAYS
KEPT = "places and pulls (2.6.11)"


class Measured(NamedTuple):
    """What came of one crowd: shares of all CPU time, the mean wait from waking to running (ns), and moves."""

    lost: float  # waiting for a lock
    got: float  # by tasks
    busy: float  # of the time: how long the busiest lock was held
    waited: int
    moves: int


def crowd(way: str, cpus: int, look: int = LOOK) -> Scenario:
    """Four workers a CPU, each computing 200 µs and sleeping 800 on average."""
    workers = {"name": "worker ", "count": A_CPU * cpus, "does": WORKER}
    return Scenario(WAYS[way], [workers], cpus=cpus, until="20ms", machine={"lock": LOCK, "look": look}, title=way)


def lock_times(trace: Trace) -> tuple[int, dict[int, int]]:
    """Waiting for locks in all, and for how long each lock was held, ns; what lies behind the end is cut off."""
    lost, held = 0, dict[int, int]()
    for row in trace.table("lock"):
        begins = min(row.time + row.a, trace.end)
        lost += begins - row.time
        held[row.who] = held.get(row.who, 0) + min(begins + row.b, trace.end) - begins
    return lost, held


def served(trace: Trace) -> list[int]:
    """From each wake-up until the task really runs, ns: with the lock and what it costs to choose."""
    begins: dict[int, list[int]] = {}
    for one in sorted(segments(trace), key=lambda one: one.start):
        begins.setdefault(one.task, []).append(one.start)
    found = []
    for row in trace.table("wake"):
        mine = begins.get(row.who, [])
        k = bisect_left(mine, row.time)
        if k < len(mine):
            found.append(mine[k] - row.time)
    return found


@cache
def measured(way: str, cpus: int, look: int = LOOK) -> Measured:
    """One run of a crowd, in numbers."""
    trace = crowd(way, cpus, look).run()
    lost, held = lock_times(trace)
    waits, whole_time = served(trace), cpus * trace.end
    return Measured(
        lost / whole_time,
        sum(cpu_time(trace).values()) / whole_time,
        max(held.values()) / trace.end,
        sum(waits) // max(1, len(waits)),
        len(trace.table("migrate")),
    )


def percent(share: float) -> str:
    """A share for a fact, to a tenth of a percent."""
    return f"{100 * share:.1f} %"


QUEUES = {"one queue, 2.4": ONE, "one each, 2.6.11": KEPT}


def lock_share(cpus: int, look: int) -> tuple[list[dict[str, Any]], Chart]:
    """What so many CPUs lose at the lock of one queue, and at those of their own queues; and all numbers of CPUs."""
    table = []
    for label, way in QUEUES.items():
        got = measured(way, cpus, look)
        table.append(
            {
                "": label,
                "lost at the lock": percent(got.lost),
                "tasks get": percent(got.got),
                "busiest lock held": percent(got.busy),
            }
        )
    series = {label: [(n, 100 * measured(way, n, look).lost) for n in COUNTS] for label, way in QUEUES.items()}
    if look != LOOK:  # so that the scale is the same
        series[f"one queue at {LOOK} ns"] = [(n, 100 * measured(ONE, n).lost) for n in COUNTS]
    return table, line(series, title="CPU time lost waiting for a lock", x="CPUs", y="% of all CPU time", at=cpus)


def waiting(cpus: int) -> tuple[list[dict[str, Any]], Chart]:
    """How long a worker waits after it wakes, under each kind of queue, for so many CPUs and for all numbers."""
    table = [
        {
            "": way,
            "waits on average": fill("{ns:dur}", {"ns": round(measured(way, cpus).waited, -3)}),
            "moves in 20 ms": measured(way, cpus).moves,
            "tasks get": percent(measured(way, cpus).got),
        }
        for way in WAYS
    ]
    series = {way: [(n, measured(way, n).waited / US) for n in COUNTS] for way in WAYS}
    return table, line(series, title="From waking to running, on average", x="CPUs", y="µs", at=cpus)


# -- equal tasks that do not divide evenly -----------------------------------------------------------------

KERNELS = {"one queue (2.4)": "o(n)", "2.6.11": "o1", "6.1": "linux-6.1", "6.12": "linux-6.12"}


@cache
def hogs(kernel: str, tasks: int) -> Trace:
    """So many equal programs on two CPUs for two seconds."""
    many = [{"name": f"program {k + 1}"} for k in range(whole(tasks, "programs", 1, MOST_TASKS))]
    return Scenario(KERNELS[kernel], many, cpus=2, until="2s", title=f"{tasks} programs on two CPUs").run()


def extremes(kernel: str, tasks: int) -> tuple[int, int]:
    """The least and the most CPU time that one of them had, ns."""
    had = cpu_time(hogs(kernel, tasks)).values()
    return min(had), max(had)


def even(tasks: int) -> tuple[list[dict[str, Any]], Chart]:
    """What equal programs get on two CPUs from four kernels, and how uneven it is for all numbers of programs."""
    table = []
    for kernel in KERNELS:
        least, most = extremes(kernel, tasks)
        moved = len(hogs(kernel, tasks).table("migrate"))
        table.append(
            {
                "": kernel,
                "least": fill("{ns:dur}", {"ns": least}),
                "most": fill("{ns:dur}", {"ns": most}),
                "moves": moved,
            }
        )
    series = {
        kernel: [(n, most / least) for n in range(2, 9) for least, most in [extremes(kernel, n)]] for kernel in KERNELS
    }
    title = "How much more the luckiest of equal programs gets in 2 s"
    return table, line(series, title=title, x="programs on two CPUs", y="times the least", at=tasks)


# -- questions ---------------------------------------------------------------------------------------------

PREDICTIONS = {
    "last": Question(
        "At 0 four CPUs choose from one queue. Each holds the lock for 1.5 µs. When does the last one begin to work?",
        (
            Option(
                "At 1.5 µs: they look at the same time",
                "One CPU has the lock, and only then looks. The others wait for it, one after the other.",
                idea="CPUs look at one queue together",
            ),
            Option(
                "At 4.5 µs: three others come first",
                "That is when it gets the lock. It has to look, too.",
                idea="waiting for the lock is all that a choice costs",
            ),
            Option("At 6 µs", "Three others have had the lock for 1.5 µs, then it has it itself.", right=True),
        ),
    ),
    "loads": Question(
        "Three equal programs, two CPUs with a queue each. CPU 0 has two of them, CPU 1 has one. Load is the sum of "
        "the weights: 2048 against 1024. Which move makes the two loads equal?",
        (
            Option(
                "One program from CPU 0 to CPU 1",
                "Then CPU 1 has 2048 and CPU 0 1024: the same, with the sides changed.",
                idea="moving one evens out a difference of one",
            ),
            Option(
                "None: somebody is always the odd one",
                "Loads cannot be equal here. All that is left is to change sides again and again: step from 148 ms.",
                right=True,
            ),
            Option(
                "Half a program, as long as the loads differ",
                "A program runs on one CPU at a time. It can be half here and half there only by moving.",
                idea="load can be divided at will",
            ),
        ),
    ),
    "pin": Question(
        "The indexer waits at CPU 0, behind the compiler. In B somebody has said, at 30 ms, that it may use CPU 0 "
        "only. At 60 ms CPU 1 runs dry. What does CPU 1 do in B?",
        (
            Option(
                "It takes the indexer: an idle CPU is worse",
                "A task never runs outside its mask. No balancer may weigh that against anything.",
                idea="affinity is a wish",
            ),
            Option(
                "It takes the compiler, which is not pinned",
                "The compiler runs. Only who waits can be pulled.",
                idea="a running task can be pulled",
            ),
            Option(
                "Nothing: it stays idle for now",
                "It looks, finds one task that waits, and may not take it. It looks again at every tick: go to 64 ms.",
                right=True,
            ),
        ),
    ),
}

QUIZ_TITLE = "Five questions"
QUESTIONS: tuple[Question, ...] = (
    Question(
        "Eight CPUs choose at the same instant from one queue. Each holds the lock for 2 µs. How much CPU time is lost "
        "waiting, in all?",
        (
            Option(
                "14 µs",
                "So long waits the last one alone. Six others wait as well: 2, 4, 6, 8, 10 and 12 µs.",
                idea="only the last one waits",
            ),
            Option("16 µs", "That is when the last one lets go. What they do under the lock is no waiting."),
            Option("56 µs", "0 + 2 + 4 + 6 + 8 + 10 + 12 + 14.", right=True),
        ),
    ),
    Question(
        "A machine with one queue gets twice the CPUs and twice the tasks. How much longer is the lock held, in all?",
        (
            Option("Twice as long", "Twice as many choices, and each also looks at more tasks.", idea="cost is linear"),
            Option("Four times", "Twice as many choices, each of which looks at twice as many tasks.", right=True),
            Option(
                "As long as before: there are more CPUs to share it", "One CPU has it at a time, however many want it."
            ),
        ),
    ),
    Question(
        "What is good about one queue for all CPUs?",
        (
            Option(
                "Nothing: local queues are better in every way",
                "With 8 CPUs its tasks wait less than in the queues of 2.6.11. What does not grow is its lock.",
                idea="the global queue was only ever a mistake",
            ),
            Option(
                "No task waits while a CPU is idle", "Whoever is free takes from the one line there is.", right=True
            ),
            Option(
                "Tasks keep their CPU, and its warm cache",
                "Any CPU takes any task. 2.4 only gives 15 points to those that ran there last.",
            ),
        ),
    ),
    Question(
        "A CPU has run dry. CPU 0 has one task that runs and three that wait in one list. Which one does it pull?",
        (
            Option(
                "The one that runs: it gets a CPU to itself",
                "Only who waits can be pulled. Who runs would have to be stopped first.",
                idea="a running task can be pulled",
            ),
            Option(
                "The one at the head, which has waited longest",
                "The head is the next at CPU 0 anyway. The tail would wait longest.",
                idea="a puller serves the line in its order",
            ),
            Option("The one at the tail", "It came last, so CPU 0 would have got to it last.", right=True),
        ),
    ),
    Question(
        "Twenty tasks may use CPU 0 only, and CPU 1 is idle. What can the best balancer do?",
        (
            Option(
                "Nothing at all", "A task never runs outside its mask, so all it can do is look in vain.", right=True
            ),
            Option(
                "Move ten of them",
                "Then ten would run where they may not. Affinity is a rule, not a wish.",
                idea="affinity is a wish",
            ),
            Option("Move them while nobody looks, and back", "There is no such moment: the mask holds always."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("04", "Thieves with prices for their messages: who pays when everybody is busy?"),
    Elsewhere("21", "Go 1.0 had one queue and one lock as well: which of its threads waited for it?"),
    Elsewhere(
        "22",
        "Go takes half of a victim's queue, Linux one task when it runs dry: what makes a goroutine cheap to move?",
    ),
    Elsewhere("34", "Two schedulers share one cluster without a lock: what happens when both want the last place?"),
)


# -- the exercise ------------------------------------------------------------------------------------------

NO_LATER = Fraction(110, 100)
PINNED = "backup"


def yard(pins: dict[int, int], works: Iterable[str], cpus: int = 4) -> Scenario:
    """So many backups pinned to each of some CPUs, and twelve jobs that may go anywhere."""
    lengths = list(works)
    tasks: list[dict[str, Any]] = [
        {"name": f"{PINNED} {cpu}{'abcdefgh'[k]}", "cpus": [cpu], "does": [{"run": "25ms"}]}
        for cpu, many in pins.items()
        for k in range(many)
    ]
    tasks += [{"name": f"job {k}", "does": [{"run": lengths[k % len(lengths)]}]} for k in range(12)]
    where = " and ".join(f"CPU {cpu}" for cpu in pins)
    return Scenario(Pulling, tasks, cpus=cpus, title=f"Backups pinned to {where}, and twelve jobs")


def may_use(name: str) -> list[int] | None:
    """The CPUs of a task of these runs, by its name."""
    return [int(name.removeprefix(f"{PINNED} ")[0])] if name.startswith(f"{PINNED} ") else None


def nobody_idles(trace: Trace) -> Iterator[Violation]:
    """No CPU is idle beside a task that waits and may use it."""
    names = trace.names.get("task", ())
    allowed = {name: cpus for name in names for cpus in [may_use(name)] if cpus is not None}
    yield from work_conserving(allowed=allowed).check(trace)


def jobs_done(trace: Trace) -> int | None:
    """When the last job has ended, ns; None if one has not."""
    names = [name for name in trace.names.get("task", ()) if may_use(name) is None and name != "idle"]
    done = completions(trace)
    return max(done[name] for name in names) if names and all(name in done for name in names) else None


def moves(trace: Trace) -> int:
    """How many tasks have changed their CPU."""
    return len(trace.table("migrate"))


def probe(answer: Any) -> Any:
    """A machine with a learner's policy: four wait at CPU 0, pinned to it, two at CPU 1, free; CPU 2 has nothing."""
    policy = answer()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False), cpus=3)
    for k, home in enumerate((0, 0, 0, 0, 1, 1)):
        task = machine.create(f"t{k}", [run(FOREVER)], allowed=frozenset({home}))
        assert task is not None
        machine.start(task)
        task.allowed = frozenset({0}) if home == 0 else None
    return policy


def source_of(answer: Any) -> int | None:
    """The number of the CPU from which CPU 2 of that machine would take."""
    policy = probe(answer)
    source = policy.source(policy.machine.cpus[2])
    return None if source is None else int(source.id)


def amount_of(answer: Any, waiting: int) -> int:
    """How many of so many would be taken."""
    policy = probe(answer)
    return int(policy.amount(policy.machine.cpus[2], policy.machine.cpus[1], waiting))


def counts_pinned(_report: Report, answer: Any) -> bool:
    """The longest queue is chosen, though nobody there may come."""
    return source_of(answer) == 0


def gives_up(_report: Report, answer: Any) -> bool:
    """Nobody is chosen, though two could come."""
    return source_of(answer) is None


def takes_all(_report: Report, answer: Any) -> bool:
    """All that may come are taken."""
    return amount_of(answer, 12) == 12


DIAGNOSES = (
    Diagnosis(
        "counts-pinned", counts_pinned,
        "You take from a CPU whose tasks may not leave it, so nothing comes. Count only those that could come.",
    ),
    Diagnosis(
        "gives-up", gives_up,
        "Your `source` answers None although tasks wait that could come. None is for when nobody has one.",
    ),
    Diagnosis(
        "takes-all", takes_all,
        "You take all that wait. Then the CPU that you took from runs dry next, and takes them back.",
    ),
)  # fmt: skip

EXERCISES = {
    "pull": Exercise(
        "From whom, and how many",
        [yard({0: 6}, ["24ms", "5ms", "7ms"])],
        held_back=[yard({2: 6}, ["6ms", "24ms", "5ms"]), yard({0: 5, 3: 5}, ["20ms", "4ms"])],
        diagnoses=DIAGNOSES,
        rules=(Law("work-conserving", "No CPU is idle while a task waits that may use it.", nobody_idles),),
        goals=(
            Goal(
                "jobs-done",
                "All jobs are done as soon as with one move at a time, to within 10 %.",
                jobs_done,
                NO_LATER,
            ),
            Goal("moves", "At most twice as many moves as with one at a time.", moves, 2, unit=""),
        ),
    ),
}
