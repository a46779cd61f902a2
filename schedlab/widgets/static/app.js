// ---- the player as a whole ----------------------------------------------------------------------------------------------------------
const BUSY_MS = 200,
  WAIT_MS = 3000,
  CURSOR_MS = 250,
  WIDE = 1240,
  ROOM = [282, 460];
const SIDE = { source: 420, sequence: 540 };

class App {
  constructor(model, el) {
    Object.assign(this, { model, el, scope: new Scope(), marks: [], markAt: -1, compare: null, side: 'A', form: null, serial: 0, wellSaid: null });
    this.words = WORDS[model.get('head')?.language] ?? WORDS.en;
    this.alive = true;
    this.requests = { n: 0, open: new Map() };
    this.root = h('section', { class: 'sl', 'data-lm-suppress-shortcuts': 'true' });
    this.live = h('p', { class: 'sr', role: 'status', 'aria-live': 'polite' });
    el.append(this.root);
    this.look = new Look(this.root);
    const listen = (name, fn) => {
      model.on?.(name, fn);
      this.scope.add(() => model.off?.(name, fn));
    };
    listen('change:head', () => this.reload());
    listen('change:columns', () => this.reload());
    listen('change:marks', () => this.takeMarks());
    listen('change:still', () => this.stillness());
    listen('change:columns_b', () => this.requests.open.has('fork') || this.takeFork()); // the answer to it comes with its own numbers
    listen('msg:custom', msg => this.heard(msg));
    listen('comm_live_update', () => this.gone());
    watchTheme(this.scope, this.look, () => this.restyle());
    this.motion = matchMedia('(prefers-reduced-motion: reduce)');
    this.scope.on(this.motion, 'change', () => this.stillness());
    this.load();
    this.scope.add(() => {
      clearTimeout(this.reloading);
      this.sub?.end();
      this.root.remove();
    });
  }
  get connected() {
    return this.alive && typeof this.model.send === 'function';
  }
  /** The event of the trace at the cursor, in a comparison too. */
  get event() {
    return this.compare ? this.compare.pair(this.player.i)[0] : this.player.i;
  }

