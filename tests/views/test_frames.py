"""A trace as the player's frames."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.exercises import questions
from schedlab.scenario import Scenario
from schedlab.trace import Replay
from schedlab.views.bars import bars
from schedlab.views.frames import MOST_LANES, frames
from schedlab.views.look import look_of
from schedlab.views.payload import (
    ASLEEP,
    DECISION,
    NONE16,
    PREEMPTED,
    QUESTION,
    RUNNING,
    WAITING,
    Payload,
    sentences,
    unpack,
)
from tests.views.runs import EDITOR, HOGS, HOSTILE, MS, explained, hostile, plain, recording, scenario, turns

SCHEDULERS = ("v0.01", "o(n)", "o1", "o1-2.6.22")


def lane_bars(head, data, lane):
    first = data["lane_first"]
    return [
        tuple(data[f"segments.{c}"][k] for c in ("start", "length", "task", "state"))
        for k in range(first[lane], first[lane + 1])
    ]


def places_after(head, data, event):
    """Every place's items after an event, by replaying the moves as the player does."""
    kinds = [p["kind"] for p in head["places"] for _ in range(p["count"])]
    held: list[Any] = [[] if k in ("list", "levels", "set") else {} for k in kinds]
    for k, at in enumerate(data.get("moves.event", ())):
        if at > event:
            break
        item, a, b = (data[f"moves.{c}"][k] for c in ("item", "from", "to"))
        for place, slot, out in ((a, data["moves.from_at"][k], True), (b, data["moves.to_at"][k], False)):
            if place == NONE16:
                continue
            if isinstance(held[place], dict):
                assert held[place].pop(slot) == item if out else held[place].setdefault(slot, item) == item
            elif out:
                assert held[place].pop(slot) == item
            else:
                held[place].insert(slot, item)
    return held


# -- bars -------------------------------------------------------------------------------------------


def test_a_run_that_ends_with_its_task_still_ready_is_marked_preempted():
    head, columns = frames(recording())
    assert lane_bars(head, unpack(head, columns), 0) == [
        (0, 10 * MS, 0, PREEMPTED),
        (10 * MS, 4 * MS, 1, RUNNING),
        (14 * MS, 6 * MS, 0, RUNNING),
    ]


def test_a_tasks_lane_says_when_it_ran_waited_and_slept():
    head, columns = frames(recording())
    assert [bar[:2] + bar[3:] for bar in lane_bars(head, unpack(head, columns), 2)] == [
        (0, 10 * MS, WAITING),
        (10 * MS, 4 * MS, RUNNING),
        (14 * MS, 4 * MS, ASLEEP),
        (18 * MS, 2 * MS, WAITING),
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SCHEDULERS[1:]), st.integers(1, 4))
def test_bars_say_what_replay_says_at_every_row(seed, scheduler, cpus):
    jobs = [
        {"name": f"t{k}", "does": [{"repeat": [{"run": {"mean": "4ms"}}, {"sleep": {"mean": "6ms"}}]}]}
        for k in range(5)
    ]
    trace = Scenario(scheduler, jobs, cpus=cpus, until="100ms", seed=seed).run()
    look = look_of("linux")
    by_lane, by_task = bars(trace, look, cpus, range(5))
    replay = Replay(trace)
    for i in range(len(trace)):
        replay.forward()
        start, stop = trace.time[i], trace.time[i + 1] if i + 1 < len(trace) else trace.end
        if start == stop:
            continue
        middle = (start + stop) / 2
        for cpu in range(cpus):
            one = by_lane[cpu]
            on = [t for s, n, t in zip(one.start, one.length, one.task) if s <= middle < s + n]
            assert on == [task for task in [replay.state["running"][cpu]] if task >= 0]
        for task in range(5):
            one = by_task[task]
            is_ = [s for b, n, s in zip(one.start, one.length, one.state) if b <= middle < b + n]
            state = trace.family.states[replay.state["state"][task]]
            shown = {RUNNING: RUNNING, PREEMPTED: RUNNING}.get(is_[0], is_[0]) if is_ else None
            assert shown == look.bars.get(state)


