"""Is a run the same everywhere? The digests of some runs, under every Python at hand and two hash seeds.

`python -m tests.digests` compares them and says which differ (exit code 1); with `--here` it prints those of the Python
that runs it. Only the core is imported, so an interpreter with nothing installed can take part.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import O1
from schedlab.linux.on import ON
from schedlab.linux.policy import Policy
from schedlab.linux.task import Step, run, sleep
from schedlab.linux.v001 import V001
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace

HASH_SEEDS = ("0", "4242")
POLICIES: dict[str, tuple[type[Policy], int]] = {"v001": (V001, 1), "on": (ON, 2), "o1": (O1, 2)}  # policy, CPUs


def linux_run(policy: type[Policy], cpus: int, seed: int) -> Trace:
    """Twelve tasks that compute and sleep for drawn times, for a second."""
    engine, recorder = Engine(seed), Recorder(LINUX)
    machine = Machine(policy(), engine, recorder, cpus=cpus)
    for number in range(12):
        machine.start(machine.create(f"task-{number}", _life(engine, number)), number * MS)
    machine.boot()
    engine.run(until=S)
    return Trace(LINUX, recorder.columns, {"task": machine.names}, end=S, notes=recorder.notes)


def _life(engine: Engine, number: int) -> Iterable[Step]:
    stream = engine.stream(f"task-{number}")
    while True:
        yield run(int(1 + stream.random() * 30) * MS)
        yield sleep(int(1 + stream.random() * 20) * MS)


def digests() -> dict[str, str]:
    return {
        f"{name} seed {seed}": linux_run(policy, cpus, seed).digest()
        for name, (policy, cpus) in POLICIES.items()
        for seed in (1, 2)
    }


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
