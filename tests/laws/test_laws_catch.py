"""Each law finds its breach in a trace made by hand, and says the moment, the names and the numbers."""

from __future__ import annotations

import pytest

from schedlab import laws
from schedlab.linux.kinds import LINUX, READY, RUNNING, SLEEPING, ZOMBIE
from schedlab.sim import MS
from schedlab.trace import NOBODY, Recorder, Trace


def made(*rows, end=100, cpus=2):
    """A trace of tasks a, b, c from `(verb, time in ms, columns...)`."""
    rec = Recorder(LINUX)
    for verb, time, *columns in rows:
        getattr(rec, verb)(time * MS, *columns)
    names = {"task": ["a", "b", "c"], "cpu": [f"CPU {i}" for i in range(cpus)]}
    return Trace(LINUX, rec.columns, names, end=end * MS)


def arrive(*tasks, cpu=0, at=0):
    for task in tasks:
        yield ("spawn", at, task, cpu, NOBODY, 0)
        yield ("wake", at, task, cpu, NOBODY, SLEEPING)


TWO = (*arrive(0, 1), ("resume", 0, 0, 0, NOBODY, RUNNING))


def test_a_good_trace_breaks_nothing():
    trace = made(*TWO, ("switch", 50, 1, 0, 0, READY), ("switch", 80, 0, 0, 1, SLEEPING))
    assert laws.check(trace) == []
    assert laws.check(made()) == []


@pytest.mark.parametrize(
    ("law", "trace", "time", "row", "says"),
    [
        (laws.CHAIN, made(*TWO, ("switch", 10, 1, 0, 2, READY)), 10, 5, "the state of c was absent"),
        (laws.CHAIN, made(*TWO, ("renice", 10, 0, 0, 5, 3)), 10, 5, "the nice of a was 0, but the row"),
        (laws.CHAIN, made(*TWO, ("migrate", 10, 1, 1, 1)), 10, 5, "the home of b was CPU 0, but"),
        (laws.ONE_CPU, made(*TWO, ("resume", 10, 0, 1, NOBODY, RUNNING)), 10, 5, "a runs on CPU 0 and on CPU 1"),
        (laws.CPU_TIME, made(*TWO, ("rest", 10, NOBODY, 0, 1, RUNNING)), 10, 5, "a counts as running for"),
        (laws.CPU_TIME, made(*TWO, ("wake", 20, 0, 0, NOBODY, RUNNING)), 20, 5, "CPU 0 spends 80 ms on a"),
        (laws.NOBODY_LOST, made(*TWO, ("wake", 9, 2, 0, NOBODY, SLEEPING)), 9, 5, "“c wakes up on CPU 0”, but"),
        (laws.NOBODY_LOST, made(*TWO, ("rest", 9, NOBODY, 0, 0, SLEEPING)), 0, 3, "b is ready since 0 ns and"),
        (
            laws.NOBODY_LOST,
            made(*TWO, ("switch", 5, 1, 0, 0, ZOMBIE), ("reap", 5, 0, 0, 0), ("keep", 6, 0, 0)),
            6, 7, "“CPU 0 picks a again”, but",
        ),
        (laws.WORK_CONSERVING, made(*TWO), 0, 4, "CPU 1 stands idle while b is ready"),
        (laws.work_conserving("queue"), made(*arrive(0, at=30)), 30, 1, "CPU 0 stands idle while a is ready"),
        (laws.slice_respected(20 * MS), made(*TWO), 20, 4, "a runs on CPU 0 for more than 20 ms"),
        (
            laws.slice_respected(20 * MS),
            made(*TWO, ("keep", 15, 0, 0), ("keep", 30, 0, 0)), 20, 5, "a runs on CPU 0 for more than 20 ms",
        ),
        (
            laws.slice_respected(20 * MS, ends="decision"),
            made(*TWO, ("keep", 15, 0, 0), ("keep", 30, 0, 0)), 50, 6, "a runs on CPU 0 for more than 20 ms",
        ),
        (
            laws.longest_wait(40 * MS),
            made(*TWO, ("keep", 15, 0, 0), ("keep", 30, 0, 0)), 40, 6, "more than 40 ms, passed over 2 times",
        ),
        (
            laws.memory_kept(100),
            made(*TWO, ("placed", 10, 0, 0, 60), ("placed", 20, 1, 0, 60), ("freed", 30, 0, 0, 60)), 20, 6,
            "tasks have 120 bytes of memory together, but there are 100",
        ),
        (
            laws.jobs_admitted(1),
            made(("submit", 0, 0), ("submit", 0, 1), ("admit", 5, 0, -1, 1, 1), ("admit", 9, 1, -1, 1, 1)), 9, 3,
            "b is admitted as number 2; at most 1 may be in",
        ),
        (
            laws.fairness(10 * MS),
            made(*TWO, ("switch", 30, 1, 0, 0, READY)), 10, 4, "a has had 30 ms of CPU time and b 0 ns: 30 ms apart",
        ),
    ],
)  # fmt: skip
def test_a_law_finds_its_breach(law, trace, time, row, says):
    found = law.check(trace)
    assert found, law.sentence
    assert (found[0].time, found[0].row, found[0].rule) == (time * MS, row, law.id)
    assert says in found[0].says