  // what is shown: a trace, or why there is none
  reload() {
    clearTimeout(this.reloading); // head and columns change together: one picture for both
    this.reloading = setTimeout(() => {
      const kept = this.kept;
      this.kept = null;
      // Python agrees that B is the trace now: that is on the screen already
      if (kept && JSON.stringify(kept.head) === JSON.stringify(this.model.get('head'))) return;
      this.load();
    }, 0);
  }
  load() {
    const head = this.kept?.head ?? this.model.get('head'),
      raw = this.kept?.raw ?? this.model.get('columns');
    this.sub?.end();
    this.sub = new Scope();
    this.serial++;
    Object.assign(this, { marks: [], markAt: -1, compare: null, form: null, problem: null, wellSaid: null, trace: null, player: null, panels: null, time: null, forkButton: null });
    this.words = WORDS[head?.language] ?? WORDS.en;
    const empty = !head || !Object.keys(head).length;
    if (empty || (Object.keys(head.columns ?? {}).length > 0 && !raw?.byteLength && Object.values(head.columns).some(c => c[2] > 0) && raw == null)) return this.without(this.words.waitingTrace, true);
    try {
      this.trace = new Trace(head, raw, this.words);
    } catch (error) {
      // a reader that stumbles over a head of another shape says so in one sentence too
      const text = error instanceof Unreadable ? say(this.words, error.message, error.values) : say(this.words, 'badHead', { what: error.message });
      return this.without(text, false);
    }
    this.build(head);
  }
  /** Header and one plain sentence; the text form, when there is one, below it. */
  without(text, waiting) {
    const { words } = this,
      head = this.model.get('head') ?? {},
      what = h('p', { class: 'sl-problem', role: waiting ? 'status' : 'alert' }, text),
      form = this.model.get('text');
    this.problem = text;
    const title = tame(head.title ?? '');
    this.root.setAttribute('aria-label', title ? say(words, 'root', { title }) : words.player);
    this.root.replaceChildren(
      this.look.defs,
      h('header', { class: 'sl-head' }, title ? h('h2', {}, title) : null),
      h('div', { class: `sl-none${waiting ? ' wait' : ''}` }, what, !waiting && form ? h('pre', {}, String(form)) : null),
    );
    if (waiting) this.sub.later(() => (what.textContent = words.waitingLong), WAIT_MS);
    this.hook(null);
  }
  build(head) {
    const { words, root, look, sub: scope } = this,
      player = (this.player = new Player(this.trace, scope));
    root.setAttribute('aria-label', say(words, 'root', { title: tame(head.title) }));
    this.stillness();
    this.time = new Timeline(this);
    this.bar = transport(this);
    this.sentence = new Sentence(this);
    this.help = this.dialog();
    const from = h('span', { class: 'from', title: tame([head.from, ...(head.assumptions ?? [])].join('. ')) }, tame(head.from ?? ''));
    from.id = `${look.uid}-from`;
    root.setAttribute('aria-describedby', from.id);
    this.goneNote = h('span', { class: 'from gone', hidden: true }, words.gone);
    this.predictButton = h('button', { type: 'button', class: 'text', 'aria-pressed': 'false', title: words.predictTitle, onclick: () => this.togglePredict() }, words.predict);
    this.forkButton = h('button', { type: 'button', class: 'text', onclick: () => this.forkForm() }, words.fork);
    this.compareBox = h('div', { class: 'sl-compare', hidden: true });
    this.row = h('div', { class: 'sl-panels' });
    this.sideBox = h('div', { class: 'sl-side' });
    this.bodyBox = h('div', { class: 'sl-body' }, h('div', { class: 'sl-main' }, this.time.el, this.bar.el, this.compareBox, this.sentence.el, this.row), this.sideBox);
    root.replaceChildren(
      look.defs,
      h(
        'header',
        { class: 'sl-head' },
        h('h2', { title: tame(head.title) }, tame(head.title)),
        from,
        this.goneNote,
        h('span', { class: 'grow' }),
        this.trace.questions.length ? this.predictButton : null,
        head.forks?.length ? this.forkButton : null,
        h('button', { type: 'button', class: 'text', title: words.keysTitle, onclick: () => this.openHelp() }, words.keys),
      ),
      this.bodyBox,
      this.live,
      this.help,
    );
    this.time.show([{ trace: this.trace, tag: 'A', prefix: 0 }]);
    this.panels = { A: this.makePanels(this.trace) };
    this.side = 'A';
    this.wide = null;
    scope.resize(root, () => this.arrange());
    this.arrange();
    this.wire(player);
    this.sentence.size();
    this.connection();
    this.takeMarks(head.marks?.length ? head.marks : this.kept ? {} : undefined); // nobody has checked what was kept
    const start = clamp(this.model.get('cursor') || 0, 0, player.last);
    if (start) player.go(start, 'jump');
    this.refresh();
    this.sentence.show();
    this.hook(player);
    if (head.mode) {
      // a lesson may begin with questions: at the first one, or at the moment that it names
      this.unasked = true;
      player.setPredict(true);
      if (!start) player.toQuestion();
      this.unasked = false;
      this.sentence.quiet = true;
    }
    if (!this.kept) this.takeFork();
  }
  wire(player) {
    const { root, model } = this;
    player
      .on('cursor', () => {
        this.sentence.quiet = false;
        if (this.marks[this.markAt]?.event !== player.i) this.markAt = this.marks.findIndex(m => m.event === player.i);
        if (this.wellAt !== player.i) this.wellSaid = null;
      })
      .on('cursor mode', () => this.sentence.show())
      .on('choice', () => this.sentence.chosen())
      .on('cursor mode choice', () => this.refresh())
      .on('mode', () => {
        root.toggleAttribute('data-playing', player.playing);
        root.toggleAttribute('data-predict', player.predict.on);
        root.toggleAttribute('data-asking', player.asking);
        this.predictButton.setAttribute('aria-pressed', String(player.predict.on));
      })
      .on('cursor', () => this.tellCursor())
      .on('answers', () => {
        model.set?.('answers', player.answers);
        model.save_changes?.();
      });
    this.sub.add(() => {
      clearTimeout(this.cursorTimer);
      this.cursorTimer = 0;
      this.drop();
    });
    this.scopeB = new Scope();
    this.sub.add(() => this.scopeB.end());
    this.sub.on(root, 'keydown', e => this.key(e));
    this.sub.on(root, 'click', e => this.ground(e));
    this.sub.on(document, 'visibilitychange', () => document.hidden && player.stop());
    const seen = new IntersectionObserver(entries => {
      const out = !entries.at(-1).isIntersecting;
      if (out === !!this.hiddenPlayer) return;
      this.hiddenPlayer = out;
      if (out) player.stop();
      else {
        this.time.draw();
        this.refresh(); // what was built out of sight could not be scrolled to its line
      }
    });
    seen.observe(root);
    this.sub.add(() => seen.disconnect());
    this.sub.add(() => (this.hiddenPlayer = false));
  }
  /** At most four a second, and always the last one. */
  tellCursor() {
    if (this.cursorTimer || !this.model.set) return;
    this.cursorTimer = setTimeout(() => {
      this.cursorTimer = 0;
      if (this.model.get('cursor') === this.event) return;
      this.model.set('cursor', this.event);
      this.model.save_changes?.();
    }, CURSOR_MS);
  }
  speak(text) {
    if (this.unasked) return;
    this.live.replaceChildren(text);
  }

