"""How the toy schedulers of the design chapter are shown."""

from __future__ import annotations

from schedlab.views.look import USUAL_BARS, Change, Group, Look

TASK = ("task", "task", 0, 0)

LOOK = Look(
    home="home",
    bars=USUAL_BARS,
    wakes=frozenset({"wake", "spawn"}),
    leads=frozenset({"steal", "migrate"}),
    groups=(
        Group(r"run queue", "run queue", "list"),
        Group(r"queue of CPU (?P<cpu>\d+)", "queue", "list"),
    ),
    titles={"list": "panel.queues"},
    changes=(Change("yield", (TASK,)), Change("wake", (TASK,)), Change("kill", (TASK,))),
)
