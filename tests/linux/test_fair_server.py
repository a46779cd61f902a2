"""The fair server of 6.12: fair tasks that starve get 50 ms in a second, others never meet it."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.classes import Linux_5_15, Linux_6_12
from schedlab.linux.deadline import DLEntity
from schedlab.linux.fair_server import DeadlineWithServer, Server
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.policy import Policy
from schedlab.linux.task import SCHED_DEADLINE, SCHED_FIFO, run, sleep
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder

SWITCHES = {kind.id for kind in LINUX.kinds if kind.name in ("switch", "resume", "rest")}


def machine_of(policy: Policy, **tasks: dict[str, Any]) -> Machine:
    """A machine with these tasks; what they do stands under "does"."""
    machine = Machine(policy, Engine(), Recorder(LINUX))
    for name, fields in tasks.items():
        does = fields.pop("does", [run()])
        task = machine.create(name, does, **fields)
        assert task is not None
        machine.start(task)
    machine.boot()
    return machine


def had(machine: Machine, name: str) -> float:
    """ms of CPU time."""
    for cpu in machine.cpus:
        machine._charge(cpu)
    return next(task.sum_exec for task in machine.tasks.values() if task.name == name) / MS


FIFO: dict[str, Any] = {"policy": SCHED_FIFO, "rt_priority": 50}


def test_a_starving_task_runs_at_the_last_moment() -> None:
    machine = machine_of(Linux_6_12(), fifo={**FIFO}, hog={})
    machine.engine.run(950 * MS - 1)
    assert machine.cpus[0].curr.name == "fifo"
    machine.engine.run(950 * MS)
    assert machine.cpus[0].curr.name == "hog"
    machine.engine.run(1000 * MS)
    assert machine.cpus[0].curr.name == "fifo"


def test_it_has_a_twentieth() -> None:
    machine = machine_of(Linux_6_12(), fifo={**FIFO}, hog={})
    machine.engine.run(20 * S)
    assert had(machine, "hog") == pytest.approx(1000, rel=0.05)


def test_throttling_of_5_15_leaves_as_much() -> None:
    machine = machine_of(Linux_5_15(), fifo={**FIFO}, hog={})
    machine.engine.run(20 * S)
    assert had(machine, "hog") == pytest.approx(1000, rel=0.05)


def test_who_does_not_starve_never_meets_it() -> None:
    """A FIFO task that leaves 10 % to the others is never interrupted."""

    def fifo() -> Any:
        while True:
            yield run(90 * MS)
            yield sleep(10 * MS)

    machine = machine_of(Linux_6_12(), fifo={**FIFO, "does": fifo()}, hog={})
    machine.engine.run(10 * S)
    assert had(machine, "fifo") == pytest.approx(9000, abs=1)
    assert not machine.policy.serving.servers[0].running  # type: ignore[attr-defined]  # it is a stack


def test_an_earlier_deadline_goes_before_the_server() -> None:
    dl = {"policy": SCHED_DEADLINE, "dl": DLEntity(40 * MS, 100 * MS, 100 * MS)}
    machine = machine_of(Linux_6_12(), fifo={**FIFO}, dl=dl, hog={})
    machine.engine.run(910 * MS)
    assert machine.cpus[0].curr.name == "dl"
    machine.engine.run(10 * S)
    assert had(machine, "dl") == pytest.approx(4000, rel=0.02)
    assert had(machine, "hog") == pytest.approx(500, rel=0.1)


def test_a_fair_task_that_sleeps_gives_the_cpu_back() -> None:
    def short() -> Any:
        while True:
            yield run(1 * MS)
            yield sleep(1 * MS)

    machine = machine_of(Linux_6_12(), fifo={**FIFO}, short={"does": short()})
    machine.engine.run(20 * S)
    assert 0 < had(machine, "short") <= 1050
    assert had(machine, "fifo") + had(machine, "short") == pytest.approx(20_000)


def test_the_server_is_no_task_of_the_picture() -> None:
    policy = Linux_6_12()
    machine = machine_of(policy, fifo={**FIFO}, hog={})
    machine.engine.run(960 * MS)
    deadline = next(part for part in policy.parts() if isinstance(part, DeadlineWithServer))
    assert any(isinstance(entry, Server) for entry in deadline.tree)
    cpu = machine.cpus[0]
    assert [args[0].name for args in policy.candidates(cpu, cpu.curr)] == ["hog"]
    assert policy.ranking.by == "virtual_deadline"
    assert all(not isinstance(task, Server) for _name, queue in policy.queues() for task in queue)