  // panels
  makePanels(trace) {
    return (trace.head.panels ?? []).flatMap(spec => (PANEL[spec.kind] ? [new PANEL[spec.kind](this, trace, spec)] : []));
  }
  /** One height for the panels of both futures: enough for the choice, within reason. */
  room() {
    const needs = Object.values(this.panels ?? {}).flatMap(list => list.map(p => p.need ?? 0));
    this.row.style.setProperty('--room', `${clamp(Math.max(0, ...needs), ROOM[0], ROOM[1])}px`);
  }
  /** Below 1240 px every panel is in the row; from there on the tall one stands at the right. */
  arrange() {
    const width = this.root.clientWidth,
      w = width >= WIDE,
      list = this.panels[this.side],
      key = `${width > 0} ${w} ${this.side} ${this.serial}`;
    if (key === this.wide) return;
    this.wide = key;
    const kinds = list.map(p => p.spec.kind),
      tall = w ? list.find(p => p.spec.kind === 'sequence') ?? list.find(p => p.spec.kind === 'source') : null,
      rest = list.filter(p => p !== tall);
    this.row.replaceChildren(...rest.map(p => p.el));
    this.sideBox.replaceChildren(...(tall ? [tall.el] : []));
    this.sideBox.hidden = !tall;
    this.bodyBox.style.gridTemplateColumns = tall ? `minmax(0, 1fr) ${SIDE[tall.spec.kind]}px` : '';
    this.row.hidden = !rest.length;
    const has = k => kinds.includes(k),
      base = has('sequence') && has('graph') && has('objects') ? 'talk' : has('processors') ? 'go' : rest.length === 3 || (list.length === 3 && tall) ? 'three' : 'some';
    const wide = has('candidates') && list[0].trace.head.candidates?.columns.length > 2;
    this.row.className = `sl-panels lay-${base} n${rest.length}${tall ? ' split' : ''}${has('queues') ? ' queues' : has('tree') ? ' tree' : ''}${wide && !tall ? ' many' : ''}`;
    for (const p of list) p.moved();
  }
  state(set_ = this.side) {
    const { player, compare } = this;
    if (!compare) {
      const q = player.predict.ask;
      return { trace: this.trace, i: player.i, q, blind: q >= 0 && this.trace.head.mode === 'scheduler' };
    }
    const [a, b] = compare.pair(player.i),
      [trace, i, rival, j] = set_ === 'A' ? [compare.a, a, compare.b, b] : [compare.b, b, compare.a, a],
      last = rival.lastDecision(j);
    return { trace, i, q: -1, other: { side: set_, trace: rival, i: j, within: compare.within, candidates: last >= 0 ? rival.candidates(last) : null } };
  }
  refresh() {
    if (!this.panels) return;
    const state = this.state();
    for (const p of this.panels[this.side]) p.show(state);
  }
  mainOf(set_) {
    return this.compare ? (set_ ? this.compare.b : this.compare.a) : this.trace;
  }
  setOf(trace) {
    return this.compare && trace === this.compare.b ? 1 : 0;
  }
  /** What a panel hangs on others goes with its trace: that of a second future when the comparison is closed. */
  scopeOf(trace) {
    return trace === this.trace ? this.sub : this.scopeB;
  }
  goTo(set_, event, how) {
    this.player.go(this.compare ? this.compare.stepOf(set_, event) : event, how);
  }

