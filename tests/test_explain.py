"""The reasons of a run: who could have run, what was compared, which line decided, what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import pytest

from schedlab.explain import NotRepeatable
from schedlab.linux.kinds import LINUX, READY, RUNNING
from schedlab.linux.on import ON
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import EXPLAINED, NOBODY, Recorder, Replay, Trace, judgement

TWO: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}]
WORKERS = [{"name": "a", "work": "30ms"}, {"name": "b", "work": "15ms"}]
MIXED: list[dict[str, Any]] = [
    {"name": "hog", "nice": 3},
    {"name": "keys", "does": [{"repeat": [{"run": "2ms"}, {"sleep": "9ms"}]}]},
    {"name": "disk", "does": [{"repeat": [{"run": "5ms"}, {"disk": "7ms"}, "yield"]}]},
    {"name": "kind", "nice": 10},
]
GENERATIONS = ("v0.01", "o(n)", "o1", "o1-2.6.22", "cfs-2.6.23", "cfs", "eevdf-6.6", "eevdf")
ALL_ARE_CANDIDATES = ("v0.01", "o(n)", "cfs-2.6.23", "cfs", "eevdf-6.6", "eevdf")  # O(1) looks at one array


class Decision(NamedTuple):
    """One `decided` row, in words."""

    ms: float
    winner: str | None
    note: dict[str, Any]
    line: str

    def verdicts(self, trace: Trace) -> dict[str, tuple[str, int]]:
        """Verdict and margin by name."""
        return {trace.name("task", c["task"]): (c["verdict"], c["margin"]) for c in self.note["candidates"]}


def explained(scheduler: Any, tasks: list[dict[str, Any]], until: str, **more: Any) -> Trace:
    return Scenario(scheduler, tasks, until=until, **more).run().explain()


def decisions(trace: Trace) -> list[Decision]:
    source = trace.about["source"]
    lines, first = source["text"].splitlines(), source["first"]
    found = []
    for row in trace.table("decided"):
        note: Any = trace.notes[row.a]
        lit = note["lit"] - first
        line = lines[lit].strip() if 0 <= lit < len(lines) else ""
        found.append(Decision(row.time / MS, None if row.who == NOBODY else trace.name("task", row.who), note, line))
    return found


def decision_at(trace: Trace, ms: float) -> Decision:
    return next(decision for decision in decisions(trace) if decision.ms == ms)


def decided_and_done(trace: Trace) -> Iterator[tuple[Any, Any, dict[str, list[int]]]]:
    """Each `decided` row, the plain row that follows it, and the state after that."""
    replay = Replay(trace)
    decided = None
    for row in trace.rows():
        replay.forward()
        name = trace.kinds[row.kind].name
        if name == "decided":
            decided = row
        elif decided is not None and name in ("switch", "resume", "keep", "rest"):
            yield decided, row, replay.state
            decided = None


# -- the plain rows stay ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_an_explained_trace_without_its_reasons_is_the_plain_one(scheduler):
    scenario = Scenario(scheduler, MIXED, until="300ms")
    trace = scenario.run()
    assert trace.explain().plain().digest() == trace.digest()


def test_asking_for_reasons_does_not_change_the_trace_that_is_asked():
    trace = Scenario("o(n)", TWO, until="130ms").run()
    before = trace.digest()
    trace.explain()
    assert trace.digest() == before
    assert not any(kind >= EXPLAINED for kind in trace.kind)


def test_an_explained_trace_is_saved_as_the_plain_one(tmp_path):
    trace = Scenario("o1", TWO, until="130ms").run()
    trace.explain().save(tmp_path / "run.json")
    loaded = Trace.load(tmp_path / "run.json")
    assert loaded.digest() == trace.digest()
    assert not any(kind >= EXPLAINED for kind in loaded.kind)


def test_a_recording_has_no_reasons_and_says_so():
    recorder = Recorder(LINUX)
    recorder.spawn(0, 0, 0, NOBODY, 0)
    trace = Trace(LINUX, recorder.columns, {"task": ["a"], "cpu": ["CPU 0"]}, end=10)
    with pytest.raises(ValueError, match="is a recording: there is no scenario to run again"):
        trace.explain()


# -- who was compared ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ALL_ARE_CANDIDATES)
def test_the_candidates_are_all_who_could_run(scheduler):
    trace = explained(scheduler, MIXED, "300ms")
    seen = 0
    for decided, _row, state in decided_and_done(trace):
        note: Any = trace.notes[decided.a]
        runnable = {task for task, held in enumerate(state["state"]) if held in (READY, RUNNING)}
        sleeping_but_owing = set()
        if scheduler == "eevdf":  # 6.12 keeps who sleeps with negative lag in the queue: they are looked at too
            sleeping_but_owing = {c["task"] for c in note["candidates"]} - runnable
        assert {c["task"] for c in note["candidates"]} == runnable | sleeping_but_owing
        seen += 1
    assert seen > 10


def test_the_candidates_of_o1_are_the_array_that_is_chosen_from():
    trace = explained("o1", TWO, "210ms")
    assert list(decision_at(trace, 100).verdicts(trace)) == ["b"]  # a waits in expired
    assert list(decision_at(trace, 200).verdicts(trace)) == ["a", "b"]


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_before_each_choice_stands_the_reason_with_the_same_winner(scheduler):
    trace = explained(scheduler, MIXED, "300ms")
    found = list(decided_and_done(trace))
    assert [row for _decided, row, _state in found] == [
        row for row in trace.rows() if trace.kinds[row.kind].name in ("switch", "resume", "keep", "rest")
    ]
    for decided, row, _state in found:
        note: Any = trace.notes[decided.a]
        assert (decided.time, decided.where, decided.who) == (row.time, row.where, row.who)
        assert note["winner"] == row.who
        assert [c["task"] for c in note["candidates"] if c["verdict"] == "won"] == [row.who][: row.who != NOBODY]


@pytest.mark.parametrize("scheduler", ["v0.01", "o(n)", "o1", "o1-2.6.22", "cfs-2.6.23"])
def test_the_winner_has_the_best_number_of_all(scheduler):
    """Not so CFS, whose buddies may win, and EEVDF, where a protected task goes on."""
    trace = explained(scheduler, MIXED, "300ms")
    for decision in decisions(trace):
        numbers = {c["task"]: c["numbers"][decision.note["by"]] for c in decision.note["candidates"]}
        if numbers:
            best = (max if decision.note["best"] == "highest" else min)(numbers.values())
            assert numbers[decision.note["winner"]] == best


# -- verdicts and margins --------------------------------------------------------------------------------


def test_equal_counters_of_v001_are_a_tie_that_goes_to_the_higher_slot():
    trace = explained("v0.01", TWO, "320ms")
    first = decision_at(trace, 0)
    assert first.verdicts(trace) == {"b": ("won", 0), "a": ("tie", 0)}
    assert first.note["tie"] == "higher slot"
    assert decision_at(trace, 150).verdicts(trace) == {"b": ("worse", 15), "a": ("won", 0)}


def test_goodness_of_2_4_differs_by_the_point_for_the_address_space():
    trace = explained("o(n)", TWO, "130ms")
    assert decision_at(trace, 0).verdicts(trace) == {"b": ("won", 0), "a": ("tie", 0)}
    assert decision_at(trace, 60).verdicts(trace) == {"b": ("worse", 26), "a": ("won", 0)}
    assert decision_at(trace, 120).verdicts(trace) == {"b": ("worse", 1), "a": ("won", 0)}


def test_priorities_of_o1_are_compared_and_the_lowest_wins():
    trace = explained("o1", [{"name": "kind", "nice": 5}, {"name": "a"}], "10ms")
    first = decision_at(trace, 0)
    assert (first.note["by"], first.note["best"]) == ("priority", "lowest")
    assert first.verdicts(trace) == {"a": ("won", 0), "kind": ("worse", 5)}
    assert first.note["candidates"][0]["numbers"] == {"priority": 125, "current_bonus": 0, "is_interactive": 0}


def test_virtual_runtimes_of_cfs_are_four_milliseconds_apart_after_a_tick():
    trace = explained("cfs", TWO, "9ms")
    assert decision_at(trace, 0).verdicts(trace) == {"a": ("won", 0), "b": ("tie", 0)}
    assert decision_at(trace, 4).verdicts(trace) == {"b": ("won", 0), "a": ("worse", 4 * MS)}


def test_in_eevdf_who_has_had_more_than_its_share_fails_the_filter():
    """a has run 4 ms: V is half of that ahead, a's lag is -2 ms and b's +2 ms."""
    trace = explained("eevdf", TWO, "9ms")
    decision = decision_at(trace, 4)
    assert decision.note["filters"] == ["eligible"]
    assert {name: verdict for name, (verdict, _margin) in decision.verdicts(trace).items()} == {
        "b": "won",
        "a": "eligible",
    }
    lags = {c["task"]: c["numbers"]["lag"] for c in decision.note["candidates"]}
    assert lags == {0: -2 * MS, 1: 2 * MS}


def test_places_in_the_line_of_a_toy_scheduler():
    trace = explained("preemptive", WORKERS, "40ms")
    assert decision_at(trace, 0).verdicts(trace) == {"a": ("won", 0), "b": ("worse", 1)}
    assert decision_at(trace, 10).verdicts(trace) == {"b": ("won", 0), "a": ("worse", 1)}


# -- the line that decided ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "tasks", "until", "method", "line"),
    [
        ("v0.01", TWO, "320ms", "pick", "best, chosen = task.counter, task"),
        ("o(n)", TWO, "130ms", "pick", "best, next_ = weight, task"),
        ("o1", TWO, "210ms", "pick", "next_ = rq.active.first()"),
        ("cfs-2.6.23", TWO, "30ms", "pick", "return self.set_next(rq, rq.tree.first())"),
        ("cfs", TWO, "9ms", "pick_next_entity", "chosen = left"),
        ("eevdf", TWO, "9ms", "earliest_eligible", "return first.item"),
        ("preemptive", WORKERS, "40ms", "pick", "return self.ready.popleft() if self.ready else None"),
    ],
)
def test_the_line_that_decided_is_the_one_that_found_the_winner(scheduler, tasks, until, method, line):
    trace = explained(scheduler, tasks, until)
    found = [decision for decision in decisions(trace) if decision.winner is not None]
    assert len(found) >= 2
    assert {(method_of(trace, decision), decision.line) for decision in found} == {(method, line)}


def method_of(trace: Trace, decision: Decision) -> str:
    """The method in which the line that decided stands."""
    source = trace.about["source"]
    above = source["text"].splitlines()[: decision.note["lit"] - source["first"] + 1]
    return next(line.split("(")[0].split()[-1] for line in reversed(above) if line.lstrip().startswith("def "))


def test_who_yields_under_cfs_is_skipped_by_a_line_of_its_own():
    """At 7.5 ms polite has had 3.5 ms and hog 4: polite is leftmost, but the second is less than 1 ms behind."""
    polite = {"name": "polite", "does": [{"run": "3500us"}, "yield", {"run": "forever"}]}
    trace = explained("cfs", [{"name": "hog"}, polite], "8ms")
    decision = decision_at(trace, 7.5)
    assert (decision.winner, decision.line) == ("hog", "chosen = second")
    assert decision.verdicts(trace) == {"polite": ("worse", MS // 2), "hog": ("won", 0)}


def test_a_task_of_eevdf_that_goes_on_is_returned_by_a_line_of_its_own():
    """Alone in the queue, who yields is picked again."""
    does = [{"run": "100us"}, "yield", {"run": "forever"}]
    trace = explained("eevdf", [{"name": "a", "does": does}], "1ms")
    decision = decision_at(trace, 0.1)
    assert (decision.winner, method_of(trace, decision)) == ("a", "pick_eevdf")
    assert decision.line.startswith("return curr")


def test_the_lines_that_ran_are_lines_of_the_source_that_is_shown():
    trace = explained("o(n)", TWO, "130ms")
    source = trace.about["source"]
    last = source["first"] + len(source["text"].splitlines())
    for decision in decisions(trace):
        assert decision.note["lit"] in decision.note["lines"]
        assert all(source["first"] <= line < last for line in decision.note["lines"])


def test_the_source_is_the_generations_file():
    assert explained("o(n)", TWO, "10ms").about["source"]["file"] == "schedlab/linux/on.py"
    assert explained("v0.01", TWO, "10ms").about["source"]["file"] == "schedlab/linux/v001.py"


class Lottery(ON):
    """A learner's change of one judgement."""

    @judgement
    def goodness(self, task: Any, cpu: Any, mm: int | None) -> int:
        score = super().goodness(task, cpu, mm)
        if score > 0 and task.name == "b":
            score += 5
        return score


