"""Speed of the player: frames of a second, and what panning costs beside a plotly chart of the same bars.

`pytest -m bench tests/bench/test_player.py` runs them and prints the figures. Times of frames are the browser's own;
CPU is that of all its processes together.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schedlab.views.payload import unpack
from tests.bench.conftest import tell
from tests.browser import conftest as browser
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.lab import Lab
from tests.browser.see import served, step_times

chromium, pages, player = browser.chromium, browser.pages, browser.player
jupyter, lab = browser.jupyter, browser.lab
Open = Callable[..., PlayerPage]

pytestmark = pytest.mark.browser

FRAME_MS = 17  # 60 frames a second
PAINT_MS = 1_000
STEP_MS = 50
BYTES_A_SEGMENT = 12
CHEAPER = 100  # times, panning: the player against plotly
MANY, MILLION = 100_000, 1_000_000


@cache
def load(n: int) -> payloads.Packed:
    return payloads.segments(n)


def opened(player: Open, n: int) -> PlayerPage:
    """A player of `n` segments that shows a fifth of them."""
    head, columns = load(n)
    p = player(alone=True)
    with served(columns) as address:
        p.page.goto(address)
        p.open()
        p.page.evaluate(
            """async head => {
              const columns = new DataView(await (await fetch('/body')).arrayBuffer());
              window.model = makeModel({ head, columns, cursor: 0, answers: [], still: false, marks: {}, text: '' });
              window.opened = async () => {
                const t = performance.now();
                window.cleanup = module.default.render({ model, el: document.getElementById('here') });
                const canvas = document.querySelector('#here canvas');
                const drawn = () => canvas.width > 1 &&
                  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v);
                while (!drawn()) await new Promise(requestAnimationFrame);
                return performance.now() - t;
              };
            }""",
            head,
        )
    return p


# Frames while `each(k)` runs in every one of them, for `ms`.
FRAMES = """async ([each, ms]) => {
  const root = document.querySelector('#here .sl'), player = root.__player.player, end = player.trace.end;
  const act = new Function('root', 'player', 'end', 'k', each), times = [], until = performance.now() + ms;
  let last = 0;
  for (let k = 0; performance.now() < until; k++) {
    const now = await new Promise(requestAnimationFrame);
    if (last) times.push(now - last);
    last = now;
    act(root, player, end, k);
  }
  return times;
}"""
PAN = "player.setView(end * (0.1 + 0.002 * (k % 300)), end * (0.3 + 0.002 * (k % 300)))"
ZOOM = "player.zoom(k % 60 < 30 ? 0.93 : 1 / 0.93, end / 2, true)"
SCRUB = """
const box = root.querySelector('.sl-canvas'), r = box.getBoundingClientRect();
const at = { clientX: r.left + 20 + (k * 7) % (r.width - 40), clientY: r.top + 60, pointerId: 1, button: 0 };
if (!k) { const stage = root.querySelector('.sl-stage'); stage.setPointerCapture = () => {}; }
box.dispatchEvent(new PointerEvent(k ? 'pointermove' : 'pointerdown', { bubbles: true, ...at }));
"""
PLAY = "if (!k) { player.pace = 'time'; player.setSpeed(8); player.play(); }"


@pytest.mark.parametrize("doing", ["playing", "scrubbing", "panning"])
def test_sixty_frames_a_second_with_a_hundred_thousand_segments(player: Open, doing: str):
    p = opened(player, MANY)
    p.page.evaluate("opened()")
    p.page.evaluate(
        "() => { const q = document.querySelector('#here .sl').__player.player; q.setView(0, q.trace.end / 5); }"
    )
    before = p.state()
    each = {"playing": PLAY, "scrubbing": SCRUB, "panning": PAN}[doing]
    times = p.page.evaluate(FRAMES, [each, 3_000])
    after = p.state()
    median, worst = statistics.median(times), sorted(times)[len(times) * 19 // 20]
    tell(f"player, 100,000 segments, {doing}: median frame {median:.1f} ms, 95 % within {worst:.1f} ms")
    moved = "view" if doing == "panning" else "t"
    assert after[moved] != before[moved]
    assert median < FRAME_MS
    assert p.errors == []


def test_a_million_rows_open_and_zoom(player: Open):
    p = opened(player, MILLION)
    first = p.page.evaluate("opened()")
    times = p.page.evaluate(FRAMES, [ZOOM, 3_000])
    draws = [
        p.page.evaluate(
            """part => {
              const hook = document.querySelector('#here .sl').__player, end = hook.player.trace.end;
              hook.player.view = [end * 0.5 * (1 - part), end * (0.5 + part / 2)];
              return Math.min(...Array.from({ length: 8 }, () => hook.drawTime()));
            }""",
            part,
        )
        for part in (1, 0.2, 0.001)
    ]
    shown = " / ".join(f"{ms:.1f}" for ms in draws)
    frame = statistics.median(times)
    tell(f"player, 1,000,000 segments: first picture {first:.0f} ms; zooming, median frame {frame:.1f} ms")
    tell(f"player, 1,000,000 segments: one drawing of all, a fifth, a thousandth: {shown} ms")
    assert first < PAINT_MS
    assert frame < FRAME_MS
    assert max(draws) <= FRAME_MS
    n = p.state()["n"]
    assert n == MILLION
    p.press("End", "ArrowLeft")
    assert p.state()["i"] == n - 2


CELL = """
from tests.browser import payloads
from schedlab.widgets.player import Player
Player(*payloads.linux_small())
"""


def test_first_paint_within_a_second_of_the_cells_run(lab: Lab):
    path = lab.server.write("paint.ipynb", CELL)
    with lab.open(path) as notebook:
        notebook.run_all()
        notebook.widgets(0)
        ms = notebook.paints()[0]
        tell(f"player, first picture in JupyterLab: {ms:.0f} ms after its message")
        assert ms is not None
        assert ms < PAINT_MS


def test_a_step_responds_within_50_ms_while_the_kernel_is_busy(lab: Lab):
    path = lab.server.write("busy.ipynb", CELL)
    with lab.open(path) as notebook:
        notebook.run_all()
        (root,) = notebook.widgets(0)
        with notebook.busy():
            times = step_times(root, 40)
        assert root.evaluate("root => root.__player.state().i") == 40
    tell(f"player, a step in JupyterLab with the kernel busy: median {statistics.median(times):.1f} ms")
    assert statistics.median(times) <= STEP_MS


def test_the_payload_takes_at_most_12_bytes_a_segment():
    head, columns = load(MANY)
    size = {"u8": 1, "u16": 2, "u32": 4, "f64": 8}
    taken = sum(
        size[dtype] * count
        for name, (dtype, _offset, count) in head["columns"].items()
        if name.startswith("segments.") or name == "lane_first"
    )
    n = len(unpack(head, columns)["segments.start"])
    tell(f"payload: {taken / n:.2f} bytes a segment")
    assert n == MANY
    assert round(taken / n, 2) <= BYTES_A_SEGMENT


def cpu_seconds(chromium: Any) -> float:
    """CPU of all processes of the browser since they began."""
    session = chromium.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return float(sum(process["cpuTime"] for process in found))


# The same bars as a plotly chart, in the form that is cheapest for it: a trace a task, numbers for lanes, no hovering.
PLOTLY = """async head => {
  const raw = await (await fetch('/body')).arrayBuffer();
  const column = (name, type) => new type(raw, head.columns[name][1], head.columns[name][2]);
  const start = column('segments.start', Uint32Array), length = column('segments.length', Uint32Array);
  const task = column('segments.task', Uint16Array), first = column('lane_first', Uint32Array);
  const tick = head.tick_ns, el = document.getElementById('here');
  const traces = module.PALETTE.light.map(color =>
    ({ type: 'bar', orientation: 'h', x: [], y: [], base: [], marker: { color } }));
  for (let lane = 0; lane + 1 < first.length; lane++)
    for (let k = first[lane]; k < first[lane + 1]; k++) {
      const trace = traces[task[k] % 12];
      trace.x.push(length[k] * tick);
      trace.base.push(start[k] * tick);
      trace.y.push(lane);
    }
  const layout = { width: 1000, height: 400, barmode: 'overlay', showlegend: false, hovermode: false };
  await Plotly.newPlot(el, traces, { ...layout, xaxis: { range: [0, head.end / 5] } });
}"""
PLOTLY_PAN = """async ([end, k]) => {
  const range = [end * (0.1 + 0.02 * k), end * (0.3 + 0.02 * k)];
  await Plotly.relayout(document.getElementById('here'), { 'xaxis.range': range });
  await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
}"""


@pytest.mark.timeout(600)
def test_panning_is_a_hundred_times_cheaper_than_a_plotly_bar_chart(player: Open, chromium: Any):
    plotly = pytest.importorskip("plotly")
    head, columns = load(MANY)
    p = opened(player, MANY)
    p.page.evaluate("opened()")
    p.page.wait_for_timeout(300)
    frames, began = 0, cpu_seconds(chromium)
    for _ in range(2):
        frames += len(p.page.evaluate(FRAMES, [PAN, 3_000]))
    ours = (cpu_seconds(chromium) - began) / frames
    p.page.evaluate("cleanup()")
    q = player(alone=True)
    with served(columns) as address:
        q.page.goto(address)
        q.open()
        q.page.add_script_tag(path=Path(plotly.__file__).parent / "package_data" / "plotly.min.js")
        q.page.set_default_timeout(300_000)
        q.page.evaluate(PLOTLY, head)
    q.page.wait_for_timeout(500)
    steps, began = 4, cpu_seconds(chromium)
    for k in range(steps):
        q.page.evaluate(PLOTLY_PAN, [head["end"], k])
    theirs = (cpu_seconds(chromium) - began) / steps
    bars = q.page.locator("#here .bars .point").count()
    tell(f"panning 100,000 segments: player {ours * 1000:.1f} ms of CPU a frame, plotly bar {theirs * 1000:.0f} ms")
    tell(f"panning 100,000 segments: {theirs / ours:.0f} times cheaper")
    assert bars > 10_000, "plotly drew no bars"
    assert theirs / ours >= CHEAPER
