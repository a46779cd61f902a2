// ---- who could run ------------------------------------------------------------------------------------------------------------
const SHOWN = 12,
  FEW = 10;
class Candidates extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.whoCouldRun);
    this.how = trace.head.candidates ?? { form: 'table', of: 'task', columns: [] };
    this.open = false;
    const pictures = { ruler: Ruler, terms: Terms, bitmap: Bitmap };
    this.table = h('table');
    this.svgEl = s('svg', { role: 'img' });
    this.box = this.scroll(say(app.words, 'contents', { title: this.title }), pictures[this.how.form] ? this.svgEl : null, this.table);
    this.body.append(this.box);
    this.inset = 2;
    if (pictures[this.how.form]) {
      this.picture = new pictures[this.how.form](this);
      this.fitted(this.svgEl, w => this.picture.draw(w));
    }
    app.scopeOf(trace).resize(this.body, () => this.measure());
  }
  /** The room that the picture and six rows of the wordiest decision take: the same for the whole run, so no step changes it. */
  measure() {
    const width = this.body.clientWidth;
    if (!width || width === this.measured) return;
    this.measured = width;
    const { trace } = this,
      { decisions } = trace,
      step = Math.max(1, Math.floor(decisions.length / 200));
    let most = -1,
      rows = [];
    for (let k = 0; k < decisions.length; k += step) {
      const all = trace.candidates(decisions[k]);
      if (!all) continue;
      const shown_ = this.rows(all, -1)[0],
        said = shown_.reduce((sum, c) => sum + 30 + (c.absent ? 0 : plain(trace.reason(c, all)).length), 0);
      if (said > most) [most, rows] = [said, [shown_, all, decisions[k]]];
    }
    if (most < 0) return;
    const [shown_, all, at] = rows,
      probe = h('table', {}, this.head(), h('tbody', {}, shown_.map(c => this.row(c, { all, at, q: -1, p: {} }))));
    this.box.append(probe);
    const sixth = [...probe.rows].slice(0, 7).reduce((sum, tr) => sum + tr.offsetHeight, 0);
    probe.remove();
    this.need = sixth + (this.picture?.height ?? 0) + 53; // padding, heading
    this.app.room();
  }
  /** The decision on show and its rows: every task in its order when there are few, else the winner, the next and a count. */
  rows(all, q) {
    const { trace, how } = this,
      byRow = new Map(all.map(c => [c.row, c]));
    if (how.of === 'task' && trace.tasks.length <= SHOWN && how.form !== 'nodes')
      return [trace.tasks.map((_, row) => byRow.get(row) ?? { row, ref: trace.ref('task', row), absent: true, c: [] }), 0];
    let list = all;
    if (how.form === 'nodes') list = [...all.filter(c => c.verdict && c.c.some(Number.isNaN)), ...all.filter(c => !(c.verdict && c.c.some(Number.isNaN)))];
    if (list.length <= SHOWN || this.open) return [list, 0];
    const few = list.slice(0, FEW),
      won = list.find(c => c.verdict === 0);
    if (q < 0 && won && !few.includes(won)) few[FEW - 1] = won;
    return [few, list.length - few.length];
  }
  /** The number that is compared: who is the scheduler sees it with the answer. */
  get decides() {
    const { form, decides, total, level, diamond, dot } = this.how;
    return decides ?? { terms: total, nodes: total, bitmap: level, ruler: diamond ?? dot ?? 0 }[form] ?? -1;
  }
  update({ trace, i, q, other, blind }) {
    const { words, how, player } = this,
      at = q >= 0 ? q : trace.n ? trace.lastDecision(i) : -1,
      all = at >= 0 ? trace.candidates(at) : null,
      old = q < 0 && at !== i,
      p = player.predict,
      verdict = p.verdict?.event === at ? p.verdict : null,
      secret = blind ? this.decides : -1;
    this.el.classList.toggle('old', old);
    this.note(
      at < 0 ? words.noDecision : old ? say(words, 'lastDecision', { time: trace.time(trace.at[at]) }) : how.note && !blind ? plain(fill(trace.text(how.note), trace.values(at), trace.tables)) : '',
    );
    this.svgEl.toggleAttribute('hidden', !all || !!blind);
    if (at >= 0 && !all) return this.unknown(at);
    const [rows, more] = all ? this.rows(all, q) : [[], 0],
      there = other?.candidates ? new Map(other.candidates.map(c => [c.row, c])) : null;
    if (!blind) this.picture?.update(rows, all ?? [], q);
    const body = rows.map(c => this.row(c, { all, at, q, p, there, verdict, secret, other }));
    if (more || this.open)
      body.push(
        h(
          'tr',
          {},
          h(
            'td',
            { colspan: how.columns.length + 2 },
            h(
              'button',
              {
                type: 'button',
                class: 'text small',
                'aria-expanded': String(this.open),
                onclick: () => {
                  this.open = !this.open;
                  this.redraw?.();
                  this.update(this.state);
                  this.table.querySelector('button')?.focus({ preventScroll: true });
                },
              },
              this.open ? words.fewer : say(words, 'more', { n: more }),
            ),
          ),
        ),
      );
    this.table.replaceChildren(this.head(), h('tbody', {}, body));
    const matter = this.table.querySelectorAll('tr.won, tr[data-pick]'),
      last = matter[matter.length - 1];
    if (last) this.into(this.box, `${at} ${q}`, () => [matter[0].offsetTop - this.table.tHead.offsetHeight, last.offsetTop + last.offsetHeight].map(y => y + this.table.offsetTop));
  }
  head() {
    const { words, how } = this;
    return h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, how.title ? tame(how.title) : words.columnTask),
        how.columns.map(c => h('th', { scope: 'col' }, tame(c.name) + (c.unit ? `, ${c.unit}` : ''))),
        h('th', { scope: 'col' }, words.columnResult),
      ),
    );
  }
  row(c, { all, at, q, p, there, verdict, secret, other }) {
    const { words, how, trace, player, look } = this,
      won = q < 0 && c.verdict === 0,
      refused = how.form === 'nodes' && q < 0 && c.verdict > 0 && c.c.every(v => Number.isNaN(v)),
      result = c.absent ? this.absent(c.row, at, q) : q >= 0 ? '?' : won ? say(words, 'runs', { word: plain(trace.reason(c, all)) || words.runsDefault }) : plain(trace.reason(c, all));
    // two times that may each lie so far off are the same when they differ by twice that
    const near = k => (how.columns[k].scale > 1 ? 2 * (other.within ?? 0) : 0);
    const cell = (col, k) => {
      const o = there?.get(c.row),
        own = units(col, c.c[k]);
      if (!there || (o && Math.abs(o.c[k] - c.c[k]) <= near(k)) || (o && Number.isNaN(o.c[k]) && Number.isNaN(c.c[k]))) return own;
      const both = [own, o ? units(col, o.c[k]) : '–'],
        [a, b] = other.side === 'A' ? both : both.reverse();
      return h('span', { class: 'both' }, h('span', { class: other.side === 'A' ? '' : 'mute' }, `A ${a}`), ' ', h('span', { class: other.side === 'B' ? '' : 'mute' }, `B ${b}`));
    };
    return h(
      'tr',
      {
        class: `${won ? 'won' : ''}${q >= 0 && p.choice === c.row ? 'chosen' : ''}${c.absent ? ' absent' : ''}`,
        'data-pick': q >= 0 && !c.absent ? String(c.row) : null,
        onclick: () => player.choose(c.row),
      },
      h(
        'td',
        { title: c.ref?.title },
        c.ref?.task >= 0 ? look.token(c.row, trace.letter(c.row)) : null,
        h('bdi', {}, c.ref?.text ?? '–'),
        verdict && verdict.choice === c.row ? h('small', { class: 'you' }, words.you) : null,
      ),
      refused
        ? h('td', { colspan: how.columns.length + 1, class: 'refused' }, result)
        : [
            how.columns.map((col, k) => h('td', { title: c.absent || k === secret ? null : String(c.c[k]), class: k === how.total ? 'total' : '' }, c.absent ? '–' : k === secret ? '?' : cell(col, k)),
            ),
            h('td', {}, result),
          ],
    );
  }
  /** What a task that was no candidate did then, as its lane says. */
  absent(task, at, q) {
    const { trace, words } = this,
      lane = at >= 0 ? trace.laneOf.get(task) : undefined;
    if (lane === undefined) return '';
    // while asked, what begins at this very moment is not known yet
    const t = Math.max(0, trace.at[at] - (q >= 0 ? 1 : 0)),
      k = trace.barAt(lane, t);
    if (k < 0) return trace.seek(lane, t) < trace.first[lane] ? words.unborn : words.over; // who is there has a bar, also asleep
    const state = trace.state[k];
    const said = { asleep: words.asleep, throttled: words.throttled, swapped: words.swapped, pooled: words.pooled };
    return Object.entries(said).find(([name]) => STATE[name] === state)?.[1] ?? '';
  }
  unknown(at) {
    const { words, app, trace } = this,
      busy = app.busy('explain', at),
      says = busy ? words.working : trace.explained.get(at)?.failed || words.notExplained;
    this.table.replaceChildren(
      h(
        'tbody',
        {},
        h(
          'tr',
          {},
          h(
            'td',
            { class: 'unknown' },
            h('span', { class: 'mute' }, says),
            !busy && app.connected && trace === app.trace ? h('button', { type: 'button', class: 'text small', onclick: () => app.explain(at, this) }, words.askWhy) : null,
          ),
        ),
      ),
    );
  }
}

