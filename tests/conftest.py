"""What tests need that pip does not bring: a browser, an etcd, a kubectl."""

from __future__ import annotations

import shutil

import pytest

# program -> (names it goes by on PATH, the Debian package that brings it)
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "etcd": (("etcd",), "etcd-server"),
    "kubectl": (("kubectl",), "kubernetes-client"),
}


def find(program: str) -> str | None:
    """The path of `program`, if it is there."""
    return next(filter(None, map(shutil.which, PROGRAMS[program][0])), None)


def need(program: str) -> str:
    """The path of `program`; without it the test is skipped, and the reason says how to install it."""
    path = find(program)
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install {PROGRAMS[program][1]}")
    return path