  // exercises
  takeMarks(given = this.model.get('marks')) {
    if (!this.player) return;
    const broken = Array.isArray(given) ? given : (given?.broken ?? []),
      { player, words } = this;
    this.marks = broken.filter(m => m.event >= 0 && m.event < this.trace.n).map(m => ({ ...m, time: m.time ?? this.trace.at[m.event] })).sort((p, q) => p.event - q.event);
    this.wellSaid = null;
    this.sentence.afterKey = null;
    this.time.setMarks(this.marks);
    this.sentence.size();
    if (this.marks.length) {
      const m = this.marks[0];
      player.setPredict(false);
      this.toMark(0);
      this.speak(say(words, 'ruleBroken', { time: this.trace.time(m.time), rule: tame(m.rule) }));
    } else if (given?.rules) {
      this.wellAt = player.i;
      this.wellSaid = say(words, 'allWell', { rules: given.rules, events: this.trace.n });
      this.sentence.show();
      this.speak(this.wellSaid);
    }
  }
  nextMark(by) {
    const { marks, player } = this;
    if (this.markAt >= 0) return (this.markAt + by + marks.length) % marks.length;
    const k = marks.findIndex(m => m.event > player.i);
    return by > 0 ? (k < 0 ? 0 : k) : (k < 0 ? marks.length : k) - 1 < 0 ? marks.length - 1 : (k < 0 ? marks.length : k) - 1;
  }
  toMark(k) {
    this.markAt = k;
    this.player.stop();
    this.goTo(0, this.marks[k].event, 'jump');
    this.markAt = k;
    this.sentence.show();
  }

