"""How the ratios are taken and told: CPU time, both sides in turn, and a table at the end."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

FIGURES: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/bench/" in item.path.as_posix():
            item.add_marker("bench")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FIGURES:
        terminalreporter.section("figures of this run")
        for line in FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def a_quiet_heap() -> Iterator[None]:
    """What pytest itself holds is not collected again and again inside a measured run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def cpu_time(call: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def in_turn(rounds: int, *calls: Callable[[], Any]) -> list[list[float]]:
    """CPU seconds of each call, all of them once in every round, so that all meet the same noise."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _call in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times):
            taken.append(cpu_time(call))
    return times


def ratio(slow: list[float], fast: list[float]) -> float:
    """How many times faster the second is: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(slow, fast))


def tell(line: str) -> None:
    """A line for the table at the end of the run."""
    FIGURES.append(line)
