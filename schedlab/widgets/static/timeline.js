// ---- timeline: one canvas for bars, transforms for what moves -----------------------------------------------------------------
const AXIS = 28,
  TALL = 400,
  OVERVIEW = 20,
  FOLD_TASKS = 12,
  FOLD_SEGMENTS = 200000;
const STEPS = Array.from({ length: 17 }, (_, e) => [1, 2, 5].map(m => m * 10 ** e)).flat();

class Timeline {
  constructor(app) {
    const { player, words } = app;
    Object.assign(this, { app, player, look: app.look, words, scroll: 0, chosen: -1, folded: null, width: 0, hiddenAt: Infinity });
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.later = h('canvas', { 'aria-hidden': 'true' }); // what is written on the paler bars under the veil
    this.veil = h('div', { class: 'sl-veil' }, this.later);
    this.fogBox = h('div', { class: 'sl-fog', hidden: true });
    this.pill = h('b');
    this.line = h('div', { class: 'sl-head-line' }, this.pill);
    this.tip = h('div', { class: 'sl-tip', hidden: true, 'aria-hidden': 'true' });
    this.box = h(
      'div',
      { class: 'sl-canvas', role: 'slider', tabindex: 0, 'aria-label': words.position, 'aria-valuemin': 1 },
      h('div', { class: 'sl-clip' }, this.canvas, this.veil, this.fogBox, this.line),
      this.tip,
    );
    this.spacer = h('div');
    this.scroller = h('div', { class: 'sl-scroller', hidden: true, tabindex: 0, role: 'group', 'aria-label': words.position }, this.spacer);
    this.flags = h('div', { class: 'sl-flags' });
    this.stage = h('div', { class: 'sl-stage' }, this.box, this.scroller, this.flags);
    this.nameList = h('div', {});
    this.names = h('div', { class: 'sl-lanes', 'aria-hidden': 'true' }, this.nameList);
    this.foldButton = h('button', {
      type: 'button',
      class: 'sl-fold',
      title: words.tasksTitle,
      hidden: true,
      onclick: () => {
        this.folded = !this.folded;
        this.layout();
      },
    });
    this.mini = h('canvas');
    this.dimA = h('div', { class: 'dim' });
    this.dimB = h('div', { class: 'dim' });
    this.fogMini = h('div', { class: 'fog', hidden: true });
    this.now = h('div', { class: 'now' });
    this.win = h('div', { class: 'win' }, h('i'), h('i'));
    this.over = h('div', { class: 'sl-over', 'aria-hidden': 'true' }, this.mini, this.dimA, this.dimB, this.fogMini, this.now, this.win);
    this.el = h(
      'div',
      { class: 'sl-time' },
      h('div', { class: 'sl-gut' }, this.names, this.foldButton),
      this.stage,
      h('div', { class: 'sl-over-label', 'aria-hidden': 'true' }, words.wholeTrace),
      this.over,
    );
    this.scroller.addEventListener('scroll', () => {
      this.scroll = this.scroller.scrollTop;
      this.nameList.style.transform = `translateY(${-this.scroll}px)`;
      this.draw();
    });
    this.pointer();
    this.overview();
    player.on('view', () => this.draw()).on('time', () => this.head()).on('cursor mode', () => this.fog());
    app.sub.resize(this.box, () => this.size());
  }

