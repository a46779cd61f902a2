"""What can be seen of a player from outside: faults of access, text that does not fit, pixels, colours."""

from __future__ import annotations

import base64
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import ElementHandle, Locator, Page

Seen = Locator | ElementHandle


@contextmanager
def served(body: bytes) -> Iterator[str]:
    """The address of an empty page on this machine whose `body` is `body`: how tens of megabytes get into one."""

    class Giving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            whole = self.path == "/body"
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if whole else "text/html")
            self.send_header("Content-Length", str(len(body) if whole else 0))
            self.end_headers()
            if whole:
                self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing: the test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Giving)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def _axe_source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


_AXE = """async ([groups, options]) => {
  const out = [];
  for (const include of groups) {
    const found = await axe.run({ include }, { resultTypes: ['violations'], ...options });
    out.push(...found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${v.help}: ${n.html.slice(0, 160)}`)));
  }
  return out;
}"""


def axe(page: Page, *roots: Seen, together: bool = False, only: Sequence[str] = ()) -> list[str]:
    """What axe-core finds wrong in each of these elements, one line each. `only` some of its rules.

    `together`: in one pass, which is much faster on a big page; landmarks of different roots may then have one name.
    """
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(_axe_source())
    handles = [root.element_handle() if isinstance(root, Locator) else root for root in roots]
    if not handles:
        return []
    options: dict[str, Any] = {"runOnly": list(only)} if only else {}
    if together and not only:
        options["rules"] = {"landmark-unique": {"enabled": False}}
    return page.evaluate(_AXE, [[handles] if together else [[h] for h in handles], options])


_UNREADABLE = """root => {
  const out = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const whole = root.getBoundingClientRect();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement, text = node.data.trim();
    if (!text || el.closest('script, style, title, desc, option, dialog:not([open]), .sr')) continue;
    if (!el.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (!el.getClientRects().length) continue; // in an SVG group without display, which counts as visible
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) continue;
    const size = parseFloat(getComputedStyle(el).fontSize);
    if (size < 11) out.push(`${size} px: ${text}`);
    // from the text outward: what cuts it off without an ellipsis, before anything that scrolls
    let across = true, down = true;
    const name = a => `${a.localName} ${a.className.baseVal ?? a.className}`;
    for (let a = el; a && root.parentElement !== a; a = a.parentElement) {
      const css = getComputedStyle(a), r = a.getBoundingClientRect();
      const cuts = v => v === 'hidden' || v === 'clip', scrolls = v => v === 'auto' || v === 'scroll';
      if (css.display === 'inline') continue;
      if (across && cuts(css.overflowX) && (box.left < r.left - 1.5 || box.right > r.right + 1.5)) {
        if (css.textOverflow !== 'ellipsis') out.push(`cut across by ${name(a)}: ${text}`);
        else if (!a.closest('[title]') && !el.closest('[title]')) out.push(`an ellipsis without a title: ${text}`);
        across = false;
      }
      if (scrolls(css.overflowX)) across = false;
      const follows = a.matches('.sl-lanes'); // lane names follow the lanes' scroll bar
      if (down && cuts(css.overflowY) && !follows && (box.top < r.top - 3.5 || box.bottom > r.bottom + 3.5)) {
        out.push(`cut down by ${name(a)}: ${text}`);
        down = false;
      }
      if (scrolls(css.overflowY) || follows) down = false;
    }
    if (across && (box.right > whole.right + 1.5 || box.left < whole.left - 1.5)) out.push(`outside: ${text}`);
    if (down && (box.bottom > whole.bottom + 3.5 || box.top < whole.top - 3.5)) out.push(`below: ${text}`);
  }
  return [...new Set(out)];
}"""


def unreadable(root: Seen) -> list[str]:
    """Every visible text in `root` that is smaller than 11 px, or cut off by something that does not scroll."""
    return root.evaluate(_UNREADABLE)


