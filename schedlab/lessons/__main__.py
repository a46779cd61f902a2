"""`python -m schedlab.lessons execute FILES | practice FOLDER | check [FILES]`: for who writes lessons."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from schedlab.lessons.lint import check
from schedlab.lessons.listing import lesson_files
from schedlab.lessons.notebooks import LessonFailed, execute, practice


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when all is well, 1 when a lesson failed or breaks a rule."""
    parser = argparse.ArgumentParser(prog="python -m schedlab.lessons", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("execute", help="run lessons from a fresh kernel and store their outputs")
    run.add_argument("lessons", nargs="+", type=Path)
    copies = verbs.add_parser("practice", help="write copies without prose, outputs and answers")
    copies.add_argument("folder", type=Path)
    rules = verbs.add_parser("check", help="hold stored lessons against the rules of teaching")
    rules.add_argument("lessons", nargs="*", type=Path)
    given = parser.parse_args(arguments)
    if given.verb == "practice":
        for path in practice(lesson_files().values(), given.folder):
            _say(str(path))
        return 0
    paths = given.lessons or list(lesson_files().values())
    missing = [path for path in paths if not path.is_file()]
    for path in missing:
        _say(f"{path}: there is no such file")
    if missing:
        return 1
    return _execute(paths) if given.verb == "execute" else _check(paths)


def _execute(paths: Sequence[Path]) -> int:
    failed = 0
    for path in paths:
        try:
            _say(f"{path}: {'stored anew' if execute(path) else 'unchanged'}")
        except LessonFailed as error:
            failed = 1
            _say(str(error))
    return failed


def _check(paths: Sequence[Path]) -> int:
    found = [sentence for path in paths for sentence in check(path)]
    for sentence in found:
        _say(sentence)
    return bool(found)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
