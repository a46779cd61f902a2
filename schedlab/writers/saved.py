"""JSON that `Trace.load` reads back."""

from __future__ import annotations

from pathlib import Path

from schedlab.trace import Trace


def write(trace: Trace, path: Path) -> None:
    """Write the trace itself."""
    trace.save(path)
