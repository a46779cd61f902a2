"""What lesson 00 says in numbers is so."""

from __future__ import annotations

from schedlab import lesson, play
from schedlab.goals import latencies, longest_waits
from schedlab.lessons.start import MOMENTS, RUNS, pressed, waiting
from schedlab.scenario import duration
from schedlab.sim import MS


def test_the_key_of_475_ms_is_answered_at_600_and_at_once_where_the_compiler_ends():
    hook, asked = RUNS["hook"].run(), RUNS["asked"].run()
    assert {one.wake: one.ns for one in latencies(hook, ["editor"])}[475 * MS] == 125 * MS
    assert [one.ns for one in latencies(asked, ["editor"]) if one.wake] == [0, 125 * MS]
    totals = {one["name"]: (one["a"], one["b"]) for one in play(hook, compare=asked).fork_info["totals"]}
    assert totals["editor's mean wait from ≠"] == (122.5 * MS, 62.5 * MS)
    held = [row for row in hook.table("switch") if row.time < 475 * MS][-1]
    assert hook.name("task", held.who) == "compiler"


def test_the_editor_of_the_hook_sleeps_until_its_key():
    hook = RUNS["hook"].run()
    waits = [one for one in latencies(hook, ["editor"]) if one.wake]
    assert longest_waits(hook)["editor"] == waits[0].ns == 125 * MS  # it waits after a key, and never before the first
    assert hook.at(1 * MS).state["state"][hook.names["task"].index("editor")] == hook.family.states.index("asleep")


def test_a_key_waits_for_the_rest_of_the_running_programs_turn():
    first, last, step = (duration(one, "moment") for one in MOMENTS)
    for key in range(first, last + 1, step):
        assert pressed(key, "v0.01").ns == 150 * MS - key % (150 * MS)  # turns begin at 300, 450, 600 ms ...
        assert pressed(key, "o1").ns == 0
    facts, chart = waiting(475 * MS)
    assert facts == {"the key waits": "125 ms", "it is answered at": "600 ms", "under O(1), 2005, it waits": "0 ns"}
    assert chart.at == 475


def test_the_questions_ask_what_the_first_run_shows():
    """A gap at 400 ms that is sleep; at 450 ms two tasks with numbers, of which the compiler runs."""
    hook = RUNS["hook"].run()
    names, asleep = hook.names["task"], hook.family.states.index("asleep")
    assert hook.at(400 * MS).state["state"][names.index("editor")] == asleep
    text = play(lesson("start/hook"), at="450ms").text
    assert "CPU 0 picks compiler" in text
    table = [line.split()[0] for line in text.split("Task       Counter")[1].splitlines()[1:] if line.strip()]
    assert table == ["compiler", "backup"]
