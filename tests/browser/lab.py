"""A real JupyterLab and a real Notebook 7 for browser tests: one server, one page of each, notebooks opened one by one.

The server listens on the loopback alone, with its own configuration, data and settings, and serves a copy of the
lessons, so that no test writes into the checkout.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, Route
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.source import ROOT

START_SECONDS = 60  # a cold server on a loaded machine; 5 s here
IDLE_SECONDS = 900  # after which a server that a killed test run left behind ends itself
LOAD_MS = 60_000  # the same for JupyterLab's own page; 4 s here
DRAWN_MS = 10_000  # a widget whose cell has ended; 0.1 s here
CELLS_MS = 60_000  # a lesson's cells end within 15 s; guarded four times

WIDGET = "application/vnd.jupyter.widget-view+json"
PLAYER = "section[data-lm-suppress-shortcuts]"
KIT = ".sl-kit"  # a quiz, knobs, a report

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"

# What JupyterLab itself says without any fault of a lesson.
HARMLESS = (
    "ResizeObserver loop completed with undelivered notifications",  # browsers say it of any layout in an observer
    "/lsp/status",  # the language server is off
    "Could not restore the debugger state",  # a kernel that was ended or restarted
    "message before replies were done",  # the same
)


@dataclass
class Problems:
    """What a page complained of, and every address outside the server that it asked for."""

    home: str  # host:port of the server; "" for a page that needs none
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", self._asked)
        page.on("crash", lambda _: self._note("the page crashed"))

    def clear(self) -> None:
        self.errors.clear()
        self.foreign.clear()

    def _note(self, text: str) -> None:
        if not any(harmless in text for harmless in HARMLESS):
            self.errors.append(text)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that was left
            self._note(f"request failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.home:
            self.foreign.append(request.url)


class JupyterServer:
    """A Jupyter server with JupyterLab and Notebook 7 on it, private from the user's own."""

    def __init__(self, home: Path) -> None:
        self.root = home / "root"
        self.lessons = self.root / "lessons"
        self.root.mkdir(parents=True)
        if (ROOT / "lessons").is_dir():
            shutil.copytree(ROOT / "lessons", self.lessons, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        self.lessons.mkdir(exist_ok=True)
        if (ROOT / "data").is_dir():
            (self.root / "data").symlink_to(ROOT / "data", target_is_directory=True)
        self.token = secrets.token_hex(16)
        self.log = home / "server.log"
        self._home = home
        self._configure()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "lab", "--no-browser"],
                cwd=self.root,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = self._wait()
        self.host = urlsplit(self.url).netloc

    def _configure(self) -> None:
        config = self._home / "config"
        settings = config / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        server = {
            "ServerApp": {
                "ip": "127.0.0.1",
                "port": 0,  # the system chooses
                "open_browser": False,
                "allow_root": True,  # containers run tests as root
                "root_dir": str(self.root),
                "shutdown_no_activity_timeout": IDLE_SECONDS,
            },
            "MappingKernelManager": {"cull_idle_timeout": IDLE_SECONDS, "cull_connected": True},
            "IdentityProvider": {"token": self.token},
            "FileContentsManager": {"delete_to_trash": False},
        }
        lab = {
            "LabApp": {
                "expose_app_in_browser": True,
                "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
                "extension_manager": "readonly",
            }
        }
        notebook = {"JupyterNotebookApp": {"expose_app_in_browser": True}}
        for name, content in (("server", server), ("lab", lab), ("notebook", notebook)):
            (config / f"jupyter_{name}_config.json").write_text(json.dumps(content))

    def _environment(self) -> dict[str, str]:
        own = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "PYTEST_"))}
        env |= {f"JUPYTER_{name}_DIR": str(self._home / folder) for name, folder in own.items()}
        env["IPYTHONDIR"] = str(self._home / "ipython")
        # kernels take schedlab from this checkout
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [env.get("PYTHONPATH")])])
        return env

    def _wait(self) -> str:
        until = time.monotonic() + START_SECONDS
        runtime = self._home / "runtime"
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at once:\n{self.log.read_text()[-3000:]}")
            for file in runtime.glob("jpserver-*.json"):
                try:
                    url: str = json.loads(file.read_text())["url"]
                    with urllib.request.urlopen(f"{url}api/status?token={self.token}", timeout=5):
                        return url
                except (OSError, ValueError, urllib.error.URLError):
                    pass
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"no JupyterLab after {START_SECONDS} s:\n{self.log.read_text()[-3000:]}")

    def page(self, kind: str, path: str = "") -> str:
        """The address of JupyterLab (`lab`) or Notebook 7 (`notebooks`), with a notebook or without."""
        at = {"lab": "lab/tree/" if path else "lab", "notebooks": "notebooks/"}[kind] + quote(path)
        return f"{self.url}{at}?token={self.token}"

    def write(self, name: str, *cells: str) -> str:
        """Makes a notebook of code cells beside the lessons, and returns its path for `open`."""
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{k}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source,
                }
                for k, source in enumerate(cells)
            ],
        }
        (self.root / name).write_text(json.dumps(content))
        return name

    def stop(self) -> None:
        """Ends the server, which ends its kernels."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


# Runs in the page. `panel` is the open notebook; `paints` says for each cell with a widget how long it took from the
# arrival of the widget's message to the first picture of its player.
_FIND = """
const app = window.jupyterapp;
const find = () => [...app.shell.widgets('main')].find(w => w.context?.path === path && w.content?.widgets);
"""

_OPEN_IN_LAB = (
    """async ([path, isLab]) => {"""
    + _FIND
    + """
  if (isLab) await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  let panel = find();
  for (let k = 0; k < 600 && !panel; k++) { await new Promise(r => setTimeout(r, 50)); panel = find(); }
  if (!panel) throw new Error(`${path} did not open`);
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.revealed;
  // a notebook may be opened while another is: the other comes back when this one closes
  (window.schedlabBefore ??= []).push(window.schedlabPanel);
  window.schedlabPanel = panel;
}"""
)

_RUN = """async () => {
  const panel = window.schedlabPanel, app = window.jupyterapp;
  window.schedlabPaints = {};
  const waiting = [];
  panel.content.widgets.forEach((cell, k) => {
    if (cell.model.type !== 'code') return;
    const outputs = cell.outputArea.model;
    outputs.changed.connect(() => {
      if (k in window.schedlabPaints) return;
      for (let n = 0; n < outputs.length; n++)
        if ('WIDGET' in outputs.get(n).data) {
          window.schedlabPaints[k] = null;
          waiting.push({ k, cell, since: performance.now() });
        }
    });
  });
  const look = () => {
    for (const w of waiting.splice(0)) {
      const canvas = w.cell.outputArea.node.querySelector('PLAYER canvas');
      const kit = w.cell.outputArea.node.querySelector('.sl-kit > *'); // a quiz, knobs, a report: drawn at once
      if (kit || (canvas && canvas.width > 1)) window.schedlabPaints[w.k] = performance.now() - w.since;
      else waiting.push(w);
    }
    if (!window.schedlabStop) requestAnimationFrame(look);
  };
  window.schedlabStop = false;
  look();
  app.shell.activateById(panel.id);
  await app.commands.execute('notebook:run-all-cells');
  const kernel = panel.sessionContext.session.kernel;
  for (let k = 0; k < 1200 && kernel.status !== 'idle'; k++) await new Promise(r => setTimeout(r, 50));
  if (kernel.status !== 'idle') throw new Error(`the kernel is ${kernel.status}`);
}""".replace("WIDGET", WIDGET).replace("PLAYER", PLAYER)

_CELLS = """() => window.schedlabPanel.content.widgets.map((cell, index) => {
  const json = cell.model.sharedModel.toJSON();
  return {
    index,
    type: cell.model.type,
    tags: json.metadata?.tags ?? [],
    ran: cell.model.type !== 'code' || json.execution_count != null || !json.source.length,
    errors: (json.outputs ?? []).filter(o => o.output_type === 'error').map(o => `${o.ename}: ${o.evalue}`),
    mimes: (json.outputs ?? []).map(o => Object.keys(o.data ?? {})),
  };
})"""

_SLEEP = """() => {
  window.schedlabAsleep = window.schedlabAwake = false;
  const future = window.schedlabPanel.sessionContext.session.kernel.requestExecute(
    { code: "import time; print('asleep', flush=True); time.sleep(60)", store_history: false });
  future.onIOPub = message => { window.schedlabAsleep ||= message.header.msg_type === 'stream'; };
  window.schedlabSleep = future.done.finally(() => { window.schedlabAwake = true; });
}"""

_KERNEL = """async code => {
  const kernel = window.schedlabPanel.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, store_history: false });
  let text = '';
  future.onIOPub = m => {
    if (m.header.msg_type === 'stream') text += m.content.text;
    if (m.header.msg_type === 'error') text += `${m.content.ename}: ${m.content.evalue}`;
  };
  await future.done;
  return text;
}"""


class Notebook:
    """One notebook open in JupyterLab or Notebook 7."""

    def __init__(self, page: Page, problems: Problems, path: str) -> None:
        self.page = page
        self.problems = problems
        self.path = path

    def run_all(self) -> None:
        """Runs every cell and waits until the kernel is idle."""
        self.page.set_default_timeout(CELLS_MS)
        self.page.evaluate(_RUN)

    def cells(self) -> list[dict[str, Any]]:
        """Of each cell: `type`, `tags`, whether it `ran`, its `errors` and the `mimes` of its outputs."""
        return self.page.evaluate(_CELLS)

    def errors(self) -> list[str]:
        """Exceptions of cells that are not tagged as raising one, and cells that did not run."""
        found = []
        for cell in self.cells():
            if "raises-exception" not in cell["tags"]:
                found += [f"cell {cell['index']}: {text}" for text in cell["errors"]]
                found += [] if cell["ran"] else [f"cell {cell['index']} did not run"]
        return found

    def widgets(self, cell: int) -> list[Locator]:
        """The widgets in a cell's output, scrolled into view: players and the kit's, else boxes of ipywidgets."""
        mark = self.page.evaluate(
            """async ([k, mark]) => {
              const list = window.schedlabPanel.content;
              await list.scrollToItem(k, 'smart').catch(() => {});
              const node = list.widgets[k].outputArea.node;
              node.dataset.schedlab ||= mark;
              node.scrollIntoView({ block: 'nearest' });
              return node.dataset.schedlab;
            }""",
            [cell, f"cell-{cell}-{secrets.token_hex(3)}"],
        )
        area = self.page.locator(f'[data-schedlab="{mark}"]')
        try:
            area.locator(f"{PLAYER}, {KIT}, .jupyter-widgets").first.wait_for(state="attached", timeout=DRAWN_MS)
        except PlaywrightTimeout:
            return []
        found = area.locator(f"{PLAYER}, {KIT}")
        return (found if found.count() else area.locator(".jupyter-widgets")).all()

    def paints(self) -> dict[int, float | None]:
        """For each cell with a widget, ms from its message to the first picture; None: there is none yet."""
        found: dict[str, float | None] = self.page.evaluate("() => window.schedlabPaints")
        return {int(cell): ms for cell, ms in found.items()}

    def kernel(self, code: str) -> str:
        """Runs code in the notebook's kernel and returns what it printed."""
        return self.page.evaluate(_KERNEL, code)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A cell sleeps inside the block, surely. (The kernel's status may say otherwise: comms have a subshell.)"""
        self.page.evaluate(_SLEEP)
        self.page.wait_for_function("() => window.schedlabAsleep")
        yield
        awake = self.page.evaluate("() => window.schedlabAwake")
        self.page.evaluate(
            "() => window.schedlabPanel.sessionContext.session.kernel.interrupt().then(() => window.schedlabSleep)"
        )
        assert not awake, "the cell was over, so this shows nothing"

    def focused_cell(self) -> int:
        return self.page.evaluate("() => window.schedlabPanel.content.activeCellIndex")

    def close(self) -> None:
        """Ends the kernel and closes the document without asking."""
        try:
            self.page.evaluate(
                """async () => {
                  window.schedlabStop = true;
                  const panel = window.schedlabPanel, before = window.schedlabBefore.pop();
                  window.schedlabPanel = before;
                  await panel.sessionContext.shutdown().catch(() => {});
                  panel.dispose();
                  if (before) window.jupyterapp.shell.activateById(before.id);
                }"""
            )
        except Error as error:
            self.problems._note(f"closing: {error}")


class Lab:
    """The open page of JupyterLab (`lab`) or Notebook 7 (`notebooks`)."""

    def __init__(self, browser: Browser, server: JupyterServer, kind: str = "lab") -> None:
        self.server = server
        self.kind = kind
        self.problems = Problems(server.host)
        self.context = browser.new_context(viewport={"width": 1600, "height": 1000}, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.problems.watch(self.page)
        self.context.route("**/*", self._guard)
        if kind == "lab":
            self._load(server.page("lab"))

    def _guard(self, route: Route) -> None:
        """Nothing leaves the machine, whatever a lesson asks for; `Problems` holds who asked."""
        if urlsplit(route.request.url).netloc == self.server.host:
            route.continue_()
        else:
            route.abort()

    def _load(self, url: str) -> None:
        self.page.goto(url, timeout=LOAD_MS)
        self.page.wait_for_function(
            "() => window.jupyterapp?.commands.hasCommand('notebook:run-all-cells')", timeout=LOAD_MS
        )
        self.page.evaluate("() => window.jupyterapp.restored")

    @contextmanager
    def open(self, path: str) -> Iterator[Notebook]:
        """A notebook, by its path under the server's root; its kernel ends when the block does."""
        if self.kind == "lab":
            if self.page.is_closed() or not self.page.evaluate("() => Boolean(window.jupyterapp)"):
                self._load(self.server.page("lab"))
        else:
            self._load(self.server.page("notebooks", path))
        self.problems.clear()
        self.page.evaluate(_OPEN_IN_LAB, [path, self.kind == "lab"])
        notebook = Notebook(self.page, self.problems, path)
        try:
            yield notebook
        finally:
            notebook.close()

    def theme(self, name: str) -> None:
        """Switches the theme, and waits until the page wears it."""
        if self.page.evaluate("() => document.body.dataset.jpThemeName") == name:
            return
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name, timeout=LOAD_MS)
        # the curtain that JupyterLab drops over the page while the style sheet loads
        self.page.wait_for_function("() => !document.getElementById('jupyterlab-splash')", timeout=LOAD_MS)

    def fit(self, player: Locator, width: int) -> None:
        """Makes the window as wide as it takes for a player to be `width` px wide."""
        box, size = player.bounding_box(), self.page.viewport_size
        assert box is not None
        assert size is not None
        if abs(box["width"] - width) > 1:
            wide = size["width"] + width - round(box["width"])
            self.page.set_viewport_size({"width": wide, "height": size["height"]})
            self.page.wait_for_timeout(100)  # JupyterLab lays out again when the window has rested

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """The one Jupyter server of the run."""
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def lab(chromium: Browser, jupyter: JupyterServer) -> Iterator[Lab]:
    """The one open JupyterLab of the run."""
    opened = Lab(chromium, jupyter)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def notebook7(chromium: Browser, jupyter: JupyterServer) -> Iterator[Lab]:
    """The same server seen through Notebook 7."""
    opened = Lab(chromium, jupyter, "notebooks")
    yield opened
    opened.close()
