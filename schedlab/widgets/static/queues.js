// ---- run queues: named places and the tokens that stand in them -----------------------------------------------------------------
const CELL = 34,
  LEFT = 92,
  FLOOR = 70; // from one level of a tree to the next: its edges lead from what is written under a node
class Queues extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.runQueues);
    this.shownPlaces = trace.head.places.filter(p => !spec.places || spec.places.includes(p.first));
    this.svgEl = s('svg', { role: 'img' });
    this.box = this.scroll(say(app.words, 'contents', { title: this.title }), this.svgEl);
    this.body.append(this.box);
    this.inset = 2;
    this.back = s('g');
    this.front = s('g');
    this.most = fullest(trace);
    const small = this.shownPlaces.some(p => p.kind === 'slots');
    this.size = small ? [15, 15, 11] : [26, 24, 12];
    this.fitted(this.svgEl, () => {
      this.tokensOf(task => this.tokenAt(task, ...this.size), this.front);
      this.svgEl.replaceChildren(this.back, this.front);
      // names take no more than they need where there is little room
      const names = this.shownPlaces.map(p => this.wide(tame(p.name)) * (p.kind === 'levels' ? 1.12 : 1));
      this.left = this.width < 16 * CELL ? clamp(Math.ceil(Math.max(24, ...names)) + 16, 40, LEFT) : LEFT;
      return this.tall ?? 200;
    });
  }
  update({ trace, i, q, blind }) {
    if (!this.width) return;
    const { words, look, width: W, left: LEFT } = this,
      byTask = items => items.map(v => v[1]).sort((a, b) => a - b).map((item, k) => [k, item]),
      now = app_places(trace, i, q),
      at = new Map(),
      kids = [],
      said = [];
    const slot = (x, y, w = 30, height = 30) => s('rect', { x: x - w / 2, y: y - height / 2, width: w, height, rx: 5, fill: look.soft, class: 'slot' });
    const label = (x, y, text, attrs) => this.text(x, y, shorten(text, LEFT - x - 6), attrs);
    const many = this.shownPlaces.length > 4;
    let y = 4,
      lane = null,
      waiting = 0;
    const tops = new Map();
    const row = (items, name, cells, rows, attrs) => {
      const per = Math.max(1, Math.floor((W - LEFT - 4) / CELL)),
        seen = Math.min(per * rows, Math.max(cells, 1)),
        over = items.length > seen;
      for (let k = 0; k < seen; k++) kids.push(slot(LEFT + 16 + (k % per) * CELL, y + 16 + Math.floor(k / per) * CELL));
      items.slice(0, over ? seen - 1 : seen).forEach(([, item], k) => at.set(item, [LEFT + 16 + (k % per) * CELL, y + 16 + Math.floor(k / per) * CELL]));
      if (over)
        kids.push(this.text(LEFT + 16 + ((seen - 1) % per) * CELL, y + 20 + Math.floor((seen - 1) / per) * CELL, `+${items.length - seen + 1}`, { 'text-anchor': 'middle', 'font-weight': 600, class: 'more' }));
      kids.push(label(0, y + 20, name, attrs));
      y += Math.ceil(seen / per) * CELL + 4;
      return this.list(items.map(v => v[1]));
    };
    for (const p of this.shownPlaces) {
      if (p.lane != null && p.lane !== lane) {
        lane = p.lane;
        tops.set(lane, y);
        kids.push(this.text(0, y + 13, trace.ref('lane', lane)?.text ?? '', { 'font-weight': 600, class: '' }));
        y += 20;
      }
      const name = tame(p.name),
        per = Math.max(1, Math.floor((W - LEFT - 4) / CELL));
      if (p.kind === 'levels') {
        const held = [];
        for (let k = 0; k < p.count; k++) {
          const items = now.in(p.first + k);
          if (items.length) held.push([k, items]);
        }
        kids.push(this.text(0, y + 13, name, { 'font-weight': 600, class: '' }));
        // a thin strip of all levels, the set ones solid
        const strip = W - LEFT - 6;
        // before the answer of who is the scheduler: which stand together, not at which level
        if (blind) held.sort((a, b) => a[1][0][1] - b[1][0][1]);
        kids.push(s('rect', { x: LEFT, y: y + 4, width: strip, height: 9, fill: look.soft, rx: 2 }));
        for (const [k] of blind ? [] : held) kids.push(s('rect', { x: LEFT + (k / p.count) * strip, y: y + 3, width: Math.max(2, strip / p.count), height: 11, fill: look.ink }));
        y += 22;
        if (!held.length) {
          kids.push(this.text(LEFT, y + 13, words.levelEmpty));
          y += 24;
        }
        held.forEach(([k, items], n) => {
          const level = blind ? '?' : String((p.base ?? 0) + k),
            list = row(items, level, Math.min(per, items.length), 1, { 'text-anchor': 'end', x: LEFT - 10, class: n === 0 && !blind ? 'acc' : 'mute' });
          waiting += items.length;
          said.push(say(words, 'queueItem', { place: `${name} ${level}`, list }));
        });
        if (!held.length) said.push(say(words, 'queueItem', { place: name, list: words.empty }));
        y += 4;
        continue;
      }
      const held = now.in(p.first),
        items = blind && p.kind === 'list' && p.ranked !== false ? byTask(held) : held;
      let list = this.list(items.map(v => v[1]));
      if (p.kind === 'slots') {
        const beside = W - LEFT > 16 * 22,
          x0 = beside ? LEFT : 0,
          n = W < 16 * 18 ? 8 : 16,
          pitch = clamp(Math.floor((W - x0 - 2) / n), 15, 22);
        kids.push(this.text(0, y + 13, name, { class: 'mute' }));
        if (!x0) y += 18;
        for (let k = 0; k < p.size; k++) kids.push(slot(x0 + (k % n) * pitch + pitch / 2, y + Math.floor(k / n) * pitch + pitch / 2, pitch - 3, pitch - 3));
        for (const [k, item] of items) at.set(item, [x0 + (k % n) * pitch + pitch / 2, y + Math.floor(k / n) * pitch + pitch / 2, pitch - 2]);
        waiting += items.length;
        y += Math.ceil(p.size / n) * pitch + 8;
      } else {
        if (p.kind === 'list') waiting += items.length;
        const rows = p.kind === 'one' ? 1 : (p.rows ?? (many ? 1 : p.kind === 'list' ? 3 : 2));
        list = row(items, name, p.kind === 'one' ? 1 : p.size || Math.min(per * rows, Math.max(3, this.most[p.first])), rows);
      }
      said.push(say(words, 'queueItem', { place: name, list: items.length ? list : words.empty }));
    }
    this.tall = Math.ceil(y + 4);
    set(this.svgEl, { height: this.tall, viewBox: `0 0 ${W} ${this.tall}` });
    this.back.replaceChildren(...kids);
    this.spread(at, q);
    const has = kind => this.shownPlaces.some(p => p.kind === kind);
    // who runs may stand in its slot, list or array still
    this.note(say(words, has('slots') ? 'inSlots' : has('set') ? 'waitingN' : 'queuedN', { n: waiting }));
    this.svgEl.setAttribute('aria-label', say(words, 'queuesSays', { list: said.join('; ') }));
    const speaks = trace.n ? trace.lane[q >= 0 ? q : i] : NONE16;
    if (tops.has(speaks)) this.into(this.box, `${i} ${q}`, () => [tops.get(speaks), [...tops.values(), this.tall].find(v => v > tops.get(speaks))]);
  }
}
/** How many items each place of a trace ever holds. */
function fullest(trace) {
  const { c } = trace,
    now = new Uint32Array(trace.places.length),
    most = new Uint32Array(trace.places.length);
  (c['moves.to'] ?? []).forEach((to, k) => {
    const from = c['moves.from'][k];
    if (from !== NONE16) now[from]--;
    if (to !== NONE16) most[to] = Math.max(most[to], ++now[to]);
  });
  return most;
}
/** The places of a trace after event i, or as the question q sees them; one replay for all panels. */
function app_places(trace, i, q) {
  return (trace.replay ??= new Places(trace)).go(trace.n ? i : -1, q);
}

