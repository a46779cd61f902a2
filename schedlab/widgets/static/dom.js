// ---- elements -------------------------------------------------------------------------------------------------------
const SVG = 'http://www.w3.org/2000/svg';
const FOCUSABLE = /^(button|select|input|dialog)$/;
function put(el, attrs, kids) {
  for (const [k, v] of Object.entries(attrs ?? {})) {
    if (v === false || v == null) continue;
    if (k === 'style') el.style.cssText = v;
    else if (k.startsWith('on')) el.addEventListener(k.slice(2), v);
    else el.setAttribute(k, v === true ? '' : v);
  }
  // JupyterLab's own keys match the focused element itself, so a mark on the player alone would come too late
  if (FOCUSABLE.test(el.localName) || attrs?.tabindex != null) el.setAttribute('data-lm-suppress-shortcuts', 'true');
  el.append(...kids.flat(3).filter(k => k != null && k !== false));
  return el;
}
const h = (tag, attrs, ...kids) => put(document.createElement(tag), attrs, kids);
const s = (tag, attrs, ...kids) => put(document.createElementNS(SVG, tag), attrs, kids);
const clamp = (x, lo, hi) => Math.max(lo, Math.min(hi, x));
const ease = x => 1 - (1 - x) ** 3;
const set = (el, attrs) => {
  for (const [k, v] of Object.entries(attrs)) el.setAttribute(k, v);
  return el;
};

/** First index in [lo, hi) of the sorted `list` whose value is above `x` (or not below it, with `or`). */
function bisect(list, x, or = false, lo = 0, hi = list.length) {
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (or ? list[mid] < x : list[mid] <= x) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Everything that must be undone when the player goes: listeners on others, observers, frames, timers. */
class Scope {
  constructor() {
    this.undo = [];
  }
  add(fn) {
    this.undo.push(fn);
  }
  on(target, type, fn, options) {
    target.addEventListener(type, fn, options);
    this.add(() => target.removeEventListener(type, fn, options));
  }
  resize(el, fn) {
    const o = new ResizeObserver(fn);
    o.observe(el);
    this.add(() => o.disconnect());
  }
  later(fn, ms) {
    const id = setTimeout(fn, ms);
    this.add(() => clearTimeout(id));
    return id;
  }
  end() {
    for (const fn of this.undo.splice(0).reverse()) fn();
  }
}

// ---- names come from users ------------------------------------------------------------------------------------------
/** Control characters as their pictures, characters that turn or hide text as ␦: nothing in a name acts. */
const tame = text =>
  String(text).replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, c => {
    const k = c.charCodeAt(0);
    return k < 32 ? String.fromCharCode(0x2400 + k) : k === 127 ? '␡' : '␦';
  });
/** A name as it is shown: tame, at most 24 characters, never empty. The whole of it belongs into a title. */
function shown(name, words) {
  const text = Array.from(tame(name ?? ''));
  if (!text.join('').trim()) return words.noName;
  return text.length > 24 ? text.slice(0, 12).join('') + '…' + text.slice(-11).join('') : text.join('');
}

const ICON = {
  play: 'M5 2.9v10.2c0 .5.6.8 1 .5l7.6-5.1c.4-.2.4-.8 0-1L6 2.4c-.4-.3-1 0-1 .5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  step: 'M4 3l6.4 5L4 13zM11 3h2v10h-2z',
  back: 'M12 3L5.6 8l6.4 5zM3 3h2v10H3z',
  nextDecision: 'M1.5 4.2L6 8l-4.5 3.8zM10.8 3.4L15.4 8l-4.6 4.6L6.2 8z',
  backDecision: 'M14.5 4.2L10 8l4.5 3.8zM5.2 3.4L.6 8l4.6 4.6L9.8 8z',
  toStart: 'M2 3h2v10H2zM9.4 3v10L4.6 8zM14.6 3v10L9.8 8z',
  toEnd: 'M12 3h2v10h-2zM6.6 3v10l4.8-5zM1.4 3v10l4.8-5z',
  zoomIn: 'M7.1 3h1.8v4.1H13v1.8H8.9V13H7.1V8.9H3V7.1h4.1z',
  zoomOut: 'M3 7.1h10v1.8H3z',
  fit: 'M1.5 3h1.7v10H1.5zM12.8 3h1.7v10h-1.7zM4.2 8L7 5.6v1.5h2V5.6L11.8 8 9 10.4V8.9H7v1.5z',
};
const icon = name => s('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, s('path', { d: ICON[name] }));
