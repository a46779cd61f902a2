"""Replay files or folders of recorded vectors and print one line each: equal, or the first difference.

    python -m tests.oracle PATH...

Exit code 0: all equal; 1: a difference; 2: a path or a vector that cannot be read.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.oracle import linux_fair, linux_golden

REPLAYS = {schema: module.replay for module in (linux_golden, linux_fair) for schema in module.SCHEMAS}


def files_in(path: Path) -> Iterator[Path]:
    """The JSON files of a folder, in order; a file itself."""
    if path.is_dir():
        yield from sorted(path.rglob("*.json"))
    else:
        yield path


def check_file(path: Path) -> tuple[int, int, int]:
    """Replay one file; how many vectors are equal, different, unreadable."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        print(f"unreadable  {path}: {error}")
        return 0, 0, 1
    if not isinstance(data, dict) or data.get("schema") not in REPLAYS:
        print(f"not replayed  {path}: schema {data.get('schema') if isinstance(data, dict) else None!r}")
        return 0, 0, 0
    equal = different = unreadable = 0
    for vector in data["vectors"]:
        try:
            difference = REPLAYS[data["schema"]](data["schema"], vector)
        except Exception as error:  # a vector that breaks the model is a difference too, and the others are still told
            print(f"BROKEN     {vector.get('id', '?')}: {type(error).__name__}: {error}")
            traceback.print_exc(file=sys.stderr)
            unreadable += 1
            continue
        if difference is None:
            print(f"equal      {vector['id']}")
            equal += 1
        else:
            print(f"DIFFERENT  {vector['id']}  {difference}")
            different += 1
    return equal, different, unreadable


def main(arguments: list[str]) -> int:
    """Check all paths; the exit code."""
    if not arguments:
        print(__doc__)
        return 2
    totals = [0, 0, 0]
    for argument in arguments:
        path = Path(argument)
        if not path.exists():
            print(f"unreadable  {path}: no such file or folder")
            totals[2] += 1
            continue
        for file in files_in(path):
            totals = [a + b for a, b in zip(totals, check_file(file))]
    equal, different, unreadable = totals
    print(f"{equal} equal, {different} different, {unreadable} unreadable")
    return 2 if unreadable else 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
