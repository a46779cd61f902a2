"""Keeps a learner's code from hanging the notebook.

Policies and behaviours that come with schedlab run bare. A policy that is written elsewhere has its
hooks wrapped: an exception is told with the hook, the simulated time and the task, and code that
does not come back within `PATIENCE_S` is broken off, also where it catches every exception.

What cannot be broken off is a single call into C that never ends, such as `list(itertools.count())`.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType, TracebackType
from typing import Any

from schedlab.words import show

PATIENCE_S = 0.6  # seconds of wall time that one hook, or one step of a behaviour, may take
LOOK_EVERY_S = 0.1
STANDSTILL_S = 20  # seconds of wall time in which nothing of a run moves
LOOKING_ON = "schedlab looks on"  # the name of the thread
MOST_ROWS = 10_000_000  # of one run; 0.7 GB
LET_PASS = "--.--..---...--"  # at some jumps Python (3.12) counts what is behind as the `try`: dots are let pass


class LearnerError(RuntimeError):
    """A learner's code failed: says which hook or behaviour, at what simulated time and for which task.

    `trace` holds the rows up to there, once the scenario has been started.
    """

    trace: Any = None


class TookTooLong(BaseException):
    """Raised inside code that does not come back. A BaseException, so that `except Exception` cannot hold it."""


class Guard:
    """What a learner's code is doing, for the alarm that may have to break it off."""

    def __init__(self) -> None:
        self.doing = ""  # the hook or behaviour; empty outside of both
        self.about: Sequence[Any] = ()  # what it was called with
        self.calls = 0  # that the machine has made; a hook that calls hooks gets nowhere by it

    def __repr__(self) -> str:
        return f"<Guard {self.doing or 'idle'}>"


def is_ours(policy: Any) -> bool:
    """Does every class of this policy (or the class itself) come with schedlab?"""
    loaded = [getattr(policy, name) for name in ("ops_class",) if hasattr(policy, name)]
    return all(_comes_with_schedlab(one) for one in (policy, *loaded))


def _comes_with_schedlab(policy: Any) -> bool:
    classes = policy.__mro__ if isinstance(policy, type) else type(policy).__mro__
    return all(cls.__module__.split(".")[0] in ("schedlab", "builtins", "typing", "abc") for cls in classes)


def guarded(policy: Any, hooks: Sequence[str], now: Callable[[], int]) -> Any:
    """The same policy, with a guard; the hooks of a learner's class are wrapped."""
    if hasattr(policy, "_guard"):
        return policy
    policy._guard = Guard()
    if _comes_with_schedlab(policy):
        return policy
    for hook in hooks:  # inherited ones too: they may call what the learner has written
        method = getattr(policy, hook, None)
        if not callable(method) and any(callable(vars(cls).get(hook)) for cls in type(policy).__mro__[1:]):
            raise LearnerError(f"{type(policy).__name__}.{hook} must be a method, not {method!r:.60}")
        if callable(method):  # also one that explanations have wrapped before
            setattr(policy, hook, _wrapped(policy, hook, method, now))
    return policy


def _wrapped(policy: Any, hook: str, method: Any, now: Callable[[], int]) -> Callable[..., Any]:
    guard: Guard = policy._guard
    name = f"{type(policy).__name__}.{hook}"

    def call(*arguments: Any) -> Any:
        outer = guard.doing, guard.about
        if not outer[0]:
            guard.calls += 1
        guard.doing, guard.about = name, arguments
        try:
            return method(*arguments)
        except LearnerError:
            raise
        except (Exception, SystemExit) as error:
            raise failed(name, now(), arguments, error) from error
        finally:
            guard.doing, guard.about = outer

    return call


def failed(what: str, now: int, about: Sequence[Any], error: BaseException) -> LearnerError:
    """The error that tells of another one, raised in a learner's code."""
    line = line_of(error.__traceback__)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return LearnerError(f"{what} failed at {show(now)}{told(about)}: {said}{line}")


def told(about: Sequence[Any]) -> str:
    """The task and the CPU among a hook's arguments, in words."""
    task = next((f", task {a.name}" for a in about if hasattr(a, "sum_exec")), "")
    cpu = next((f", {a}" for a in about if hasattr(a, "need_resched")), "")
    return cpu + task


