"""Part 2, lesson 13: O(1). Numbers of tasks and times are chosen so that each rule is seen within a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from schedlab.exercises import Exercise, Goal
from schedlab.goals import cpu_time, latencies, latency
from schedlab.laws import Law, Violation, longest_wait
from schedlab.lessons.listing import Elsewhere
from schedlab.scenario import Scenario
from schedlab.sim import MS, S
from schedlab.trace import Trace
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

# An editor that sleeps for a key and draws a letter, a compiler that never sleeps, a player of music.
EDITOR = {"name": "editor", "does": [{"repeat": [{"sleep": "30ms"}, {"run": "3ms"}]}]}
COMPILER = {"name": "compiler"}
MUSIC = {"name": "music", "does": [{"repeat": [{"sleep": "18ms"}, {"run": "2ms"}]}]}

RUNS = {
    "hook": Scenario("o1", [EDITOR, COMPILER, MUSIC], until="300ms", title="Three programs under O(1)"),
    "slice": Scenario("o1", [COMPILER, {"name": "archiver"}], until="350ms", title="A slice ends"),
}

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
                "Two pointers swap", "Expired becomes active at one stroke, however many tasks there are.", right=True
            ),
            Option(
                "The idle task runs",
                "Tasks in the expired array can run: they only wait until active is empty.",
                idea="expired tasks are asleep",
            ),
        ),
    ),
}

QUESTIONS = (
    Question(
        "A task has dynamic priority 117, another one 123. Who runs first?",
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
    p95 = latency(trace, ["editor"]).p95
    if p95 is None or p95 > PROMPT:
        first = next((one for one in latencies(trace, ["editor"]) if one.ns > PROMPT), None)
        time = trace.end if first is None else first.wake
        waited = "never runs" if p95 is None else fill("waits {p95:dur} at the 95th percentile", {"p95": p95})
        yield Violation(time, max(trace.index_at(time) - 1, 0), "editor-prompt", f"the editor {waited}")


def computed(trace: Trace) -> int:
    """CPU time of the tasks that compute, ns."""
    return sum(cpu_time(trace).get(name, 0) for name in COMPUTING)


EXERCISES = {
    "bonus": Exercise(
        "A bonus that programs cannot buy",
        [Scenario("o1", MIX, until="3s", title="An editor among three that compute, one of which naps")],
        rules=(
            longest_wait(1 * S),
            Law("editor-prompt", "The editor waits at most 20 ms in 95 of 100 cases.", editor_is_prompt),
        ),
        goals=(
            Goal("work-done", "As much is computed as before, to within 2 %.", computed, Fraction(98, 100), more=True),
        ),
    ),
}
