"""Is a run the same everywhere? The digests of some runs, under every Python at hand and two hash seeds.

`python -m tests.digests` compares them and says which differ (exit code 1); with `--here` it prints those of the Python
that runs it. Only the core is imported, so an interpreter with nothing installed can take part.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from schedlab.design.scenario import SCHEDULERS as DESIGN_SCHEDULERS
from schedlab.linux.schedulers import SCHEDULERS
from schedlab.scenario import Scenario

HASH_SEEDS = ("0", "4242")
TASKS: list[dict[str, Any]] = [
    {"name": "busy", "count": 6, "does": [{"repeat": [{"run": {"mean": "9ms"}}, {"sleep": {"mean": "7ms"}}]}]},
    {"name": "even", "count": 4, "does": [{"repeat": [{"run": {"between": ["1ms", "30ms"]}}, {"disk": "3ms"}]}]},
    {"name": "s", "does": [{"repeat": [{"fork": {"name": "ls", "does": [{"run": "2ms"}]}}, {"sleep": "9ms"}, "reap"]}]},
    {"name": "hog", "nice": 5},
]  # fmt: skip
DESIGN_TASKS: list[dict[str, Any]] = [
    {"name": "t", "count": 40, "work": {"pareto": "1ms", "most": "80ms"}, "every": "3ms", "cpu": [0]},
    {"name": "io", "count": 3, "does": [{"repeat": [{"run": {"mean": "4ms"}}, {"sleep": {"mean": "6ms"}}]}]},
    {"name": "s", "does": [{"repeat": [{"spawn": {"work": {"between": ["1ms", "9ms"]}}}, {"sleep": "20ms"}, "yield"]}]},
]  # fmt: skip
KERNEL_TASKS: list[dict[str, Any]] = [  # for whole kernels, which would else run as their fair class does
    *TASKS,
    {"name": "rt", "class": "rr", "count": 2, "does": [{"repeat": [{"run": {"mean": "5ms"}}, {"sleep": "15ms"}]}]},
    {"name": "video", "class": "deadline", "runtime": "4ms", "period": "30ms"},
]
RUNS: dict[str, tuple[str, int]] = {  # name of the run -> scheduler, CPUs
    f"{scheduler} on {cpus}": (scheduler, cpus)
    for scheduler in SCHEDULERS
    for cpus in (1, 2)
    if (scheduler, cpus) != ("v0.01", 2) and scheduler != "linux-6.1"  # which is 5.15 by another name
} | {
    f"{scheduler} on {cpus}": (scheduler, cpus)
    for scheduler in DESIGN_SCHEDULERS
    for cpus in (1, 3)
    if cpus > 1 or scheduler in ("cooperative", "preemptive")  # on one CPU the others are cooperative
}


def scenario(name: str, seed: int) -> Scenario:
    """One of the runs."""
    scheduler, cpus = RUNS[name]
    if scheduler in DESIGN_SCHEDULERS:
        costs = {"switch": "20us", "message": "5us"}
        return Scenario(scheduler, DESIGN_TASKS, cpus=cpus, until="1s", seed=seed, machine=costs)
    tasks = KERNEL_TASKS if scheduler.startswith("linux-") else TASKS
    return Scenario(scheduler, tasks, cpus=cpus, until="1s", seed=seed)


def digests() -> dict[str, str]:
    return {f"{name} seed {seed}": scenario(name, seed).run().digest() for name in RUNS for seed in (1, 2)}


def digests_under(python: Path, hash_seed: str) -> dict[str, str]:
    """The digests that another interpreter computes from the same files."""
    command = [str(python), "-m", "tests.digests", "--here"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{python} failed:\n{done.stderr}")
    return dict(line.split("\t") for line in done.stdout.splitlines())


def main() -> int:
    from tests import pythons  # the interpreter that is only asked has no need of the list

    here, wrong = digests(), 0
    for version, python in pythons.at_hand().items():
        for hash_seed in HASH_SEEDS:
            there = digests_under(python, hash_seed)
            differ = [name for name in here.keys() | there.keys() if here.get(name) != there.get(name)]
            wrong += len(differ)
            verdict = f"differ: {', '.join(sorted(differ))}" if differ else f"{len(there)} digests equal"
            print(f"Python {version}, hash seed {hash_seed}: {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        for name, digest in digests().items():
            print(name, digest, sep="\t")
    else:
        sys.exit(main())
