"""One still picture of a trace, as SVG."""

from __future__ import annotations

from pathlib import Path

from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.svg import svg

MOST_EXPLAINED = 20_000  # rows of a run whose reasons are worked out for the picture


def write(trace: Trace, path: Path) -> None:
    """Write the picture: the moment that the player would show first."""
    if trace.scenario is not None and trace.explained is None and len(trace) <= MOST_EXPLAINED:
        trace = trace.explain()
    head, columns = frames(trace)
    path.write_text(svg(head, columns), encoding="utf-8")
