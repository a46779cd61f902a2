"""Views: pure functions from a trace to a value. They hold no state, show nothing and ask no clock.

frames     head and columns for the player
text, svg  the same facts as text and as a picture
compare    two futures of one scenario
charts     summary charts (plotly)
graphs     trees and graphs laid out for the player (networkx)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schedlab.trace import Trace


def picture(trace: Trace, **options: Any) -> tuple[dict[str, Any], bytes, str, str]:
    """Head, columns, text form and SVG of a trace; `options` are those of `frames`."""
    from schedlab.views.frames import frames
    from schedlab.views.svg import svg
    from schedlab.views.text import text

    head, columns = frames(trace, **options)
    return head, columns, text(head, columns), svg(head, columns)