  /** The traces on show, A over B: `[{trace, tag, prefix}]`, prefix: the time until which they are one. */
  show(sets) {
    this.sets = sets;
    const { trace } = sets[0];
    this.folded = null;
    this.chosen = -1;
    this.cpus = trace.lanes.filter(l => l.kind !== 'task').length;
    this.folds = sets.some(({ trace: t }) => {
      const tasks = t.lanes.filter(l => l.kind === 'task').length;
      return tasks > FOLD_TASKS || (tasks > 0 && t.start.length > FOLD_SEGMENTS);
    });
    this.folded = this.folds;
    this.layout();
  }
  layout() {
    const n = this.cpus,
      tall = n > 16 ? 10 : n > 6 ? 15 : n > 2 ? 28 : 36,
      gapOf = kind => (kind === 'task' ? 4 : n > 16 ? 4 : n > 6 ? 4 : n > 2 ? 6 : 8);
    let y = 6;
    this.rows = [];
    this.sets.forEach(({ trace, tag }, set_) => {
      if (set_) y += 12;
      trace.lanes.forEach((l, lane) => {
        if (l.kind === 'task' && this.folded) return;
        let height = l.kind === 'task' ? 20 : tall;
        if (this.rows.length === this.chosen && height < 15) height = 28;
        this.rows.push({ y, h: height, trace, lane, kind: l.kind, task: l.task, name: trace.ref('lane', lane), tag, set: set_ });
        y += height + gapOf(l.kind);
      });
    });
    if (!this.rows.length) y += 40;
    this.full = y + 2;
    this.scrolls = this.full > TALL;
    this.room = this.scrolls ? TALL : this.full;
    this.height = AXIS + this.room;
    this.box.style.height = this.stage.style.height = `${this.height}px`;
    this.names.style.height = `${this.room}px`;
    this.names.style.marginTop = `${AXIS}px`;
    this.scroller.hidden = !this.scrolls;
    this.spacer.style.height = `${this.full}px`;
    if (!this.scrolls) {
      this.scroll = 0;
      this.nameList.style.transform = '';
    }
    const tasks = this.sets[0].trace.lanes.filter(l => l.kind === 'task').length;
    this.foldButton.hidden = !this.folds;
    this.foldButton.textContent = say(this.words, 'tasks', { n: tasks });
    this.foldButton.setAttribute('aria-expanded', String(!this.folded));
    this.nameList.replaceChildren(
      ...this.rows.map((r, k) => {
        const shownName = r.h >= 14 || r.lane % 8 === 0 || k === this.chosen;
        const l = r.trace.lanes[r.lane];
        return h(
          'div',
          {
            class: `${r.kind === 'task' ? 'task' : 'cpu'}${k === this.chosen ? ' chosen' : ''}`,
            style: `top:${r.y}px;height:${r.h}px`,
            title: tame(l.name),
          },
          this.sets.length > 1 && (r.lane === 0 || r.kind !== 'task') ? h('span', { class: 'tag' }, r.tag) : null,
          r.kind === 'task' ? this.look.token(r.task, r.trace.letter(r.task)) : null,
          shownName ? h('bdi', { class: 'laneName' }, r.name.text) : null,
        );
      }),
    );
    this.size();
  }
  restyle() {
    if (this.sets) this.layout();
  }
  size() {
    this.width = this.box.clientWidth || this.width; // where a page hides it for a moment it keeps its size
    if (!this.width || !this.sets) return;
    const dpr = (this.dpr = Math.min(2, devicePixelRatio || 1));
    for (const [c, height] of [
      [this.canvas, this.height],
      [this.later, this.room],
      [this.mini, OVERVIEW],
    ]) {
      c.width = Math.round(this.width * dpr);
      c.height = Math.round(height * dpr);
      c.style.width = `${this.width}px`;
      c.style.height = `${height}px`;
    }
    this.drawMini();
    this.draw();
  }
  get end() {
    return this.player.trace.end;
  }
  x(t) {
    const [a, b] = this.player.view;
    return ((t - a) / (b - a)) * this.width;
  }
  timeAt(x) {
    const [a, b] = this.player.view;
    return a + (x / this.width) * (b - a);
  }