def line_of(traceback: TracebackType | None) -> str:
    """Where in a learner's own text an error arose."""
    found = ""
    while traceback is not None:
        found = _line(traceback.tb_frame, traceback.tb_lineno) or found
        traceback = traceback.tb_next
    return found


def _line(frame: FrameType, number: int | None) -> str:
    if str(frame.f_globals.get("__name__")).split(".")[0] in ("schedlab", "contextlib"):
        return ""
    return f" (line {number}, in {frame.f_code.co_name})"


def _would_be_lost(frame: FrameType) -> bool:
    """Is this a callback of the garbage collector, or what tells of lost exceptions? They can raise nothing."""
    callbacks = (*gc.callbacks, sys.unraisablehook)
    codes = {getattr(getattr(each, "func", each), "__code__", None) for each in callbacks}
    return any(each.f_code in codes for each in _outwards(frame))


@contextmanager
def watched(
    policy: Any, now: Callable[[], int], outside: str = "", rows: Callable[[], int] = lambda: 0
) -> Iterator[None]:
    """Break a learner's code off when one call of it has lasted `PATIENCE_S`; raises LearnerError.

    `outside` names what runs while no hook and no behaviour does; without it such code is trusted. Any run
    is broken off that stands still for `STANDSTILL_S`, or has recorded more than `MOST_ROWS` `rows()`.
    In the main thread of a process on Unix there is an alarm signal for it. Elsewhere another thread looks
    on, which code that catches every exception can hold, and which waits for the end of a call such as `sleep`.
    """
    guard: Guard = getattr(policy, "_guard", None) or Guard()
    seen, since, over, caught = (-1, -1, -1), 0.0, False, ""

    def due(frame: FrameType | None) -> bool:
        """Asked every `LOOK_EVERY_S`, and where the code goes on after it was struck: is it to be broken off here?"""
        nonlocal seen, since, caught
        moved = (guard.calls, now(), rows())
        since = 0.0 if moved != seen else since + LOOK_EVERY_S
        seen = moved
        if not caught and moved[2] > MOST_ROWS:
            caught = f"the run has {moved[2]:,} rows by {show(moved[1])}, more than are kept: say an earlier `until`"
        patience = PATIENCE_S if guard.doing or outside else STANDSTILL_S
        if over or (since < patience and not caught):
            return False
        if frame is None or frame.f_globals.get("__name__") in ("contextlib", __name__):
            return False
        if not caught and not _would_be_lost(frame):
            line = next(filter(None, (_line(each, each.f_lineno) for each in _outwards(frame))), "")
            what = guard.doing or outside or "a task's behaviour"
            caught = f"{what} does not come back: broken off at {show(now())}{told(guard.about)}{line}"
        return True

    signals = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    try:
        with _alarm(due) if signals else _looking_on(due):
            try:
                yield
            finally:
                over = True
    except TookTooLong:
        raise LearnerError(caught) from None


@contextmanager
def _alarm(due: Callable[[FrameType | None], bool]) -> Iterator[None]:
    """Ask every `LOOK_EVERY_S` whether the main thread is to be broken off, and do so by a signal."""
    turn = 0

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal turn
        if frame is None or not due(frame):
            return
        if _would_be_lost(frame):
            -ring  # noqa: B018  # until the callback is over
            return
        -ring  # noqa: B018  # it rings again at the next jump, so that an `except:` inside a loop cannot hold it
        turn = (turn + 1) % len(LET_PASS)
        if LET_PASS[turn] == "-":
            raise TookTooLong

    ring = _ring()
    handler = signal.signal(signal.SIGALRM, look)
    timer = signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # of whoever else measures time with it


@contextmanager
def _looking_on(due: Callable[[FrameType | None], bool]) -> Iterator[None]:
    """Ask every `LOOK_EVERY_S` whether this thread is to be broken off, and do so from another one."""
    thread, done = threading.get_ident(), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            frame = sys._current_frames().get(thread)
            if frame is not None and due(frame) and not _would_be_lost(frame):
                # it strikes where the frame stands: the thread waits there for the interpreter's lock
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TookTooLong))

    looking = threading.Thread(target=look, name=LOOKING_ON, daemon=True)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join()


def _ring() -> Any:
    """`-ring` makes the alarm due. As a call it would be served before the caller's next line; an operator is not."""
    due = partial(_thread.interrupt_main, signal.SIGALRM)
    return type("Ring", (), {"__neg__": staticmethod(due)})()


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
