"""What lesson 00 says in numbers is so."""

from __future__ import annotations

from schedlab.goals import latencies
from schedlab.lessons.start import MOST_COMPILERS, RUNS, waiting
from schedlab.sim import MS


def test_the_key_of_475_ms_is_answered_at_600_and_at_once_where_the_compiler_ends():
    hook, asked = RUNS["hook"].run(), RUNS["asked"].run()
    assert {one.wake: one.ns for one in latencies(hook, ["editor"])}[475 * MS] == 125 * MS
    assert {one.wake: one.ns for one in latencies(asked, ["editor"])}[475 * MS] == 0
    held = [row for row in hook.table("switch") if row.time < 475 * MS][-1]
    assert hook.name("task", held.who) == "compiler"


def test_each_compiler_is_150_ms_more_to_wait():
    for compilers in (1, 2, MOST_COMPILERS):
        facts, _chart = waiting(compilers)
        said = "1.2 s" if compilers == 8 else f"{150 * compilers} ms"
        assert facts["the editor waits for at most"] == said
        assert facts["under O(1), 2005, it waits for"] == "0 ns"