  /** At most one rectangle a pixel column and lane, whatever the number of segments; nothing from `hidden` on. */
  paintLane(g, row, a, b, width, hidden, from = -Infinity) {
    const { trace, lane, y, h: height } = row,
      { start, length, state, task, tick } = trace,
      px = (b - a) / width,
      end = trace.first[lane + 1],
      stop = Math.min(b, hidden),
      colours = this.look.task;
    let k = Math.max(trace.first[lane], trace.seek(lane, Math.max(a, from))),
      ink = null;
    if (row.kind !== 'task' && from === -Infinity && trace.seek(lane, stop) - k > width * 0.3) return this.paintDense(g, row, k, a, px, width, stop);
    while (k < end) {
      const t0 = start[k] * tick;
      if (t0 >= stop) break;
      const whole = t0 + length[k] * tick,
        x0 = Math.max(-4, (Math.max(t0, from) - a) / px),
        x1 = Math.min(width + 4, (Math.min(whole, hidden) - a) / px),
        wide = x1 - x0;
      if (x1 > 0 && whole > from) {
        if (wide < 2 && (state[k] === STATE.running || state[k] === STATE.preempted) && task[k] !== NONE16) {
          // too narrow for any mark: only its colour
          const colour = colours[task[k] % 12];
          if (colour !== ink) g.fillStyle = ink = colour;
          g.fillRect(x0, y, wide < 0.75 ? 0.75 : wide, height);
        } else {
          this.mark(g, row, k, x0, Math.max(wide, 0.75), whole > b || whole >= hidden);
          ink = null;
        }
      }
      if (wide >= 1) {
        k++;
        continue;
      }
      // skip what falls into this pixel column: gallop, then halve
      const next = (a + (Math.floor(x1) + 1) * px) / tick;
      let step = 1;
      while (k + step < end && start[k + step] <= next) step *= 2;
      k = Math.max(k + 1, bisect(start, next, false, k + (step >> 1), Math.min(k + step, end)) - 1);
    }
  }
  /** More bars than pixels: a row of pixels is filled and stretched over the lane, a colour for each column. */
  paintDense(g, row, k, a, px, width, stop) {
    const { trace, lane } = row,
      { start, length, state, task, tick } = trace,
      end = trace.first[lane + 1],
      w = Math.ceil(width);
    if (this.strip?.width !== w) {
      this.strip = h('canvas', { width: w, height: 1 });
      this.stripG = this.strip.getContext('2d');
      this.stripData = this.stripG.createImageData(w, 1);
      this.pixels = new Uint32Array(this.stripData.data.buffer);
    }
    const { pixels } = this,
      colours = this.look.packed;
    pixels.fill(0);
    for (let x = 0; x < w; x++) {
      const t = (a + (x + 1) * px) / tick;
      if (a + x * px >= stop) break;
      // the last bar that starts before this column ends
      let step = 1;
      while (k + step < end && start[k + step] < t) step *= 2;
      k = bisect(start, t, true, k + (step >> 1), Math.min(k + step, end)) - 1;
      if (k < trace.first[lane]) k = trace.first[lane];
      const in_ = start[k] < t && start[k] + length[k] > t - px / tick,
        s_ = state[k];
      if (in_ && (s_ === STATE.running || s_ === STATE.preempted)) pixels[x] = task[k] === NONE16 ? colours.edge : colours[task[k] % 12];
      else if (in_ && s_ === STATE.spinning) pixels[x] = colours.spin;
    }
    this.stripG.putImageData(this.stripData, 0, 0);
    g.imageSmoothingEnabled = false;
    g.drawImage(this.strip, 0, 0, w, 1, 0, row.y, w, row.h);
  }
  mark(g, row, k, x, w, cut) {
    const { look } = this,
      { y, h: height, kind, trace, fine } = row,
      state = trace.state[k],
      task = trace.task[k];
    if (state === STATE.asleep || state === STATE.idle) return;
    if (state === STATE.spinning) {
      g.fillStyle = look.soft;
      g.fillRect(x, y, w, height);
      if (!fine) return;
      g.strokeStyle = look.spin;
      g.lineWidth = 1.5;
      g.setLineDash([4, 3]);
      g.strokeRect(x + 1, y + 1, Math.max(0, w - 2), height - 2);
      g.setLineDash([]);
      this.word(g, this.words.spinning, look.spin, x, w, row);
      return;
    }
    if (state === STATE.scheduler) {
      g.fillStyle = look.edge;
      g.fillRect(x, y + height / 2 - 1, w, 2);
      return;
    }
    const colour = task === NONE16 ? look.edge : look.colour(task);
    if (state === STATE.swapped || state === STATE.pooled) {
      // not in memory: a dashed line for the swap device, a dotted one for the pool
      const mid = y + height / 2,
        left = Math.max(x, -10);
      g.strokeStyle = colour;
      g.lineWidth = 2;
      g.setLineDash(state === STATE.swapped ? [6, 3] : [1, 4]);
      g.beginPath();
      g.moveTo(left, mid);
      g.lineTo(Math.min(x + w, this.width + 10), mid);
      g.stroke();
      g.setLineDash([]);
      if (fine) this.word(g, state === STATE.swapped ? this.words.swapped : this.words.pooled, look.muted, x, w, row, true);
      return;
    }
    if (state === STATE.waiting || state === STATE.throttled) {
      const mid = y + height / 2;
      g.globalAlpha = 0.3;
      g.fillStyle = colour;
      g.fillRect(x, mid - 3, w, 6);
      g.globalAlpha = 1;
      if (fine) {
        g.fillRect(x, mid - 3, w, 1);
        g.fillRect(x, mid + 2, w, 1);
      }
      if (state === STATE.throttled) {
        g.save();
        g.beginPath();
        g.rect(x, mid - 5, w, 10);
        g.clip();
        g.strokeStyle = look.bad;
        g.lineWidth = 1.5;
        g.beginPath();
        for (let p = Math.max(x, -10) - 10; p < Math.min(x + w, this.width + 10); p += 6) {
          g.moveTo(p, mid + 5);
          g.lineTo(p + 10, mid - 5);
        }
        g.stroke();
        g.restore();
        if (fine) this.word(g, this.words.throttled, look.bad, x, w, row, true);
      }
      return;
    }
    const gap = fine && w > 3 ? 1 : 0;
    g.fillStyle = colour;
    if (gap && height > 10) {
      g.beginPath();
      g.roundRect(x, y, w - gap, height, Math.min(3, w / 3));
      g.fill();
    } else g.fillRect(x, y, w, height);
    if (!fine) return;
    const tile = w > 7 && height > 9 && task !== NONE16 && look.tile(g, task);
    if (tile) {
      g.fillStyle = tile;
      if (height > 10) g.fill();
      else g.fillRect(x, y, w - gap, height);
    }
    if (state === STATE.preempted && kind !== 'task' && w > 10 && height > 9 && !cut) {
      // it could have gone on: a bitten corner
      g.fillStyle = look.bg;
      g.beginPath();
      g.moveTo(x + w - gap, y);
      g.lineTo(x + w - gap - 6, y);
      g.lineTo(x + w - gap, y + 6);
      g.fill();
    }
    if (kind !== 'task' && height > 10 && task !== NONE16) this.letter(g, row, task, x, w, tile, colour);
    const bits = trace.bars?.[k] ?? 0;
    if (bits & FLAG.failed) {
      g.strokeStyle = look.bad;
      g.lineWidth = 2;
      g.strokeRect(x + 1, y + 1, Math.max(1, w - gap - 2), height - 2);
    }
  }
  letter(g, row, task, x, w, tile, colour) {
    const left = Math.max(x, 0),
      right = Math.min(x + w, this.width),
      room = right - left,
      size = Math.min(13, row.h - 4);
    if (room < 12) return;
    const faces = (row.trace.faces ??= new Map());
    let face = faces.get(task);
    if (face?.size !== size || face?.font !== this.look.font) {
      g.font = `600 ${size}px ${this.look.font}`;
      const name = row.trace.ref('task', task)?.text ?? '?',
        mark = row.trace.letter(task);
      face = { size, font: this.look.font, name, mark, nameW: g.measureText(name).width, markW: g.measureText(mark).width };
      faces.set(task, face);
    }
    const named = face.nameW + 22 < room && row.h >= 15;
    if (!named && face.markW + 6 > room) return;
    const text = named ? face.name : face.mark,
      half = (named ? face.nameW : face.markW) / 2 + 3,
      mid = (left + right) / 2;
    if (tile) {
      g.fillStyle = colour;
      g.fillRect(mid - half, row.y + 2, half * 2, row.h - 4);
    }
    this.label(text, mid, row.y + row.h / 2 + size * 0.36, `600 ${size}px`, row.shared ? this.look.pale : this.look.inkOf(task));
  }
  word(g, text, colour, x, w, row, plate = false) {
    if (row.h < 15) return;
    g.font = `500 11px ${this.look.font}`;
    const width = (this.wordWidth ??= {})[text + this.look.font] ?? (this.wordWidth[text + this.look.font] = g.measureText(text).width);
    if (w < width + 6) return;
    const mid = (Math.max(x, 0) + Math.min(x + w, this.width)) / 2;
    if (plate) {
      g.fillStyle = this.look.bg;
      g.fillRect(mid - width / 2 - 3, row.y + row.h / 2 - 7, width + 6, 14);
    }
    this.label(text, mid, row.y + row.h / 2 + 4, '500 11px', row.shared ? this.look.muted : colour, this.look.muted);
  }
  /** What is written waits until all that fades a bar is drawn: `pale` is its colour under the veil. */
  label(text, x, y, font, ink, pale = this.look.pale) {
    this.labels.push({ text, x, y, font, ink, pale });
  }
  write() {
    const { dpr, width, room, scroll } = this;
    for (const [canvas, top, ink] of [
      [this.canvas, AXIS, 'ink'],
      [this.later, 0, 'pale'],
    ]) {
      const g = canvas.getContext('2d');
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      if (canvas === this.later) g.clearRect(0, 0, width, room);
      g.save();
      g.beginPath();
      g.rect(0, top, width, room);
      g.clip();
      g.translate(0, top - scroll);
      g.textAlign = 'center';
      for (const l of this.labels) {
        g.font = `${l.font} ${this.look.font}`;
        g.fillStyle = l[ink];
        g.fillText(l.text, l.x, l.y);
      }
      g.restore();
    }
  }