/** Position on a line: a dot where the task stands, a diamond where it is compared, the eligible side washed. */
class Ruler {
  constructor(panel) {
    this.panel = panel;
    const { trace } = panel,
      how = panel.how,
      keys = [how.dot ?? 0, how.diamond].filter(k => k != null);
    let lo = how.threshold ?? Infinity,
      hi = how.threshold ?? -Infinity;
    for (const k of keys)
      for (const v of trace.c[`candidates.c${k}`] ?? []) {
        if (v < lo) lo = v;
        if (v > hi) hi = v;
      }
    if (!(hi > lo)) [lo, hi] = Number.isFinite(lo) ? [lo - 1, hi + 1] : [-1, 1];
    this.domain = [lo - (hi - lo) * 0.04, hi + (hi - lo) * 0.04];
  }
  draw(w) {
    const { panel } = this,
      { how, look, trace } = panel,
      n = how.of === 'task' && trace.tasks.length <= SHOWN ? trace.tasks.length : panel.open ? 60 : SHOWN;
    this.TOP = how.threshold == null ? 40 : 24;
    this.ROW = n > 3 ? 22 : 26;
    const L = 14,
      R = w - 14,
      H = this.TOP + Math.max(1, n) * this.ROW + 6,
      [lo, hi] = this.domain;
    this.x = v => L + ((v - lo) / (hi - lo)) * (R - L);
    panel.svgEl.replaceChildren();
    if (how.threshold != null) {
      const x = this.x(how.threshold),
        high = how.side === 'high';
      panel.svgEl.append(
        s('rect', { x: high ? x : 0, y: this.TOP - 4, width: Math.max(0, high ? w - x : x), height: H - this.TOP, fill: look.accent, 'fill-opacity': 0.09, rx: 3 }),
        panel.text(x - 8, 14, shorten(tame(how.low ?? ''), x - 10), { 'text-anchor': 'end', class: high ? 'mute' : 'acc' }),
        panel.text(x + 8, 14, shorten(tame(how.high ?? ''), w - x - 10), { class: high ? 'acc' : 'mute' }),
        s('line', { x1: x, x2: x, y1: 4, y2: H - 2, stroke: look.accent, 'stroke-width': 1.5 }),
      );
    }
    if (how.threshold == null) this.axis(w, H);
    this.marks = new Map();
    return H;
  }
  /** What is measured, and numbers at 1-2-5 steps. */
  axis(w, H) {
    const { panel, domain } = this,
      column = panel.how.columns[panel.how.dot ?? 0],
      [lo, hi] = domain.map(v => v / column.scale),
      least = ((hi - lo) / (w - 28)) * 70;
    let step = 10 ** Math.floor(Math.log10(least));
    step *= [1, 2, 5, 10].find(m => m * step >= least) ?? 10;
    panel.svgEl.append(panel.text(0, 12, shorten(tame(column.name) + (column.unit ? `, ${column.unit}` : ''), w)));
    const first = Math.ceil(lo / step);
    for (let k = 0; k < 50 && (first + k) * step <= hi; k++) {
      const v = (first + k) * step,
        x = this.x(v * column.scale);
      panel.svgEl.append(
        s('line', { x1: x, x2: x, y1: 36, y2: H, stroke: 'var(--sl-line)' }),
        panel.text(clamp(x, 14, w - 14), 31, number(v), { 'text-anchor': 'middle' }),
      );
    }
  }
  mark(row) {
    const { panel } = this,
      { look, trace } = panel;
    if (!this.marks.has(row)) {
      const named = panel.how.of === 'task',
        line = s('line', { y1: 0, y2: 0, 'stroke-width': 2, stroke: named ? look.colour(row) : look.edge }),
        diamond = s('path', { d: 'M0-6L5 0 0 6-5 0z', class: 'glide', 'stroke-width': 1.5 }),
        dot = s('g', { class: 'glide' }, named ? look.face(row, trace.letter(row), 20, 18, 11) : s('circle', { r: 6, fill: look.edge })),
        el = s('g', { class: 'fade' }, line, diamond, dot);
      for (const part of [el, diamond, dot]) panel.hide(part);
      el.addEventListener('click', () => panel.player.choose(row));
      panel.svgEl.append(el);
      this.marks.set(row, { line, diamond, dot, el });
    }
    return this.marks.get(row);
  }
  update(rows, all, q) {
    const { panel } = this,
      { how, look, words } = panel;
    if (!this.x) return;
    const few = how.of === 'task' && panel.trace.tasks.length <= SHOWN,
      seen = new Set();
    if (!few) {
      // rows come and go: all marks are made anew
      for (const m of this.marks.values()) m.el.remove();
      this.marks.clear();
    } else for (let row = 0; row < panel.trace.tasks.length; row++) this.mark(row);
    rows.forEach((c, k) => {
      if (c.absent) return;
      const m = this.mark(c.row),
        y = this.TOP + k * this.ROW + this.ROW / 2,
        won = q < 0 && c.verdict === 0,
        dot = c.c[how.dot ?? 0],
        end = how.diamond == null ? NaN : c.c[how.diamond];
      seen.add(c.row);
      m.el.style.cssText = '';
      if (Number.isNaN(dot)) panel.hide(m.dot);
      else panel.place(m.dot, this.x(dot), y);
      const has = !Number.isNaN(end);
      if (has) panel.place(m.diamond, this.x(end), y);
      else panel.hide(m.diamond);
      set(m.line, { x1: this.x(Number.isNaN(dot) || !has ? 0 : dot), x2: this.x(Number.isNaN(dot) || !has ? 0 : end), y1: y, y2: y, 'stroke-width': won ? 4 : 2 });
      set(m.diamond, { fill: won ? look.accent : look.bg, stroke: won ? look.accent : look.edge });
      m.dot.classList.toggle('wonDot', won && !has);
    });
    for (const [row, m] of this.marks)
      if (!seen.has(row)) {
        panel.hide(m.el);
        panel.hide(m.dot);
        panel.hide(m.diamond);
        set(m.line, { x1: 0, x2: 0, y1: 0, y2: 0, 'stroke-width': 2 });
        set(m.diamond, { fill: look.bg, stroke: look.edge });
        m.dot.classList.remove('wonDot');
      }
    const list = rows
      .filter(c => !c.absent)
      .map(c => say(words, 'rulerItem', { name: c.ref?.text ?? '–', numbers: how.columns.map((col, k) => `${tame(col.name)} ${units(col, c.c[k], true)}`).join(', ') }));
    panel.svgEl.setAttribute('aria-label', say(words, 'rulerSays', { list: list.join('; ') || words.nothingYet }));
  }
}

