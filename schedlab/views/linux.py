"""How Linux traces are shown: the generations' judgements, their queues, and what a fork may change."""

from __future__ import annotations

from schedlab.views.look import USUAL_BARS, Change, Form, Group, Look
from schedlab.views.payload import ASLEEP

PRIORITIES = 140  # levels of an O(1) array
SLOTS = 64  # of the task array of v0.01
NICE = ("nice", "number", -20, 19)
TASK = ("task", "task", 0, 0)

LOOK = Look(
    home="home",
    bars={**USUAL_BARS, "in disk sleep": ASLEEP},
    wakes=frozenset({"wake"}),
    holds={"lock": ("a", "b")},
    forms={
        "counter_if_runnable": Form("table", ("counter_if_runnable",)),
        "goodness": Form(
            "terms",
            ("goodness",),
            (
                ("counter", "task.counter"),
                ("cache", "PROC_CHANGE_PENALTY"),
                ("memory", "SAME_MM_BONUS"),
                ("nice", "20 - task.nice"),
            ),
        ),
        "priority": Form("bitmap", ("priority", "current_bonus", "field:time_slice"), size=PRIORITIES),
    },
    groups=(
        Group(r"(?:CPU (?P<cpu>\d+) )?active (?P<level>\d+)", "active", "levels", count=PRIORITIES),
        Group(r"(?:CPU (?P<cpu>\d+) )?expired (?P<level>\d+)", "expired", "levels", count=PRIORITIES),
        Group(r"slot (?P<level>\d+)", "slots", "slots", size=SLOTS),
        Group(r"(?:CPU (?P<cpu>\d+) )?run queue", "run queue", "list"),
    ),
    counts_down=frozenset({"counter", "time_slice"}),
    units={"sleep_avg": "ns"},
    titles={"levels": "panel.arrays", "slots": "panel.slots", "list": "panel.queues"},
    changes=(Change("renice", (TASK, NICE)), Change("wake", (TASK,)), Change("kill", (TASK,))),
)