def test_waiting_for_a_lock_is_time_in_the_scheduler():
    trace = scenario("o(n)", machine={"lock": "100us"}).run()
    head, columns = frames(trace)
    states = [bar[3] for bar in lane_bars(head, unpack(head, columns), 0)]
    assert 5 in states  # STATES[5] is "scheduler"
    assert sum(bar[1] for bar in lane_bars(head, unpack(head, columns), 0)) <= trace.end


# -- events and sentences ---------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_row_is_an_event_and_says_what_the_trace_says(scheduler):
    trace = plain(scheduler)
    head, columns = frames(trace)
    assert [said for _kind, said, _small in sentences(head, columns)] == [
        trace.sentence(i) + "." for i in range(len(trace))
    ]


def test_an_explained_trace_keeps_every_plain_row_in_order():
    head, columns = frames(explained("o(n)"))
    data = unpack(head, columns)
    plain_kinds = len(set(plain("o(n)").kind))
    times = [at for at, kind in zip(data["events.at"], data["events.kind"]) if kind < plain_kinds]
    assert times == list(plain("o(n)").time)


def test_a_decision_says_the_numbers_that_decided():
    head, columns = frames(explained("o(n)"))
    said = [one[1] for one in sentences(head, columns)]
    assert "CPU 0 picks hog0: its goodness 27 is the highest of 2, 1 more than hog1's." in said


def test_a_tie_says_who_wins_among_equals():
    head, columns = frames(explained("v0.01"))
    said = [one[1] for one in sentences(head, columns)]
    assert "CPU 0 picks editor: 3 tasks have the counter 15, and it has the higher slot." in said


def test_a_choice_of_one_says_that_it_alone_could_run():
    alone = Scenario("o(n)", [{"name": "editor"}], until="20ms").run().explain()
    said = [one[1] for one in sentences(*frames(alone))]
    assert "CPU 0 picks editor: it alone could run." in said


def test_an_epoch_is_an_event_that_tells_what_it_gave():
    head, columns = frames(explained("o(n)"))
    told = [(said, small) for kind, said, small in sentences(head, columns) if kind == "new epoch"]
    assert told[0] == (
        "A new epoch: every task keeps half of its counter and gets new ticks.",
        "hog0: counter 0 → 6, hog1: counter 0 → 6, editor: counter 6 → 9.",
    )


def test_ticks_are_events_while_they_are_few_and_only_the_telling_ones_when_they_are_many():
    few = [one[1] for one in sentences(*frames(explained("o(n)")))]
    assert "Tick: hog1's counter goes from 6 to 5." in few
    many = [one[1] for one in sentences(*frames(explained("o1"))) if one[0] == "tick"]
    assert many[0] == "Tick: hog0: slice 1 → 100, → expired 125."
    assert len(many) < 10 < len([one for one in sentences(*frames(explained("o1"), ticks=True)) if one[0] == "tick"])


def test_no_sentence_has_an_unfilled_value():
    for scheduler in SCHEDULERS:
        for _kind, said, small in sentences(*frames(explained(scheduler))):
            assert "–" not in said + small
            assert "{" not in said + small


# -- decisions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_winner_of_every_decision_is_the_task_that_runs_next(scheduler):
    head, columns = frames(explained(scheduler))
    data = unpack(head, columns)
    ends = [*data["decisions.first"][1:], len(data["candidates.task"])]
    assert len(ends) == sum(1 for flags in data["events.flags"] if flags & DECISION)
    for event, first, stop in zip(data["decisions.event"], data["decisions.first"], ends):
        won = [data["candidates.task"][k] for k in range(first, stop) if data["candidates.verdict"][k] == 0]
        assert won == [data["events.who"][event]]


