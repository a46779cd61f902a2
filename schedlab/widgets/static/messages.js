// ---- messages: who talks to whom, in order, and what the store holds --------------------------------------------------------------
const TYPES = ['request', 'answer', 'write', 'watch'];
const DASH = ['none', '2 4', 'none', '6 4'];
class Messages {
  constructor(trace) {
    const c = trace.c;
    this.n = c['messages.sent']?.length ?? 0;
    for (const name of ['sent', 'got', 'done', 'from', 'to', 'label', 'type', 'code']) this[name] = c[`messages.${name}`] ?? [];
    this.actors = trace.head.actors.map((a, k) => ({ ...a, ref: trace.ref('actor', k), shortName: shown(a.short ?? a.name, trace.words) }));
    this.names = trace.head.names;
    this.statuses = trace.head.statuses;
    // events at which a message is got, in order
    this.byGot = Uint32Array.from({ length: this.n }, (_, k) => k).sort((a, b) => this.got[a] - this.got[b] || a - b);
    this.gotTimes = Float64Array.from(this.byGot, k => this.got[k]);
  }
  /** The message of event i: the one sent there, else the one got there, else the last before. */
  at(i) {
    let k = bisect(this.sent, i) - 1;
    if (k >= 0 && this.sent[k] === i) return k;
    const g = bisect(this.gotTimes, i) - 1;
    if (g >= 0 && this.gotTimes[g] === i) return this.byGot[g];
    return g >= 0 && (k < 0 || this.gotTimes[g] > this.sent[k]) ? this.byGot[g] : k;
  }
  current(k, i) {
    return this.sent[k] === i || this.got[k] === i;
  }
  status(k) {
    return this.code[k] === 255 ? null : this.statuses[this.code[k]];
  }
  bad(k) {
    return (this.status(k)?.[0] ?? 0) >= 400;
  }
  text(k) {
    const status = this.status(k),
      label = tame(this.names[this.label[k]] ?? '');
    return status && !label.includes(String(status[0])) ? `${status[0]} ${tame(status[1])}${label ? ` ${label}` : ''}` : label;
  }
  /** Requests that were asked before event i and have no answer yet. */
  flying(i, but) {
    const out = [];
    for (let k = bisect(this.sent, i) - 1, seen = 0; k >= 0 && seen < 5000; k--, seen++)
      if (k !== but && this.type[k] === 0 && this.sent[k] < i && this.done[k] > i) out.push(k);
    return out.reverse();
  }
}
const messagesOf = trace => (trace.messages ??= new Messages(trace));

