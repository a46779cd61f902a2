"""Part 0: the first minutes. One small run, so that every control has something to show; each family adds its own."""

from __future__ import annotations

from typing import Any

from schedlab.goals import Latency, latencies
from schedlab.scenario import Scenario, duration
from schedlab.sim import MS
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

KEY = "475ms"  # when the editor's first key comes
ANSWER: list[Any] = [{"repeat": [{"sleep": "175ms"}, {"run": "5ms"}]}]  # each later key comes 175 ms after an answer

# An editor that sleeps until a key comes and answers it in 5 ms, and two programs that never wait. The editor stands
# last, in the highest slot: it is let in first and falls asleep at once.
PROGRAMS: list[dict[str, Any]] = [{"name": "compiler"}, {"name": "backup"}]
HOOK = Scenario(
    "v0.01",
    [*PROGRAMS, {"name": "editor", "does": [{"sleep": KEY}, {"run": "5ms"}, *ANSWER]}],
    until="1s",
    title="Three programs, one CPU",
)

RUNS: dict[str, Any] = {
    "hook": HOOK,
    "asked": HOOK.fork(KEY, {"kill": "compiler"}).but(title=f"The compiler ends at {duration(KEY, 'KEY') // MS} ms"),
    "game": Scenario(
        "o(n)",
        [*PROGRAMS, {"name": "editor", "does": ANSWER}],
        until="600ms",
        title="The same three programs under Linux 2.4, 2001",
    ),
}

MOMENTS = ("300ms", "900ms", "25ms")  # when the key of the knob may come: first, last, step


def pressed(key: int, scheduler: str) -> Latency:
    """How one key is answered that comes at `key` ns. Only it wakes the editor."""
    editor = {"name": "editor", "does": [{"repeat": [{"sleep": "forever"}, {"run": "5ms"}]}]}
    run = Scenario(
        scheduler, [*PROGRAMS, editor], until="1200ms", events=[{"at": f"{key}ns", "wake": "editor"}], title="One key"
    ).run()
    return next(one for one in latencies(run, ["editor"]) if one.wake == key)


def waiting(key: int) -> tuple[dict[str, Any], Chart]:
    """How long a key waits that comes at `key` ns, and at all other moments."""
    waits = pressed(key, "v0.01").ns
    facts = {
        "the key waits": fill("{ns:dur}", {"ns": waits}),
        "it is answered at": fill("{ns:dur}", {"ns": key + waits}),
        "under O(1), 2005, it waits": fill("{ns:dur}", {"ns": pressed(key, "o1").ns}),
    }
    first, last, step = (duration(one, "moment") for one in MOMENTS)
    series = {
        name: [(ns / MS, pressed(ns, scheduler).ns / MS) for ns in range(first, last + 1, step)]
        for name, scheduler in (("v0.01, 1991", "v0.01"), ("O(1), 2005", "o1"))
    }
    return facts, line(series, title="How long a key waits", x="the key comes at, ms", y="wait, ms", at=key / MS)


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
        "In the first run the editor has no bar at 400 ms, and no thin line either. What is it doing?",
        (
            Option(
                "It waits for the CPU",
                "Who waits for the CPU has a thin line: it could run, if it were let in.",
                idea="who does not run is waiting for the CPU",
            ),
            Option("It sleeps", "It waits for something else than the CPU: for a key.", right=True),
            Option(
                "It has ended",
                "Then nothing would come after the gap, as with the compiler that was ended in B. Here a key comes at "
                "475 ms.",
            ),
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
        "At 450 ms the list below the timeline has numbers for the compiler and the backup, and the compiler runs. "
        "What is the backup there for?",
        (
            Option(
                "It will run next",
                "Who is next is chosen later, by the numbers of that moment. Next is the editor: it has its key then.",
                idea="the list is the order of turns",
            ),
            Option(
                "It could have run: its number shows why it did not",
                "To see why one was chosen, read what was against the others.",
                right=True,
            ),
            Option("It sleeps", "Who sleeps has no number here: the editor stands there as asleep."),
        ),
    ),
)