def test_the_terms_of_goodness_add_up_to_it():
    for cpus in (1, 2):
        head, columns = frames(scenario("o(n)", cpus=cpus).run().explain())
        data, how = unpack(head, columns), head["candidates"]
        assert how["form"] == "terms"
        for k in range(len(data["candidates.task"])):
            assert sum(data[f"candidates.c{c}"][k] for c in how["terms"]) == data[f"candidates.c{how['total']}"][k]
        assert ("cache" in [c["name"] for c in how["columns"]]) == (cpus == 2)


def test_a_learners_own_sum_is_shown_by_its_own_terms():
    from schedlab.linux.on import ON
    from schedlab.trace import judgement

    class Mine(ON):
        @judgement
        def goodness(self, task, cpu, mm):
            """Mine."""
            score = task.counter * 2
            score += 7
            return score

        def pick(self, cpu, prev):
            """As before; but now this class is the source that is shown."""
            return super().pick(cpu, prev)

    head, columns = frames(Scenario(Mine, [HOGS, EDITOR], until="100ms").run().explain())
    assert [c["name"] for c in head["candidates"]["columns"]] == ["task.counter * 2", "7", "goodness"]
    data = unpack(head, columns)
    assert all(
        data["candidates.c0"][k] + data["candidates.c1"][k] == data["candidates.c2"][k]
        for k in range(len(data["candidates.task"]))
    )


def test_a_sum_made_in_a_file_that_is_not_shown_is_told_as_one_number():
    from schedlab.linux.on import ON
    from schedlab.trace import judgement

    class Mine(ON):
        @judgement
        def goodness(self, task, cpu, mm):
            """Mine."""
            return task.counter * 3

    head, _columns = frames(Scenario(Mine, [HOGS, EDITOR], until="100ms").run().explain())
    assert (head["candidates"]["form"], [c["name"] for c in head["candidates"]["columns"]]) == ("table", ["goodness"])


def test_the_o1_scheduler_is_shown_as_a_bitmap_of_140():
    how = frames(explained("o1"))[0]["candidates"]
    assert (how["form"], how["size"], how["columns"][how["level"]]["name"]) == ("bitmap", 140, "Priority")


def test_by_default_a_question_has_two_candidates_and_not_the_same_answer_three_times():
    head, columns = frames(explained("o1"))
    data = unpack(head, columns)
    ends = [*data["decisions.first"][1:], len(data["candidates.task"])]
    answers = []
    for event, first, stop in zip(data["decisions.event"], data["decisions.first"], ends):
        if data["events.flags"][event] & QUESTION:
            assert stop - first > 1
            answers.append(data["events.who"][event])
    assert answers
    assert all(answers[k : k + 3] != [answers[k]] * 3 for k in range(len(answers) - 2))


def test_predict_can_ask_always_never_or_at_chosen_rows():
    trace = explained("o(n)")
    asked = {
        predict: [e for e, f in enumerate(unpack(*frames(trace, predict=predict))["events.flags"]) if f & QUESTION]
        for predict in (True, False)
    }
    data = unpack(*frames(trace))
    assert asked[True] == list(data["decisions.event"])
    assert asked[False] == []
    row = next(i for i in range(100, len(trace)) if trace.kinds[trace.kind[i]].name == "switch")
    one = unpack(*frames(trace, predict={row}))
    chosen = [e for e, f in enumerate(one["events.flags"]) if f & QUESTION]
    assert [one["events.at"][e] for e in chosen] == [trace.time[row]]


def test_a_decision_explained_alone_has_the_same_numbers_and_reasons():
    trace = plain("o(n)")
    whole_head, whole = frames(trace.explain())
    data = unpack(whole_head, whole)
    row = [i for i, kind in enumerate(trace.kind) if trace.kinds[kind].decision][7]
    head, columns = frames(trace.explain(row, row + 1))
    one = unpack(head, columns)
    assert head["reasons"] == whole_head["reasons"]
    assert head["candidates"] == whole_head["candidates"]
    first, stop = data["decisions.first"][7], data["decisions.first"][8]
    for name in [n for n in one if n.startswith("candidates.")]:
        assert list(one[name]) == list(data[name][first:stop])


