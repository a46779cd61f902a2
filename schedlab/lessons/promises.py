"""What exercises of several lessons promise: that somebody who wakes up is served soon."""

from __future__ import annotations

from collections.abc import Iterator

from schedlab.goals import latencies, latency
from schedlab.laws import Violation
from schedlab.trace import Trace
from schedlab.words import fill


def served_within(trace: Trace, name: str, limit: int, rule: str) -> Iterator[Violation]:
    """This task waits at most `limit` ns in 95 of 100 cases; if not, told at its first wait that was too long.

    A run that an answer has broken off may have no such task yet: it never runs.
    """
    there = [name] if name in trace.names.get("task", ()) else []
    p95 = latency(trace, there).p95
    if p95 is None or p95 > limit:
        first = next((one for one in latencies(trace, there) if one.ns > limit), None)
        time = trace.end if first is None else first.wake
        waited = "never runs" if p95 is None else fill("waits {p95:dur} at the 95th percentile", {"p95": p95})
        yield Violation(time, max(trace.index_at(time) - 1, 0), rule, f"the {name} {waited}")