class Graph extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.whoTalks);
    this.m = messagesOf(trace);
    this.svgEl = s('svg', { role: 'img' });
    this.body.append(this.svgEl);
    this.hub = this.busiest();
    this.spots = this.m.actors.map((a, k) => a.spot ?? this.spot(k));
    this.fitted(this.svgEl, w => this.draw(w));
  }
  busiest() {
    const n = this.m.actors.map(() => 0);
    for (let k = 0; k < this.m.n; k++) {
      n[this.m.from[k]]++;
      n[this.m.to[k]]++;
    }
    return n.indexOf(Math.max(...n, 0));
  }
  /** Fixed places: the busiest in the middle, the others around it in their order. */
  spot(k) {
    if (k === this.hub) return [0.5, 0.5];
    const others = this.m.actors.map((_, j) => j).filter(j => j !== this.hub),
      j = others.indexOf(k),
      grid = [[0.14, 0.06], [0.5, 0.94], [0.86, 0.06], [0.86, 0.5], [0.86, 0.94], [0.14, 0.94], [0.14, 0.5], [0.5, 0.06]];
    if (others.length <= grid.length) return grid[j];
    const angle = (j / others.length) * 2 * Math.PI - Math.PI / 2;
    return [0.5 + 0.38 * Math.cos(angle), 0.5 + 0.46 * Math.sin(angle)];
  }
  draw(W) {
    const H = (this.H = 226);
    this.wide = this.m.actors.map(a => Math.min(W / 3 - 6, a.ref.text.length * 7 + 22));
    this.at = this.spots.map(([x, y], k) => [clamp(x * W, this.wide[k] / 2 + 1, W - this.wide[k] / 2 - 1), clamp(y * H, 17, H - 17)]);
    const pairs = new Set();
    for (let k = 0; k < Math.min(this.m.n, 20000); k++) pairs.add([this.m.from[k], this.m.to[k]].sort((p, q) => p - q).join());
    this.edges = [...pairs].map(p => {
      const [a, b] = p.split(',');
      return s('line', { x1: this.at[a][0], y1: this.at[a][1], x2: this.at[b][0], y2: this.at[b][1], stroke: 'var(--sl-line)', 'stroke-width': 2 });
    });
    this.lit = s('line', { 'stroke-width': 2.5 });
    this.head = s('path', { d: 'M-6-5L5 0-6 5z' });
    this.flights = s('g');
    this.nodes = this.m.actors.map((a, k) => {
      const w = this.wide[k],
        box = s('rect', { x: -w / 2, y: -15, width: w, height: 30, rx: 6, 'stroke-width': 1.5 });
      return {
        box,
        el: s('g', { transform: `translate(${this.at[k]})` }, s('title', {}, a.ref.title), box, s('text', { 'text-anchor': 'middle', y: 4.5, 'font-size': 13 }, shorten(a.ref.text, w - 12, 7))),
      };
    });
    this.pill = s('rect', { y: -12, height: 24, rx: 12 });
    this.word = s('text', { 'text-anchor': 'middle', y: 4.5, 'font-size': 12, 'font-weight': 600, style: 'fill:var(--sl-on-accent)' });
    this.msg = s('g', {}, this.pill, this.word);
    this.svgEl.replaceChildren(...this.edges, this.lit, this.head, this.flights, ...this.nodes.map(n => n.el), this.msg);
    return H;
  }
  update({ trace, i }) {
    if (!this.width) return;
    const { m, words, width: W } = this,
      k = trace.n && m.n ? m.at(i) : -1,
      none = k < 0;
    for (const el of [this.lit, this.head, this.msg, this.flights]) el.style.visibility = none ? 'hidden' : '';
    if (none) {
      this.note(words.noMessage);
      this.svgEl.setAttribute('aria-label', words.noMessageSays);
      this.nodes.forEach(n => set(n.box, { stroke: 'var(--sl-edge)', fill: 'var(--sl-bg)' }));
      return;
    }
    const old = !m.current(k, i),
      a = m.from[k],
      b = m.to[k],
      [ax, ay] = this.at[a],
      [bx, by] = this.at[b],
      dx = bx - ax,
      dy = by - ay,
      len = Math.hypot(dx, dy) || 1;
    const cut = n => Math.min(this.wide[n] / 2 / Math.max(0.001, Math.abs(dx / len)), 15 / Math.max(0.001, Math.abs(dy / len))) + 4;
    const s0 = cut(a) / len,
      s1 = 1 - (cut(b) + 4) / len,
      on = f => [ax + dx * f, ay + dy * f],
      [x1, y1] = on(s0),
      [x2, y2] = on(s1),
      tone = m.bad(k) ? 'var(--sl-bad)' : 'var(--sl-accent)';
    set(this.lit, { x1, y1, x2, y2, stroke: tone, 'stroke-dasharray': DASH[m.type[k]] });
    set(this.head, { transform: `translate(${x2} ${y2}) rotate(${(Math.atan2(dy, dx) * 180) / Math.PI})`, fill: tone });
    this.nodes.forEach((n, j) => {
      const hot = !old && (j === a || j === b);
      set(n.box, { stroke: hot ? 'var(--sl-accent)' : 'var(--sl-edge)', fill: hot ? 'var(--sl-wash)' : 'var(--sl-bg)' });
    });
    const short = shorten(m.text(k), Math.min(170, W * 0.42), 7.2),
      w = short.length * 7.4 + 20;
    this.word.textContent = short;
    set(this.pill, { x: -w / 2, width: w, fill: tone });
    for (const el of [this.lit, this.head, this.msg]) el.style.opacity = old ? 0.5 : 1;
    // a pill wider than its edge stands above it
    const lift = Math.abs(dy) < 20 && Math.abs(x2 - x1) < w + 20 ? 24 : 0;
    const keep = ([x, y]) => `translate(${clamp(x, w / 2 + 2, W - w / 2 - 2)}px, ${clamp(y - lift, 13, this.H - 13)}px)`,
      start = keep(on(s0 + 0.04)),
      rest = keep(on((s0 + s1) / 2));
    for (const moving of this.msg.getAnimations()) moving.cancel();
    this.msg.style.transform = rest;
    const shownKey = `${k} ${i}`;
    if (!this.player.still && !old && this.shown !== shownKey && this.shown !== undefined)
      this.msg.animate(
        [
          { transform: start, opacity: 0.2 },
          { transform: rest, opacity: 1 },
        ],
        { duration: Math.min(420, 400 / this.player.speed), easing: 'cubic-bezier(.2,0,0,1)' },
      );
    this.shown = shownKey;
    const open = m.flying(i, k),
      kids = [],
      // several from one sender stand one under the other
      stack = new Map();
    open.slice(0, 6).forEach(q => {
      const [qx, qy] = this.at[m.from[q]],
        [tx, ty] = this.at[m.to[q]],
        text = shorten(m.text(q), 100, 6.2),
        pw = text.length * 6.4 + 14,
        n = stack.get(m.from[q]) ?? 0,
        x = clamp(qx + (tx - qx) * 0.34, pw / 2 + 2, W - pw / 2 - 2),
        level = Math.abs(ty - qy) < 20 ? 28 : 0, // on a level edge it would hide behind its sender
        y = clamp(qy + (ty - qy) * 0.34 + level + n * 22 * (qy > this.H / 2 ? -1 : 1), 12, this.H - 12);
      stack.set(m.from[q], n + 1);
      kids.push(
        s(
          'g',
          { transform: `translate(${x} ${y})`, class: 'flying' },
          s('rect', { x: -pw / 2, y: -10, width: pw, height: 20, rx: 10, fill: 'var(--sl-bg)', stroke: 'var(--sl-edge)', 'stroke-dasharray': '3 3' }),
          s('text', { y: 4, 'text-anchor': 'middle', 'font-size': 11 }, text),
        ),
      );
    });
    if (open.length > 6) kids.push(this.text(4, this.H - 4, say(words, 'folded', { n: open.length - 6 }), { 'font-weight': 600 }));
    this.flights.replaceChildren(...kids);
    const what = words[TYPES[m.type[k]]];
    this.note(old ? say(words, 'lastMessage', { time: trace.time(trace.at[Math.min(i, m.got[k] <= i ? m.got[k] : m.sent[k])]) }) : open.length ? say(words, 'inFlight', { what, n: open.length }) : what);
    this.svgEl.setAttribute('aria-label', say(words, 'fromTo', { from: m.actors[a].ref.text, to: m.actors[b].ref.text, label: m.text(k) }));
  }
}

