"""One Chromium for a whole run of tests: the process that deals the tests out starts it, and every worker connects."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OPTIONS = ["--no-sandbox"]  # containers run tests as root


class BrowserServer:
    """A running Chromium; `url` is where Playwright's `connect` finds it. Raises RuntimeError if it does not start."""

    def __init__(self, chromium: str, folder: Path) -> None:
        config = folder / "browser.json"
        config.write_text(json.dumps({"executablePath": chromium, "headless": True, "args": OPTIONS}))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "playwright", "launch-server", "--browser", "chromium", "--config", str(config)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url.startswith("ws://"):
            self.stop()
            raise RuntimeError(f"{chromium} did not start: {self.url}")

    def stop(self) -> None:
        """Ends it, and the browser with it."""
        # The whole group, or Playwright's own process would be left behind; not by SIGINT, which a shell's background
        # jobs inherit as ignored.
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()


def asked_for(arguments: list[str], root: Path) -> bool:
    """May a run of these paths and node ids hold tests of the browser?"""
    paths = [(root / argument.split("::", 1)[0]).resolve() for argument in arguments]
    return any(path in (HERE, *HERE.parents) or HERE in path.parents for path in paths)
