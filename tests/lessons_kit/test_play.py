"""`play`: what a run is sent with, and what Python answers when the page asks."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.exercises import questions
from schedlab.lessons.catalogue import lesson
from schedlab.linux.o1 import O1
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace, first_difference
from schedlab.views.payload import DECISION, QUESTION, unpack
from schedlab.widgets.play import FIRST_EXPLAINED, MOST_EXPLAINED, Playing, below, play


@pytest.fixture(scope="module")
def player() -> Playing:
    return play(lesson("o1/hook"))


def events(player: Playing, name: str) -> Any:
    return unpack(player.head, player.columns)[f"events.{name}"]


def ask(player: Playing, **message: Any) -> dict[str, Any]:
    heard: list[dict[str, Any]] = []
    player.send = lambda message, buffers=None: heard.append(message)
    player._asked(player, {"n": 3, **message}, [])
    assert heard[-1]["n"] == 3
    return heard[-1]


def test_a_lesson_size_run_carries_the_reasons_of_all_its_decisions(player):
    data = unpack(player.head, player.columns)
    assert list(data["decisions.event"]) == [i for i, flags in enumerate(data["events.flags"]) if flags & DECISION]


def test_text_and_picture_are_the_same_each_time(player):
    again = play(lesson("o1/hook"))
    assert (again.text, again.picture) == (player.text, player.picture)
    assert "<title>" in player.picture


def test_predict_mode_begins_with_questions_and_stores_no_answer():
    player = play(lesson("o1/hook"), predict=True)
    assert player.head["mode"] == "predict"
    assert "Who runs next?" in player.text
    assert " picks " not in player.text + player.picture


def test_as_the_scheduler_every_choice_is_asked():
    some, every = play(lesson("o1/hook"), predict=True), play(lesson("o1/hook"), scheduler=True)
    count = [sum(1 for flags in events(one, "flags") if flags & QUESTION) for one in (some, every)]
    assert 0 < count[0] <= count[1] == len(questions(every.trace))
    assert every.head["mode"] == "scheduler"


def test_a_moment_is_where_it_begins(player):
    there = play(lesson("o1/hook"), at="63ms")
    assert events(there, "at")[there.cursor] == 63 * MS
    assert player.cursor == 0


def test_two_futures_begin_where_they_part_or_at_the_moment_that_was_asked_for():
    honest, liar = lesson("o1/honest"), lesson("o1/liar")
    asked, free = (play(honest, compare=liar, at=at) for at in ("280ms", None))
    assert (asked.fork_info["stay"], free.fork_info["stay"]) == (True, False)
    assert events(asked, "at")[asked.cursor] <= 280 * MS < events(asked, "at")[asked.cursor + 1]


def test_the_text_says_when_the_earlier_of_two_differences_is():
    player = play(lesson("start/hook"), compare=lesson("start/asked"))
    assert player.text.endswith("A and B are the same until 475 ms.")  # A's next event is at 600 ms


def test_a_model_that_is_within_its_tolerance_is_the_same_as_its_kernel():
    player = play(lesson("o1/kernel"), compare=lesson("o1/model"))
    assert player.text.endswith("A and B are the same from beginning to end.")
    assert all(total["a"] == pytest.approx(total["b"], rel=1e-4) for total in player.fork_info["totals"])


@pytest.mark.parametrize(
    ("run", "options", "error"),
    [
        (3, {}, "can be played, not 3"),
        (O1, {}, "not the class O1"),
        (None, {}, "can be played, not None"),
        ("o1/hook", {"lanes": "all"}, "lanes must be"),
        ("o1/hook", {"panels": ["tea"]}, "panels must be"),
        ("o1/hook", {"at": "soon"}, "not a time"),
        ("o1/hook", {"at": "9s"}, "at must be"),
    ],
)
def test_what_cannot_be_played_is_told(run, options, error):
    with pytest.raises(ValueError, match=error):
        play(lesson(run) if isinstance(run, str) else run, **options)


def test_a_fork_is_the_scenario_run_again_with_one_change(player):
    event = next(i for i, at in enumerate(events(player, "at")) if at == 66 * MS)
    answer = ask(player, ask="fork", event=event, change={"id": "renice", "task": 1, "nice": 19})
    info = answer["forked"]
    changed = player.trace.scenario.fork(66 * MS, {"renice": {"task": "compiler", "nice": 19}})
    true = first_difference(player.trace, changed.run())
    assert true is not None
    assert unpack(player.head_b, player.columns_b)["events.at"][info["differ_b"]] == true.time_b == 66 * MS
    assert info["prefix"] == info["differ_a"] == info["differ_b"]
    assert {total["name"] for total in info["totals"]} == {"switches", "longest wait"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "renice", "task": 0, "nice": 99}, "99 is not in -20..19"),
        ({"id": "renice", "task": 77, "nice": 0}, "choose a task"),
        ({"id": "wake"}, "choose a task"),
        ({"id": "fly"}, "no change called 'fly'"),
        ({}, "no change called ''"),
    ],
)
def test_a_change_that_is_none_is_told_in_a_sentence(player, change, says):
    answer = ask(player, ask="fork", event=9, change=change)
    assert answer["forked"] is None
    assert says in answer["error"]
    assert "\n" not in answer["error"]


def test_tasks_of_one_name_cannot_be_told_apart():
    twins = play(Scenario("o1", [{"name": "a"}, {"name": "a"}, {"name": "b"}], until="20ms"))
    assert "two tasks are called 'a'" in ask(twins, ask="fork", event=3, change={"id": "kill", "task": 0})["error"]
    assert ask(twins, ask="fork", event=3, change={"id": "kill", "task": 2})["forked"]


def test_a_recording_is_not_run_again():
    run = lesson("o1/hook")
    assert isinstance(run, Scenario)
    recorded = Trace.from_json(run.run().to_json())
    player = play(recorded)
    assert "recorded" in ask(player, ask="fork", event=3, change={"id": "wake", "task": 0})["error"]


def test_a_second_future_that_is_kept_is_forked_from():
    player = play(lesson("o1/hook"))
    ask(player, ask="fork", event=20, change={"id": "kill", "task": 1})
    other, head = player._other, player.head_b
    player._asked(player, {"n": 9, "keep": "b"}, [])
    assert player.trace is other
    assert player.head == head
    assert ask(player, ask="fork", event=25, change={"id": "kill", "task": 2})["forked"]


def test_what_is_kept_has_its_own_text_and_picture_and_nobody_has_checked_it():
    a, b = lesson("o1/honest"), lesson("o1/liar")
    player, alone = play(a, compare=b, rules=2), play(b)
    assert player.marks == {"rules": 2, "broken": []}
    player._asked(player, {"n": 9, "keep": "b"}, [])
    assert (player.text, player.picture, player.marks) == (alone.text, alone.picture, {})
    assert player.fork_info == {}


def test_a_fork_does_not_begin_with_the_numbers_of_the_comparison_before():
    player = play(lesson("o1/honest"), compare=lesson("o1/liar"))
    there: list[Any] = []
    player.observe(lambda change: there.append(player.fork_info), "head_b")
    assert ask(player, ask="fork", event=20, change={"id": "kill", "task": 1})["forked"]
    assert there == [{}]


def test_without_reasons_is_without_reasons_for_every_run_that_comes():
    run = lesson("o1/hook")
    assert isinstance(run, Scenario)
    player = play(run, compare=run.but(scheduler="o(n)"), reasons=False)
    assert player._other is not None
    assert player._other.explained is None
    assert ask(player, ask="fork", event=20, change={"id": "kill", "task": 1})["forked"]
    assert player._other.explained is None
    player.take(run.but(until="50ms"))
    assert player.trace.explained is None


def test_a_failure_while_explaining_is_sent_with_the_answer(player, monkeypatch):
    def fails(row: int) -> int:
        raise RuntimeError("it goes differently now")

    monkeypatch.setattr(player, "row_of_decision", fails)
    answer = ask(player, ask="explain", event=5)
    assert answer == {"n": 3, "explained": 5, "candidates": None, "lines": None, "error": "it goes differently now"}


def test_candidates_that_have_no_letter_are_counted():
    run = Scenario("o(n)", [{"name": "job", "count": 40}], until="100ms")
    text = play(run, predict=True).text
    assert "( ) l" in text
    assert "\n  and 28 more\n" in text


def test_a_long_run_is_explained_as_it_is_asked():
    run = lesson("o1/hook")
    assert isinstance(run, Scenario)
    whole = play(run)
    long = play(run.but(until="30s"))
    assert len(long.trace.plain()) > MOST_EXPLAINED > FIRST_EXPLAINED
    told = set(unpack(long.head, long.columns)["decisions.event"])
    decisions = [i for i, flags in enumerate(events(long, "flags")) if flags & DECISION]
    late = next(i for i in decisions if i not in told)
    answer = ask(long, ask="explain", event=late)
    assert answer["explained"] == late
    assert [row[1] for row in answer["candidates"]].count(0) == 1, "one of them won"
    winner = next(row[0] for row in answer["candidates"] if row[1] == 0)
    assert winner == events(long, "who")[late]
    assert any(value not in (False, "") for _line, value in answer["lines"]), "the lit line has its value beside it"
    assert whole.head["candidates"]["columns"] == long.head["candidates"]["columns"]


def test_what_is_no_decision_has_no_reasons(player):
    assert ask(player, ask="explain", event=0)["candidates"] is None


def test_two_futures_side_by_side():
    run = lesson("o1/hook")
    assert isinstance(run, Scenario)
    player = play(run, compare=run.but(scheduler="o(n)"))
    assert player.fork_info["prefix"] >= 1
    assert player.head_b["title"] == player.head["title"]
    assert "A and B are the same until 0 ms" in player.text
    assert player.picture.count("<svg") == 3
    assert max(map(len, player.text.split("\n"))) <= 96
    same = play(run, compare=run)
    assert same.fork_info["differ_a"] is None
    assert "from beginning to end" in same.text


def test_pictures_that_are_none_are_left_as_they_are():
    assert below("<p/>", "<p/>") == "<p/>"


def test_another_run_takes_the_place_of_the_first():
    run = lesson("o1/hook")
    assert isinstance(run, Scenario)
    player = play(run, compare=run.but(scheduler="o(n)"), rules=2)
    player.take(run.but(until="50ms"))
    assert player.head["end"] == 50 * MS
    assert (player.fork_info, player.marks) == ({}, {})
    assert player.text == play(run.but(until="50ms")).text


def test_marks_stand_at_the_events_of_their_rows(player):
    trace = player.trace.plain()
    rows = [row for row in range(len(trace)) if trace.time[row] == 63 * MS]
    marks = [{"event": row, "time": 63 * MS, "rule": "r", "say": "s"} for row in rows]
    marked = play(lesson("o1/hook"), marks=marks)
    at = [mark["event"] for mark in marked.marks["broken"]]
    assert len(set(at)) == len(rows)
    assert {events(marked, "at")[event] for event in at} == {63 * MS}
    names = [marked.head["kinds"][events(marked, "kind")[event]]["name"] for event in at]
    assert names[0] == "wake-up"
    assert marked.marks["rules"] == 1, "one rule that broke several times"


def test_a_policy_that_is_not_deterministic_is_told():
    class Odd(O1):
        runs = 0

        def attach(self, machine: Any) -> None:
            Odd.runs += 1
            super().attach(machine)

        def tick(self, cpu: Any, curr: Any) -> None:
            super().tick(cpu, curr)
            if Odd.runs % 2:
                self.machine.resched(cpu)

    two: list[dict[str, object]] = [{"name": "a"}, {"name": "b"}]
    with pytest.raises(ValueError, match="goes differently from row"):
        play(Scenario(Odd, two, until="500ms"))
    assert play(Scenario(Odd, two, until="500ms"), reasons=False).text


def test_a_change_in_a_bad_scenario_is_a_scenario_error(player):
    with pytest.raises(ScenarioError):
        player.forked(9, {"id": "renice", "task": 0, "nice": 99})


@pytest.mark.parametrize("option", ["predict", "panels", "marks"])
@pytest.mark.parametrize("wrong", [5, "queues", b"x", 1.5])
def test_an_option_that_is_no_list_is_told(option, wrong):
    with pytest.raises(ValueError, match=f"{option}: a list is wanted, not"):
        play(Scenario("o1", [{"name": "a"}], until="10ms"), **{option: wrong})


@pytest.mark.parametrize("event", [None, "x", -1, 10**9, 1.5, True, [3], "<img src=x onerror=alert(1)>"])
def test_a_question_about_no_event_is_answered_with_a_sentence(player, event):
    assert "is no decision" in ask(player, ask="explain", event=event)["error"]
    assert ask(player, ask="fork", event=event, change={})["error"] == f"there is no event {event!r}"


@pytest.mark.parametrize("change", [None, "renice", 5, [1]])
def test_a_change_that_is_none_is_told(player, change):
    assert "a change is wanted, not" in ask(player, ask="fork", event=3, change=change)["error"]
