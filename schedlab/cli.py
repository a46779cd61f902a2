"""The command line: `schedlab` opens the lessons, `schedlab run` runs a scenario, `schedlab view` shows a recording."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from schedlab import __version__
from schedlab.readers import read_trace
from schedlab.readers.scenarios import read_scenario
from schedlab.scenario import FAMILY_MODULES, ScenarioError
from schedlab.trace import Trace, TraceError
from schedlab.writers import WRITERS, CannotWrite, form_of, write

LESSONS = "lessons"  # the folder in a checkout, and in the package
COPIED = "schedlab-lessons"  # where packaged lessons are copied to
FIRST_LESSON = "00-start-here.ipynb"
INSTALL = "pip install 'schedlab[lessons]'"
FAILED = 2  # exit code: what was asked for could not be done


class Failed(Exception):
    """What could not be done, in one line for the reader."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, or 2 with one line on stderr."""
    _speak_unicode()
    try:
        asked = parser().parse_args(arguments)
        asked.do(asked)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `| head` has
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (Failed, ScenarioError, TraceError, CannotWrite, OSError, MemoryError) as error:
        return _told(error)
    except (RuntimeError, ValueError) as error:  # a run that broke a rule of the machine: a loop, an impossible pick
        return _told(error)
    return 0


def parser() -> argparse.ArgumentParser:
    """What can be asked."""
    forms = ", ".join(f"x{suffix}" for suffix in WRITERS)
    top = argparse.ArgumentParser(
        prog="schedlab",
        description="See how schedulers decide. Without arguments: open the lessons in JupyterLab.",
    )
    top.add_argument("--version", action="version", version=f"schedlab {__version__}")
    top.set_defaults(do=open_lessons)
    commands = top.add_subparsers(title="commands", metavar="")

    run = commands.add_parser("run", help="run a scenario", description="Run a scenario; tell it, or write it down.")
    run.add_argument("scenario", help="YAML or JSON (docs/scenario.md), or an rt-app workload")
    run.add_argument("-o", "--output", metavar="OUT", help=f"a file, by its suffix: {forms}; without it, sentences")
    run.add_argument("--scheduler", help="another scheduler than the file names (see `schedlab schedulers`)")
    run.add_argument("--seed", type=_seed, help="another seed for the random numbers")
    run.add_argument("--until", metavar="T", help="when to stop: 250ms, 2s")
    run.add_argument("--cpus", type=int, metavar="N", help="how many CPUs")
    run.add_argument(
        "--explain", action="store_true", help="tell the reason of each choice too (pages and pictures do anyway)"
    )
    run.add_argument("--limit", type=_count, metavar="N", help="at most N sentences")
    run.set_defaults(do=run_scenario)

    view = commands.add_parser(
        "view", help="show a recording of a real kernel, or a saved trace", description="Show a recording or a trace."
    )
    view.add_argument("trace", help="text of trace-cmd report, perf script or ftrace, plain or gzipped; a saved trace")
    view.add_argument("-o", "--output", metavar="OUT", help=f"a file, by its suffix: {forms}; without it, sentences")
    view.add_argument("--limit", type=_count, metavar="N", help="at most N sentences")
    view.set_defaults(do=view_trace)

    names = commands.add_parser("schedulers", help="list the schedulers", description="List the schedulers.")
    names.set_defaults(do=list_schedulers)
    return top


def _seed(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"a whole number from 0 up, not {visible(text)!r}")
    return number


# -- commands -----------------------------------------------------------------------------------------


def run_scenario(asked: argparse.Namespace) -> None:
    """`schedlab run`."""
    if asked.output:
        form_of(asked.output)  # refused before the run, not after it
    changes = {key: getattr(asked, key) for key in ("scheduler", "seed", "until", "cpus")}
    scenario = read_scenario(asked.scenario, **{key: value for key, value in changes.items() if value is not None})
    trace = scenario.run()
    if asked.explain:
        trace = trace.explain()
    deliver(trace, asked)


def view_trace(asked: argparse.Namespace) -> None:
    """`schedlab view`."""
    if asked.output:
        form_of(asked.output)
    deliver(read_trace(asked.trace), asked)


def deliver(trace: Trace, asked: argparse.Namespace) -> None:
    """Write the trace down, or tell it."""
    if asked.output:
        if asked.limit is not None:
            raise Failed("--limit is for sentences; -o writes the whole trace")
        try:
            write(trace, asked.output)
        except ModuleNotFoundError as error:
            raise Failed(f"{asked.output}: this needs {error.name}: {INSTALL}") from None
        say(f"{asked.output}: {len(trace):,} rows")
        return
    for assumption in trace.about.get("assumptions", ()):
        say(f"# {assumption}")
    for line in _sentences(trace, asked.limit):
        say(line)


def _sentences(trace: Trace, limit: int | None) -> Iterable[str]:
    stop = len(trace) if limit is None else min(limit, len(trace))
    yield from trace.sentences(0, stop)
    if stop < len(trace):
        yield f"... {len(trace) - stop:,} more rows"


def list_schedulers(_asked: argparse.Namespace) -> None:
    """`schedlab schedulers`: every name, with the first line of what it is."""
    for family, module_name in FAMILY_MODULES.items():
        if importlib.util.find_spec(module_name) is None:
            continue
        for name, scheduler in importlib.import_module(module_name).SCHEDULERS.items():
            say(f"{family:8} {name:15} {_first_line(scheduler)}")


def _first_line(scheduler: Any) -> str:
    doc = scheduler.__doc__ if "__doc__" in vars(scheduler) and scheduler.__doc__ else None
    doc = doc or sys.modules[scheduler.__module__].__doc__ or ""
    return doc.strip().split("\n")[0]


def open_lessons(_asked: argparse.Namespace) -> None:
    """`schedlab` alone: JupyterLab, on the first lesson."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise Failed(f"the lessons need JupyterLab: {INSTALL}")
    folder = lessons_folder()
    first = folder / FIRST_LESSON
    command = [sys.executable, "-m", "jupyterlab", str(first if first.is_file() else folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container everybody is root, and JupyterLab would not start
    done = subprocess.run(command, check=False)
    if done.returncode not in (0, -2, 130):
        raise Failed(f"JupyterLab ended with code {done.returncode}")


def lessons_folder() -> Path:
    """The lessons of the checkout, or a copy of the packaged ones here, which a learner may change."""
    from schedlab.lessons.files import folder, shipped

    try:
        found = folder(LESSONS)
    except FileNotFoundError as error:
        raise Failed(str(error)) from None
    if shipped() not in found.parents:
        return found
    copied = Path.cwd() / COPIED
    if not copied.is_dir():
        shutil.copytree(found, copied)
    return copied


# -- speaking -----------------------------------------------------------------------------------------


def say(line: str) -> None:
    """One line on stdout."""
    print(visible(line))


def _told(error: BaseException) -> int:
    print(f"schedlab: {visible(_one_line(error))}", file=sys.stderr)
    return FAILED


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    return " ".join(str(error).split("\n")) or type(error).__name__


def visible(text: str) -> str:
    """A text that only shows: what would steer a terminal becomes a picture of itself, ␛ for escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text)


def _visible(c: str) -> str:
    if c.isprintable() or c in KEPT:
        return c
    code = ord(c)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


KEPT = "\u202f\u00a0"  # spaces within numbers and before units


def _speak_unicode() -> None:
    """Names have all characters; a terminal that knows fewer gets what it can show, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            with suppress(ValueError, OSError):
                stream.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