/** The run queue as a red-black tree: black ring and red ring plus the word, leftmost is next. */
class Tree extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.runQueue);
    this.svgEl = s('svg', { role: 'img' });
    this.body.append(this.scroll(say(app.words, 'contents', { title: this.title }), this.svgEl));
    this.inset = 2;
    this.column = { scale: spec.scale ?? 1, digits: spec.digits ?? 2, sign: !!spec.sign, unit: spec.unit ?? '' };
    this.fitted(this.svgEl, () => {
      this.back = s('g');
      this.links = s('g', { stroke: 'var(--sl-edge)', 'stroke-width': 1.5 });
      this.front = s('g');
      this.tokensOf(task => this.node(task), this.front);
      this.svgEl.replaceChildren(this.back, this.links, this.front);
      return 224;
    });
  }
  node(item) {
    return {
      circle: s('circle', { r: 19, fill: 'none', 'stroke-width': 3, class: 'glide' }),
      note: s('text', { 'font-size': 12, 'text-anchor': 'middle', class: 'mute glide halo' }),
      body: this.tokenAt(item, 26, 24, 13),
    };
  }
  /** The last tree of the lane that the cursor speaks of. */
  nodes(i) {
    const { trace } = this,
      events = trace.c['tree.event'];
    if (!events) return [];
    let lane = NONE16;
    for (let k = i; k >= 0 && lane === NONE16; k--) lane = trace.lane[k];
    let k = bisect(events, i) - 1;
    while (k >= 0 && lane !== NONE16 && trace.lane[events[k]] !== lane) k--;
    if (k < 0) return [];
    const first = trace.c['tree.first'],
      items = trace.c['nodes.item'],
      out = [];
    for (let j = first[k]; j < (k + 1 < first.length ? first[k + 1] : items.length); j++)
      out.push({
        item: items[j],
        parent: trace.c['nodes.parent'][j],
        red: !!trace.c['nodes.red'][j],
        side: trace.c['nodes.side'][j],
        key: trace.c['nodes.key']?.[j] ?? NaN,
      });
    return out;
  }
  update({ trace, i, q, blind }) {
    if (!this.width) return;
    const { spec, words, width } = this,
      nodes = trace.n && !blind ? this.nodes(i) : [], // its order is the answer
      byItem = new Map(nodes.map(n => [n.item, { ...n, kids: [] }]));
    let root = null;
    for (const n of byItem.values()) {
      if (n.parent === NONE16) root = n;
      else byItem.get(n.parent).kids[n.side] = n;
    }
    const order = [],
      big = nodes.length > 31;
    // beyond 31 nodes only the way to the leftmost is drawn; what hangs at its right is folded into a count
    const count = n => (n ? 1 + count(n.kids[0]) + count(n.kids[1]) : 0);
    let deepest = 0;
    const walk = (n, depth) => {
      if (!n) return;
      deepest = Math.max(deepest, depth);
      walk(n.kids[0], depth + 1);
      order.push({ n, depth });
      if (!big) walk(n.kids[1], depth + 1);
      else if (n.kids[1]) {
        order.push({ folded: count(n.kids[1]), depth: depth + 1, n: { parent: n.item } });
        deepest = Math.max(deepest, depth + 1);
      }
    };
    walk(root, 0);
    const rows = spec.running != null || spec.asleep != null,
      left = rows ? 84 : 6,
      top = rows ? 74 : 26,
      step = clamp((width - left - 20) / Math.max(1, order.length), 44, 66),
      centre = order.findIndex(o => o.n === root),
      // the root stands under the running task; labels keep clear of both edges
      rootX = Math.max(rows ? Math.max(118, width * 0.6) : width / 2 + step * (Math.max(0, centre) - (order.length - 1) / 2), 44 + Math.max(0, centre) * step),
      W = Math.max(width, rootX + (order.length - 1 - Math.max(0, centre)) * step + 44),
      x0 = rootX - Math.max(0, centre) * step,
      bottom = Math.max(rows ? 184 : 200, top + deepest * FLOOR + 42),
      H = bottom + (rows ? 40 : 4);
    set(this.svgEl, { width: W, height: H, viewBox: `0 0 ${W} ${H}` });
    const now = app_places(trace, i, q),
      on = spec.running == null ? [] : now.in(spec.running).map(v => v[1]),
      asleep = spec.asleep == null ? [] : now.in(spec.asleep).map(v => v[1]),
      mid = rootX;
    this.back.replaceChildren(
      ...(rows
        ? [
            this.text(0, 22, words.onCpu),
            this.text(0, 66, words.waiting),
            spec.order ? this.text(0, 82, shorten(tame(spec.order), left - 4)) : '',
            this.text(0, bottom + 26, words.asleep),
            s('line', { x1: 0, x2: W, y1: 40, y2: 40, stroke: 'var(--sl-line)' }),
            s('line', { x1: 0, x2: W, y1: bottom, y2: bottom, stroke: 'var(--sl-line)' }),
          ].filter(Boolean)
        : []),
    );
    const spot = new Map(),
      links = [];
    order.forEach(({ n, depth, folded }, k) => {
      const at = [x0 + step * k, top + depth * FLOOR];
      if (folded) links.push([n.parent, at, folded]);
      else spot.set(n.item, at);
    });
    this.links.replaceChildren(
      ...order.flatMap(({ n, folded }) => {
        if (folded || n.parent === NONE16) return [];
        const [x1, y1] = spot.get(n.parent),
          [x2, y2] = spot.get(n.item);
        return [s('line', { x1, y1: y1 + 38, x2, y2: y2 - 19 })];
      }),
      ...links.flatMap(([parent, [x2, y2], folded]) => {
        const [x1, y1] = spot.get(parent);
        return [
          s('line', { x1, y1: y1 + 38, x2, y2, 'stroke-dasharray': '3 3' }),
          s('text', { x: x2, y: y2 + 14, 'text-anchor': 'middle', 'font-size': 12, 'font-weight': 600, stroke: 'none', class: 'more' }, say(words, 'folded', { n: folded })),
        ];
      }),
    );
    const seen = new Set();
    if (this.many) this.tokensOf(() => null, this.front);
    const put_ = (item, x, y, ring, strength = 1) => {
      seen.add(item);
      let t = this.tokens.get(item);
      if (!t) {
        t = this.node(item);
        this.tokens.set(item, t);
        this.front.append(t.circle, t.note, t.body);
      }
      this.place(t.body, x, y, strength);
      t.body.classList.toggle('picked', q >= 0 && this.player.predict.choice === item);
      for (const [el, dy] of [[t.circle, 0], [t.note, 33]])
        if (ring) this.place(el, x, y + dy);
        else this.hide(el);
      t.circle.setAttribute('stroke', ring && ring.red ? 'var(--sl-bad)' : 'var(--sl-ink)');
      t.note.textContent = ring ? `${Number.isNaN(ring.key) ? '' : `${units(this.column, ring.key)} `}${ring.red ? words.red : words.black}` : '';
    };
    for (const { n, folded } of order) if (!folded) put_(n.item, ...spot.get(n.item), n);
    on.slice(0, 12).forEach((item, k) => put_(item, mid + (k - (on.length - 1) / 2) * 34, 18));
    const beds = Math.max(1, Math.floor((W - left) / 32));
    asleep.slice(0, beds).forEach((item, k) => put_(item, left + 18 + k * 32, bottom + 21, null, 0.55));
    for (const [item, t] of this.tokens) {
      if (seen.has(item)) continue;
      for (const el of Object.values(t)) this.hide(el);
      t.body.classList.remove('picked');
      t.circle.setAttribute('stroke', 'var(--sl-ink)');
      t.note.textContent = '';
    }
    this.note(blind ? '?' : say(words, 'waitingN', { n: nodes.length }));
    const inOrder = [];
    const all = n => {
      if (!n) return;
      all(n.kids[0]);
      inOrder.push(n.item);
      all(n.kids[1]);
    };
    all(root);
    this.svgEl.setAttribute(
      'aria-label',
      [
        ...(spec.running == null ? [] : [say(words, 'treeOn', { list: this.list(on) })]),
        say(words, 'treeSays', { list: blind ? '?' : this.list(inOrder) }),
        ...(asleep.length ? [say(words, 'treeAsleep', { list: this.list(asleep) })] : []),
      ].join(' '),
    );
  }
}

