// ---- the sentence: what happened and why, questions, verdicts, rules that failed -------------------------------------------------
class Sentence {
  constructor(app) {
    Object.assign(this, { app, player: app.player, words: app.words, look: app.look });
    this.kind = h('div', { class: 'kind' });
    this.what = h('div', { class: 'what' });
    this.then = h('div', { class: 'then' });
    this.el = h('div', { class: 'sl-say' }, this.kind, this.what, this.then);
    this.spokeAt = -1e9;
    this.quiet = true; // nothing is said before the first step
    app.sub.resize(this.el, () => this.size());
  }
  /** Parts with their tokens: a task is its token and its name, every name is isolated from the text around it. */
  rich(parts, trace) {
    return parts.map(p => {
      if (typeof p === 'string') return p;
      const name = h('bdi', { title: p.title === p.text ? null : p.title }, p.text);
      return p.task >= 0 ? h('span', { class: 'name' }, this.look.token(p.task, trace.letter(p.task)), ' ', name) : name;
    });
  }
  speak(text, now = false) {
    const t = performance.now();
    if (this.quiet) return;
    if (this.player.playing && !now && t - this.spokeAt < 2000) return;
    this.spokeAt = t;
    this.app.speak(text);
  }

  /** The box's height is reckoned from the longest sentences, so that no step changes it. */
  size() {
    const width = this.el.clientWidth;
    if (!width) return;
    const { say: long, small, why, ch } = this.longest(),
      lines = (px, room) => Math.max(1, Math.ceil((px * 1.02 + 6) / Math.max(120, Math.min(room, 84 * ch)))),
      room = width - (width < 480 ? 72 : 124) - 16,
      tight = room - 176, // beside Go on and the score
      { compare, marks } = this.app;
    const one = marks.length ? room - 150 : room, // beside the way through the rules that failed
      markH = marks.length ? lines(this.widestMark(), one) * 24 + lines(long * 0.85, one) * 20 : 0,
      ownH = lines(long, one) * 24 + (small ? lines(small, one) * 20 : 0),
      plainH = 20 + (compare ? 2 * lines(long + 150, room) * 24 : Math.max(ownH, markH)),
      verdictH = 20 + Math.max(lines(long + 70, tight) * 24 + (small ? lines(small, tight) * 20 : 0), lines(long + why + 160, tight) * 24),
      askH = 20 + 24 + 8 + 40 * this.pickRows(tight) - 8;
    this.heights = [clamp(plainH, 70, 200), clamp(Math.max(verdictH, askH), 98, 280)];
    this.fit();
  }
  fit() {
    if (!this.heights) return;
    const form = this.app.form ? 130 : 0,
      [base, ask] = this.heights;
    this.el.style.height = `${Math.max(form, this.player.predict.on ? Math.max(ask, base) : base)}px`;
  }
  /** The longest of the rules that failed, with what happened instead, in CSS pixels. */
  widestMark() {
    const g = this.look.probe;
    g.font = `16px ${this.look.font}`;
    return this.app.marks.reduce((w, m) => Math.max(w, g.measureText(`${tame(m.rule)}: ${tame(m.say ?? '')}`).width), 0);
  }
  pickRows(room) {
    const { trace } = this.player;
    let most = 0;
    for (const q of trace.questions.slice(0, 50)) {
      const all = trace.candidates(q) ?? [];
      most = Math.max(most, all.reduce((sum, c) => sum + 66 + (c.ref?.text.length ?? 1) * 8, 150));
    }
    return clamp(Math.ceil(most / Math.max(200, room)), 1, 3);
  }
  /** Widths in CSS pixels, on one line, of the longest sentence, grey line and reason. */
  longest() {
    const { trace } = this.app,
      key = `${this.app.serial} ${this.look.font}`;
    if (this.longOf === key) return this.long;
    const g = this.look.probe,
      most = (list, font) => {
        g.font = font;
        // the longest dozen by letters are measured; a token is 24 px
        return list
          .sort((p, q) => q[1] - p[1])
          .slice(0, 12)
          .reduce((w, [text, , tokens]) => Math.max(w, g.measureText(text).width * 1.01 + tokens * 24), 0);
      },
      row = parts => {
        const text = plain(parts),
          tokens = parts.filter(p => p.task >= 0).length;
        return [text, text.length + 3 * tokens, tokens];
      },
      says = [],
      smalls = [[this.words.start, this.words.start.length, 0]],
      whys = [];
    for (let i = 0; i < trace.n; i += Math.max(1, Math.floor(trace.n / 1500))) {
      const e = trace.sentence(i);
      says.push(row(e.say));
      smalls.push(row(e.small));
    }
    const asked = trace.questions;
    for (let k = 0; k < asked.length; k += Math.max(1, Math.floor(asked.length / 200))) {
      const all = trace.candidates(asked[k]) ?? [];
      for (const c of all.slice(0, 12)) if (c.verdict) whys.push(row(trace.reason(c, all, true)));
    }
    const font = size => `${size}px ${this.look.font}`;
    g.font = font(16);
    this.long = { ch: g.measureText('0').width, say: most(says, font(16)), small: most(smalls, font(13)), why: most(whys, font(16)) };
    this.longOf = key;
    return this.long;
  }