_COLOURS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let k = 0; k < data.length && seen.size < 64; k += 4)
    if (data[k + 3] > 200) seen.add((data[k] << 16) | (data[k + 1] << 8) | data[k + 2]);
  return seen.size;
}"""


def colours_drawn(canvas: Seen) -> int:
    """How many opaque colours a canvas shows, counted to 64: 0 is a blank one."""
    return canvas.evaluate(_COLOURS)


_READ = """async ([png, boxes]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const g = new OffscreenCanvas(image.width, image.height).getContext('2d', { willReadFrequently: true });
  g.drawImage(image, 0, 0);
  const linear = c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = key => [key.split(',').map(v => linear(v / 255))]
    .map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b)[0];
  return boxes.map(box => {
    const { data } = g.getImageData(...box.map(Math.round)), count = new Map();
    for (let k = 0; k < data.length; k += 4) {
      const key = data.slice(k, k + 3).join();
      count.set(key, (count.get(key) ?? 0) + 1);
    }
    const ground = light([...count].reduce((a, b) => (b[1] > a[1] ? b : a))[0]);
    const apart = key => { const l = light(key); return (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05); };
    return Math.max(...[...count.keys()].map(apart));
  });
}"""


def contrasts_on_screen(page: Page, boxes: Sequence[Sequence[float]]) -> list[float]:
    """For each part of the screen, `[x, y, width, height]`: how far what is written stands off its ground."""
    return page.evaluate(_READ, [base64.b64encode(page.screenshot()).decode(), boxes])


# ---- colour arithmetic after the published definitions, independent of the player's own ------------------------------

Rgb = tuple[float, float, float]

# Machado, Oliveira, Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency"
DEFICIENCIES: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def rgb(colour: str) -> Rgb:
    """`#rrggbb` or `rgb(r, g, b)` as numbers 0 to 1."""
    if colour.startswith("#"):
        return tuple(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))  # type: ignore[return-value]  # three of them
    inside = colour[colour.index("(") + 1 : colour.index(")")]
    parts = [float(p) for p in inside.replace("/", " ").replace(",", " ").split()[:3]]
    return (parts[0] / 255, parts[1] / 255, parts[2] / 255)


def linear(colour: Rgb) -> Rgb:
    """sRGB to light: IEC 61966-2-1."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return (r, g, b)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    levels = []
    for colour in (one, other):
        r, g, b = linear(rgb(colour))
        levels.append(0.2126 * r + 0.7152 * g + 0.0722 * b)
    return (max(levels) + 0.05) / (min(levels) + 0.05)


def seen_with(deficiency: str, colour: str) -> Rgb:
    """The linear light of a colour as somebody with the deficiency sees it."""
    light = linear(rgb(colour))
    out = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, light)))) for row in DEFICIENCIES[deficiency]]
    return (out[0], out[1], out[2])


def lab_of(light: Rgb) -> Rgb:
    """Linear sRGB to CIE L*a*b* under D65."""
    r, g, b = light
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    fx, fy, fz = (v ** (1 / 3) if v > (6 / 29) ** 3 else v / (3 * (6 / 29) ** 2) + 4 / 29 for v in xyz)
    return (116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def ciede2000(one: Rgb, other: Rgb) -> float:
    """The difference of two L*a*b* colours, CIE 142-2001."""
    l1, a1, b1 = one
    l2, a2, b2 = other
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    mh = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * math.cos(math.radians(mh - 30))
        + 0.24 * math.cos(math.radians(2 * mh))
        + 0.32 * math.cos(math.radians(3 * mh + 6))
        - 0.20 * math.cos(math.radians(4 * mh - 63))
    )
    sl = 1 + 0.015 * (ml - 50) ** 2 / math.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rt = -2 * math.sqrt(mc**7 / (mc**7 + 25**7)) * math.sin(math.radians(60 * math.exp(-(((mh - 275) / 25) ** 2))))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh))


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def style(element: Seen, *names: str) -> dict[str, Any]:
    """Computed style values of an element."""
    found: dict[str, Any] = element.evaluate(
        "(el, names) => Object.fromEntries(names.map(n => [n, getComputedStyle(el).getPropertyValue(n)]))", list(names)
    )
    return found


# ---- the whole picture, to be compared with another moment's --------------------------------------------------------