# -- queues and source ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_queues_after_every_event_are_those_that_the_trace_tells(scheduler):
    trace = explained(scheduler)
    head, columns = frames(trace, ticks=True)
    data = unpack(head, columns)
    last = len(data["events.at"]) - 1
    held = places_after(head, data, last)
    replay = Replay(trace)
    replay.seek(len(trace))
    told: dict[str, list[tuple[int, int]]] = {}
    for task, code in enumerate(replay.state["place"]):
        if code >= 0:
            told.setdefault(trace.names["place"][code >> 16], []).append((code & 0xFFFF, task))
    for name, items in told.items():
        tasks = [task for _at, task in sorted(items)]
        if name.startswith("slot "):
            assert held[0][int(name.split()[1])] == tasks[0]
        elif name == "run queue":
            assert held[0] == tasks
        else:
            array, level = name.split()
            place = next(p for p in head["places"] if p["name"] == array)
            assert held[place["first"] + int(level)] == tasks
    assert sum(map(len, held)) == sum(map(len, told.values()))


def test_both_arrays_are_places_even_while_one_is_empty():
    trace = Scenario("o1", [{"name": "hog"}], until="20ms").run().explain()
    assert [(p["name"], p["kind"], p["count"]) for p in frames(trace)[0]["places"]] == [
        ("active", "levels", 140),
        ("expired", "levels", 140),
    ]


def test_the_lit_line_is_the_one_that_chose():
    head, columns = frames(explained("o(n)"))
    data = unpack(head, columns)
    decided = set(data["decisions.event"])
    lit = {
        head["source"]["lines"][line - 1].strip()
        for event, line, value in zip(data["lines.event"], data["lines.line"], data["lines.value"])
        if event in decided and value < len(head["names"])
    }
    assert lit == {"best, next_ = weight, task"}


def test_a_tick_lights_the_line_that_took_it():
    head, columns = frames(explained("o(n)"))
    data = unpack(head, columns)
    ticks = {e for e, k in enumerate(data["events.kind"]) if head["kinds"][k]["name"] == "tick"}
    lit = {
        head["source"]["lines"][line - 1].strip()
        for event, line, value in zip(data["lines.event"], data["lines.line"], data["lines.value"])
        if event in ticks and value < len(head["names"])
    }
    assert "curr.counter -= 1" in lit


def test_an_epoch_lights_its_method_and_a_wake_up_the_lines_that_ran():
    head, columns = frames(explained("o(n)"))
    data = unpack(head, columns)
    lines: dict[str, set[str]] = {}
    for event, line in zip(data["lines.event"], data["lines.line"]):
        kind = head["kinds"][data["events.kind"][event]]["name"]
        lines.setdefault(kind, set()).add(head["source"]["lines"][line - 1].strip())
    assert lines["new epoch"] == {"def new_epoch(self) -> None:"}
    assert lines["wake-up"] == {"self.runqueue.insert(0, task)"}


def test_a_run_that_is_over_early_is_shown_up_to_its_end():
    toy = Scenario("cooperative", [{"name": "a", "work": "10ms"}, {"name": "b", "work": "10ms"}], until="1s").run()
    assert frames(toy)[0]["first_view"] == [0, 22 * MS]


def test_many_cpus_that_choose_at_one_instant_do_not_make_the_first_view_an_instant():
    trace = turns(3000, cpus=64, tasks=200)
    assert frames(trace)[0]["first_view"] == [0, 11 * 1777 + 889]


