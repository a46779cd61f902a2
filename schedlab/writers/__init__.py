"""A trace into a file, in the form that the file's suffix names."""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from pathlib import Path

from schedlab.trace import Trace

# Longer suffixes stand first: x.perfetto.json is no saved trace.
WRITERS = {
    ".perfetto.json": ("schedlab.writers.perfetto", "for ui.perfetto.dev or chrome://tracing"),
    ".json": ("schedlab.writers.saved", "the trace itself, for `schedlab view` and Trace.load"),
    ".html": ("schedlab.writers.page", "a page that plays in any browser, with no network"),
    ".svg": ("schedlab.writers.picture", "one still picture"),
    ".gif": ("schedlab.writers.gif", "a moving picture; needs the extra: pip install 'schedlab[gif]'"),
}


class CannotWrite(ValueError):
    """A form that is unknown, or that needs what is not installed; says what to do."""


def form_of(path: str | Path) -> str:
    """The suffix that decides. Raises CannotWrite with the known ones."""
    name = Path(path).name.lower()
    for suffix in WRITERS:
        if name.endswith(suffix) and name != suffix:
            return suffix
    raise CannotWrite(f"{Path(path).name!r}: the suffix tells the form; there are {', '.join(WRITERS)}")


def write(trace: Trace, path: str | Path) -> None:
    """Write a trace; the suffix tells the form. The file appears whole or not at all.

    Raises CannotWrite, and OSError where the file cannot be written.
    """
    path = Path(path)
    module = importlib.import_module(WRITERS[form_of(path)][0])
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        module.write(trace, part)
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # the reader has not asked for the part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


__all__ = ["write", "form_of", "CannotWrite", "WRITERS"]
