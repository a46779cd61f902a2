// ---- colours and marks ---------------------------------------------------------------------------------------------------
// Twelve task colours a tone, found by search: far apart under three simulated deficiencies, and farthest within a pattern
// group (1-4 plain, 5-8 stripes, 9-12 dots), so colour, pattern and letter agree.
const PALETTE = {
  light: [
    '#5363a5', '#e76b19', '#00a589', '#8c354d',
    '#1399e4', '#9b1c28', '#87984f', '#684176',
    '#007567', '#dc6da9', '#7b6f03', '#5938a9',
  ],
  dark: [
    '#557fdd', '#eb982e', '#40eed1', '#9d5470',
    '#6fc3e5', '#ffafa8', '#708a0c', '#8664a0',
    '#35a291', '#bf4b50', '#d6d587', '#a895fe',
  ],
};
const INKS = ['#101820', '#ffffff'];
const linear = c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const rgbOf = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
const contrast = (p, q) => (Math.max(p, q) + 0.05) / (Math.min(p, q) + 0.05);
/** Whichever of the two inks reads better on a colour. */
function inkOn(hex) {
  const l = luminance(rgbOf(hex)),
    [a, b] = INKS.map(ink => contrast(l, luminance(rgbOf(ink))));
  return a >= b ? INKS[0] : INKS[1];
}
const pattern = task => Math.floor((task % 12) / 4); // 0 plain, 1 stripes, 2 dots

const probe = () => document.createElement('canvas').getContext('2d', { willReadFrequently: true });
/** Any CSS colour as [r, g, b, a]: the canvas understands them all. */
function resolve(g, colour) {
  g.clearRect(0, 0, 1, 1);
  g.fillStyle = '#000';
  g.fillStyle = colour;
  g.fillRect(0, 0, 1, 1);
  return [...g.getImageData(0, 0, 1, 1).data];
}