/** Go: every P with its thread, running slot, next slot and queue; goroutines are tokens that travel. */
class Processors extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.processors);
    this.svgEl = s('svg', { role: 'img' });
    this.body.append(this.scroll(say(app.words, 'contents', { title: this.title }), this.svgEl));
    this.inset = 2;
    const lanes = new Map((spec.rows ?? []).map((r, k) => [r.lane, k])),
      c = trace.c;
    // changes of mode, a list for each row
    this.modes = (spec.rows ?? []).map(() => ({ event: [], state: [], thread: [] }));
    (c['modes.event'] ?? []).forEach((e, k) => {
      const m = this.modes[lanes.get(c['modes.lane'][k])];
      if (!m) return;
      m.event.push(e);
      m.state.push(c['modes.state'][k]);
      m.thread.push(c['modes.item'][k]);
    });
    this.fitted(this.svgEl, w => this.draw(w));
  }
  draw(W) {
    const { spec, words, look } = this,
      rows = spec.rows ?? [],
      ROW = rows.length > 4 ? 38 : 44,
      X = (this.X = W < 420 ? { m: 44, run: 84, next: 124, queue: 164, cell: 30 } : { m: 58, run: 112, next: 172, queue: 236, cell: 36 });
    this.y = k => 34 + k * ROW + 16;
    this.cells = clamp(Math.floor((W - X.queue - 104) / X.cell), 2, 10);
    const below = 34 + rows.length * ROW + 6,
      H = below + 48 * Math.ceil((spec.below ?? []).length / 2);
    this.below = k => [k % 2 ? W / 2 : 0, below + 26 + 44 * Math.floor(k / 2)];
    this.back = s('g');
    this.front = s('g');
    this.size = [Math.min(28, X.cell - 3), 26, 12];
    this.tokensOf(task => this.tokenAt(task, ...this.size), this.front);
    const slot = (cx, cy, w = 30) => s('rect', { x: cx - w / 2, y: cy - 15, width: w, height: 30, rx: 5, fill: look.soft, class: 'slot' });
    this.back.append(
      this.text(X.m, 12, words.thread, { 'text-anchor': 'middle' }),
      this.text(X.run, 12, W < 420 ? '▶' : words.running, { 'text-anchor': 'middle' }),
      this.text(X.next, 12, words.next, { 'text-anchor': 'middle' }),
      this.text(X.queue - 15, 12, shorten(words.localQueue, W - X.queue)),
    );
    this.threads = rows.map((r, k) => {
      const y = this.y(k),
        ring = s('circle', { r: 12, fill: 'var(--sl-bg)', 'stroke-width': 2 }),
        turn = s('g', {}, ring),
        label = s('text', { 'text-anchor': 'middle', y: 4, 'font-size': 11, 'font-weight': 600 });
      this.back.append(
        this.text(0, y + 4.5, shorten(tame(r.name), X.m - 16, 7.6), { 'font-size': 13, 'font-weight': 600, class: '' }),
        slot(X.run, y, 34),
        slot(X.next, y),
        ...Array.from({ length: this.cells }, (_, j) => slot(X.queue + j * X.cell, y, Math.min(30, X.cell - 2))),
        s('g', { transform: `translate(${X.m} ${y})` }, turn, label),
      );
      return { ring, turn, label };
    });
    if ((spec.below ?? []).length) this.back.append(s('line', { x1: 0, x2: W, y1: below, y2: below, stroke: 'var(--sl-line)' }));
    this.roomBelow = Math.max(2, Math.floor((W / 2 - 100) / X.cell));
    (spec.below ?? []).forEach((place, k) => {
      const [x, y] = this.below(k);
      this.back.append(
        this.text(x, y + 4, shorten(tame(this.trace.places[place]?.name ?? ''), 92)),
        ...Array.from({ length: this.roomBelow }, (_, j) => slot(x + 112 + j * X.cell, y, Math.min(30, X.cell - 2))),
      );
    });
    this.more = s('g');
    this.arc = s('path', { fill: 'none', stroke: 'var(--sl-accent)', 'stroke-width': 2, 'stroke-dasharray': '5 4', class: 'fade' });
    this.head = s('path', { d: 'M-5-4L4 0-5 4z', fill: 'var(--sl-accent)', class: 'fade' });
    this.said = s('text', { 'font-size': 12, 'font-weight': 600, class: 'acc fade halo' });
    this.svgEl.replaceChildren(this.back, this.front, this.more, this.arc, this.head, this.said);
    return H;
  }
  update({ trace, i, q }) {
    if (!this.width) return;
    const { spec, words, X } = this,
      rows = spec.rows ?? [],
      now = app_places(trace, i, q),
      at = new Map(),
      more = [],
      said = [],
      counts = { running: 0, spinning: 0, parked: 0 };
    const fillRow = (items, x, y, cells) => {
      const over = items.length > cells;
      items.slice(0, over ? cells - 1 : cells).forEach((item, k) => at.set(item, [x + k * X.cell, y]));
      if (over) more.push(this.text(x + (cells - 1) * X.cell, y + 4, `+${items.length - cells + 1}`, { 'text-anchor': 'middle', 'font-weight': 600, class: 'more' }));
      return items.length ? this.list(items) : words.empty;
    };
    const items = place => (place == null ? [] : now.in(place).map(v => v[1]));
    rows.forEach((r, k) => {
      const y = this.y(k),
        m = this.modes[k],
        j = bisect(m.event, i) - 1,
        run = items(r.running),
        state = j >= 0 ? m.state[j] : run.length ? STATE.running : STATE.idle,
        thread = j >= 0 && m.thread[j] !== NONE16 ? tame(trace.head.names[m.thread[j]]) : '',
        t = this.threads[k],
        mode = state === STATE.spinning ? 'spinning' : state === STATE.idle ? 'parked' : 'running';
      counts[mode]++;
      set(t.ring, { stroke: mode === 'spinning' ? 'var(--sl-spin)' : mode === 'running' ? 'var(--sl-ink)' : 'var(--sl-line)', 'stroke-dasharray': mode === 'spinning' ? '5 4.4' : 'none' });
      t.turn.setAttribute('class', mode === 'spinning' ? 'spin' : '');
      t.label.textContent = thread.slice(0, 4);
      t.label.setAttribute('class', mode === 'parked' ? 'mute' : '');
      fillRow(run, X.run, y, 1);
      fillRow(items(r.next), X.next, y, 1);
      const queue = fillRow(items(r.queue), X.queue, y, this.cells);
      said.push(say(words, 'processorItem', { name: tame(r.name), state: words[mode], run: this.list(run), next: this.list(items(r.next)), queue }));
    });
    (spec.below ?? []).forEach((place, k) => {
      const [x, y] = this.below(k),
        list = fillRow(items(place), x + 112, y, this.roomBelow);
      said.push(say(words, 'queueItem', { place: tame(trace.places[place]?.name ?? ''), list }));
    });
    this.spread(at, q);
    this.more.replaceChildren(...more);
    this.steal(trace, i);
    this.note(
      ['running', 'spinning', 'parked']
        .filter(k => counts[k])
        .map(k => `${counts[k]} ${words[k]}`)
        .join(', '),
    );
    this.svgEl.setAttribute('aria-label', say(words, 'processorsSays', { list: said.join('; ') }));
  }
  /** Work that came from another P's queue in this very event: one arc from victim to thief. */
  steal(trace, i) {
    const { spec, words, X } = this,
      c = trace.c,
      rows = spec.rows ?? [],
      owner = new Map(rows.flatMap((r, k) => [r.running, r.next, r.queue].filter(p => p != null).map(p => [p, k]))),
      queues = new Map(rows.map((r, k) => [r.queue, k])),
      [lo, hi] = trace.rowsAt('moves', i);
    let victim = -1,
      thief = -1,
      n = 0;
    for (let k = lo; k < hi; k++) {
      const from = queues.get(c['moves.from'][k]),
        to = owner.get(c['moves.to'][k]);
      if (from === undefined || to === undefined || from === to) continue;
      [victim, thief] = [from, to];
      n++;
    }
    for (const el of [this.arc, this.head, this.said]) el.style.opacity = n ? 1 : 0;
    this.said.textContent = '';
    if (!n) {
      set(this.arc, { d: 'M0 0' });
      set(this.head, { transform: 'translate(0 0)' });
      set(this.said, { x: 0, y: 0 });
      return;
    }
    const y0 = this.y(victim),
      y1 = this.y(thief),
      x = X.queue + this.cells * X.cell - 14,
      left = app_places(trace, i, -1).in(rows[victim].queue).length;
    this.arc.setAttribute('d', `M${x} ${y0} C${x + 32} ${y0} ${x + 32} ${y1} ${x + 6} ${y1}`);
    this.head.setAttribute('transform', `translate(${x + 4} ${y1}) rotate(180)`);
    set(this.said, { x: x + 34, y: (y0 + y1) / 2 + 4 });
    this.said.textContent = say(words, 'takes', { n, m: n + left });
  }
}
