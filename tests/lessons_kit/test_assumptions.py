"""What the models leave out is listed, cited and held: each entry names a test, and most of these are here."""

from __future__ import annotations

import ast
import re

import pytest

from schedlab.lessons.assumptions import ASSUMPTIONS
from schedlab.scenario import Scenario
from schedlab.sim import MS, US
from schedlab.trace import Trace
from tests.source import ROOT

MODELS = ("v0.01", "o(n)", "o1", "cfs", "eevdf")
HOG: dict[str, object] = {"name": "hog", "does": [{"run": "50ms"}]}


@pytest.mark.parametrize("one", ASSUMPTIONS, ids=lambda one: one.id)
def test_an_assumption_has_a_source_and_a_test_that_exists(one):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)
    assert one.of
    assert one.says.endswith(".")
    assert len(one.source) > 20
    file, _, function = one.test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_ids_are_different():
    ids = [one.id for one in ASSUMPTIONS]
    assert len(set(ids)) == len(ids)


def test_each_assumption_of_this_file_is_named_by_the_test_that_holds_it():
    text = (ROOT / "tests/lessons_kit/test_assumptions.py").read_text(encoding="utf-8")
    for one in ASSUMPTIONS:
        file, _, function = one.test.partition("::")
        if file.endswith("lessons_kit/test_assumptions.py"):
            body = text.partition(f"def {function}(")[2].partition("\ndef ")[0]
            assert f'"""{one.id}:' in body, f"{function} names {one.id} in its docstring"


def ends(scheduler: str, *tasks: dict[str, object], **more: object) -> int:
    trace = Scenario(scheduler, list(tasks), **more).run()  # type: ignore[arg-type]  # any of its arguments
    return max(row.time for row in trace.table("exit"))


@pytest.mark.parametrize("model", MODELS)
def test_a_switch_is_free_unless_it_has_a_price(model):
    """switch-is-free: two tasks end when their work is done, and later when a switch costs something."""
    pair = ({**HOG, "name": "a"}, {**HOG, "name": "b"})
    assert ends(model, *pair) == 100 * MS
    assert ends(model, *pair, machine={"switch": "100us"}) > 100 * MS


@pytest.mark.parametrize("model", MODELS)
def test_the_clock_is_exact(model):
    """clock-is-exact: work of 1,234,567 ns ends exactly then, between two ticks."""
    assert ends(model, {"name": "a", "does": [{"run": 1_234_567}]}) == 1_234_567


@pytest.mark.parametrize("model", MODELS)
def test_a_tick_takes_no_time(model):
    """interrupts-cost-nothing: a task alone ends after its own work, however many ticks fell into it."""
    assert ends(model, HOG, machine={"hz": 1000}) == ends(model, HOG, machine={"hz": 100}) == 50 * MS


@pytest.mark.parametrize("model", MODELS)
def test_only_the_scenarios_tasks_run(model):
    """no-other-load: nobody but the scenario's tasks, and the kernel's own first ones, is ever picked."""
    trace = Scenario(model, [HOG, {"name": "late", "does": [{"sleep": 10 * US}, {"run": "1ms"}]}]).run()
    ran = {trace.name("task", row.who) for kind in ("switch", "resume") for row in trace.table(kind)}
    assert ran <= {"hog", "late", "idle", "init"}
    assert {"hog", "late"} <= ran


@pytest.mark.parametrize(("model", "ticks"), [("v0.01", 15), ("o(n)", 6)])
def test_tasks_are_there_at_time_0_with_all_their_ticks(model, ticks):
    """there-at-once: three tasks created at 0, each of which can compute for a whole quantum."""
    trace = Scenario(model, [{"name": name} for name in "abc"], until="1s").run()
    assert [(row.time, trace.name("task", row.who)) for row in trace.table("spawn")] == [(0, "a"), (0, "b"), (0, "c")]
    turns = [row.time for row in trace.table("switch")][:2]
    assert turns == [ticks * 10 * MS, 2 * ticks * 10 * MS]


@pytest.mark.parametrize("model", ["v0.01", "o(n)"])
def test_a_sleep_ends_between_two_ticks(model):
    """sleeps-end-exactly: a sleep of 1,234,567 ns ends then, not at a tick."""
    trace = Scenario(model, [{"name": "a", "does": [{"sleep": 1_234_567}, {"run": "1ms"}]}]).run()
    assert [row.time for row in trace.table("wake")][-1] == 1_234_567


CALLS: dict[str, object] = {"name": "calls", "does": [{"system": "400ms"}, {"run": "forever"}]}


def left(trace: Trace, name: str) -> int:
    """When this task first loses the CPU to another one, ns."""
    return next(row.time for row in trace.table("switch") if trace.name("task", row.a) == name)


def test_a_quantum_that_ends_in_the_kernel_ends_when_the_call_returns():
    """calls-take-no-time: only a `system` step is time in the kernel, and the task is not taken off inside it."""
    assert left(Scenario("v0.01", [{"name": "hog"}, CALLS], until="1s").run(), "calls") == 400 * MS
    computes = {"name": "calls"}
    assert left(Scenario("v0.01", [{"name": "hog"}, computes], until="1s").run(), "calls") == 150 * MS


def test_a_call_of_the_kernel_is_interrupted_in_2_4():
    """preempted-in-calls: a call of 400 ms is left at the tick that ends the task's six."""
    assert left(Scenario("o(n)", [{"name": "hog"}, CALLS], until="1s").run(), "calls") == 60 * MS
