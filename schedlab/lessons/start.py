"""Part 0: the first minutes. One small run, so that every control has something to show; each family adds its own."""

from __future__ import annotations

from typing import Any

from schedlab.goals import cpu_time, longest_waits
from schedlab.scenario import Scenario
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

# An editor that sleeps until a key comes and answers it in 5 ms, and two programs that never wait.
EDITOR: dict[str, Any] = {"name": "editor", "does": [{"repeat": [{"sleep": "175ms"}, {"run": "5ms"}]}]}
HOOK = Scenario(
    "v0.01", [EDITOR, {"name": "compiler"}, {"name": "backup"}], until="1s", title="Three programs, one CPU"
)
KEY = "475ms"  # when the editor's key comes

RUNS: dict[str, Any] = {
    "hook": HOOK,
    "asked": HOOK.fork(KEY, {"kill": "compiler"}).but(title="The compiler ends at 475 ms"),
    "game": HOOK.but(scheduler="o(n)", until="600ms", title="The same three programs under Linux 2.4, 2001"),
}

MOST_COMPILERS = 8


def crowd(compilers: int, scheduler: str = "v0.01") -> Scenario:
    """The editor among so many programs that compute."""
    others = [{"name": f"compiler {k + 1}"} for k in range(compilers)]
    return Scenario(scheduler, [EDITOR, *others], until="6s", title=f"An editor and {compilers} compilers")


def editor_waits(compilers: int, scheduler: str) -> int:
    """The editor's longest wait, ns."""
    return longest_waits(crowd(compilers, scheduler).run())["editor"]


def waiting(compilers: int) -> tuple[dict[str, Any], Chart]:
    """What a crowd of compilers does to an editor, for so many and for all numbers."""
    trace = crowd(compilers).run()
    facts = {
        "the editor waits for at most": fill("{ns:dur}", {"ns": longest_waits(trace)["editor"]}),
        "the editor computes": fill("{ns:dur} of 6 s", {"ns": cpu_time(trace)["editor"]}),
        "under O(1), 2005, it waits for": fill("{ns:dur}", {"ns": editor_waits(compilers, "o1")}),
    }
    numbers = range(1, MOST_COMPILERS + 1)
    series = {
        name: [(n, editor_waits(n, scheduler) / 1e6) for n in numbers]
        for name, scheduler in (("v0.01, 1991", "v0.01"), ("O(1), 2005", "o1"))
    }
    return facts, line(series, title="How long a key waits", x="compilers", y="longest wait, ms", at=compilers)


PREDICTIONS = {
    "key": Question(
        "A key comes for the sleeping editor at 475 ms, while the compiler runs. What happens at that moment?",
        (
            Option(
                "The editor gets the CPU",
                "Being woken is not being chosen. From now on the editor could run, and no more than that.",
                idea="waking up means running",
            ),
            Option(
                "The editor becomes ready, and the compiler runs on",
                "Nobody asks the scheduler here: in Linux 0.01 a wake-up never interrupts who runs.",
                right=True,
            ),
            Option("Both run", "One CPU runs one task at a time; the other one waits."),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "A task has no bar at this moment, and no thin line either. What is it doing?",
        (
            Option(
                "It waits for the CPU",
                "Who waits for the CPU has a thin line: it could run, if it were let in.",
                idea="who does not run is waiting for the CPU",
            ),
            Option("It sleeps", "It waits for something else than the CPU, such as a key.", right=True),
            Option("It has ended", "It may come back: the editor has such gaps between any two keys."),
        ),
    ),
    Question(
        "When does a scheduler choose?",
        (
            Option(
                "All the time, in the background",
                "It would need the CPU for that. It is called at certain moments and is not there in between.",
                idea="the scheduler is a program that watches",
            ),
            Option(
                "When it is called: somebody sleeps or ends, or a tick finds the time used up",
                "These are the marks above the timeline; Shift+→ goes from one to the next.",
                right=True,
            ),
            Option("Once, at the start", "Count the marks above the timeline: each of them is a choice."),
        ),
    ),
    Question(
        "You fork the run at 475 ms. What is different before 475 ms?",
        (
            Option(
                "Everything may be",
                "The run is repeated from its start with the same numbers, so it goes the same way up to the change.",
                idea="a second run goes another way",
            ),
            Option("Nothing", "Up to the change both futures have the same events.", right=True),
        ),
    ),
    Question(
        "The panel beside the timeline lists three tasks, and one of them runs. What are the other two for?",
        (
            Option(
                "They will run next, in this order",
                "Who is next is chosen later, by the numbers of that moment.",
                idea="the list is the order of turns",
            ),
            Option(
                "They could have run: their numbers show why they did not",
                "To see why one was chosen, read what was against the others.",
                right=True,
            ),
            Option("They sleep", "Who sleeps is no candidate, so it is not in that list."),
        ),
    ),
)
