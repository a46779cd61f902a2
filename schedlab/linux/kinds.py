"""What a row of a Linux trace can tell."""

from __future__ import annotations

from schedlab.trace import NOBODY, Effect, Family, Field, Kind, register

STATES = (
    "absent", "ready", "running", "asleep", "in disk sleep", "zombie", "gone",
    "in the job pool", "swapped out", "asleep, swapped out", "in disk sleep, swapped out",
)  # fmt: skip
ABSENT, READY, RUNNING, SLEEPING, DISK, ZOMBIE, GONE, HELD, OUT, OUT_ASLEEP, OUT_DISK = range(len(STATES))

SWITCH = (
    Effect("state", "a", "b", RUNNING),
    Effect("state", "who", RUNNING, READY),
    Effect("running", "where", "who", "a"),
)

LINUX = register(
    Family(
        "linux",
        kinds=(
            Kind(
                1, "spawn", "task", "cpu", "task", "number",
                "{who} is created on {where}, nice {b}",
                (
                    Effect("state", "who", SLEEPING, ABSENT),
                    Effect("home", "who", "where", NOBODY),
                    Effect("nice", "who", "b", 0),
                ),
            ),
            Kind(
                2, "wake", "task", "cpu", "task", "state",
                "{who} wakes up on {where}",
                (Effect("state", "who", READY, "b"),),
            ),
            Kind(3, "switch", "task", "cpu", "task", "state", "{where} picks {who}; {a} is now {b}", SWITCH, True),
            Kind(15, "resume", "task", "cpu", "task", "state", "{where} was idle and picks {who}", SWITCH, True),
            Kind(16, "rest", "task", "cpu", "task", "state", "{where} has nothing to run; {a} is now {b}", SWITCH),
            Kind(4, "keep", "task", "cpu", "", "", "{where} picks {who} again", decision=True),
            Kind(
                5, "migrate", "task", "cpu", "cpu", "",
                "{who} moves from {a} to {where}",
                (Effect("home", "who", "where", "a"),),
            ),
            Kind(
                6, "renice", "task", "cpu", "number", "number",
                "{who} changes its nice value from {b} to {a}",
                (Effect("nice", "who", "a", "b"),),
            ),
            Kind(7, "yields", "task", "cpu", "", "", "{who} yields {where}"),
            Kind(8, "exit", "task", "cpu", "", "", "{who} exits"),
            Kind(
                9, "reap", "task", "cpu", "task", "",
                "{a} collects its dead child {who}",
                (Effect("state", "who", GONE, ZOMBIE),),
            ),
            Kind(
                20, "gone", "task", "cpu", "", "",
                "{who} is gone: nobody is left to collect it",
                (Effect("state", "who", GONE, ZOMBIE),),
            ),
            Kind(10, "lock", "lock", "cpu", "ns", "ns", "{where} waits {a:dur} for {who} and holds it {b:dur}"),
            Kind(11, "signal", "task", "cpu", "", "", "the alarm of {who} rings"),
            Kind(12, "no_slot", "task", "cpu", "", "", "{who} cannot fork: the kernel refuses (EAGAIN)"),
            Kind(13, "change", "", "", "change", "", "from outside: {a}"),
            Kind(
                14, "kill", "task", "cpu", "", "state", "{who} is killed", (Effect("state", "who", ZOMBIE, "b"),),
            ),
            Kind(19, "setscheduler", "task", "cpu", "class", "number", "{who} is of class {a} now"),
            Kind(22, "takes", "task", "cpu", "mutex", "", "{who} takes the mutex {a}"),
            Kind(23, "needs", "task", "cpu", "mutex", "task", "{who} needs the mutex {a}, which {b} has"),
            Kind(24, "lets_go", "task", "cpu", "mutex", "", "{who} lets the mutex {a} go"),
            Kind(25, "inherits", "task", "cpu", "number", "task", "{who} inherits the real-time priority {a} of {b}"),
            Kind(26, "own_again", "task", "cpu", "", "", "{who} has its own priority again"),
            Kind(
                42, "throttled", "group", "cpu", "ns", "",
                "{where} has no time left for the group {who}, which owes {a:dur}",
            ),
            Kind(43, "unthrottled", "group", "cpu", "", "", "{where} may run the group {who} again"),
            Kind(41, "execs", "task", "cpu", "", "", "{who} starts another program"),
            Kind(40, "warms", "task", "cpu", "cpu", "ns", "{where} needs {b:dur} to fetch what {who} left at {a}"),
            Kind(21, "told", "", "", "told", "", "{a}"),
            Kind(
                17, "found", "task", "cpu", "number", "state",
                "when the recording begins, {who} is {b} on {where}",
                (
                    Effect("state", "who", "b", ABSENT),
                    Effect("home", "who", "where", NOBODY),
                    Effect("nice", "who", "a", 0),
                ),
            ),
            Kind(
                18, "found_running", "task", "cpu", "number", "",
                "when the recording begins, {who} is running on {where}",
                (
                    Effect("state", "who", RUNNING, ABSENT),
                    Effect("home", "who", "where", NOBODY),
                    Effect("nice", "who", "a", 0),
                    Effect("running", "where", "who", NOBODY),
                ),
            ),
            Kind(
                60, "submit", "task", "", "", "",
                "{who} is submitted and waits in the job pool",
                (Effect("state", "who", HELD, ABSENT),),
            ),
            Kind(
                61, "admit", "task", "", "number", "number",
                "{who} is admitted: {a} of at most {b} jobs are in",
                (Effect("state", "who", ABSENT, HELD),),
            ),
            Kind(
                62, "withdraw", "task", "", "", "",
                "{who} is taken out of the job pool",
                (Effect("state", "who", GONE, HELD),),
            ),
            Kind(
                63, "placed", "task", "cpu", "number", "",
                "{who} has its place in memory",
                (Effect("memory", "who", "a", 0),),
            ),
            Kind(64, "no_room", "task", "cpu", "", "", "there is no room for {who}: it begins on the swap device"),
            Kind(
                65, "swap_out", "task", "cpu", "state", "state",
                "{who} is being swapped out; it was {b}",
                (Effect("state", "who", "a", "b"),),
            ),
            Kind(
                66, "freed", "task", "cpu", "number", "",
                "the memory of {who} is free again",
                (Effect("memory", "who", 0, "a"),),
            ),
            Kind(
                67, "swap_in", "task", "cpu", "number", "",
                "{who} is being swapped in",
                (Effect("memory", "who", "a", 0),),
            ),
            Kind(68, "swapped_in", "task", "cpu", "", "", "{who} is in memory"),
            Kind(
                69, "out_ready", "task", "cpu", "state", "state",
                "{who} could run, but is swapped out",
                (Effect("state", "who", "a", "b"),),
            ),
        ),
        fields=(
            Field("running", "cpu", "task", NOBODY),
            Field("state", "task", "state", ABSENT),
            Field("home", "task", "cpu", NOBODY),
            Field("nice", "task", "number", 0),
            Field("memory", "task", "number", 0),
        ),
        states=STATES,
    )
)  # fmt: skip
