"""The standalone page: the player with one trace, for any browser, with no kernel and no network."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.text import text

# The player's bundle. Widgets stand above writers, so it is named here and found when a page is written.
BUNDLE = "schedlab.widgets.bundle"
MOST_EXPLAINED = 20_000  # rows of a run whose reasons go into the page; a longer run shows what happened


def write(trace: Trace, path: Path) -> None:
    """Write the page: with all reasons if the run can be repeated, as rows if it is a recording."""
    bundle: Any = importlib.import_module(BUNDLE)
    if trace.scenario is not None and trace.explained is None and len(trace) <= MOST_EXPLAINED:
        trace = trace.explain()
    head, columns = frames(trace)
    path.write_text(bundle.standalone_html(head, columns, text(head, columns)), encoding="utf-8")
