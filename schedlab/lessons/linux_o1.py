"""Part 2, lesson 13: O(1). Numbers of tasks and times are chosen so that each rule is seen within a few steps."""

from __future__ import annotations

from schedlab.lessons.listing import Elsewhere
from schedlab.scenario import Scenario
from schedlab.widgets.quiz import Option, Question

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
