"""What the models leave out is listed, cited and held: each entry names a test, and most of these are here."""

from __future__ import annotations

import ast
import re

import pytest

from schedlab.goals import cpu_time
from schedlab.lessons.assumptions import ASSUMPTIONS
from schedlab.scenario import Scenario
from schedlab.sim import MS, US
from tests.source import ROOT

MODELS = ("v0.01", "o(n)", "o1")
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


def test_uneven_queues_stay_uneven_while_no_cpu_is_idle():
    """balance-when-idle: of three hogs a CPU two die; nobody moves over, and the one left has its CPU alone."""
    hogs = [{"name": f"hog{k}"} for k in range(6)]
    trace = Scenario("o1", hogs, cpus=2, until="2s").run()
    first = [trace.name("task", row.who) for row in trace.table("spawn") if row.where == 0]
    assert len(first) == 3
    dead = [{"at": "100ms", "kill": name} for name in first[:2]]
    run = Scenario("o1", hogs, cpus=2, until="2s", events=dead).run()
    assert run.table("migrate") == []
    assert cpu_time(run)[first[2]] > 1_800 * MS