def test_queues_that_are_known_for_a_while_only_are_not_drawn_stale():
    head, columns = frames(plain("o1").explain(0, 20))
    assert [p["name"] for p in head["places"]] == ["on the CPU", "waiting", "asleep"]
    held = places_after(head, unpack(head, columns), 10**9)
    assert sum(map(len, held)) == 3


# -- recordings -------------------------------------------------------------------------------------


def test_a_recording_shows_who_waited_and_for_how_long():
    head, columns = frames(recording())
    assert [panel["kind"] for panel in head["panels"]] == ["candidates", "queues"]
    said = sentences(head, columns)
    assert said[4][1:] == ("CPU 0 was idle and picks a.", "a had waited 0 ns; still waiting: b.")
    assert said[5][1:] == ("CPU 0 picks b; a is now ready.", "b had waited 10 ms; still waiting: a.")
    data = unpack(head, columns)
    assert list(data["candidates.c0"][2:4]) == [0, 10 * MS]


def test_a_recording_says_that_it_holds_no_numbers_of_the_rule():
    head, _columns = frames(recording())
    assert head["templates"]["en"][head["candidates"]["note"]] == "states recorded, numbers not"
    assert head["source"] is None
    assert head["forks"] == []


def test_a_plain_simulated_trace_can_be_asked_for_its_reasons():
    head, _columns = frames(plain("o(n)"))
    assert [panel["kind"] for panel in head["panels"]] == ["candidates", "queues"]
    assert [fork["id"] for fork in head["forks"]] == ["renice", "wake", "kill"]


def test_a_trace_without_rows_has_no_events():
    from schedlab.linux.kinds import LINUX
    from schedlab.trace import Recorder
    from tests.views.runs import recorder_trace

    head, columns = frames(recorder_trace(Recorder(LINUX), [], 0))
    assert head["counts"] == {"events": 0, "decisions": 0, "segments": 0}
    assert sentences(head, columns) == []


# -- robustness -------------------------------------------------------------------------------------


def test_hostile_names_are_carried_as_text():
    head, columns = frames(hostile())
    assert [task["name"] for task in head["tasks"]][:4] == [*HOSTILE[:3], "(no name)"]
    json.dumps(head, ensure_ascii=False).encode()
    assert all("\x00" not in said and "\u202e" not in said for _kind, said, _small in sentences(head, columns))


def test_lanes_of_tasks_are_limited_and_it_is_said():
    trace = turns(2000, cpus=2, tasks=MOST_LANES + 100)
    head, _columns = frames(trace)
    assert sum(lane["kind"] == "task" for lane in head["lanes"]) == MOST_LANES
    assert head["assumptions"] == [f"Lanes are shown for {MOST_LANES} of {MOST_LANES + 100} tasks."]
    assert all(lane["kind"] == "cpu" for lane in frames(trace, lanes="cpu")[0]["lanes"])


def test_tasks_beyond_what_a_column_can_number_share_one(monkeypatch):
    monkeypatch.setattr("schedlab.views.frames.MOST_TASKS", 10)
    head, columns = frames(turns(500, cpus=2, tasks=30), lanes="cpu")
    assert head["tasks"][-1]["name"] == "20 more tasks"
    assert max(unpack(head, columns)["segments.task"]) == 10


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"lanes": "gpu"}, "lanes must be one of cpu+tasks, cpu, not 'gpu'"),
        ({"panels": ["tea"]}, "panels must be some of candidates, queues, tree, source, not 'tea'"),
        ({"language": "xx"}, "language must be one of en"),
        ({"at": -1}, "at must be 0 to 20000000 ns, not -1"),
    ],
)
def test_wrong_options_are_told(options, complaint):
    with pytest.raises(ValueError, match=complaint.replace("+", r"\+")):
        frames(recording(), **options)


def test_the_still_frame_is_the_first_choice_among_two_or_the_one_asked_for():
    head, columns = frames(explained("o(n)"))
    data = unpack(head, columns)
    assert data["events.at"][head["still"]] == 0
    assert data["events.flags"][head["still"]] & DECISION
    later, columns = frames(explained("o(n)"), at=120 * MS)
    assert unpack(later, columns)["events.flags"][later["still"]] & DECISION
    assert unpack(later, columns)["events.at"][later["still"]] == 120 * MS