  // asking Python: every request has a number, an answer to an older one is dropped
  request(kind, body, what, panel) {
    const n = ++this.requests.n,
      open = { n, body, panel };
    this.requests.open.get(kind)?.cancel();
    open.timer = setTimeout(() => {
      open.slow = true;
      this.speak(say(this.words, 'workingAt', { what }));
      panel?.restyle?.();
      panel?.working?.();
    }, BUSY_MS);
    open.cancel = () => clearTimeout(open.timer);
    this.requests.open.set(kind, open);
    try {
      this.model.send({ n, ask: kind, ...body });
    } catch {
      this.answered(kind, n);
      this.gone();
    }
  }
  /** The open request that an answer belongs to, or null when a newer one was made since. */
  answered(kind, n) {
    const open = this.requests.open.get(kind);
    if (!open || open.n !== n) return null;
    open.cancel();
    this.requests.open.delete(kind);
    if (open.slow) this.speak(this.words.done);
    return open;
  }
  /** What was asked is wanted no more. */
  drop() {
    for (const open of this.requests.open.values()) open.cancel();
    this.requests.open.clear();
  }
  busy(kind, event) {
    const open = this.requests.open.get(kind);
    return !!open?.slow && open.body.event === event;
  }
  explain(event, panel) {
    this.request('explain', { event }, this.words.explain, panel);
  }
  heard(msg) {
    if (!msg || typeof msg !== 'object' || !this.player) return;
    if (Number.isInteger(msg.goto)) this.player.jump(this.compare ? this.compare.stepOf(0, msg.goto) : msg.goto);
    if ('explained' in msg) {
      if (!this.answered('explain', msg.n) && msg.n !== undefined) return;
      const failed = msg.error ? say(this.words, 'explainFailed', { why: tame(msg.error) }) : '';
      this.trace.explained.set(msg.explained, { candidates: msg.candidates, lines: msg.lines, failed });
      this.refresh();
      this.sentence.key = null;
      this.sentence.show();
      if (failed) this.speak(failed);
    }
    if ('forked' in msg) {
      if (!this.answered('fork', msg.n)) return;
      if (msg.error) this.forkFailed(tame(msg.error));
      else this.takeFork(msg.forked);
    }
  }
  gone() {
    if (!this.alive) return;
    this.alive = false;
    this.drop();
    this.connection();
    this.speak(this.words.goneSaid);
    this.refresh();
  }
  connection() {
    if (!this.forkButton) return;
    const { words, compare } = this,
      disable = (button, why, title) => {
        if (why && button === document.activeElement) this.time.box.focus({ preventScroll: true });
        button.disabled = !!why;
        button.title = why || title;
      };
    disable(this.forkButton, !this.connected ? words.forkOff : compare ? words.forkNested : this.trace.n ? '' : words.emptyTrace, words.forkTitle);
    disable(this.predictButton, compare ? words.predictNested : this.form ? words.predictForm : '', words.predictTitle);
    this.goneNote.hidden = this.alive;
  }

