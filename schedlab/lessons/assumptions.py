"""What the models leave out or make simpler, each with the source it departs from and the test that holds it so."""

from __future__ import annotations

from typing import NamedTuple


class Assumption(NamedTuple):
    """`of`: the parts whose models it is true of; `test`: file::function that fails when it is no longer true."""

    id: str
    of: tuple[str, ...]
    says: str
    source: str
    test: str


LINUX_PARTS = ("v0.01", "on", "o1")
HERE = "tests/lessons_kit/test_assumptions.py"

ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "balance-when-idle",
        ("o1",),
        "A CPU takes tasks from another one only when it has none left; queues that grow uneven otherwise stay so.",
        "Linux 2.6.11 also calls load_balance() from the tick, domain by domain: rebalance_tick() in kernel/sched.c",
        f"{HERE}::test_uneven_queues_stay_uneven_while_no_cpu_is_idle",
    ),
    Assumption(
        "switch-is-free",
        LINUX_PARTS,
        'A context switch costs nothing unless the scenario gives it a price (`machine={"switch": "2us"}`).',
        "schedule() and switch_to() of any Linux take microseconds, and cold caches more",
        f"{HERE}::test_a_switch_is_free_unless_it_has_a_price",
    ),
    Assumption(
        "clock-is-exact",
        LINUX_PARTS,
        "The clock is exact to the nanosecond and the same on every CPU.",
        "sched_clock() of Linux 2.6.11 could differ from CPU to CPU and be as coarse as a tick",
        f"{HERE}::test_the_clock_is_exact",
    ),
    Assumption(
        "interrupts-cost-nothing",
        LINUX_PARTS,
        "Interrupts, the tick among them, take no time from the task that they interrupt.",
        "do_timer() and every device's handler run on the CPU of the interrupted task",
        f"{HERE}::test_a_tick_takes_no_time",
    ),
    Assumption(
        "no-other-load",
        LINUX_PARTS,
        "Only the tasks of the scenario run: no daemons and no kernel threads.",
        "a real machine runs ksoftirqd, kswapd and dozens of others beside yours",
        f"{HERE}::test_only_the_scenarios_tasks_run",
    ),
)
