"""Replay recorded vectors and real kernels' recordings with the package's own classes.

    python -m tests.oracle PATH...

PATH is a file or a folder: vectors (one line each: equal, or the first difference), or recordings of real kernels
(a table of model against kernel). A recording is its JSON file or the .csv.gz beside it.
Exit code 0: all equal or within tolerance; 1: a difference, or a tolerance exceeded; 2: something cannot be read.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schedlab.linux.real.compared import compare_with_recording
from schedlab.linux.real.recorded import RecordingError, Unmodelled
from tests.oracle import linux_classes, linux_fair, linux_golden

REPLAYS = {schema: module.replay for module in (linux_golden, linux_fair, linux_classes) for schema in module.SCHEMAS}
RECORDED = ".csv.gz"  # the events of a recording, beside its JSON file
Verdicts = Counter[str]  # equal, different, unreadable, not replayed


def files_in(path: Path) -> Iterator[Path]:
    """The JSON files of a folder, in order; a file itself, or the JSON file that describes it."""
    if path.is_dir():
        yield from sorted(path.rglob("*.json"))
    elif path.name.endswith(RECORDED):
        yield path.with_name(path.name.removesuffix(RECORDED) + ".json")
    else:
        yield path


def check_file(path: Path) -> Verdicts:
    """Replay one file, print what comes of it, and count the verdicts."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        print(f"unreadable  {path}: {error}")
        return Counter(unreadable=1)
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, str) and schema in REPLAYS:
        return check_vectors(path, schema, data.get("vectors"))
    if schema is None and isinstance(data, dict) and {"workload", "kernel", "tasks"} <= data.keys():
        return check_recording(path)
    print(f"not replayed  {path}: unknown schema {schema!r}")
    return Counter({"not replayed": 1})


def check_vectors(path: Path, schema: str, vectors: Any) -> Verdicts:
    """Replay the vectors of one file, a line each."""
    if not isinstance(vectors, list) or not all(isinstance(vector, dict) for vector in vectors):
        print(f"unreadable  {path}: 'vectors' is not a list of vectors")
        return Counter(unreadable=1)
    verdicts: Verdicts = Counter()
    for vector in vectors:
        name = vector.get("id", "a vector without an id")
        try:
            difference = REPLAYS[schema](schema, vector)
        except Exception as error:  # a vector that breaks the model is a difference too, and the others are still told
            print(f"BROKEN     {name}: {type(error).__name__}: {error}")
            traceback.print_exc(file=sys.stderr)
            verdicts["different"] += 1
            continue
        print(f"equal      {name}" if difference is None else f"DIFFERENT  {name}  {difference}")
        verdicts["equal" if difference is None else "different"] += 1
    return verdicts


def check_recording(path: Path) -> Verdicts:
    """Run one recorded workload on the model of its kernel and print the table of both."""
    try:
        comparison = compare_with_recording(path)
    except Unmodelled as reason:
        print(f"not replayed  {path}: {reason}")
        return Counter({"not replayed": 1})
    except RecordingError as error:
        print(f"unreadable  {error}")
        return Counter(unreadable=1)
    print(f"{'within    ' if comparison.ok else 'EXCEEDED  '} {comparison}")
    return Counter(["equal" if comparison.ok else "different"])


def main(arguments: list[str]) -> int:
    """Check all paths; the exit code."""
    if not arguments:
        print(__doc__)
        return 2
    verdicts: Verdicts = Counter()
    for argument in arguments:
        path = Path(argument)
        if not path.exists():
            print(f"unreadable  {path}: no such file or folder")
            verdicts["unreadable"] += 1
            continue
        for file in files_in(path):
            verdicts += check_file(file)
    counts = ", ".join(f"{verdicts[word]} {word}" for word in ("equal", "different", "unreadable", "not replayed"))
    print(f"{counts} (a recording within its tolerances counts as equal)")
    return 2 if verdicts["unreadable"] else 1 if verdicts["different"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