const ALL_ROWS = 300;
/** The same messages in order: a column an actor, a row an arrow; of many only the rows in sight are in the page. */
class Sequence extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.inOrder);
    this.m = messagesOf(trace);
    this.ROW = 24;
    this.top = s('svg', { height: 24, 'aria-hidden': 'true' });
    this.svgEl = s('svg', { role: 'img', 'aria-label': say(app.words, 'sequenceSays', { n: this.m.n }) });
    this.box = this.scroll(app.words.sequenceDiagram, this.svgEl);
    this.box.classList.add('sl-seq');
    this.body.append(this.top, this.box);
    this.note(app.words.sequenceNote);
    this.inset = 8;
    this.chosen = -1;
    this.box.addEventListener('scroll', () => this.rows());
    app.scopeOf(trace).resize(this.box, () => this.rows());
    this.fitted(this.svgEl, w => this.draw(w));
    rowKeys(this.box, () => this.m.n, {
      get: () => this.chosen,
      set: k => {
        this.chosen = k;
        this.into(k, true);
        this.drawn = null;
        this.rows();
        const { m } = this;
        app.speak(say(app.words, 'sequenceRow', { time: trace.time(trace.at[m.sent[k]]), from: m.actors[m.from[k]].ref.text, to: m.actors[m.to[k]].ref.text, label: m.text(k) }));
      },
      go: k => this.to(k),
    });
  }
  to(k) {
    this.player.stop();
    this.app.goTo(this.app.setOf(this.trace), this.m.sent[k], 'jump');
  }
  draw(W) {
    const { m } = this,
      L = 56,
      n = m.actors.length,
      H = m.n * this.ROW + 8;
    this.cx = k => L + 20 + (n > 1 ? (k * (W - L - 46)) / (n - 1) : 0);
    const room = n > 1 ? (W - L - 46) / (n - 1) - 4 : W;
    this.W = W;
    set(this.top, { width: W, viewBox: `0 0 ${W} 24` });
    this.top.replaceChildren(
      ...m.actors.map((a, k) => {
        const text = shorten(a.shortName, room, 7.4);
        return s('text', { x: clamp(this.cx(k), 0, W - text.length * 3.8), y: 16, 'text-anchor': 'middle', 'font-size': 12, 'font-weight': 600 }, s('title', {}, a.ref.title), text);
      }),
    );
    this.list = s('g');
    this.svgEl.replaceChildren(...m.actors.map((_, k) => s('line', { x1: this.cx(k), x2: this.cx(k), y1: 0, y2: H, stroke: 'var(--sl-line)' })), this.list);
    this.drawn = null;
    return H;
  }
  /** The rows between the edges of the scroll box, and ten more on either side. */
  rows() {
    if (!this.width || !this.state) return;
    const { m, ROW } = this,
      all = m.n <= ALL_ROWS,
      lo = all ? 0 : clamp(Math.floor(this.box.scrollTop / ROW) - 10, 0, m.n),
      hi = all ? m.n : clamp(Math.ceil((this.box.scrollTop + (this.box.clientHeight || 400)) / ROW) + 10, 0, m.n),
      key = `${lo} ${hi} ${this.width} ${this.look.key}`;
    if (this.drawn !== key) {
      this.drawn = key;
      this.byRow = new Map();
      const kids = [];
      for (let k = lo; k < hi; k++) {
        const g = this.arrow(k);
        this.byRow.set(k, g);
        kids.push(g);
      }
      this.list.replaceChildren(...kids);
    }
    const { i } = this.state,
      now = m.n ? m.at(i) : -1;
    for (const [k, g] of this.byRow) {
      g.setAttribute('class', `row${m.sent[k] > i ? ' future' : ''}${k === this.chosen ? ' at' : ''}`);
      g.firstChild.setAttribute('fill', k === now && m.current(k, i) ? 'var(--sl-wash)' : 'transparent');
    }
  }
  arrow(k) {
    const { m, W, ROW, trace } = this,
      y = k * ROW + ROW - 7,
      a = this.cx(m.from[k]),
      b = this.cx(m.to[k]),
      d = Math.sign(b - a) || 1,
      colour = m.bad(k) ? 'var(--sl-bad)' : 'var(--sl-ink)',
      lost = m.got[k] === NONE32,
      text = m.text(k),
      wide = Math.abs(b - a),
      need = text.length * 6.8,
      beside = W - Math.max(a, b) - 12,
      over = need < wide - 12 || need > beside,
      lx = over ? (a + b) / 2 : Math.max(a, b) + 8,
      room = over ? Math.max(wide - 12, 40) : W - lx - 4,
      [scale] = UNITS[trace.head.unit],
      g = s(
        'g',
        { class: 'row' },
        s('rect', { x: 0, y: k * ROW, width: W, height: ROW, fill: 'transparent', class: 'ground' }),
        s('text', { x: 46, y: y + 2, 'text-anchor': 'end', 'font-size': 12, class: 'mute' }, number(trace.at[m.sent[k]] / scale, 1)),
        s('line', { x1: a, x2: b - d * 5, y1: y, y2: y, stroke: colour, 'stroke-width': 1.5, 'stroke-dasharray': m.type[k] === 1 ? '2 3' : DASH[m.type[k]] }),
        lost
          ? s('path', { d: 'M-4-4L4 4M-4 4L4-4', stroke: colour, 'stroke-width': 1.5, transform: `translate(${b - d * 5} ${y})` })
          : s('path', { d: 'M-6-4L1 0-6 4z', fill: colour, transform: `translate(${b} ${y}) scale(${d} 1)` }),
        s('text', { x: lx, y: y - 4 + (over ? 0 : 8), 'font-size': 12, 'text-anchor': over ? 'middle' : 'start', class: 'halo' }, s('title', {}, text), shorten(text, room)),
      );
    g.addEventListener('click', () => this.to(k));
    return g;
  }
  into(k, always = false) {
    const y = k * this.ROW,
      { box } = this;
    if (y < box.scrollTop + 30 || y > box.scrollTop + box.clientHeight - 70 || (always && y < box.scrollTop))
      box.scrollTo({ top: Math.max(0, y - box.clientHeight / 2), behavior: this.player.still ? 'instant' : 'smooth' });
  }
  update({ trace, i }) {
    if (!this.width) return;
    this.rows();
    const k = trace.n && this.m.n ? this.m.at(i) : -1;
    if (k >= 0 && box_shown(this.box)) this.into(k);
  }
}
const box_shown = box => box.clientHeight > 0;