/** Goodness and the like: the terms of a sum, stacked. */
class Terms {
  constructor(panel) {
    this.panel = panel;
    const { trace, how } = panel,
      columns = how.terms.map(k => trace.c[`candidates.c${k}`] ?? []);
    let most = 1;
    for (let r = 0; r < (columns[0]?.length ?? 0); r++) most = Math.max(most, columns.reduce((sum, c) => sum + Math.max(0, c[r] || 0), 0));
    this.most = most;
  }
  draw(w) {
    const { how, trace } = this.panel,
      n = Math.min(SHOWN, how.of === 'task' ? Math.max(1, trace.tasks.length) : SHOWN);
    this.w = w;
    this.ROW = n > 6 ? 20 : 22;
    return 22 + n * this.ROW + 4;
  }
  update(rows, all, q) {
    const { panel } = this,
      { how, look, trace, words } = panel;
    if (!this.w) return;
    const L = 34,
      scale = (this.w - L - 8) / this.most,
      kids = [];
    let lx = L;
    how.terms.forEach((k, n) => {
      const name = tame(how.columns[k].name);
      kids.push(s('rect', { x: lx, y: 4, width: 10, height: 10, rx: 2, fill: look.accent, 'fill-opacity': [0.9, 0.45, 0.2][n % 3], stroke: look.accent }), panel.text(lx + 14, 13, name));
      lx += 30 + panel.wide(name);
    });
    rows.slice(0, SHOWN).forEach((c, r) => {
      if (c.absent) return;
      const y = 22 + r * this.ROW,
        won = q < 0 && c.verdict === 0,
        g = s('g', { class: 'bar' });
      let x = L;
      if (c.ref?.task >= 0) g.append(s('g', { transform: `translate(14 ${y + this.ROW / 2})` }, look.face(c.row, trace.letter(c.row), 20, 18, 11)));
      how.terms.forEach((k, n) => {
        const width = Math.max(0, (c.c[k] || 0) * scale);
        if (width) g.append(s('rect', { x, y: y + 4, width, height: this.ROW - 8, fill: look.accent, 'fill-opacity': [0.9, 0.45, 0.2][n % 3], stroke: look.accent }));
        x += width;
      });
      if (x === L) g.append(s('line', { x1: L, x2: L, y1: y + 4, y2: y + this.ROW - 4, stroke: look.edge, 'stroke-width': 2 }));
      if (won) g.append(s('rect', { x: L - 3, y: y + 1, width: x - L + 6, height: this.ROW - 2, rx: 3, fill: 'none', stroke: look.ink, 'stroke-width': 1.5 }));
      g.addEventListener('click', () => panel.player.choose(c.row));
      kids.push(g);
    });
    panel.svgEl.replaceChildren(...kids);
    const list = rows
      .filter(c => !c.absent)
      .map(c => say(words, 'rulerItem', { name: c.ref?.text ?? '–', numbers: how.terms.map(k => `${tame(how.columns[k].name)} ${units(how.columns[k], c.c[k])}`).join(', ') }));
    panel.svgEl.setAttribute('aria-label', say(words, 'termsSays', { list: list.join('; ') || words.nothingYet }));
  }
}

