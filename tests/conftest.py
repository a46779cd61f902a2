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


def need(program: str) -> str:
    """The path of `program`; without it the test is skipped, and the reason says how to install it."""
    names, package = PROGRAMS[program]
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"{program} is not installed: apt-get install {package}")