  // fork and compare
  forkForm() {
    if (this.forkButton.disabled || !this.trace.head.forks?.length) return;
    const { words, player, trace } = this,
      changes = this.trace.head.forks,
      event = player.i,
      fields = h('span', { class: 'fields' });
    player.stop();
    if (player.predict.on) this.togglePredict();
    let chosen = changes[0];
    const draw = () =>
      fields.replaceChildren(
        ...chosen.fields.map(f => {
          const options = f.type === 'task' ? trace.tasks.map((_, k) => [k, trace.ref('task', k).text]) : (f.options ?? []).map(o => (Array.isArray(o) ? o : [o, String(o)]));
          const id = `${this.look.uid}-${f.id}`,
            control =
              f.type === 'number'
                ? h('input', { type: 'number', id, 'data-field': f.id, min: f.min, max: f.max, step: f.step ?? 'any', value: f.value })
                : h('select', { id, 'data-field': f.id }, options.map(([v, label]) => h('option', { value: v, selected: v === f.value }, tame(label))));
          return h('label', {}, `${tame(f.label)} `, control);
        }),
      );
    const which = h(
      'select',
      {
        'aria-label': words.change,
        onchange: e => {
          chosen = changes[+e.target.value];
          draw();
        },
      },
      changes.map((c, k) => h('option', { value: k }, tame(c.label))),
    );
    draw();
    const run = h('button', { type: 'submit', class: 'text main' }, words.run),
      said = h('span', { class: 'said', role: 'status' });
    this.form = { said };
    const form = h(
      'form',
      {
        class: 'sl-fork',
        onsubmit: e => {
          e.preventDefault();
          const change = { id: chosen.id };
          for (const input of fields.querySelectorAll('[data-field]')) {
            const f = chosen.fields.find(x => x.id === input.dataset.field);
            change[f.id] = f.type === 'choice' ? (f.options ?? []).map(o => (Array.isArray(o) ? o[0] : o)).find(o => String(o) === input.value) ?? input.value : +input.value;
          }
          said.textContent = '';
          this.request('fork', { event, change }, words.forkRunning, { working: () => (said.textContent = words.working) });
        },
      },
      h('p', {}, say(words, 'forkForm', { time: trace.time(trace.n ? trace.at[event] : 0) })),
      h('div', { class: 'ask' }, which, fields, run, h('button', { type: 'button', class: 'text', onclick: () => this.closeForm() }, words.cancel), said),
    );
    this.sentence.showForm([form]);
    which.focus({ preventScroll: true });
    this.connection();
  }
  /** In the form, where what the learner chose stands still; without one in the place of the comparison. */
  forkFailed(why) {
    const text = say(this.words, 'forkFailed', { why });
    if (this.form) this.form.said.textContent = text;
    else if (!this.compare) {
      this.compareBox.replaceChildren(h('span', { class: 'mute' }, text));
      this.compareBox.hidden = false;
    }
  }
  closeForm() {
    this.form = null;
    this.connection();
    this.requests.open.get('fork')?.cancel();
    this.requests.open.delete('fork');
    this.sentence.restyle();
    this.refocus();
  }
  /** The focus goes back to the button that opened what is closed now, where there is one. */
  refocus() {
    const { forkButton } = this;
    (forkButton.isConnected && !forkButton.disabled ? forkButton : this.time.box).focus({ preventScroll: true });
  }
  /** Trace B is here: two timelines, one axis, one play-head. */
  takeFork(info = this.model.get('fork_info')) {
    const head = this.model.get('head_b'),
      raw = this.model.get('columns_b');
    if (!this.trace || !head || !Object.keys(head).length || !raw?.byteLength || !info || !Object.keys(info).length) return;
    let b;
    try {
      b = new Trace(head, raw, this.words);
    } catch (error) {
      return this.forkFailed(error instanceof Unreadable ? say(this.words, error.message, error.values) : error.message);
    }
    const { event } = this,
      merged = new Merged(this.trace, b, info),
      hadFocus = [this.sentence.el, this.compareBox].some(el => el.contains(document.activeElement));
    this.form = null;
    if (this.player.predict.on) this.player.setPredict(false);
    this.compare = merged;
    this.player.stop();
    this.scopeB.end();
    this.panels.B = this.makePanels(b);
    this.time.show([
      { trace: this.trace, tag: 'A', prefix: merged.parting },
      { trace: b, tag: 'B', prefix: merged.parting },
    ]);
    const [a0, b0] = this.player.view;
    this.player.follow(merged, merged.stepOf(0, event));
    this.strip(info, merged);
    this.sentence.size();
    this.player.setView(a0, b0);
    if (merged.whole || info.stay) this.player.tell('cursor');
    else this.player.go(merged.same, 'jump');
    this.player.tell('mode');
    this.connection();
    this.showSide('A');
    if (hadFocus) this.switchButtons[0].focus({ preventScroll: true });
  }
  strip(info, merged) {
    const { words } = this,
      differ = (a, b, c) => {
        const text = units({ ...c, sign: true }, b - a);
        return /[1-9∞]/.test(text) ? text : words.equal;
      };
    this.switchButtons = ['A', 'B'].map(side =>
      h('button', { type: 'button', class: 'text', 'aria-pressed': 'false', title: `${words[`show${side}`]} (B)`, 'aria-label': words[`show${side}`], onclick: () => this.showSide(side) }, side),
    );
    const totals = (info.totals ?? []).map(t => {
      const c = { scale: 1, digits: null, unit: '', ...t };
      return h(
        'span',
        { class: 'total' },
        h('span', { class: 'mute' }, tame(t.name)),
        ` A ${units({ ...c, sign: false }, t.a, true)}  B ${units({ ...c, sign: false }, t.b, true)}  `,
        h('b', {}, differ(t.a, t.b, c)),
      );
    });
    this.compareBox.replaceChildren(
      h('span', { class: 'mute' }, merged.whole ? words.sameAll : merged.same ? say(words, 'same', { time: merged.time(merged.parting) }) : words.sameNever),
      h('span', { class: 'totals', role: 'group', 'aria-label': words.compareTotals }, totals),
      h('span', { class: 'group', role: 'group', 'aria-label': words.panelsOf }, this.switchButtons),
      h('button', { type: 'button', class: 'text', onclick: () => this.keepB() }, words.keepB),
      h('button', { type: 'button', class: 'text', onclick: () => this.closeCompare() }, words.close),
    );
    this.compareBox.hidden = false;
  }
  showSide(side) {
    this.side = side;
    this.switchButtons?.forEach((b, k) => b.setAttribute('aria-pressed', String('AB'[k] === side)));
    this.arrange();
    this.refresh();
  }
  closeCompare() {
    const { event } = this;
    this.compare = null;
    this.scopeB.end();
    delete this.panels.B;
    this.compareBox.hidden = true;
    this.player.stop();
    const view = [...this.player.view];
    this.player.follow(this.trace, event);
    this.time.show([{ trace: this.trace, tag: 'A', prefix: 0 }]);
    this.player.setView(...view);
    this.showSide('A');
    this.sentence.size();
    this.connection();
    this.player.tell('cursor');
    this.player.tell('mode');
    this.refocus();
  }
  keepB() {
    const head = this.model.get('head_b'),
      raw = this.model.get('columns_b');
    this.kept = { head, raw };
    this.model.set('cursor', this.compare.pair(this.player.i)[1]);
    this.model.save_changes?.();
    if (this.connected) this.model.send({ n: ++this.requests.n, keep: 'b' });
    this.load();
    this.time?.box.focus({ preventScroll: true });
  }

