"""Part 1, lesson 04: work sharing or work stealing. The same unbalanced work three ways, with every message counted."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from schedlab.design.results import KIND, MESSAGES, results
from schedlab.design.stealing import Stealing
from schedlab.exercises import Diagnosis, Exercise, Goal, Report
from schedlab.laws import work_conserving
from schedlab.lessons.listing import Elsewhere
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, US
from schedlab.trace import NOBODY, Replay, Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

WAYS = ("none", "sharing", "stealing")

# Most jobs take one or two milliseconds, a few take many: nobody can tell which when they arrive.
PARETO = {"pareto": "1ms", "alpha": 1.3, "most": "20ms"}
LEFT_ALONE = Scenario(
    "none",
    [{"name": "job ", "count": 8, "work": PARETO, "every": "200us"}],
    cpus=3,
    seed=4,
    title="Eight jobs come to CPU 0, and stay",
)
SHARED = LEFT_ALONE.but(scheduler="sharing", title="Eight jobs come to CPU 0: sharing")
STOLEN = LEFT_ALONE.but(scheduler="stealing", title="Eight jobs come to CPU 0: stealing")


class InOrder(Stealing):
    """Stealing without chance: a thief tries the other CPUs by their numbers."""

    def order(self, cpu: Any) -> list[Any]:
        """CPU 0 first."""
        return [other for other in self.machine.cpus if other is not cpu]


RUNS: dict[str, Any] = {
    "none": LEFT_ALONE,
    "sharing": SHARED,
    "stealing": STOLEN,
    # a learner cannot see whom chance would send a thief to
    "game": Scenario(
        InOrder,
        [{"name": "job ", "count": 10, "work": PARETO, "every": "200us", "cpu": [0, 0, 1]}],
        cpus=3,
        seed=8,
        options={"quantum": "2ms"},
        title="You are the scheduler: stealing",
    ),
}


# -- counting --------------------------------------------------------------------------------------------


def found_nothing(trace: Trace) -> int:
    """Attempts to steal that found an empty queue."""
    return trace.kind.count(KIND["miss"])


def sent_while_busy(trace: Trace) -> int:
    """Messages sent by a CPU that had other work: something ran, or waited, besides the job that has just arrived."""
    replay, ready, newest, found = Replay(trace), trace.family.states.index("ready"), NOBODY, 0
    asks = (KIND["ask"], KIND["share"])
    for _ in range(len(trace)):
        state = replay.state
        row = replay.forward()
        if row.kind == KIND["spawn"]:
            newest = row.who
        if row.kind in MESSAGES:
            mine = newest if row.kind in asks else row.who  # what the message is about
            runs = row.kind in asks and state["running"][row.where] != NOBODY  # what ran on a thief is over
            found += runs or any(
                now == ready and home == row.where and task != mine
                for task, (now, home) in enumerate(zip(state["state"], state["home"]))
            )
    return found


def ms(ns: int) -> str:
    """A time for a fact, to a tenth of a millisecond."""
    return fill("{ns:dur}", {"ns": round(ns, -5)})


def counted(run: Scenario) -> dict[str, Any]:
    """One run as a row of a table."""
    trace = run.run()
    got = results(trace)
    idle = sum(got.idle) / (got.makespan * run.cpus)
    return {
        "": run.scheduler_name,
        "all done after": ms(got.makespan),
        "CPUs idle": fill("{idle:%.0}", {"idle": idle}),
        "jobs moved": got.moved,
        "messages": got.messages,
        "sent by a busy CPU": sent_while_busy(trace),
        "found nothing": found_nothing(trace),
    }


# -- load --------------------------------------------------------------------------------------------------

HEAVY = {"pareto": "1ms", "alpha": 1.3, "most": "100ms"}
FARM = Scenario("none", [{"name": "job ", "count": 200, "work": HEAVY, "cpu": [0, 0, 0, 1]}], cpus=4, seed=7)
INTERVALS = tuple(k * 200 * US for k in range(1, 21))  # ns between two jobs


def farm(way: str, every: int, **changes: Any) -> Scenario:
    """200 jobs, three of four at CPU 0 and the rest at CPU 1, one each `every` ns."""
    return FARM.but(scheduler=way, tasks=[{**FARM.given_tasks[0], "every": every}], **changes)


@cache
def load_series() -> dict[str, list[tuple[float, int]]]:
    """Messages under each load."""
    runs = {way: [(ns, farm(way, ns).run()) for ns in INTERVALS] for way in WAYS[1:]}
    series = {way: [(ns / MS, results(trace).messages) for ns, trace in made] for way, made in runs.items()}
    series["sharing, by busy CPUs"] = [(ns / MS, sent_while_busy(trace)) for ns, trace in runs["sharing"]]
    return series


def load(every: int) -> tuple[list[dict[str, Any]], Chart]:
    """The three ways under one load, and the messages under all."""
    title = "Messages for 200 jobs on four CPUs"
    chart = line(load_series(), title=title, x="time between two jobs, ms", y="messages", at=every / MS)
    return [counted(farm(way, every)) for way in WAYS], chart


BUSY = 400 * US  # ns between two jobs: more work than four CPUs can do


@cache
def done_after(way: str, message_ns: int) -> int:
    """When the busy farm is done, ns, if a message takes so long."""
    return results(farm(way, BUSY, machine={"message": message_ns}).run()).makespan


def message(ns: int) -> tuple[dict[str, Any], Chart]:
    """A price for each message, on busy CPUs."""
    facts = {way: f"done after {ms(done_after(way, ns))}" for way in WAYS}
    prices = [k * 50 * US for k in range(21)]
    series = {way: [(one / MS, done_after(way, one) / MS) for one in prices] for way in WAYS}
    return facts, line(series, title="When 200 jobs are done", x="price of one message, ms", y="ms", at=ns / MS)


# -- half or one -------------------------------------------------------------------------------------------

BURSTS = (2, 4, 8, 16, 32, 64, 128, 256)


@cache
def burst(jobs: int, amount: str) -> Trace:
    """So many jobs come to one of four CPUs at once."""
    tasks = [{"name": "job ", "count": jobs, "work": PARETO}]
    return Scenario("stealing", tasks, cpus=4, seed=7, options={"amount": amount}).run()


def amounts(jobs: int) -> tuple[list[dict[str, Any]], Chart]:
    """Half or one, for a burst of so many jobs, and for all."""
    table = []
    for amount in ("half", "one"):
        trace = burst(jobs, amount)
        got = results(trace)
        table.append(
            {
                "a thief takes": amount,
                "all done after": ms(got.makespan),
                "thefts": trace.kind.count(KIND["steal"]),
                "found nothing": found_nothing(trace),
                "messages": got.messages,
                "jobs moved": got.moved,
            }
        )
    series = {
        f"{amount}: {what}": [(n, getattr(results(burst(n, amount)), what)) for n in BURSTS]
        for amount in ("half", "one")
        for what in ("messages", "moved")
    }
    return table, line(series, title="A burst of jobs, stolen", x="jobs", y="messages, or jobs moved", at=jobs)


# -- questions ---------------------------------------------------------------------------------------------

PREDICTIONS = {
    "pays": Question(
        "Under sharing, a CPU at which a job arrives asks two others how busy they are. Under stealing, a CPU without "
        "work looks into the queues of others. A message takes time from the CPU that sends it. Whose time is it?",
        (
            Option(
                "Both take it from the CPU that has too much work",
                "A thief has nothing else to do: what it sends costs nobody anything but itself.",
                idea="a message costs the same whoever sends it",
            ),
            Option(
                "Sharing takes it mostly from busy CPUs, stealing only from those without work",
                "Jobs come to the CPU that is busy, so it is the one that asks. A thief spends time that it has.",
                right=True,
            ),
            Option(
                "Sharing takes it from idle CPUs, because they are asked",
                "The one that asks sends the message, and waits for the answer.",
                idea="who is asked pays",
            ),
        ),
    ),
}

QUIZ_TITLE = "Five questions"
QUESTIONS: tuple[Question, ...] = (
    Question(
        "All CPUs have long queues. How many messages does each way send while that lasts?",
        (
            Option(
                "Sharing about two for each new job, stealing none",
                "Nobody runs out of work, so nobody steals; sharing asks about each job, and gains little.",
                right=True,
            ),
            Option(
                "Stealing more, because there is more to steal",
                "A CPU steals when it has nothing left. What others have does not make it do so.",
                idea="long queues attract thieves",
            ),
            Option("None, both wait until somebody is idle", "Sharing acts when work arrives, idle CPUs or not."),
        ),
    ),
    Question(
        "Five jobs wait at the victim. How many does a thief of the kind that takes half take?",
        (
            Option("One", "Then it would be back after one job."),
            Option("Two", "Half of five is rounded up."),
            Option("Three, the oldest", "Half, rounded up, from the head of the line.", right=True),
            Option(
                "All five",
                "Then the victim would be the next thief.",
                idea="stealing empties the victim",
            ),
        ),
    ),
    Question(
        "Nobody knows how long a job will work. Which way can mend a bad guess?",
        (
            Option(
                "Sharing, because it asks before it decides",
                "It asks how many wait, not how long they work, and it never looks again.",
                idea="queue length is work",
            ),
            Option(
                "Stealing, because it acts when the result is seen",
                "An empty queue is a fact; a short queue is a guess about how long its jobs take.",
                right=True,
            ),
            Option("Neither", "Stealing moves jobs that still wait. Only those that run stay where they are."),
        ),
    ),
    Question(
        "Jobs come one every 4 ms to four CPUs, so most CPUs are idle. Which way sends more messages?",
        (
            Option(
                "Sharing: it always sends more",
                "It sends about two for each job. Here each CPU that runs dry also looks into three empty queues.",
                idea="stealing is always cheaper",
            ),
            Option(
                "Stealing: it finds empty queues all the time",
                "701 against 449 for 200 jobs. But every one of them is sent by a CPU with nothing to do.",
                right=True,
            ),
            Option("Both the same", "Try 4 ms with the knob."),
        ),
    ),
    Question(
        "What does a stolen job leave behind?",
        (
            Option("Its place in the line", "The thief puts it at the head of its own."),
            Option("A warm cache", "What it has touched lies in the cache of the CPU it came from.", right=True),
            Option(
                "Nothing, a move is free",
                "It is in this model; on a real machine data has to follow.",
                idea="CPUs are all alike to a task",
            ),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere(
        "14", "Linux pulls tasks when a CPU runs dry, and places them when they wake: which of the two is sharing?"
    ),
    Elsewhere(
        "22", "Go looks into the global queue and the poller before it steals: what would it cost to do it after?"
    ),
    Elsewhere("34", "A pod stays on its node even if others stand empty: who is the thief in Kubernetes?"),
)

# -- an exercise -------------------------------------------------------------------------------------------

FEWER = Fraction(9, 10)  # of the messages under a random order
NO_LATER = Fraction(110, 100)


def yard(cpu: int, seed: int) -> Scenario:
    """Sixteen jobs, one each half millisecond, all of them at one of four CPUs."""
    jobs = [{"name": "job ", "count": 16, "work": PARETO, "every": "500us", "cpu": cpu}]
    return Scenario("stealing", jobs, cpus=4, seed=seed, title=f"Sixteen jobs come to CPU {cpu}")


def tried(answer: Any, seed: int) -> dict[int, list[int]]:
    """For each thief, whom it tries first and next, when six jobs have come to CPU 3; empty where the answer fails."""
    try:
        trace = Scenario(answer, [{"name": "job ", "count": 6, "work": "4ms", "cpu": 3}], cpus=4, seed=seed).run()
    except (ScenarioError, RuntimeError):
        return {}
    found: dict[int, list[int]] = {}
    for row in trace.rows():
        if row.time == 0 and row.kind in (KIND["steal"], KIND["miss"]):
            found.setdefault(row.where, []).append(row.a)
    return found


def first_tries(*victims: int) -> Callable[[Report, Any], bool]:
    """A diagnosis applies to whoever has CPU 0, CPU 1 and CPU 2 begin with these, whatever chance says."""

    def applies(_report: Report, answer: Any) -> bool:
        return all(
            [tried(answer, seed).get(cpu, [NOBODY])[0] for cpu in range(3)] == list(victims) for seed in (1, 2, 3)
        )

    return applies


def gives_up(report: Report, _answer: Any) -> bool:
    """A thief goes idle though somebody has work."""
    return any(one.rule == "work-conserving" for one in report.broken)


DIAGNOSES = (
    Diagnosis(
        "by-number", first_tries(1, 0, 0),
        "You begin with CPU 0, always. That is right where all jobs come to CPU 0; they may come to another.",
    ),
    Diagnosis(
        "next-door", first_tries(1, 2, 3),
        "You begin with the neighbour, whatever it has. Three thieves in a row look at each other first.",
    ),
    Diagnosis(
        "emptiest-first", first_tries(1, 2, 1),
        "You begin with the shortest queue, and that is an empty one. Who has most to give?",
    ),
    Diagnosis(
        "gives-up", gives_up,
        "A thief of yours stops before it has tried everybody who has work: jobs wait, and a CPU sleeps beside them.",
    ),
)  # fmt: skip

EXERCISES = {
    "order": Exercise(
        "Whom to try first",
        [yard(0, 2)],
        held_back=[yard(2, 2), yard(2, 1)],
        diagnoses=DIAGNOSES,
        rules=(work_conserving(),),
        goals=(
            Goal(
                "messages",
                "At least a tenth fewer messages than with a random order.",
                lambda trace: results(trace).messages,
                FEWER,
                unit="",
            ),
            Goal("makespan", "All done as soon as before, to within 10 %.", lambda trace: trace.end, NO_LATER),
        ),
    ),
}