def test_a_breach_is_told_once_while_it_lasts():
    rows = [*TWO, *(("keep", t, 0, 0) for t in range(1, 99))]
    for law in (laws.slice_respected(20 * MS), laws.longest_wait(40 * MS), laws.WORK_CONSERVING):
        assert len(law.check(made(*rows))) == 1


def test_at_most_twenty_breaches_of_a_law_are_told():
    rows = [*TWO, *(("renice", t, 0, 0, 5, 3) for t in range(1, 99))]
    assert len(laws.CHAIN.check(made(*rows))) == laws.MOST_VIOLATIONS


@pytest.mark.parametrize(
    ("law", "trace"),
    [
        (laws.work_conserving("queue"), made(*TWO)),  # b waits in the queue of CPU 0
        (laws.work_conserving(allowed={"b": [0]}), made(*TWO)),  # b may not use CPU 1
        (laws.work_conserving(tolerance=100 * MS), made(*TWO)),
        (laws.slice_respected(20 * MS, exempt=["a"]), made(*TWO)),
        (laws.slice_respected(20 * MS), made(*arrive(0), ("resume", 0, 0, 0, NOBODY, RUNNING))),  # nobody waits
        (laws.slice_respected(100 * MS), made(*TWO)),
        (laws.longest_wait(40 * MS, exempt=["b"]), made(*TWO)),
        (laws.longest_wait(100 * MS), made(*TWO)),
        (laws.memory_kept(120), made(*TWO, ("placed", 10, 0, 0, 60), ("placed", 20, 1, 0, 60))),
        (laws.jobs_admitted(2), made(("submit", 0, 0), ("submit", 0, 1), ("admit", 5, 0, NOBODY, 1, 2))),
        (laws.fairness(10 * MS, tasks=["a"]), made(*TWO)),
        (laws.fairness(50 * MS), made(*TWO, ("switch", 50, 1, 0, 0, READY))),
    ],
)
def test_a_law_leaves_alone_what_it_does_not_forbid(law, trace):
    assert law.check(trace) == []


def test_a_recording_is_judged_by_the_laws_of_all_alone():
    assert laws.promised(made(*TWO)) == laws.ALWAYS


def test_breaches_of_several_laws_come_in_the_order_of_time():
    trace = made(*TWO, ("switch", 10, 1, 0, 2, READY), ("renice", 12, 0, 0, 5, 3))
    times = [violation.time for violation in laws.check(trace)]
    assert times == sorted(times)
    assert len(times) > 2


def test_a_scope_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'machine' or 'queue', not 'planet'"):
        laws.work_conserving("planet")
