"""Keeps a learner's code from hanging the notebook.

Policies and behaviours that come with schedlab run bare. A policy that is written elsewhere has its
hooks wrapped: an exception is told with the hook, the simulated time and the task, and a hook that
does not come back within `PATIENCE_S` is broken off.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

PATIENCE_S = 0.8  # seconds of wall time that one hook may take
LOOK_EVERY_S = 0.2


class LearnerError(RuntimeError):
    """A hook of a learner's policy failed: says which, at what simulated time and for which task."""


class TookTooLong(BaseException):
    """Raised inside code that does not come back. A BaseException, so that `except Exception` cannot hold it."""


class Guard:
    """What a learner's code is doing, for the alarm that may have to break it off."""

    def __init__(self) -> None:
        self.doing = ""
        self.calls = 0

    def __repr__(self) -> str:
        return f"<Guard {self.doing or 'idle'}>"


def is_ours(policy: Any) -> bool:
    """Does every class of this policy come with schedlab?"""
    return all(
        cls.__module__.split(".")[0] in ("schedlab", "builtins", "typing", "abc") for cls in type(policy).__mro__
    )


def guarded(policy: Any, hooks: Sequence[str], now: Callable[[], int]) -> Any:
    """The policy itself if it is ours; otherwise the same object with its overridden hooks wrapped."""
    if is_ours(policy) or hasattr(policy, "_guard"):
        return policy
    policy._guard = Guard()
    for hook in hooks:
        method = getattr(policy, hook, None)
        owner = getattr(method, "__func__", None)
        if method is not None and owner is not None and not str(owner.__module__).startswith("schedlab."):
            setattr(policy, hook, _wrapped(policy, hook, method, now))
    return policy


def _wrapped(policy: Any, hook: str, method: Callable[..., Any], now: Callable[[], int]) -> Callable[..., Any]:
    guard: Guard = policy._guard

    def call(*arguments: Any) -> Any:
        outer, guard.doing = guard.doing, hook
        guard.calls += 1
        try:
            return method(*arguments)
        except (LearnerError, TookTooLong):
            raise
        except Exception as error:
            task = next((f", task {a.name}" for a in arguments if hasattr(a, "sum_exec")), "")
            raise LearnerError(
                f"{type(policy).__name__}.{hook} failed at {now():,} ns{task}: {type(error).__name__}: {error}"
            ) from error
        finally:
            guard.doing = outer

    return call


@contextmanager
def watched(policy: Any, now: Callable[[], int], progress: Callable[[], int]) -> Iterator[None]:
    """Break the code inside off when nothing has moved for `PATIENCE_S`; raises LearnerError.

    `progress` is a number that grows while the simulation moves. Works where an alarm signal can be
    had: the main thread of a process on Unix. Elsewhere the code runs without an alarm.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    guard: Guard = getattr(policy, "_guard", None) or Guard()
    seen, since = (-1, -1), 0.0

    def look(_signal: int, _frame: FrameType | None) -> None:
        nonlocal seen, since
        moved = (guard.calls, progress())
        since = 0.0 if moved != seen else since + LOOK_EVERY_S
        seen = moved
        if since >= PATIENCE_S:
            raise TookTooLong

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
    try:
        yield
    except TookTooLong:
        what = f"{type(policy).__name__}.{guard.doing}" if guard.doing else "a behaviour (or something outside a hook)"
        raise LearnerError(f"{what} does not come back: broken off at simulated time {now():,} ns") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