_PICTURE = """async root => {
  const scrolled = [...root.querySelectorAll('*')].filter(e => e.scrollTop);
  for (const e of scrolled) e.scrollTop = 0;
  if (scrolled.length) for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const box = root.getBoundingClientRect(), out = [];
  const skip = '.sr, .sl-tip, .sl-defs, dialog, title, defs';
  const shapes = new Set(['rect', 'path', 'circle', 'ellipse', 'line', 'polyline', 'polygon', 'text', 'tspan', 'svg']);
  const walk = el => {
    if (el.matches(skip) || !el.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return;
    const css = getComputedStyle(el), r = el.getBoundingClientRect();
    const own = [...el.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).filter(Boolean).join(' ');
    const said = [...el.attributes].filter(a => /^(aria-|role|title|disabled|checked|href)/.test(a.name))
      .map(a => `${a.name}=${a.value}`).sort().join(' ');
    const svg = el.namespaceURI.endsWith('svg');
    const drawn = svg ? `${css.fill} ${css.stroke} ${css.strokeWidth} ${css.fillOpacity}` : '';
    const at = [r.left - box.left, r.top - box.top, r.width, r.height].map(v => v.toFixed(1)).join(' ');
    const paint = el.localName === 'canvas' ? el.toDataURL() : '';
    if (said || (r.width && r.height && (!svg || shapes.has(el.localName))))
      out.push([el.localName, at, own, said, css.color, css.backgroundColor, css.opacity, drawn, paint].join('|'));
    for (const kid of el.children) walk(kid);
  };
  walk(root);
  return out.sort();
}"""


def picture(root: Seen) -> list[str]:
    """All that a player shows and says at this moment: every visible element with its place, words, names, colours,
    and the pixels of its canvases. The order of drawing, what is hidden and what was said before do not count,
    nor how far a panel was scrolled: all are scrolled back."""
    return root.evaluate(_PICTURE)


# ---- what a player holds: `WATCH` before it is rendered, `HELD` whenever it is asked ---------------------------------

WATCH = """() => {
  const held = window.held = { listeners: new Set(), observers: new Set(), frames: new Set(), timers: new Set() };
  const add = EventTarget.prototype.addEventListener, remove = EventTarget.prototype.removeEventListener;
  const ids = new WeakMap(); let next = 0;
  const id = o => { if (!ids.has(o)) ids.set(o, ++next); return ids.get(o); };
  // what the player hangs on its own elements goes with them
  const outside = t => !(t instanceof Node) || !document.getElementById('here').contains(t) || t.id === 'here';
  const inside = t => t instanceof Node && (!t.isConnected && t !== document);
  const key = (t, type, f, o) => `${id(t)} ${t.constructor.name} ${type} ${id(f)} ${!!(o?.capture ?? o)}`;
  EventTarget.prototype.addEventListener = function (type, f, o) {
    if (f && outside(this) && !inside(this)) held.listeners.add(key(this, type, f, o));
    return add.call(this, type, f, o);
  };
  EventTarget.prototype.removeEventListener = function (type, f, o) {
    if (f) held.listeners.delete(key(this, type, f, o));
    return remove.call(this, type, f, o);
  };
  for (const name of ['ResizeObserver', 'IntersectionObserver', 'MutationObserver']) {
    const Real = window[name];
    window[name] = class extends Real {
      observe(...a) { held.observers.add(this); return super.observe(...a); }
      disconnect() { held.observers.delete(this); return super.disconnect(); }
    };
  }
  const raf = requestAnimationFrame, stop = cancelAnimationFrame;
  window.requestAnimationFrame = f => {
    const n = raf(t => { held.frames.delete(n); f(t); });
    held.frames.add(n);
    return n;
  };
  window.cancelAnimationFrame = n => { held.frames.delete(n); stop(n); };
  const later = setTimeout, clear = clearTimeout;
  window.setTimeout = (f, ms) => {
    const n = later(() => { held.timers.delete(n); f(); }, ms);
    held.timers.add(n);
    return n;
  };
  window.clearTimeout = n => { held.timers.delete(n); clear(n); };
}"""
HELD = "() => Object.fromEntries(Object.entries(held).map(([k, v]) => [k, [...v].map(String)]))"


# ---- how long a step takes ------------------------------------------------------------------------------------------

_STEP_TIMES = """async (root, steps) => {
  const step = root.querySelector('button[aria-label="Step"]'), times = [];
  for (let k = 0; k < steps; k++) {
    const t = performance.now();
    step.click();
    await new Promise(r => requestAnimationFrame(() => {
      const c = new MessageChannel(); // a message from a frame comes when that frame has been drawn
      c.port1.onmessage = r;
      c.port2.postMessage(0);
    }));
    times.push(performance.now() - t);
  }
  return times;
}"""


def step_times(root: Seen, steps: int) -> list[float]:
    """Milliseconds from each click on Step to the frame that shows it."""
    times: list[float] = root.evaluate(_STEP_TIMES, steps)
    return times