/** What the store holds now: objects, revisions, what the last step changed. */
class Objects extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.etcd);
    this.table = h('table');
    this.body.append(this.scroll(say(app.words, 'contents', { title: this.title }), this.table));
    this.openRows = new Set();
    const c = trace.c;
    this.rowsOf = trace.head.objects.map(() => []);
    (c['objects.object'] ?? []).forEach((o, k) => this.rowsOf[o]?.push(k));
  }
  update({ trace, i }) {
    const { words, look } = this,
      c = trace.c,
      events = c['objects.event'] ?? [],
      none = v => (v === NONE32 || v === undefined ? '–' : number(v));
    let top = -1;
    const body = trace.head.objects.flatMap((o, n) => {
      const rows = this.rowsOf[n],
        k = bisect(
          rows.map(r => events[r]),
          i,
        ) - 1,
        row = trace.n && k >= 0 ? rows[k] : -1,
        now = row >= 0 && events[row] === i,
        ref = trace.ref('object', n),
        whole = row >= 0 && c['objects.whole'][row] !== NONE32 ? trace.head.wholes[c['objects.whole'][row]] : null,
        open = this.openRows.has(n) && whole !== null;
      if (row >= 0 && c['objects.revision'][row] !== NONE32) top = Math.max(top, c['objects.revision'][row]);
      const toggle = () => {
        if (open) this.openRows.delete(n);
        else this.openRows.add(n);
        this.update(this.state);
        this.table.querySelector(`[data-object="${n}"]`)?.focus({ preventScroll: true });
      };
      const out = [
        h(
          'tr',
          { class: now ? 'won' : '' },
          h(
            'td',
            { title: ref.title },
            o.task != null ? look.token(o.task, trace.letter(o.task)) : null,
            h('bdi', {}, ref.text),
            whole !== null
              ? h('button', { type: 'button', class: 'text small', 'aria-expanded': String(open), 'data-object': n, 'aria-label': say(words, 'wholeObject', { name: ref.text }), onclick: toggle }, open ? '▾' : '▸')
              : null,
          ),
          h('td', {}, row < 0 ? '–' : none(c['objects.revision'][row])),
          h('td', {}, row < 0 ? '–' : none(c['objects.version'][row])),
          h('td', {}, row < 0 ? '–' : shown(trace.head.names[c['objects.says'][row]] || '–', words)),
        ),
      ];
      if (open) {
        const before = k > 0 && c['objects.whole'][rows[k - 1]] !== NONE32 ? new Set(trace.head.wholes[c['objects.whole'][rows[k - 1]]].split('\n')) : null;
        out.push(
          h(
            'tr',
            { class: 'whole' },
            h(
              'td',
              { colspan: 4 },
              h(
                'pre',
                {},
                whole.split('\n').map(line => {
                  const changed = before && !before.has(line);
                  return h('span', { class: changed ? 'changed' : '', title: changed ? words.changedLine : null }, `${changed ? '± ' : '  '}${tame(line)}\n`);
                }),
              ),
            ),
          ),
        );
      }
      return out;
    });
    this.table.replaceChildren(
      h('thead', {}, h('tr', {}, [words.columnObject, words.columnRevision, words.columnVersion, words.columnSays].map(t => h('th', { scope: 'col' }, t)))),
      h('tbody', {}, body),
    );
    this.note(say(words, 'revision', { n: top < 0 ? '–' : String(top) }));
  }
}
const PANEL = { candidates: Candidates, queues: Queues, tree: Tree, processors: Processors, source: Source, graph: Graph, sequence: Sequence, objects: Objects };