  get focused() {
    const on = document.activeElement;
    return this.app.root.contains(on) ? on : null;
  }
  show() {
    const { app, player, words } = this,
      p = player.predict,
      { focused } = this; // before the line is redrawn
    this.fit();
    if (app.form) return;
    if (player.asking) return this.asked(focused);
    this.shownAsk = -1;
    if (app.problem) return;
    if (!player.trace.n) {
      this.kind.textContent = '';
      this.what.replaceChildren(words.emptyTrace);
      this.then.replaceChildren();
      return;
    }
    if (app.compare) return this.both();
    const { trace, i } = player,
      e = trace.sentence(i),
      mark = app.markAt >= 0 && app.marks[app.markAt]?.event === i ? app.marks[app.markAt] : null,
      v = p.verdict?.event === i ? p.verdict : null,
      end = p.on && !v && i === player.last && p.done.size > 0;
    this.head(e, mark);
    let words_ = [...e.say],
      small = e.small;
    const verdict = [];
    if (v && !v.skip) {
      verdict.push(h('span', { class: `verdict ${v.ok ? 'good' : 'bad'}` }, (v.ok ? '✓ ' : '✗ ') + words[v.ok ? 'right' : 'wrong']), ' ');
      if (v.why.length) {
        verdict.push(...this.rich(v.why, trace), ' ');
        small = [];
      }
    }
    if (mark) {
      small = e.say;
      words_ = [tame(mark.rule) + ': ', tame(mark.say ?? '')];
    } else if (end) {
      small = e.say;
      words_ = [say(words, 'scoreEnd', this.score())];
    } else if (i === 0 && !small.length && !v && !app.wellSaid) small = [words.start];
    if (app.wellSaid && !mark) [words_, small] = [[app.wellSaid], []];
    const key = `${app.serial}|${i}|${v ? `${v.event}${v.choice}` : ''}|${mark ? app.markAt : ''}|${end}|${app.wellSaid ?? ''}|${this.look.tone}`;
    if (key !== this.key) {
      this.key = key;
      this.what.replaceChildren(...verdict, ...this.rich(words_, trace), ...(small.length ? [' ', h('small', {}, ...this.rich(small, trace))] : []));
    }
    const fresh = this.after(v);
    this.refocus(focused, fresh && v);
    const said = plain(words_);
    this.speak((v && !v.skip ? `${words[v.ok ? 'right' : 'wrong']} ${v.why.length ? `${plain(v.why)} ` : ''}` : '') + said, this.wasPlaying && !player.playing);
    this.wasPlaying = player.playing;
  }
  score() {
    const { right, wrong, skipped } = this.player.predict;
    return { right, wrong, skipped };
  }
  head(e, mark) {
    this.kind.textContent = mark ? `✗ ${this.words.broken}` : (e.decision ? '◆ ' : '') + tame(e.kind);
    this.kind.className = `kind${mark ? ' bad' : e.decision ? ' now' : ''}`;
  }
  /** What stands at the right: Go on and the score, or the way through the rules that failed. */
  after(v) {
    const { app, player, words } = this,
      p = player.predict,
      ahead = p.on && !v && player.nextQuestion(player.i + 1) >= 0,
      key = `${v ? v.event : ''}|${p.on}|${ahead}|${p.done.size}|${app.marks.length}|${app.markAt}`;
    if (key === this.afterKey) return false;
    this.afterKey = key;
    const kids = [];
    if (v) {
      this.goOn = h(
        'button',
        {
          type: 'button',
          class: 'text',
          onclick: () => {
            app.bar.play.focus({ preventScroll: true });
            player.goOn();
          },
        },
        words.goOn,
      );
      kids.push(this.goOn);
    }
    if (ahead) kids.push(h('button', { type: 'button', class: 'text', title: `${words.toQuestion} (Enter)`, onclick: () => player.toQuestion() }, words.toQuestion));
    if (p.on) kids.push(h('span', {}, p.done.size ? say(words, 'score', this.score()) : words.scoreEmpty));
    else if (app.marks.length > 0) {
      const walk = (by, label, text) =>
        h('button', { type: 'button', class: 'text', 'aria-label': label, title: label, onclick: () => app.toMark(app.nextMark(by)) }, text);
      kids.push(
        h('span', { class: 'walk' }, walk(-1, words.previousMark, '⟨'), walk(1, words.nextMark, '⟩')),
        h('span', {}, say(words, 'markOf', { k: Math.max(0, app.markAt) + 1, n: app.marks.length })),
      );
    }
    this.then.replaceChildren(...kids);
    return true;
  }
  /** A verdict takes the focus to Go on; a button that was redrawn gives it to its like, else to the timeline. */
  refocus(focused, verdict) {
    if (!focused || (!verdict && focused.isConnected)) return;
    const like = [...this.then.querySelectorAll('button')].find(b => b.title && b.title === focused.title);
    (verdict ? this.goOn : (like ?? this.app.time.box)).focus({ preventScroll: true });
  }