def test_a_learners_class_is_shown_however_little_it_changes():
    trace = explained(Lottery, TWO, "130ms")
    source = trace.about["source"]
    assert source["file"] == "class Lottery"
    assert source["text"].startswith("class Lottery(ON):")
    decision = decision_at(trace, 0)
    assert decision.verdicts(trace) == {"b": ("won", 0), "a": ("worse", 5)}
    lines = source["text"].splitlines()
    steps = {c["task"]: c["steps"] for c in decision.note["candidates"]}
    assert [(lines[line - source["first"]].strip(), value) for line, value in steps[1]] == [
        ("score = super().goodness(task, cpu, mm)", 26),
        ("score += 5", 31),
    ]


# -- how a number came about ----------------------------------------------------------------------------


def test_goodness_is_told_line_by_line():
    trace = explained("o(n)", TWO, "130ms")
    source = trace.about["source"]
    lines = source["text"].splitlines()
    (_b, a) = decision_at(trace, 120).note["candidates"]
    assert [(lines[line - source["first"]].strip(), value) for line, value in a["steps"]] == [
        ("score = int(task.counter)", 6),
        ("score += SAME_MM_BONUS", 7),
        ("score += 20 - task.nice", 27),
    ]


@pytest.mark.parametrize("cpus", [1, 2])
def test_the_steps_of_goodness_end_in_the_number(cpus):
    trace = explained("o(n)", MIXED, "300ms", cpus=cpus)
    told = 0
    for decision in decisions(trace):
        for candidate in decision.note["candidates"]:
            if candidate["steps"]:
                assert candidate["steps"][-1][1] == candidate["numbers"]["goodness"]
                told += 1
            else:
                assert candidate["numbers"]["goodness"] in (0, -1)  # used up, or yielded: nothing was added
    assert told > 10


