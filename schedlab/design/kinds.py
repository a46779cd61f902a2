"""What a row of a toy scheduler's trace can tell."""

from __future__ import annotations

from schedlab.trace import NOBODY, Effect, Family, Field, Kind, register

STATES = ("absent", "ready", "running", "asleep", "finished")
ABSENT, READY, RUNNING, SLEEPING, FINISHED = range(len(STATES))

SWITCH = (
    Effect("state", "a", "b", RUNNING),
    Effect("state", "who", RUNNING, READY),
    Effect("running", "where", "who", "a"),
)

DESIGN = register(
    Family(
        "design",
        kinds=(
            Kind(
                1, "spawn", "task", "cpu", "task", "",
                "{who} arrives at {where}",
                (Effect("state", "who", READY, ABSENT), Effect("home", "who", "where", NOBODY)),
            ),
            Kind(2, "wake", "task", "cpu", "", "state", "{who} wakes up", (Effect("state", "who", READY, "b"),)),
            Kind(
                3, "switch", "task", "cpu", "task", "state",
                "{where} picks {who}; {a} is now {b}",
                SWITCH,
                decision=True,
            ),
            Kind(
                4, "resume", "task", "cpu", "task", "state",
                "{where} was idle and picks {who}",
                SWITCH,
                decision=True,
            ),
            Kind(5, "keep", "task", "cpu", "", "", "{where} picks {who} again", decision=True),
            Kind(6, "rest", "task", "cpu", "task", "state", "{where} has nothing to run; {a} is now {b}", SWITCH),
            Kind(
                7, "migrate", "task", "cpu", "cpu", "",
                "{who} moves from {a} to {where}",
                (Effect("home", "who", "where", "a"),),
            ),
            Kind(8, "yields", "task", "cpu", "", "", "{who} gives {where} up"),
            Kind(9, "exit", "task", "cpu", "", "", "{who} is done"),
            Kind(10, "ask", "", "cpu", "cpu", "number", "{where} asks {a} how busy it is: {b} {b?task|tasks}"),
            Kind(11, "share", "task", "cpu", "cpu", "number", "{where} hands {who} over to {a}"),
            Kind(
                12, "steal", "task", "cpu", "cpu", "number",
                "{where} steals {b} {b?task|tasks} from {a}, {who} first",
            ),
            Kind(13, "miss", "", "cpu", "cpu", "", "{where} finds nothing to steal from {a}"),
            Kind(14, "change", "", "", "change", "", "from outside: {a}"),
            Kind(15, "kill", "task", "cpu", "", "state", "{who} is killed", (Effect("state", "who", FINISHED, "b"),)),
        ),
        fields=(
            Field("running", "cpu", "task", NOBODY),
            Field("state", "task", "state", ABSENT),
            Field("home", "task", "cpu", NOBODY),
        ),
        states=STATES,
    )
)  # fmt: skip