  asked(focused) {
    const { player, words, app } = this,
      { trace } = player,
      q = player.predict.ask;
    if (this.shownAsk === q) return;
    this.shownAsk = q;
    this.key = this.afterKey = null;
    const question = trace.question(q),
      all = trace.candidates(q) ?? [],
      group = `${app.look.uid}-${q}`;
    this.kind.textContent = words.yourTurn;
    this.kind.className = 'kind now';
    this.reveal = h(
      'button',
      { type: 'button', class: 'text main', disabled: true, onclick: () => this.revealNow() },
      words.reveal,
    );
    this.picks = h(
      'span',
      { role: 'radiogroup', 'aria-label': question, class: 'picks' },
      all.map((c, n) =>
        h(
          'label',
          { class: 'pick', title: c.ref?.title },
          h('input', { type: 'radio', name: group, value: c.row, onchange: () => player.choose(c.row) }),
          c.ref?.task >= 0 ? this.look.token(c.row, trace.letter(c.row)) : null,
          h('bdi', {}, c.ref?.text ?? '–'),
          n < 9 ? h('kbd', { 'aria-hidden': 'true' }, String(n + 1)) : null,
        ),
      ),
    );
    this.what.replaceChildren(
      question,
      h(
        'div',
        { class: 'ask' },
        this.picks,
        this.reveal,
        h('button', { type: 'button', class: 'text', onclick: () => this.leave(true) }, words.skip),
      ),
    );
    this.then.replaceChildren(h('span', {}, player.predict.done.size ? say(words, 'score', this.score()) : ''));
    const list = all.map((c, n) => say(words, 'askedItem', { k: String(n + 1), name: c.ref?.text ?? '–' })).join(', ');
    app.speak(say(words, 'asked', { question, list }));
    if (focused) this.picks.querySelector('input')?.focus({ preventScroll: true });
  }
  chosen() {
    const { player } = this;
    if (!player.asking || !this.picks) return;
    for (const input of this.picks.querySelectorAll('input')) {
      input.checked = +input.value === player.predict.choice;
      if (input.checked && document.activeElement?.type === 'radio') input.focus({ preventScroll: true });
    }
    this.reveal.disabled = player.predict.choice < 0;
  }
  revealNow() {
    this.leave(false);
  }
  leave(skip) {
    this.quiet = false;
    this.player.answer(skip);
  }

  /** Two futures: two lines, each with its kind. */
  both() {
    const { app, player } = this,
      [a, b] = app.compare.pair(player.i);
    this.key = this.afterKey = null;
    const line = (tag, trace, i) => {
      const e = trace.sentence(i);
      return {
        el: h('div', { class: 'line' }, h('b', { class: 'tag' }, say(this.words, 'future', { tag })), h('span', { class: e.decision ? 'acc' : 'mute' }, `${e.decision ? '◆ ' : ''}${tame(e.kind)} `), ...this.rich(e.say, trace)),
        text: `${tag}: ${plain(e.say)}`,
      };
    };
    const lines = [line('A', app.compare.a, a), line('B', app.compare.b, b)];
    this.kind.textContent = 'A, B';
    this.kind.className = 'kind';
    this.what.replaceChildren(...lines.map(l => l.el));
    this.then.replaceChildren();
    this.speak(lines.map(l => l.text).join(' '));
  }
  /** The form of a fork stands where the sentence is. */
  showForm(kids) {
    this.key = this.afterKey = null;
    this.shownAsk = -1;
    this.kind.textContent = this.words.fork;
    this.kind.className = 'kind now';
    this.what.replaceChildren(...kids);
    this.then.replaceChildren();
    this.fit();
  }
  restyle() {
    const ask = this.shownAsk;
    this.key = this.afterKey = null;
    if (ask >= 0) {
      const choice = this.player.predict.choice;
      this.shownAsk = -1;
      this.asked(this.focused);
      this.player.predict.choice = choice;
      this.chosen();
    } else this.show();
  }
}
