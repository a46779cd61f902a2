"""Where the questions of a page are answered: in the thread that runs the cells, between two of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any


def between_cells(answer: Callable[..., None]) -> Callable[..., None]:
    """Let a handler of messages run where cells do, never beside one.

    JupyterLab 4.4 and later hand the messages of widgets to a thread of their own (a subshell of ipykernel 7).
    There a learner's function would run twice at one time, without the alarm that breaks off loops, and out of
    reach of the stop button.
    """

    def asked(*arguments: Any) -> None:
        loop = _loop_of_the_cells()
        if loop is None or threading.current_thread() is threading.main_thread():
            answer(*arguments)
        else:
            loop.add_callback(partial(answer, *arguments))

    return asked


def _loop_of_the_cells() -> Any:
    """The event loop of the kernel that this process is, if it is one."""
    ipython = sys.modules.get("IPython")  # loaded wherever there is a kernel
    shell = ipython.get_ipython() if ipython else None
    return getattr(getattr(shell, "kernel", None), "io_loop", None)
