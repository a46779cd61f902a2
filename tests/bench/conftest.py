"""How the ratios are taken and told: CPU time, both sides in turn, and a table at the end."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench import peers

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


@pytest.fixture(scope="session")
def work() -> list[peers.Job]:
    pytest.importorskip("simpy", reason="SimPy is not installed: pip install 'schedlab[bench]'")
    return peers.jobs(1_000)


@pytest.fixture(scope="session")
def simso(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], float]:
    """SimSo's scheduling events a CPU second, measured anew. It wants SimPy 2, so it gets a folder of its own."""
    folder = tmp_path_factory.mktemp("simso")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "simso==0.8.5", "simpy==2.3.1"]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=200, check=False)
    if done.returncode:
        pytest.skip(f"SimSo 0.8.5 cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    script = Path(__file__).with_name("simso_edf.py")

    def events_per_second() -> float:
        env = {**os.environ, "PYTHONPATH": str(folder)}
        done = subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    return events_per_second


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