/** O(1): a cell for each priority level; the first set bit is the answer. */
class Bitmap {
  constructor(panel) {
    this.panel = panel;
  }
  draw(w) {
    this.size = this.panel.how.size ?? 140;
    this.per = w > 280 ? 28 : 20;
    this.pitch = Math.min(13, Math.floor((w - 40) / this.per));
    return 6 + Math.ceil(this.size / this.per) * (this.pitch + 2) + 18;
  }
  update(rows, all) {
    const { panel } = this,
      { how, look, words } = panel;
    if (!this.pitch) return;
    const set_ = new Set(all.map(c => Math.round(c.c[how.level]))),
      levels = [...set_].filter(v => v >= 0 && v < this.size).sort((a, b) => a - b),
      kids = [];
    for (let row = 0; row * this.per < this.size; row++) kids.push(panel.text(26, 6 + row * (this.pitch + 2) + this.pitch - 3, number(row * this.per), { 'text-anchor': 'end', 'font-size': 11 }));
    for (let k = 0; k < this.size; k++) {
      const x = 34 + (k % this.per) * this.pitch,
        y = 6 + Math.floor(k / this.per) * (this.pitch + 2),
        on = set_.has(k);
      kids.push(s('rect', { x, y, width: this.pitch - 3, height: this.pitch - 3, rx: 2, fill: on ? look.ink : look.soft, stroke: on ? look.ink : look.line, class: on ? 'bit on' : 'bit' }));
      if (k === levels[0]) kids.push(s('rect', { x: x - 2.5, y: y - 2.5, width: this.pitch + 2, height: this.pitch + 2, rx: 4, fill: 'none', stroke: look.accent, 'stroke-width': 2, class: 'firstbit' }));
    }
    const last = 6 + Math.ceil(this.size / this.per) * (this.pitch + 2) + 10;
    if (levels.length) kids.push(panel.text(34, last, say(words, 'firstSet', { n: levels[0] }), { class: 'acc' }));
    panel.svgEl.replaceChildren(...kids);
    panel.svgEl.setAttribute(
      'aria-label',
      levels.length ? say(words, 'bitmapSays', { n: this.size, list: levels.join(', '), first: String(levels[0]) }) : say(words, 'bitmapNone', { n: this.size }),
    );
  }
}