  draw() {
    if (!this.width || !this.sets || this.app.hiddenPlayer) return;
    const { look, dpr, width, height, player } = this,
      [a, b] = player.view,
      { trace } = this.sets[0],
      g = this.canvas.getContext('2d'),
      hidden = player.hiddenFrom;
    this.hiddenAt = hidden;
    this.labels = [];
    g.setTransform(dpr, 0, 0, dpr, 0, 0);
    g.clearRect(0, 0, width, height);
    // axis
    const step = STEPS.find(v => (v / (b - a)) * width > 84) ?? b - a,
      unit = UNITS[trace.head.unit],
      end = Math.max(...this.sets.map(({ trace: one }) => one.head.end)),
      lines = [];
    g.font = `12px ${look.font}`;
    g.fillStyle = look.muted;
    const ticks = [];
    for (let t = Math.ceil(a / step) * step; t <= b && t <= end; t += step) ticks.push(t);
    ticks.forEach((t, k) => {
      const x = Math.round(this.x(t)) + 0.5,
        text = number(t / unit[0], null) + (k === ticks.length - 1 ? ` ${unit[1]}` : ''),
        w = g.measureText(text).width;
      lines.push(x);
      if (x + w / 2 < width) g.fillText(text, Math.max(0, x - w / 2), 16);
      else if (k === ticks.length - 1) g.fillText(text, width - w, 16);
    });
    this.diamonds(g, a, b, hidden);
    // lanes
    g.save();
    g.beginPath();
    g.rect(0, AXIS, width, this.room);
    g.clip();
    g.translate(0, AXIS - this.scroll);
    g.fillStyle = look.line;
    for (const x of lines) g.fillRect(x - 0.5, this.scroll, 1, this.room);
    for (const row of this.rows) {
      if (row.y > this.scroll + this.room || row.y + row.h < this.scroll) continue;
      row.fine = true;
      if (row.kind === 'task') {
        g.fillStyle = look.line;
        for (let x = 0; x < width; x += 6) g.fillRect(x, row.y + row.h / 2, 2, 1);
      } else {
        g.fillStyle = look.soft;
        g.fillRect(0, row.y, width, row.h);
      }
      if (this.sets.length < 2) this.paintLane(g, row, a, b, width, hidden);
      else {
        // the shared prefix is one picture, whatever its last bars become
        const { prefix } = this.sets[1];
        row.shared = !this.player.trace.whole;
        this.paintLane(g, row, a, b, width, prefix);
        row.shared = false;
        this.paintLane(g, row, a, b, width, Infinity, prefix);
      }
    }
    this.wakes(g, a, b, hidden);
    if (this.chosen >= 0 && this.rows[this.chosen]) {
      const r = this.rows[this.chosen];
      g.strokeStyle = look.accent;
      g.lineWidth = 1.5;
      g.strokeRect(0.75, r.y - 1.25, width - 1.5, r.h + 2.5);
    }
    g.restore();
    this.compared(g);
    this.write();
    const L = (a / this.end) * width,
      R = (b / this.end) * width;
    this.win.style.transform = `translateX(${L}px)`;
    this.win.style.width = `${Math.max(8, R - L)}px`;
    this.dimA.style.width = `${L}px`;
    this.dimB.style.left = `${R}px`;
    this.placeFlags();
    this.head();
  }
  /** A ◆ for each decision, thinned to 7 px: binary search from mark to mark, so a million cost no more than a hundred. */
  diamonds(g, a, b, hidden) {
    const { player, look, width } = this,
      t = player.trace,
      list = t.decisions;
    g.fillStyle = look.edge;
    let k = list.length ? bisect(this.times(t, list), a, true) : 0,
      last = -9;
    const times = this.times(t, list);
    while (k < list.length && times[k] <= b && times[k] <= hidden) {
      const x = this.x(times[k]);
      if (x - last >= 7) {
        last = x;
        g.beginPath();
        g.moveTo(x, AXIS - 8);
        g.lineTo(x + 3.5, AXIS - 4.5);
        g.lineTo(x, AXIS - 1);
        g.lineTo(x - 3.5, AXIS - 4.5);
        g.fill();
      }
      k = Math.max(k + 1, bisect(times, this.timeAt(last + 7), true, k));
    }
  }
  times(trace, list) {
    const cache = (trace.timesOf ??= new Map());
    if (!cache.has(list)) cache.set(list, Float64Array.from(list, i => trace.at[i]));
    return cache.get(list);
  }
  wakes(g, a, b, hidden) {
    for (const row of this.rows) {
      if (row.kind !== 'task') continue;
      const { trace } = row,
        all = (trace.wakesOf ??= groupBy(trace.wakes, i => trace.who[i])),
        list = all.get(row.task);
      if (!list) continue;
      let last = -9;
      const times = this.times(trace, list);
      for (let k = bisect(times, a, true); k < list.length && times[k] <= b && times[k] < hidden; ) {
        const x = this.x(times[k]);
        if (x - last >= 4) {
          last = x;
          g.fillStyle = this.look.ink;
          g.beginPath();
          g.moveTo(x, row.y + row.h / 2 - 3);
          g.lineTo(x + 4, row.y + row.h);
          g.lineTo(x - 4, row.y + row.h);
          g.fill();
        }
        k = Math.max(k + 1, bisect(times, this.timeAt(last + 4), true, k));
      }
    }
  }
  /** Two futures: the shared prefix dimmed under one bracket, ≠ where they part. */
  compared(g) {
    if (this.sets.length < 2 || this.player.trace.whole) return; // nothing to set off against what is shared
    const { look, width, height } = this,
      prefix = this.sets[1].prefix,
      x = clamp(this.x(prefix), 0, width);
    g.globalAlpha = 0.6;
    g.fillStyle = look.bg;
    g.fillRect(0, AXIS, x, height);
    g.globalAlpha = 1;
    g.strokeStyle = g.fillStyle = look.muted;
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(0.5, AXIS + 4);
    g.lineTo(0.5, AXIS + 0.5);
    g.lineTo(x - 0.5, AXIS + 0.5);
    g.lineTo(x - 0.5, AXIS + 4);
    if (x > 4) g.stroke();
    if (x <= 0 || x >= width) return;
    // ≠ at the head of both: here they part
    for (let k = 0; k < this.sets.length; k++) {
      const { y } = this.rows.find(r => r.set === k),
        mid = Math.min(x + 9, width - 8);
      if (y < this.scroll) continue;
      g.fillStyle = look.bg;
      g.fillRect(mid - 7, AXIS + y - this.scroll + 1, 14, 13);
      this.label('≠', mid, y + 12, '600 14px', look.bad, look.bad);
    }
  }
  drawMini() {
    if (!this.width || !this.sets) return;
    const g = this.mini.getContext('2d'),
      { trace } = this.sets[0],
      cpus = trace.lanes.flatMap((l, k) => (l.kind !== 'task' ? [k] : [])),
      lanes = cpus.length ? cpus : trace.lanes.map((_, k) => k),
      n = Math.min(lanes.length, 16),
      hidden = this.player.hiddenFrom;
    g.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    g.clearRect(0, 0, this.width, OVERVIEW);
    for (let k = 0; k < n; k++) {
      const lane = lanes[Math.floor((k * lanes.length) / n)],
        row = { trace, lane, kind: 'cpu', y: (k * OVERVIEW) / n, h: Math.max(1, OVERVIEW / n - (n > 1 ? 1 : 0)), fine: false };
      this.paintLane(g, row, 0, this.end, this.width, hidden);
    }
    g.fillStyle = this.look.bad;
    for (const m of this.app.marks ?? []) g.fillRect(clamp((m.time / this.end) * this.width - 1, 0, this.width - 3), 0, 3, OVERVIEW);
    if (this.sets.length > 1 && !this.player.trace.whole) {
      g.globalAlpha = 0.6;
      g.fillStyle = this.look.bg;
      g.fillRect(0, 0, (this.sets[1].prefix / this.end) * this.width, OVERVIEW);
      g.globalAlpha = 1;
    }
  }
  /** When the fog moves, the pictures under it are drawn again: what must not be seen is not there. */
  fog() {
    if (this.player.hiddenFrom !== this.hiddenAt) {
      this.drawMini();
      this.draw();
    } else this.head();
  }
  /** The play-head, the veil and the overview mark: transforms only, no layout, no canvas. */
  head() {
    if (!this.width || !this.sets) return;
    const { player } = this,
      { t, trace } = player,
      end = this.end,
      x = this.x(t),
      out = x < -2 || x > this.width + 2;
    this.line.style.transform = `translateX(${x}px)`;
    this.line.style.visibility = out ? 'hidden' : '';
    const side = x < 44 ? 'left' : x > this.width - 44 ? 'right' : '';
    if (side !== this.side) {
      this.side = side;
      this.line.className = `sl-head-line ${side}`;
    }
    const from = clamp(x, 0, this.width);
    this.veil.style.transform = `translateX(${from}px)`;
    this.later.style.transform = `translateX(${-from}px)`;
    this.now.style.transform = `translateX(${(t / end) * this.width}px)`;
    const hidden = this.hiddenAt;
    this.fogBox.hidden = this.fogMini.hidden = hidden === Infinity;
    if (hidden === Infinity) this.fogBox.style.cssText = this.fogMini.style.cssText = '';
    else {
      this.fogBox.style.transform = `translateX(${clamp(this.x(hidden), 0, this.width)}px)`;
      this.fogMini.style.left = `${(hidden / end) * this.width}px`;
    }
    const text = trace.time(t);
    if (text !== this.text) this.pill.textContent = this.text = text;
    const value = `${player.i} ${trace.n}`;
    if (this.spoken !== value) {
      this.spoken = value;
      set(this.box, {
        'aria-valuenow': trace.n ? player.i + 1 : 1,
        'aria-valuemax': Math.max(1, trace.n),
        'aria-valuetext': trace.n
          ? say(this.words, 'place', { time: trace.time(trace.at[player.i]), k: player.i + 1, n: trace.n })
          : trace.time(0),
      });
    }
  }