  stillness() {
    const still = this.motion.matches || !!this.model.get('still');
    this.root.toggleAttribute('data-still', still);
    if (this.player) this.player.still = still;
  }
  restyle() {
    if (!this.trace || !this.time) return;
    this.time.restyle();
    for (const list of Object.values(this.panels)) for (const p of list) p.restyle();
    this.sentence.restyle();
  }

  // keys and dialog
  togglePredict() {
    if (this.predictButton.disabled || !this.trace.questions.length) return;
    this.sentence.quiet = false;
    this.player.setPredict(!this.player.predict.on);
  }
  dialog() {
    const { words } = this,
      help = h(
        'dialog',
        { 'aria-label': words.keyboard },
        h('h3', {}, words.keyboard),
        h(
          'dl',
          {},
          words.keyTable.flatMap(([k, v]) => [h('dt', {}, h('kbd', {}, k)), h('dd', {}, v)]),
        ),
        h('button', { type: 'button', class: 'text', onclick: () => help.close() }, words.close),
      );
    help.addEventListener('close', () => this.helpFrom?.focus({ preventScroll: true }));
    return help;
  }
  openHelp() {
    this.helpFrom = document.activeElement;
    this.player.stop();
    this.help.showModal();
  }
  key(e) {
    const { player, time } = this,
      on = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (this.help.open) {
      e.stopPropagation(); // the dialog keeps its keys, and the notebook gets none
      return;
    }
    if (on.closest('select, input:not([type=radio]), textarea')) {
      e.stopPropagation();
      if (e.key === 'Escape' && this.form) this.closeForm();
      return;
    }
    const radio = on.matches('input[type=radio]'),
      button = !!on.closest('button'),
      slider = on === time.box,
      within = on.closest('.sl-scroll, .sl-scroller');
    const act = {
      k: () => player.toggle(),
      ArrowRight: () => (e.shiftKey ? player.stepDecision(1) : player.step(1)),
      ArrowLeft: () => (e.shiftKey ? player.stepDecision(-1) : player.step(-1)),
      Home: () => player.jump(0),
      End: () => player.jump(player.last),
      '+': () => player.zoom(1 / 1.6),
      '=': () => player.zoom(1 / 1.6),
      '-': () => player.zoom(1.6),
      0: () => player.setView(0, player.trace.end, false),
      ',': () => player.pan(-0.25),
      '.': () => player.pan(0.25),
      '[': () => player.setSpeed(player.speed / 2),
      ']': () => player.setSpeed(player.speed * 2),
      p: () => this.togglePredict(),
      f: () => !this.form && this.forkForm(),
      b: () => this.compare && this.showSide(this.side === 'A' ? 'B' : 'A'),
      '?': () => this.openHelp(),
      Escape: () => this.escape(),
    };
    if (slider)
      Object.assign(act, {
        ' ': () => player.toggle(),
        PageDown: () => player.step(10),
        PageUp: () => player.step(-10),
        ArrowUp: () => time.chooseLane(-1),
        ArrowDown: () => time.chooseLane(1),
        Enter: () => this.speak(time.readLane()),
      });
    if (player.asking) {
      if (/^[1-9]$/.test(e.key)) {
        const c = this.trace.candidates(player.predict.ask)?.[e.key - 1];
        act[e.key] = () => c && player.choose(c.row);
      }
      if (!button) act.Enter = () => player.predict.choice >= 0 && this.sentence.revealNow();
    } else if (player.predict.on && !player.predict.verdict && player.nextQuestion(player.i + 1) >= 0) {
      for (const key of ['Enter', ...'123456789']) act[key] = () => player.toQuestion();
    }
    if (radio && (e.key.startsWith('Arrow') || e.key === ' ')) {
      e.stopPropagation(); // a radio group keeps its arrows
      return;
    }
    if (button && (e.key === 'Enter' || e.key === ' ')) {
      e.stopPropagation(); // a button keeps Enter and Space
      return;
    }
    if (within && ['Home', 'End', 'PageUp', 'PageDown', 'ArrowUp', 'ArrowDown', ' '].includes(e.key)) {
      e.stopPropagation(); // a panel that scrolls keeps its scrolling
      return;
    }
    const f = Object.hasOwn(act, e.key.length === 1 ? e.key.toLowerCase() : e.key) ? act[e.key.length === 1 ? e.key.toLowerCase() : e.key] : null;
    if (!f) return;
    f();
    e.preventDefault();
    e.stopPropagation();
  }
  /** A click on what takes no focus itself gives it to the timeline: else the notebook would have the next key. */
  ground(e) {
    const on = e.target,
      taken = on.closest('button, select, input, textarea, label, dialog, [tabindex]'),
      selected = getSelection();
    if (!on.isConnected || (taken && taken !== this.root && this.root.contains(taken)) || (selected && !selected.isCollapsed)) return;
    this.time.box.focus({ preventScroll: true });
  }
  escape() {
    const { player } = this;
    if (this.form) this.closeForm();
    else if (player.asking) {
      player.step(-1);
      this.time.box.focus({ preventScroll: true });
    } else player.stop();
  }

