"""Part 1, lesson 02: cooperative or preemptive. The first four tasks are those of the article's figures 7 and 8."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from schedlab.design.results import results
from schedlab.exercises import Diagnosis, Exercise, Goal, Report
from schedlab.goals import completions, latencies, longest_waits, turnaround
from schedlab.laws import longest_wait
from schedlab.lessons.listing import Elsewhere
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, S
from schedlab.trace import Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

# Tasks 1 and 4 are done within one quantum of 10 ms, tasks 2 and 3 need a second one: so the article draws it.
FIGURE = [
    {"name": "task 1", "work": "6ms"},
    {"name": "task 2", "work": "16ms"},
    {"name": "task 3", "work": "14ms"},
    {"name": "task 4", "work": "8ms"},
]
EDITOR: dict[str, Any] = {"name": "editor", "does": [{"repeat": [{"sleep": "17ms"}, {"run": "2ms"}]}]}
BACKUP: dict[str, Any] = {"name": "backup", "work": "forever"}
POLITE: dict[str, Any] = {"name": "clock", "does": [{"repeat": [{"run": "3ms"}, "yield"]}]}

COOPERATIVE = Scenario("cooperative", FIGURE, title="Four tasks, cooperative")
PREEMPTIVE = Scenario("preemptive", FIGURE, title="Four tasks, preemptive, quantum 10 ms")

RUNS: dict[str, Any] = {
    "cooperative": COOPERATIVE,
    "preemptive": PREEMPTIVE,
    "starves": Scenario("cooperative", [EDITOR, BACKUP], until="120ms", title="An editor beside a backup, cooperative"),
    "relieved": Scenario("preemptive", [EDITOR, BACKUP], until="120ms", title="An editor beside a backup, preemptive"),
    "game": Scenario(
        "preemptive",
        [EDITOR, BACKUP, {"name": "compiler", "work": "forever"}, POLITE],
        until="70ms",
        title="You are the scheduler: round robin",
    ),
}


def ms(ns: int | None) -> str:
    """A time for a fact, to a tenth of a millisecond; None is a time that never came."""
    return "never" if ns is None else fill("{ns:dur}", {"ns": round(ns, -5)})


def mean_done(trace: Trace) -> int | None:
    """From its arrival until it is done, ns: the mean of all tasks; None while one of them is not done."""
    took = turnaround(trace)
    return sum(took.values()) // len(took) if len(took) == len(trace.names["task"]) else None


# -- the price of a switch -----------------------------------------------------------------------------


def price(switch_ns: int) -> tuple[list[dict[str, Any]], Chart]:
    """Figures 7 and 8 with a price for each switch: the table for this one, the chart for all."""
    table = []
    for run in (COOPERATIVE, PREEMPTIVE):
        trace = run.but(machine={"switch": switch_ns}).run()
        table.append(
            {
                "scheduler": run.scheduler_name,
                "switches": results(trace).switches,
                "all done after": ms(trace.end),
                "spent on switching": fill("{part:%.1}", {"part": results(trace).switches * switch_ns / trace.end}),
                "a task is done after (mean)": ms(mean_done(trace)),
            }
        )
    prices = [k * MS // 4 for k in range(21)]
    series = {
        run.scheduler_name: [(ns / MS, run.but(machine={"switch": ns}).run().end / MS) for ns in prices]
        for run in (COOPERATIVE, PREEMPTIVE)
    }
    return table, line(series, title="When all four are done", x="price of one switch, ms", y="ms", at=switch_ns / MS)


# -- politeness ------------------------------------------------------------------------------------------

# An editor whose keys come at odd times: whatever the others do, some come at a bad moment.
TYPIST: dict[str, Any] = {
    "name": "editor", "does": [{"repeat": [{"sleep": {"between": ["13ms", "37ms"]}}, {"run": "2ms"}]}],
}  # fmt: skip


def politeness(works: str) -> tuple[dict[str, Any], Scenario]:
    """A cooperative backup that yields after so much work, or never, beside an editor."""
    backup = BACKUP if works == "never" else {"name": "backup", "does": [{"repeat": [{"run": works}, "yield"]}]}
    run = Scenario("cooperative", [TYPIST, backup], until="400ms", title=f"The backup yields: {works}")
    trace = run.run()
    return {
        "the editor runs": f"{len(latencies(trace, ['editor']))} times in 400 ms",
        "its longest wait": ms(longest_waits(trace)["editor"]),
        "picks": fill("{n}", {"n": results(trace).switches + len(trace.table("keep"))}),
    }, run


# -- the quantum -----------------------------------------------------------------------------------------

SWITCH = "500us"  # dear, so that its price is seen; a real one costs some microseconds, and cold caches
BUSY = [TYPIST, BACKUP, {"name": "compiler", "work": "forever"}, {"name": "archiver", "work": "forever"}]
DESK = Scenario(
    "preemptive", BUSY, until=10 * S, machine={"switch": SWITCH}, title="An editor among three that compute"
)
QUANTA = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 35, 40)  # ms


def waited(trace: Trace) -> int:
    """The editor's longest way from a key to the CPU, ns."""
    return max(one.ns for one in latencies(trace, ["editor"]))