  /** Rules that failed: named buttons on the axis. */
  setMarks(marks) {
    this.flags.replaceChildren(
      ...marks.slice(0, 200).map((m, k) => {
        const name = say(this.words, 'ruleBroken', { time: this.player.trace.time(m.time), rule: tame(m.rule) });
        return h('button', { type: 'button', class: 'sl-flag', 'aria-label': name, title: name, onclick: () => this.app.toMark(k) }, '✗');
      }),
    );
    this.drawMini();
    this.placeFlags();
  }
  placeFlags() {
    const marks = this.app.marks ?? [];
    let last = -99;
    [...this.flags.children].forEach((b, k) => {
      const x = this.x(marks[k].time),
        out = x < -1 || x > this.width + 1 || (x - last < 14 && x >= last);
      b.hidden = out;
      if (out) {
        b.style.cssText = '';
        return;
      }
      last = x;
      b.style.transform = `translateX(${clamp(x - 10, -8, this.width - 12)}px)`;
    });
  }

  /** ↑ and ↓ choose a lane; a lane of a tall stack opens to 28 px and comes into view. */
  chooseLane(by) {
    if (!this.rows.length) return;
    this.chosen = this.chosen < 0 ? (by > 0 ? 0 : this.rows.length - 1) : clamp(this.chosen + by, 0, this.rows.length - 1);
    this.layout();
    const r = this.rows[this.chosen];
    if (this.scrolls && (r.y < this.scroll || r.y + r.h > this.scroll + this.room)) this.scroller.scrollTop = r.y - this.room / 2;
    this.app.speak(this.readLane());
  }
  readLane() {
    const r = this.rows[Math.max(0, this.chosen)];
    if (!r) return '';
    const t = this.player.t,
      k = r.trace.barAt(r.lane, t);
    if (k < 0 || t >= this.player.hiddenFrom) return say(this.words, 'barNone', { lane: r.name.text, time: r.trace.time(t) });
    return say(this.words, 'barAt', { lane: r.name.text, bar: this.describe(r.trace, k) });
  }
  /** A bar in words; of one that runs into the fog only what may be known. */
  describe(trace, k) {
    const hidden = this.player.hiddenFrom,
      start = trace.start[k] * trace.tick;
    if (start + trace.length[k] * trace.tick < hidden) return trace.describe(k);
    const short = Object.create(trace);
    short.length = { [k]: Math.max(0, Math.floor((hidden - start) / trace.tick)) };
    short.state = { [k]: trace.state[k] === STATE.preempted ? STATE.running : trace.state[k] };
    return short.describe(k);
  }

