"""How Linux traces are shown: the generations' judgements, their queues, and what a fork may change."""

from __future__ import annotations

from schedlab.views.look import USUAL_BARS, Change, Form, Group, Look
from schedlab.views.payload import ASLEEP, POOLED, SWAPPED

PRIORITIES = 140  # levels of an O(1) array
SLOTS = 64  # of the task array of v0.01
RT_PRIORITIES = 100
ARRAYS = ("active", "expired")
NANOSECONDS = (
    "sleep_avg", "vruntime", "deadline", "vlag", "wait_runtime", "fair_key",
    "virtual_runtime", "virtual_deadline", "absolute_deadline", "key", "lag", "minus:lag",
)  # fmt: skip
NICE = ("nice", "number", -20, 19)
TASK = ("task", "task", 0, 0)

LOOK = Look(
    home="home",
    bars={
        **USUAL_BARS,
        "in disk sleep": ASLEEP,
        "in the job pool": POOLED,
        "swapped out": SWAPPED,
        "asleep, swapped out": SWAPPED,
        "in disk sleep, swapped out": SWAPPED,
    },
    wakes=frozenset({"wake"}),
    leads=frozenset({"migrate"}),
    holds={"lock": ("a", "b"), "warms": ("b",)},
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
            many=("cache",),
        ),
        "virtual_deadline": Form(
            "ruler",
            ("minus:lag", "virtual_deadline"),
            more={
                "dot": 0,
                "diamond": 1,
                "threshold": 0,
                "side": "low",
                "low": "ruler.eligible",
                "high": "ruler.ahead",
            },
        ),
        "virtual_runtime": Form("ruler", ("virtual_runtime",), more={"dot": 0}),
        "key": Form("ruler", ("key",), more={"dot": 0}),
        "absolute_deadline": Form("ruler", ("absolute_deadline",), more={"dot": 0}),
        "rt_prio": Form("bitmap", ("rt_prio",), size=RT_PRIORITIES),
        "priority": Form("bitmap", ("priority", "current_bonus", "field:time_slice"), size=PRIORITIES),
    },
    groups=(
        Group(r"(?:CPU (?P<cpu>\d+) )?active (?P<level>\d+)", "active", "levels", PRIORITIES, beside=ARRAYS),
        Group(r"(?:CPU (?P<cpu>\d+) )?expired (?P<level>\d+)", "expired", "levels", PRIORITIES, beside=ARRAYS),
        Group(r"slot (?P<level>\d+)", "slots", "slots", size=SLOTS),
        Group(r"(?:CPU (?P<cpu>\d+) )?run queue", "run queue", "list", ranked=False),
        Group(r"deadline tree", "deadline tree", "list"),
        Group(r"(?:CPU (?P<cpu>\d+) )?rt (?P<level>\d+)", "rt", "levels", RT_PRIORITIES),
        Group(r"tree(?: (?P<cpu>\d+))?", "tree", "list"),
    ),
    counts_down=frozenset({"counter", "time_slice"}),
    units=dict.fromkeys(NANOSECONDS, "ns"),
    signed=frozenset({"minus:lag", "virtual_deadline"}),
    titles={"levels": "panel.arrays", "slots": "panel.slots", "list": "panel.queues"},
    changes=(Change("renice", (TASK, NICE)), Change("wake", (TASK,)), Change("kill", (TASK,))),
)