const FORCED = { bg: 'Canvas', soft: 'Canvas', accent: 'Highlight' };
/** The look of a player: what the host's theme says, read once a change. */
class Look {
  constructor(root) {
    this.root = root;
    this.uid = 'sl' + Math.random().toString(36).slice(2, 8);
    this.probe = probe();
    this.defs = s('svg', { class: 'sl-defs', 'aria-hidden': 'true', width: 0, height: 0 });
    for (const kind of [1, 2])
      for (const ink of INKS)
        this.defs.append(
          s(
            'pattern',
            { id: `${this.uid}-${kind}${ink.slice(1)}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse' },
            kind === 1
              ? s('path', { d: 'M-2 2l4-4M0 8l8-8M6 10l4-4', stroke: ink, 'stroke-opacity': 0.34, 'stroke-width': 1.6, fill: 'none' })
              : [
                  s('circle', { cx: 2, cy: 2, r: 1.3, fill: ink, 'fill-opacity': 0.34 }),
                  s('circle', { cx: 6, cy: 6, r: 1.3, fill: ink, 'fill-opacity': 0.34 }),
                ],
          ),
        );
    root.append(this.defs);
    this.read();
  }
  /** The host's colours: Jupyter's variables, else the first background above us, else what the page's scheme says. */
  host() {
    const { root } = this,
      css = getComputedStyle(root);
    root.style.removeProperty('--sl-bg');
    root.style.removeProperty('--sl-ink');
    if (css.getPropertyValue('--jp-layout-color0').trim()) {
      if (!css.getPropertyValue('--jp-ui-font-color0').trim()) this.ink_();
      return;
    }
    let bg = null;
    for (let el = root.parentElement; el && !bg; el = el.parentElement) {
      const c = getComputedStyle(el).backgroundColor;
      if (resolve(this.probe, c)[3] > 200) bg = c;
    }
    if (!bg) {
      const scheme = getComputedStyle(document.documentElement).colorScheme;
      const dark = scheme.includes('dark') && (!scheme.includes('light') || matchMedia('(prefers-color-scheme: dark)').matches);
      bg = dark ? '#111111' : '#ffffff';
    }
    root.style.setProperty('--sl-bg', bg);
    this.ink_();
  }
  ink_() {
    const dark = luminance(resolve(this.probe, getComputedStyle(this.root).backgroundColor)) < 0.18;
    this.root.style.setProperty('--sl-ink', dark ? '#ececec' : '#14181d');
  }
  /** Reads the theme; true when something changed. */
  read() {
    const { root } = this,
      before = this.key;
    this.host();
    this.tone = luminance(resolve(this.probe, getComputedStyle(root).backgroundColor)) < 0.18 ? 'dark' : 'light';
    root.dataset.tone = this.tone;
    this.task = PALETTE[this.tone];
    this.pale = INKS[this.tone === 'light' ? 0 : 1]; // the ink on a colour that is mixed into the ground
    this.forced = matchMedia('(forced-colors: active)').matches;
    const el = root.appendChild(h('i', { hidden: true, style: 'forced-color-adjust: none' }));
    for (const name of ['bg', 'soft', 'ink', 'muted', 'line', 'edge', 'accent', 'spin', 'bad', 'good']) {
      el.style.color = this.forced ? (FORCED[name] ?? 'CanvasText') : `var(--sl-${name})`;
      const [r, g, b] = resolve(this.probe, getComputedStyle(el).color);
      this[name] = `rgb(${r}, ${g}, ${b})`;
    }
    el.remove();
    // colours as the pixels of an image hold them
    const pack = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    this.packed = Object.assign(
      this.task.map(c => pack(rgbOf(c))),
      { edge: pack(resolve(this.probe, this.edge)), spin: pack(resolve(this.probe, this.spin)) },
    );
    this.font = getComputedStyle(root).fontFamily;
    this.tiles = {};
    this.key = [this.tone, this.bg, this.ink, this.font, this.forced].join();
    return this.key !== before;
  }
  colour(task) {
    return this.task[task % 12];
  }
  inkOf(task) {
    return inkOn(this.colour(task));
  }
  /** The canvas pattern of a task, or null when it is plain. */
  tile(g, task) {
    const kind = pattern(task);
    if (!kind) return null;
    const ink = this.inkOf(task);
    return (this.tiles[kind + ink] ??= g.createPattern(tileOf(kind, ink), 'repeat'));
  }
  /** A task's token in HTML. The letter stands on a plain plate, so no pattern runs behind it. */
  token(task, letter) {
    const kind = pattern(task),
      ink = this.inkOf(task),
      soft = `color-mix(in srgb, ${ink} 34%, transparent)`,
      colour = this.colour(task);
    const image = [
      'none',
      `repeating-linear-gradient(135deg, ${soft} 0 1.6px, transparent 1.6px 5.7px)`,
      `radial-gradient(${soft} 1.2px, transparent 1.6px) 0 0 / 4px 4px`,
    ][kind];
    return h(
      'span',
      { class: 'tok', style: `background:${image};background-color:${colour};color:${ink}` },
      h('i', { style: `background-color:${colour}` }, letter),
    );
  }
  /** The same in SVG, centred at 0 0. */
  face(task, letter, w = 28, height = 26, size = 12) {
    const colour = this.colour(task),
      box = { x: -w / 2, y: -height / 2, width: w, height, rx: 5 },
      plate = Math.min(w - 4, letter.length * size * 0.66 + 6);
    return [
      s('rect', { ...box, fill: colour, class: 'tokbox' }),
      ...(pattern(task)
        ? [
            s('rect', { ...box, fill: `url(#${this.uid}-${pattern(task)}${this.inkOf(task).slice(1)})` }),
            s('rect', { x: -plate / 2, y: -height / 2 + 4, width: plate, height: height - 8, rx: 3, fill: colour }),
          ]
        : []),
      s(
        'text',
        { y: size * 0.36, 'text-anchor': 'middle', 'font-size': Math.max(11, size), 'font-weight': 600, style: `fill:${this.inkOf(task)}` },
        letter,
      ),
    ];
  }
}
/** Calls `changed` whenever the host's colours are others. */
function watchTheme(scope, look, changed) {
  let late;
  const again = () => look.read() && changed(),
    watch = new MutationObserver(() => {
      again();
      clearTimeout(late); // a theme's style sheet may come after its attribute
      late = setTimeout(again, 300);
    });
  for (const el of [document.documentElement, document.body]) watch.observe(el, { attributes: true });
  scope.add(() => {
    watch.disconnect();
    clearTimeout(late);
  });
  scope.resize(look.root, again); // a page may build a widget before it stands anywhere: then it has no colours yet
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) scope.on(matchMedia(query), 'change', again);
}
function tileOf(kind, ink) {
  const c = document.createElement('canvas');
  c.width = c.height = 8;
  const g = c.getContext('2d');
  g.strokeStyle = g.fillStyle = ink;
  g.globalAlpha = 0.34;
  g.lineWidth = 1.6;
  if (kind === 1)
    for (const x of [-8, 0, 8]) {
      g.beginPath();
      g.moveTo(x, 8);
      g.lineTo(x + 8, 0);
      g.stroke();
    }
  else
    for (const [x, y] of [[2, 2], [6, 6]]) {
      g.beginPath();
      g.arc(x, y, 1.3, 0, 7);
      g.fill();
    }
  return c;
}