  pointer() {
    const { player, stage } = this,
      touches = new Map();
    let drag = null,
      pinch = null,
      pressed = 0,
      moved = false;
    const at = e => e.clientX - stage.getBoundingClientRect().left;
    const pair = () => {
      const [p, q] = touches.values();
      return { gap: Math.max(8, Math.abs(p - q)), mid: (p + q) / 2 };
    };
    stage.addEventListener('pointerdown', e => {
      if (e.target.closest('button') || (e.button !== 0 && e.button !== 1)) return;
      if (this.scrolls && e.clientX > this.scroller.getBoundingClientRect().left + this.scroller.clientWidth) return; // its scroll bar
      if (e.button === 1) e.preventDefault();
      stage.setPointerCapture(e.pointerId);
      this.box.focus({ preventScroll: true });
      touches.set(e.pointerId, at(e));
      player.stop();
      moved = false;
      pressed = at(e);
      drag = e.altKey || e.button === 1 ? { x: at(e), view: [...player.view] } : 'scrub';
      if (touches.size === 2) {
        pinch = pair();
        drag = 'pinch';
      }
      if (drag === 'scrub') player.seekTime(this.timeAt(at(e)));
      this.tip.hidden = true;
    });
    stage.addEventListener('pointermove', e => {
      if (touches.has(e.pointerId)) touches.set(e.pointerId, at(e));
      if (!drag) return this.hover(e);
      if (Math.abs(at(e) - pressed) >= 4) moved = true;
      if (drag === 'scrub') {
        if (moved) player.seekTime(this.timeAt(at(e)));
      } else if (drag === 'pinch') {
        if (touches.size < 2) return;
        const now = pair(),
          t = this.timeAt(pinch.mid),
          span = clamp(((player.view[1] - player.view[0]) * pinch.gap) / now.gap, player.shortest, player.trace.end);
        player.setView(t - (now.mid / this.width) * span, t + (1 - now.mid / this.width) * span);
        pinch = now;
      } else {
        const dt = ((at(e) - drag.x) / this.width) * (drag.view[1] - drag.view[0]);
        player.setView(drag.view[0] - dt, drag.view[1] - dt);
      }
    });
    const end = e => {
      touches.delete(e.pointerId);
      if (drag === 'scrub' && e.type === 'pointerup' && !moved) this.toBegin(e);
      if (!touches.size) drag = null;
    };
    stage.addEventListener('pointerup', end);
    stage.addEventListener('pointercancel', end);
    // Chromium sometimes leaves out the one or the other
    for (const type of ['pointerleave', 'mouseleave'])
      stage.addEventListener(type, () => {
        this.tip.hidden = true;
      });
    // the page keeps its wheel: only Ctrl (or a pinch on a track pad) zooms, only sideways wheel pans
    stage.addEventListener(
      'wheel',
      e => {
        const scale = e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? 200 : 1;
        if (e.ctrlKey || e.metaKey) {
          e.preventDefault();
          player.zoom(Math.exp(clamp(e.deltaY * scale, -60, 60) * 0.006), this.timeAt(at(e)), true);
        } else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
          e.preventDefault();
          const d = (((e.deltaX || e.deltaY) * scale) / this.width) * (player.view[1] - player.view[0]);
          player.setView(player.view[0] + d, player.view[1] + d);
        }
      },
      { passive: false },
    );
  }
  overview() {
    const { over, player } = this;
    let grab = null;
    const at = e => e.clientX - over.getBoundingClientRect().left;
    over.addEventListener('pointerdown', e => {
      if (e.button !== 0) return;
      const x = at(e),
        [a, b] = player.view,
        T = this.end,
        w = this.width,
        L = (a / T) * w,
        R = (b / T) * w;
      const part = Math.abs(x - L) < 7 ? 'L' : Math.abs(x - R) < 7 ? 'R' : x > L && x < R ? 'M' : 'go';
      over.setPointerCapture(e.pointerId);
      if (part === 'go') {
        const t = (x / w) * T;
        player.stop();
        player.setView(t - (b - a) / 2, t + (b - a) / 2, false);
        player.seekTime(t);
        return;
      }
      grab = { part, x, view: [...player.view] };
    });
    over.addEventListener('pointermove', e => {
      if (!grab) return;
      const d = ((at(e) - grab.x) / this.width) * this.end,
        [a, b] = grab.view,
        least = player.shortest;
      if (grab.part === 'L') player.setView(clamp(a + d, 0, b - least), b);
      else if (grab.part === 'R') player.setView(a, clamp(b + d, a + least, this.end));
      else player.setView(a + d, b + d);
    });
    const end = () => {
      grab = null;
    };
    over.addEventListener('pointerup', end);
    over.addEventListener('pointercancel', end);
  }
  /** The bar under the pointer: its row and segment, or null. */
  hit(e) {
    const box = this.box.getBoundingClientRect(),
      y = e.clientY - box.top - AXIS + this.scroll,
      t = this.timeAt(e.clientX - box.left);
    if (e.clientY - box.top < AXIS || t >= this.player.hiddenFrom) return null;
    const row = this.rows.find(r => y >= r.y - 2 && y <= r.y + r.h + 2);
    if (!row) return null;
    const k = row.trace.barAt(row.lane, t);
    return k >= 0 && row.trace.state[k] !== STATE.idle ? { row, k } : null;
  }
  /** A click on a bar opens its reason: the event that began it. */
  toBegin(e) {
    const hit = this.hit(e);
    if (!hit || hit.row.trace !== this.app.mainOf(hit.row.set)) return;
    const { trace } = hit.row,
      start = trace.start[hit.k] * trace.tick;
    let i = trace.eventAt(start + trace.tick - 1);
    const end = i;
    while (i >= 0 && trace.at[i] >= start && trace.who[i] !== trace.task[hit.k]) i--;
    if (i < 0 || trace.at[i] < start) i = end;
    this.app.goTo(hit.row.set, i);
  }
  hover(e) {
    const hit = e.target.closest?.('button') ? null : this.hit(e);
    this.tip.hidden = !hit;
    if (!hit) return;
    const x = e.clientX - this.box.getBoundingClientRect().left,
      text = this.describe(hit.row.trace, hit.k);
    if (this.tip.textContent !== text) {
      this.tip.textContent = text;
      this.tipWidth = this.tip.offsetWidth;
    }
    const y = AXIS + hit.row.y + hit.row.h + 3 - this.scroll;
    this.tip.style.transform = `translate(${clamp(x + 12, 0, Math.max(0, this.width - this.tipWidth))}px, ${Math.min(this.height - 26, y)}px)`;
  }
}
function groupBy(list, key) {
  const out = new Map();
  for (const v of list) {
    const k = key(v);
    if (!out.has(k)) out.set(k, []);
    out.get(k).push(v);
  }
  return out;
}