  /** For tests and the curious: `root.__player.go(i)`, `.state()`. Nothing in the player depends on it. */
  hook(player) {
    const app = this;
    this.root.__player = {
      app,
      player,
      go: (i, how = 'jump') => player?.go(i, how),
      state: () =>
        player
          ? {
              i: player.i,
              n: player.trace.n,
              t: player.t,
              view: [...player.view],
              playing: player.playing,
              moving: !!(player.move || player.panFrame || player.frame),
              speed: player.speed,
              pace: player.pace,
              predict: { on: player.predict.on, ask: player.predict.ask, choice: player.predict.choice, right: player.predict.right, wrong: player.predict.wrong, skipped: player.predict.skipped },
              hiddenFrom: player.hiddenFrom,
              compare: !!app.compare,
              side: app.side,
              marks: app.marks.length,
              markAt: app.markAt,
              problem: app.problem,
              connected: app.connected,
              lanes: app.time.rows.length,
            }
          : { problem: app.problem },
      sentence: i => {
        const e = app.trace.sentence(i);
        return [tame(e.kind), plain(e.say), plain(e.small)];
      },
      /** Milliseconds of one drawing of the timeline. */
      drawTime: () => {
        const t = performance.now();
        app.time.draw();
        return performance.now() - t;
      },
    };
  }
}

/** Two copies of the module in one page must not share state: everything hangs on the App. */
function render({ model, el }) {
  const app = new App(model, el);
  return () => app.scope.end();
}
export { fill, plain, number, inkOn, PALETTE, tame, shown };
export default { render };