def lost(trace: Trace, switch_ns: int) -> float:
    """The part of the CPU's time that went into switches, 0..1."""
    return results(trace).switches * switch_ns / trace.end


def quantum(ns: int) -> tuple[dict[str, Any], Scenario]:
    """One quantum: what the editor feels, and what it costs."""
    run = DESK.but(options={"quantum": ns})
    trace = run.run()
    return {
        "the editor waits at most": ms(waited(trace)),
        "switches": fill("{n} in 10 s", {"n": results(trace).switches}),
        "lost in switches": fill("{part:%.1}", {"part": lost(trace, MS // 2)}),
    }, run.but(until="250ms")


def all_quanta(switch_ns: int) -> tuple[list[dict[str, Any]], Chart]:
    """Every quantum at once, for one price of a switch: latency against overhead."""
    runs = {q: DESK.but(options={"quantum": q * MS}, machine={"switch": switch_ns}).run() for q in QUANTA}
    series = {
        "longest wait, ms": [(q, waited(trace) / MS) for q, trace in runs.items()],
        "lost in switches, %": [(q, 100 * lost(trace, switch_ns)) for q, trace in runs.items()],
    }
    table = [
        {
            "quantum": f"{q} ms",
            "the editor waits at most": ms(waited(runs[q])),
            "lost in switches": fill("{part:%.1}", {"part": lost(runs[q], switch_ns)}),
        }
        for q in (1, 2, 5, 10, 20, 40)
    ]
    return table, line(series, title="Latency against overhead, for every quantum", x="quantum, ms", y="ms, or %")


# -- questions -------------------------------------------------------------------------------------------

PREDICTIONS = {
    "starves": Question(
        "Cooperative. The editor sleeps until its key comes at 17 ms; the backup computes on and on and never waits. "
        "When does the editor get the CPU?",
        (
            Option(
                "At 17 ms, when its key comes",
                "A wake-up puts it in line. Taking the CPU from the backup is what a cooperative scheduler cannot do.",
                idea="waking up means running",
            ),
            Option(
                "At 20 ms, when the backup's second quantum is over",
                "There is no quantum here: nobody looks at the clock.",
                idea="every scheduler has a time slice",
            ),
            Option(
                "When the backup is done, and not before",
                "Nobody takes the CPU away, and the backup does not give it up: the editor starves.",
                right=True,
            ),
        ),
    ),
    "quantum": Question(
        "Three programs compute, and an editor wakes up now and then. You halve the quantum from 10 ms to 5 ms. "
        "What happens to the editor's longest wait, and to the time lost in switches?",
        (
            Option(
                "Both get smaller",
                "Twice as many turns end in a second, and each end is a switch that is paid.",
                idea="a shorter quantum costs nothing",
            ),
            Option("The wait gets shorter, the loss about twice as large", "You buy one with the other.", right=True),
            Option(
                "The wait stays, because the editor sleeps most of the time",
                "When it wakes it stands behind three others, each of which has a quantum before it.",
                idea="only tasks that compute care about the quantum",
            ),
        ),
    ),
}

QUIZ_TITLE = "Five questions"
QUESTIONS: tuple[Question, ...] = (
    Question(
        "Four tasks take 6, 16, 14 and 8 ms. Which scheduler is done sooner with all four, if a switch costs 1 ms?",
        (
            Option("Cooperative", "44 ms of work and four switches: 48 ms, against 50 ms with six.", right=True),
            Option(
                "Preemptive",
                "It does the same work and pays two switches more: 50 ms. Preemption buys short waits, not speed.",
                idea="preemption makes work faster",
            ),
            Option("Both alike", "Only where a switch is free."),
        ),
    ),
    Question(
        "When is cooperative scheduling the better choice?",
        (
            Option(
                "When tasks are short and about equally long",
                "Then nobody waits long, and no switch is spent on interrupting.",
                right=True,
            ),
            Option(
                "When one task is much longer than the others",
                "That is its worst case: everybody behind that one waits for all of it.",
                idea="few switches are good for long tasks",
            ),
            Option("When there are many CPUs", "Each CPU has the same problem with a task that does not let go of it."),
        ),
    ),
    Question(
        "Round robin, quantum 10 ms, one task alone on the CPU. How many switches does it pay in a second?",
        (
            Option(
                "100, one at the end of each quantum",
                "At the end of a quantum the scheduler looks, and picks the same task again: nothing is switched.",
                idea="the end of a slice is a switch",
            ),
            Option("One, at the start", "Whoever is picked again goes on where it was.", right=True),
            Option("None", "It was put on the CPU once."),
        ),
    ),
    Question(
        "A task is woken under round robin while another one runs. When does it run?",
        (
            Option(
                "At once, because that is what preemptive means",
                "Preemptive says that the scheduler may take the CPU away. This one does so when a quantum is over.",
                idea="preemptive means that waking interrupts",
            ),
            Option(
                "When those before it in line have had their turns",
                "It joins the end of the line; each one before it has at most a quantum.",
                right=True,
            ),
            Option("When the running task is done", "That is the cooperative rule."),
        ),
    ),
    Question(
        "Shortest first gives the smallest mean time until a task is done. Why is it not enough for a real system?",
        (
            Option(
                "It needs to know how long a task will work, and a long one may wait for ever",
                "Real schedulers guess from the past, and bound the wait.",
                right=True,
            ),
            Option(
                "It switches too often",
                "It switches least of all: a task that is picked runs on unless something shorter is there.",
                idea="the best order needs many switches",
            ),
            Option("Looking for the shortest takes too long", "A heap finds it in a few steps, even among thousands."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("13", "Linux 2.6 gives slices of 5 to 800 ms by nice value: who gets the long ones, and why?"),
    Elsewhere("23", "Go 1.2 asks a goroutine to yield at its next call: what if it calls nothing?"),
    Elsewhere("33", "Kubernetes also preempts, by evicting a pod: what is lost that a CPU's switch keeps?"),
)

# -- an exercise -----------------------------------------------------------------------------------------

LONGEST = 45 * MS  # ns that anybody may wait in one go
FASTER = Fraction(85, 100)  # of round robin's mean


def office(seed: int) -> Scenario:
    """A report that takes 30 ms, and requests that come faster than they are done: one each 5 ms, 2 to 9 ms long."""
    requests = {
        "name": "request ", "count": 9, "work": {"between": ["2ms", "9ms"]}, "every": "5ms", "start": "3ms",
    }  # fmt: skip
    return Scenario(
        "preemptive", [{"name": "report", "work": "30ms"}, requests], seed=seed, title="A report and nine requests"
    )


PROBE = [{"name": name, "work": work} for name, work in (("a", "3ms"), ("b", "6ms"), ("c", "2ms"), ("d", "5ms"))]


def order(answer: Any) -> Sequence[str]:
    """In what order an answer finishes four short tasks that arrive together; empty where it fails."""
    try:
        return list(completions(Scenario(answer, PROBE).run()))
    except (ScenarioError, RuntimeError):
        return ()


def finishes(*names: str) -> Any:
    """A diagnosis applies to whoever finishes the four in this order."""
    return lambda _report, answer: tuple(order(answer)) == names


def shortest_without_end(report: Report, answer: Any) -> bool:
    """Shortest first, and somebody waits too long."""
    return tuple(order(answer)) == ("c", "a", "d", "b") and any(one.rule == "longest-wait" for one in report.broken)


DIAGNOSES = (
    Diagnosis(
        "first-come", finishes("a", "b", "c", "d"),
        "You take who came first: that is round robin. Requests of 2 ms stand behind requests of 9 ms; look at "
        "`task.remaining`, the work (ns) that a task still has.",
    ),
    Diagnosis(
        "last-come", finishes("d", "c", "b", "a"),
        "You take who came last. Whoever came first is buried under all that follow.",
    ),
    Diagnosis(
        "longest-first", finishes("b", "d", "a", "c"),
        "You take the longest: everybody else waits for it. The mean is best when the shortest goes first.",
    ),
    Diagnosis(
        "shortest-without-end", shortest_without_end,
        "Shortest first is fast on average, but nothing bounds the wait of the report: as long as something shorter "
        "is in line, it is passed over. `self.ready[0]` has waited longest; give it a turn now and then.",
    ),
)  # fmt: skip

EXERCISES = {
    "shortest": Exercise(
        "Faster than round robin, and nobody starves",
        [office(1)],
        held_back=[office(4), office(5)],
        diagnoses=DIAGNOSES,
        rules=(longest_wait(LONGEST),),
        goals=(
            Goal(
                "mean-done",
                "On average a task is done at least 15 % sooner than under round robin.",
                mean_done,
                FASTER,
            ),
        ),
    ),
}
