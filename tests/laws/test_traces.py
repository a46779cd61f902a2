"""Random runs: rows can be undone, seeks and files are exact, explanations and forks change no row before them."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlab.linux.machine import Loop
from schedlab.scenario import Scenario
from schedlab.trace import EXPLAINED, Replay, Trace, first_difference
from tests.laws.scenarios import scenarios

MANY = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FEW = settings(MANY, max_examples=8)


def run(scenario: Scenario) -> Trace | None:
    """The run; None where tasks that only yield to each other stop it."""
    try:
        return scenario.run()
    except Loop:
        return None


@MANY
@given(scenarios())
def test_back_is_the_inverse_of_forward_on_every_row(scenario):
    if (trace := run(scenario)) is None:
        return
    replay = Replay(trace)
    start = copy.deepcopy(replay.state)
    for i in range(len(trace)):
        before = copy.deepcopy(replay.state)
        there = replay.forward()
        after = copy.deepcopy(replay.state)
        assert replay.back() == there == trace.row(i)
        assert replay.state == before
        replay.forward()
        assert replay.state == after
    for _ in range(len(trace)):
        replay.back()
    assert replay.state == start


@MANY
@given(scenarios(), st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_seek_stands_where_a_replay_arrives(scenario, places):
    if (trace := run(scenario)) is None:
        return
    jumper = Replay(trace)
    for place in places:
        index = int(place * len(trace))
        jumper.seek(index)
        walker = Replay(trace)
        for _ in range(index):
            walker.forward()
        assert (jumper.index, jumper.state) == (walker.index, walker.state)
    time = int(places[0] * trace.end)
    at = trace.at(time)
    assert at.index == sum(t <= time for t in trace.time)


@MANY
@given(scenarios())
def test_the_same_scenario_has_the_same_digest(scenario):
    if (trace := run(scenario)) is None:
        return
    assert scenario.run().digest() == trace.digest()
    assert Scenario.from_data(json.loads(json.dumps(scenario.to_data()))).run().digest() == trace.digest()


@MANY
@given(scenarios())
def test_what_is_saved_is_what_is_loaded(scenario):
    if (trace := run(scenario)) is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        trace.save(path)
        again = Trace.load(path)
        assert again.digest() == trace.digest()
        assert list(again.sentences()) == list(trace.sentences())
        again.save(path)
        assert Trace.load(path).digest() == trace.digest()
        assert os.listdir(folder) == ["run.json"]


@FEW
@given(scenarios())
def test_an_explained_trace_is_the_plain_one_and_more(scenario):
    if (trace := run(scenario)) is None:
        return
    explained = trace.explain()
    assert explained.plain().digest() == trace.digest()
    assert first_difference(trace, explained) is None
    assert scenario.run().digest() == trace.digest()
    kinds = list(explained.kind)
    for i, kind in enumerate(kinds):
        if kind < EXPLAINED and explained.kinds[kind].decision:
            reasons = [j for j in range(i) if explained.kinds[kinds[j]].name == "decided"]
            note = explained.notes[explained.a[reasons[-1]]]
            assert note["winner"] == explained.who[i] == explained.who[reasons[-1]]
            assert explained.who[i] in [one["task"] for one in note["candidates"]]


@FEW
@given(scenarios())
def test_judgements_are_pure(scenario):
    """Asked about every candidate at every pick, twice, they change no field and say the same."""
    if (trace := run(scenario)) is None:
        return
    policy = scenario.policy()
    names = [name for name in dir(type(policy)) if hasattr(getattr(type(policy), name, None), "__judgement__")]
    pick = policy.pick

    def watched(cpu, prev):
        for task, *context in policy.candidates(cpu, prev):
            before = fields(task)
            for name in names:
                method = getattr(policy, name)
                wants = method.__code__.co_argcount - 2
                if wants <= len(context):
                    assert method(task, *context[:wants]) == method(task, *context[:wants])
            assert fields(task) == before
        return pick(cpu, prev)

    policy.pick = watched
    assert scenario.run(policy=policy).digest() == trace.digest()


def fields(task):
    slots = [name for cls in type(task).__mro__ for name in getattr(cls, "__slots__", ())]
    return {name: getattr(task, name) for name in slots if isinstance(getattr(task, name, None), int | bool | str)}


@MANY
@given(scenarios(), st.integers(1, 259), st.integers(-20, 19))
def test_a_fork_shares_all_rows_before_it_and_its_first_difference_is_the_true_one(scenario, at_ms, nice):
    if (trace := run(scenario)) is None:
        return
    name = scenario.tasks[0]["name"]
    at = at_ms * 1_000_000
    late = scenario.tasks[0]["start"] > at
    change = {"spawn": {"name": "forked"}} if late else {"renice": {"task": name, "nice": nice}}
    try:
        a, b, difference = scenario.compare(scenario.fork(at, change))
    except Loop:
        return
    assert a.digest() == trace.digest()
    before = sum(time < at for time in a.time)
    assert list(a.rows(0, before)) == list(b.rows(0, before))
    rows_a, rows_b = list(a.rows()), list(b.rows())
    true = next((i for i, (x, y) in enumerate(zip(rows_a, rows_b)) if x != y), None)
    if true is None and len(rows_a) != len(rows_b):
        true = min(len(rows_a), len(rows_b))
    assert (None if difference is None else difference.row) == true
    assert true is None or true >= before


@MANY
@given(scenarios())
def test_a_sentence_holds_the_names_as_they_were_typed(scenario):
    if (trace := run(scenario)) is None:
        return
    for i in range(0, len(trace), 7):
        row = trace.row(i)
        if trace.kinds[row.kind].who == "task" and row.who >= 0:
            assert (trace.names["task"][row.who] or "(no name)") in trace.sentence(i)