# -- ranges -------------------------------------------------------------------------------------------------


def test_only_the_rows_that_were_asked_about_get_reasons():
    trace = Scenario("o(n)", TWO, until="400ms").run()
    choices = [i for i in range(len(trace)) if trace.kinds[trace.kind[i]].decision]
    asked = choices[2]
    part = trace.explain(asked, asked + 1)
    assert [row.time for row in part.table("decided")] == [trace.time[asked]]
    assert part.plain().digest() == trace.digest()
    assert len(trace.explain(0, 0)) == len(trace)


def test_the_reasons_of_a_part_are_those_of_the_whole():
    trace = Scenario("cfs", MIXED, until="100ms").run()
    half = len(trace) // 2
    whole, part = decisions(trace.explain()), decisions(trace.explain(half, len(trace)))
    assert part
    assert [(d.ms, d.winner, d.note) for d in whole[-len(part) :]] == [(d.ms, d.winner, d.note) for d in part]


# -- runs that do not repeat themselves -----------------------------------------------------------------------


class Moody(ON):
    """Every second run it prefers the other end of the list."""

    runs: ClassVar[int] = 0

    def attach(self, machine: Any) -> None:
        super().attach(machine)
        type(self).runs += 1

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        self.runqueue.insert(0 if self.runs % 2 else len(self.runqueue), task)


