"""The engine: one clock, planned calls, private random streams.

Time is an integer number of nanoseconds. A planned call is `(when, rank, ticket, fire, arg)`:
calls at one instant run by rank, and within a rank in the order in which they were planned.
What the ranks mean is the machine's business (a tick before a wake-up, a wake-up before an
outside event), because real systems differ there and recorded runs show how.

After the last call of an instant the engine calls `settle`, once: that is where a machine
looks at what the instant changed and decides who runs next.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

US = 1_000  # nanoseconds in a microsecond
MS = 1_000_000  # nanoseconds in a millisecond
S = 1_000_000_000  # nanoseconds in a second

Call = Callable[[Any], int | None]  # what it returns is the time for which it is planned again, None for never


class Stuck(RuntimeError):
    """Too many calls at one instant: simulated time no longer moves."""


class Engine:
    """A clock that jumps from one planned call to the next.

    `seed` names the run: every random stream is derived from it. `now` is in nanoseconds.
    """

    CALLS_AT_ONE_INSTANT = 100_000  # a machine of 64 CPUs needs some hundreds

    def __init__(self, seed: int | str = 0) -> None:
        self.now = 0
        self.seed = seed
        self.settle: Callable[[], None] | None = None
        self.fired = 0  # calls made so far
        self._planned: list[tuple[int, int, int, Call, Any]] = []
        self._cancelled: set[int] = set()
        self._tickets = 0
        self._streams: dict[str, random.Random] = {}

    def at(self, when: int, fire: Call, arg: Any = None, rank: int = 0) -> int:
        """Plan `fire(arg)` for time `when`; return the ticket that cancels it.

        Raises ValueError when `when` lies in the past.
        """
        if when < self.now:
            raise ValueError(f"cannot plan a call at {when} ns: it is already {self.now} ns")
        self._tickets = ticket = self._tickets + 1
        heappush(self._planned, (when, rank, ticket, fire, arg))
        return ticket

    def cancel(self, ticket: int) -> None:
        """Forget a planned call that has not been made yet."""
        self._cancelled.add(ticket)

    def stream(self, name: str) -> random.Random:
        """The random stream of one consumer, seeded by `"{seed}/{name}"`.

        Draw from it with `random()` only: that sequence is the same in every Python.
        """
        if name not in self._streams:
            self._streams[name] = random.Random(f"{self.seed}/{name}".encode("utf-8", "surrogatepass"))
        return self._streams[name]

    def next_due(self) -> int | None:
        """When the next call is planned, or None."""
        planned, cancelled = self._planned, self._cancelled
        while planned and planned[0][2] in cancelled:
            cancelled.discard(heappop(planned)[2])
        return planned[0][0] if planned else None

    def run(self, until: int) -> None:
        """Make every call planned up to and including `until`, then stand at `until`.

        It can be called again and again. An exception keeps its type and gets a note that
        says at what simulated time, and in which call, it was raised.
        """
        self._run(until, None)
        if until > self.now:
            self.now = until

    def run_until(self, ended: Callable[[], bool], limit: int) -> None:
        """Make calls, one instant at a time, until `ended()` says so, at most up to `limit`."""
        if not ended():
            self._run(limit, ended)

    def run_while(self, goes_on: Callable[[], bool], limit: int) -> None:
        """Make calls, one instant at a time, as long as `goes_on()` says so, at most up to `limit`."""
        self.run_until(lambda: not goes_on(), limit)

    def _run(self, until: int, ended: Callable[[], bool] | None) -> None:
        planned, cancelled, settle = self._planned, self._cancelled, self.settle
        limit, instant, first = self.CALLS_AT_ONE_INSTANT, -1, 0
        fire: Call | None = None
        fired = 0
        try:
            while planned and planned[0][0] <= until:
                when, rank, ticket, fire, arg = heappop(planned)
                if cancelled and ticket in cancelled:
                    cancelled.remove(ticket)
                    if when != instant:
                        continue  # nothing has happened at this instant
                else:
                    if when != instant:
                        self.now = instant = when
                        first = fired
                    elif fired - first > limit:
                        raise Stuck(f"{limit} calls at one instant: time no longer moves")
                    fired += 1
                    again = fire(arg)
                    if again is not None:
                        heappush(planned, (again, rank, ticket, fire, arg))
                if planned and planned[0][0] == when:
                    continue  # the instant is not over
                if settle is not None:
                    settle()
                if ended is not None and ended():
                    break
        except Exception as error:
            name = getattr(fire, "__qualname__", repr(fire))
            error.add_note(f"(at simulated time {self.now:,} ns, in {name})")
            raise
        finally:
            self.fired += fired


def shuffled(stream: random.Random, items: list[Any]) -> list[Any]:
    """A shuffled copy of `items` (Fisher and Yates), made from `random()` alone."""
    result = list(items)
    for i in range(len(result) - 1, 0, -1):
        j = int(stream.random() * (i + 1))
        result[i], result[j] = result[j], result[i]
    return result
