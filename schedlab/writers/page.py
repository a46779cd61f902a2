"""The standalone page: the player with one trace, for any browser, with no kernel and no network."""

from __future__ import annotations

from pathlib import Path

from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.text import text

MOST_EXPLAINED = 20_000  # rows of a run whose reasons go into the page; a longer run shows what happened


def write(trace: Trace, path: Path) -> None:
    """Write the page: with all reasons if the run can be repeated, as rows if it is a recording."""
    from schedlab.widgets.bundle import standalone_html  # the widgets are wanted only where a page is written

    if trace.scenario is not None and trace.explained is None and len(trace) <= MOST_EXPLAINED:
        trace = trace.explain()
    head, columns = frames(trace)
    path.write_text(standalone_html(head, columns, text(head, columns)), encoding="utf-8")