def test_a_policy_that_goes_differently_the_second_time_is_told_with_the_row():
    trace = Scenario(Moody, TWO, until="130ms").run()
    row = next(i for i in range(len(trace)) if trace.kinds[trace.kind[i]].decision)
    with pytest.raises(NotRepeatable, match=f"goes differently from row {row} on: its policy or a behaviour is not"):
        trace.explain()


def test_a_scenario_with_drawn_times_repeats_itself():
    tasks = [{"name": "a", "count": 3, "does": [{"repeat": [{"run": {"mean": "5ms"}}, {"sleep": {"mean": "5ms"}}]}]}]
    trace = Scenario("o1", tasks, until="200ms", seed=7).run()
    assert trace.explain().plain().digest() == trace.digest()


# -- episodes, moves, fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "until", "name", "at_ms"),
    [
        ("v0.01", "620ms", "refill", [300, 600]),  # two tasks, 15 ticks of 10 ms each
        ("o(n)", "250ms", "new_epoch", [120, 240]),  # 6 ticks each
        ("o1", "410ms", "swap_arrays", [200, 400]),  # 100 ms each
    ],
)
def test_an_episode_is_told_when_it_begins(scheduler, until, name, at_ms):
    trace = explained(scheduler, TWO, until)
    told = [(trace.names["episode"][row.a], row.time / MS) for row in trace.table("episode")]
    assert told == [(name, ms) for ms in at_ms]
    source = trace.about["source"]
    line = next(iter(trace.table("episode"))).b
    assert source["text"].splitlines()[line - source["first"]].strip() == "@episode"