def test_the_same_trace_gives_the_same_bytes_under_every_hash_seed():
    code = (
        "import hashlib, json\n"
        "from schedlab.views import picture\n"
        "from tests.views.runs import explained\n"
        "head, columns, text, svg = picture(explained('o1'))\n"
        "print(hashlib.sha256((json.dumps(head) + text + svg).encode() + columns).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(digests) == 1


def test_a_hundred_thousand_rows_pack_in_a_second_or_two():
    trace = turns(100_000)
    begun = time.process_time()
    head, columns = frames(trace)
    spent = time.process_time() - begun
    assert head["counts"]["events"] == 100_000
    assert len(columns) < 12_000_000
    assert spent < 4, f"{spent:.1f} s of CPU time"


def test_a_payload_is_what_the_writer_would_take():
    assert frames(recording())[0]["version"] == Payload("linux", "", "", 1).head["version"]


# -- questions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", [*SCHEDULERS, "cfs", "eevdf"])
def test_who_is_the_scheduler_is_asked_what_python_asks(scheduler):
    trace = explained(scheduler)
    data = unpack(*frames(trace, predict=True))
    asked = [e for e, f in enumerate(data["events.flags"]) if f & QUESTION]
    wanted = questions(trace)
    assert [(data["events.at"][e], data["events.who"][e]) for e in asked] == [(q.time, q.winner) for q in wanted]
    assert all(len(q.candidates) > 1 for q in wanted)
    assert asked


def test_a_question_is_asked_of_the_queues_as_they_were_before_the_choice():
    """o1/hook at 33 ms: the editor has fallen asleep and left its array, which is why somebody else may run."""
    from schedlab import lesson

    head, columns = frames(lesson("o1/hook").run().explain())
    data = unpack(head, columns)
    names = [task["name"] for task in head["tasks"]]
    checked = 0
    for d, event in enumerate(data["decisions.event"]):
        moved = data["decisions.moves"][d]
        told = [k for k, at in enumerate(data["moves.event"]) if at == event]
        assert moved <= len(told)
        if data["events.at"][event] == 33 * MS:
            first = [(names[data["moves.item"][k]], data["moves.to"][k]) for k in told[:moved]]
            assert first == [("editor", NONE16)]
            checked += 1
    assert checked == 1


def test_what_is_taken_from_another_cpu_is_a_part_of_the_choice():
    from schedlab import lesson

    head, _columns = frames(lesson("stealing/stealing").run().explain(), predict=True)
    leads = {kind["name"] for kind in head["kinds"] if kind["leads"]}
    assert leads == {"steal", "migrate"}


# -- words for newcomers -------------------------------------------------------------------------------


def test_who_is_new_does_not_wake_up():
    head, columns = frames(explained("o1"))
    said = sentences(head, columns)
    firsts = [k for k, (_kind, text, _small) in enumerate(said) if text.endswith("joins the queue for the first time.")]
    assert len(firsts) == len(head["tasks"])
    wakes = [k for k, (kind, text, _small) in enumerate(said) if kind == "wake-up" and k not in firsts]
    assert wakes
    assert min(wakes) > max(firsts)


def test_who_is_alone_in_the_active_array_is_not_said_to_be_alone_able_to_run():
    said = [text for _kind, text, _small in sentences(*frames(explained("o1")))]
    assert any(text.endswith("it alone stands in the active array.") for text in said)
    assert not any("it alone could run" in text for text in said)


def test_the_bonus_of_o1_is_told_of_the_sleep_that_is_remembered():
    smalls = " ".join(small for _kind, _text, small in sentences(*frames(explained("o1"))))
    assert "remembered sleep" in smalls