def test_after_an_epoch_the_candidates_have_their_new_ticks():
    trace = explained("o(n)", TWO, "130ms")
    numbers = {c["task"]: c["numbers"]["goodness"] for c in decision_at(trace, 120).note["candidates"]}
    assert numbers == {0: 27, 1: 26}


def test_a_watched_field_is_followed_tick_by_tick():
    trace = explained("o(n)", [{"name": "a"}], "70ms")
    assert [(row.time / MS, row.a, row.b) for row in trace.table("field_counter")] == [
        (0, 6, 0), (10, 5, 6), (20, 4, 5), (30, 3, 4), (40, 2, 3), (50, 1, 2), (60, 0, 1), (60, 6, 0), (70, 5, 6),
    ]  # fmt: skip


def places(trace: Trace, row: int) -> dict[str, tuple[str, int]]:
    """Where each task stands after a row: place and position."""
    replay = Replay(trace)
    replay.seek(row)
    codes = replay.state["place"]
    return {
        trace.names["task"][task]: (trace.names["place"][code // 65_536], code % 65_536)
        for task, code in enumerate(codes)
        if code != NOBODY
    }


def test_moves_say_where_in_which_queue_a_task_stands():
    trace = explained("o1", TWO, "210ms")
    assert places(trace, len(trace)) == {"a": ("active 125", 0), "b": ("active 125", 1)}
    rows = [i for i in range(len(trace)) if trace.time[i] <= 150 * MS]
    assert places(trace, rows[-1] + 1) == {"a": ("expired 125", 0), "b": ("active 125", 0)}


@pytest.mark.parametrize("scheduler", GENERATIONS)
def test_every_row_of_an_explained_trace_can_be_undone(scheduler):
    trace = explained(scheduler, MIXED, "120ms")
    replay = Replay(trace)
    seen = [{field: list(held) for field, held in replay.state.items()}]
    while replay.index < len(trace):
        replay.forward()
        seen.append({field: list(held) for field, held in replay.state.items()})
    while replay.index:
        assert replay.state == seen[replay.index]
        replay.back()
    assert replay.state == seen[0]


def test_a_hook_row_tells_the_lines_that_ran():
    trace = explained("o(n)", [{"name": "a"}], "20ms")
    source = trace.about["source"]
    tick = next(row for row in trace.table("hook") if trace.names["hook"][row.a] == "tick")
    note: Any = trace.notes[tick.b]
    lines = [source["text"].splitlines()[line - source["first"]].strip() for line in note["lines"]]
    assert lines[:2] == ["if curr is cpu.idle:", "curr.counter -= 1"]
    assert "curr.counter = 0" not in lines
