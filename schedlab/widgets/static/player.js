// ---- one cursor, one clock -------------------------------------------------------------------------------------------------
const STEP_MS = 900,
  GLIDE_MS = 320,
  VIEW_MS = 220,
  VIEW_SECONDS = 12;
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

class Player {
  constructor(trace, scope) {
    this.scope = scope;
    this.still = false;
    this.playing = false;
    this.speed = 1;
    this.pace = 'event';
    this.frame = 0;
    this.listeners = {};
    this.answers = [];
    this.predict = { on: false, ask: -1, choice: -1, done: new Set(), right: 0, wrong: 0, skipped: 0, verdict: null, resume: false };
    this.follow(trace);
    this.view = [...this.home];
    scope.add(() => {
      cancelAnimationFrame(this.frame);
      cancelAnimationFrame(this.panFrame);
      clearTimeout(this.timer);
      this.ended = true;
    });
  }
  /** Take another trace: the same clock over other events. */
  follow(trace, i = 0) {
    this.trace = trace;
    this.i = clamp(i, 0, Math.max(0, trace.n - 1));
    this.t = trace.n ? trace.at[this.i] : 0;
    const [a, b] = trace.head.first_view ?? [0, trace.end];
    this.home = [a, Math.max(b, a + 1)];
    this.move = null;
  }
  on(names, fn) {
    for (const n of names.split(' ')) (this.listeners[n] ??= []).push(fn);
    return this;
  }
  tell(name) {
    for (const fn of this.listeners[name] ?? []) fn(this);
  }

  get last() {
    return Math.max(0, this.trace.n - 1);
  }
  get asking() {
    return this.predict.ask >= 0;
  }
  /** Move the cursor to event i. The picture glides there; the state is already there. */
  go(i, how = 'step') {
    if (!this.trace.n) return;
    i = clamp(Math.round(i), 0, this.last);
    const p = this.predict;
    if (this.asking) {
      if (i >= this.trace.begin(p.ask)) return;
      p.ask = -1; // stepping back leaves the question open
      this.tell('mode');
    }
    if (p.on && i > this.i && how !== 'answer') {
      const q = this.before(i);
      if (q >= 0) return this.ask(q, how);
    }
    if (how !== 'answer') p.verdict = null;
    this.i = i;
    this.glide(this.trace.at[i], how === 'jump' ? 0 : GLIDE_MS);
    this.keepInView(this.trace.at[i]);
    if (i === this.last) this.stop();
    this.tell('cursor');
  }
  step(n) {
    this.stop();
    // while asked, one step back is the event before the question, where the cursor stands already
    if (this.asking && n === -1) return this.go(this.trace.begin(this.predict.ask) - 1);
    this.go(this.i + n);
  }
  stepDecision(n) {
    const d = this.trace.decisions;
    this.stop();
    if (n > 0) {
      const k = bisect(d, this.i);
      this.go(k < d.length ? d[k] : this.last);
    } else {
      const k = bisect(d, this.i, true) - 1;
      this.go(k >= 0 ? d[k] : 0);
    }
  }
  jump(i) {
    this.stop();
    this.go(i, 'jump');
  }
  seekTime(t) {
    if (!this.trace.n) return;
    t = clamp(t, 0, this.trace.end);
    const i = this.trace.eventAt(t);
    if (this.asking) {
      if (i >= this.trace.begin(this.predict.ask)) return;
      this.predict.ask = -1;
      this.tell('mode');
    } else if (this.predict.on && i > this.i) {
      const q = this.before(i);
      if (q >= 0) return this.ask(q, 'jump');
    }
    this.move = null;
    this.t = t;
    if (i !== this.i || this.predict.verdict) {
      this.predict.verdict = null;
      this.i = i;
      this.tell('cursor');
    }
    this.tell('time');
  }

  // the clock: alive only while something moves
  play() {
    if (this.asking || !this.trace.n) return;
    if (this.i === this.last) this.go(0, 'jump');
    if (this.asking || this.i === this.last) return;
    this.playing = true;
    this.since = performance.now();
    this.tell('mode');
    this.tickOn();
  }
  stop() {
    if (!this.playing) return;
    this.playing = false;
    clearTimeout(this.timer);
    this.tell('mode');
  }
  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }
  setSpeed(v) {
    this.speed = clamp(v, SPEEDS[0], SPEEDS.at(-1));
    this.tell('mode');
    this.repace();
  }
  setPace(pace) {
    this.pace = pace;
    this.since = performance.now();
    this.lastFrame = 0;
    this.repace();
  }
  /** The next step is due at another time than the one that is waited for. */
  repace() {
    if (this.playing && !this.frame) this.tickOn();
  }
  glide(to, ms) {
    if (this.still || !ms || (this.pace === 'time' && this.playing)) {
      this.move = null;
      this.t = to;
      this.tell('time');
      return;
    }
    const most = this.playing ? (STEP_MS / this.speed) * 0.45 : Infinity;
    this.move = { from: this.t, to, start: performance.now(), ms: Math.min(ms, most) };
    this.tickOn();
  }
  /** The next frame; when nothing glides, play only waits for its next step. */
  tickOn() {
    if (this.ended) return;
    clearTimeout(this.timer);
    const waits = this.playing && !this.move && (this.pace === 'event' || this.still);
    if (waits) {
      this.timer = setTimeout(() => this.onFrame(performance.now()), Math.max(0, this.since + STEP_MS / this.speed - performance.now()));
    } else this.frame ||= requestAnimationFrame(now => ((this.frame = 0), this.onFrame(now)));
  }
  onFrame(now) {
    if (this.ended) return;
    if (this.move) {
      const x = clamp((now - this.move.start) / this.move.ms, 0, 1);
      this.t = this.move.from + (this.move.to - this.move.from) * ease(x);
      if (x === 1) this.move = null;
      this.tell('time');
    }
    if (this.playing && (this.pace === 'event' || this.still)) {
      const period = STEP_MS / this.speed;
      if (performance.now() - this.since >= period - 1) {
        this.since = Math.max(this.since + period, performance.now() - period / 2);
        this.go(this.i + 1);
      }
      this.lastFrame = 0;
    } else if (this.playing) {
      const dt = this.lastFrame ? Math.min(250, now - this.lastFrame) : 0;
      this.lastFrame = now;
      this.moveOn(dt / 1000);
    }
    if (this.playing || this.move) this.tickOn();
    else this.lastFrame = 0;
  }
  /** Simulated time: the play-head moves evenly, and the cursor is the last event at or before it. */
  moveOn(seconds) {
    const span = this.home[1] - this.home[0],
      t = Math.min(this.trace.end, this.t + seconds * (span / VIEW_SECONDS) * this.speed),
      i = this.trace.eventAt(t);
    if (i > this.i) {
      const q = this.predict.on ? this.nextQuestion(this.i + 1) : -1;
      if (q >= 0 && q <= i) return this.ask(q);
      this.i = i;
      this.predict.verdict = null;
      this.tell('cursor');
    }
    this.t = t;
    this.keepInView(t);
    this.tell('time');
    if (t >= this.trace.end || this.i === this.last) this.stop();
  }

  // the view: what stretch of time is on the screen
  get shortest() {
    return Math.min(this.trace.end, Math.max(this.trace.tick * 40, this.trace.end / 2e6));
  }
  setView(a, b, quick = true) {
    const span = clamp(b - a, this.shortest, this.trace.end);
    a = clamp(a, 0, this.trace.end - span);
    cancelAnimationFrame(this.panFrame);
    this.panFrame = 0;
    if (this.still || quick) {
      this.view = [a, a + span];
      this.tell('view');
      return;
    }
    const from = [...this.view],
      t0 = performance.now();
    const run = now => {
      this.panFrame = 0;
      const x = ease(clamp((now - t0) / VIEW_MS, 0, 1));
      this.view = [from[0] + (a - from[0]) * x, from[1] + (a + span - from[1]) * x];
      this.tell('view');
      if (x < 1) this.panFrame = requestAnimationFrame(run);
    };
    this.panFrame = requestAnimationFrame(run);
  }
  zoom(factor, at = this.t, quick = false) {
    const [a, b] = this.view,
      span = clamp((b - a) * factor, this.shortest, this.trace.end),
      f = span / (b - a);
    this.setView(at - (at - a) * f, at - (at - a) * f + span, quick);
  }
  pan(part) {
    const [a, b] = this.view,
      d = (b - a) * part;
    this.setView(a + d, b + d, false);
  }
  keepInView(t) {
    const [a, b] = this.view,
      span = b - a;
    if (this.playing && this.pace === 'time' && !this.still) {
      if (t > a + span * 0.7) this.setView(t - span * 0.7, t + span * 0.3);
      else if (t < a) this.setView(t - span * 0.1, t + span * 0.9);
      return;
    }
    const low = a > 0 ? a + span * 0.02 : a,
      high = b < this.trace.end ? b - span * 0.04 : b;
    if (t < low || t > high) this.setView(t - span * 0.25, t + span * 0.75, false);
  }

  // predict: the play-head stops before a marked decision
  nextQuestion(i) {
    const q = this.trace.questions;
    for (let k = bisect(q, i, true); k < q.length; k++) if (!this.predict.done.has(q[k])) return q[k];
    return -1;
  }
  /** Would the way to event i pass a question? Which one, or -1. */
  before(i) {
    const q = this.nextQuestion(this.i + 1);
    return q >= 0 && this.trace.begin(q) <= i ? q : -1;
  }
  /** On to the next question, with all that lies before it. */
  toQuestion() {
    const q = this.predict.on && !this.asking ? this.nextQuestion(this.i + 1) : -1;
    if (q >= 0) this.ask(q, 'jump');
  }
  /** While predicting, nothing from the next question on may be seen. */
  get hiddenFrom() {
    const p = this.predict,
      q = p.ask >= 0 ? p.ask : p.on ? this.nextQuestion(this.i + 1) : -1;
    return q >= 0 ? this.trace.at[q] : Infinity;
  }
  setPredict(on) {
    if (on) {
      this.predict.done.clear();
      Object.assign(this.predict, { right: 0, wrong: 0, skipped: 0 });
      this.answers = [];
    }
    this.stop();
    Object.assign(this.predict, { on, ask: -1, choice: -1, verdict: null, resume: false });
    if (this.trace.n && !this.move) this.t = this.trace.at[this.i];
    this.tell('mode');
    this.tell('cursor');
    this.tell('time');
  }
  ask(q, how = 'step') {
    const resume = this.playing;
    this.stop();
    Object.assign(this.predict, { ask: q, choice: -1, verdict: null, resume });
    this.i = Math.max(0, this.trace.begin(q) - 1);
    this.glide(this.trace.at[q], how === 'jump' ? 0 : GLIDE_MS);
    this.keepInView(this.trace.at[q]);
    this.tell('mode');
    this.tell('cursor');
  }
  choose(row) {
    if (!this.asking || !this.trace.candidates(this.predict.ask)?.some(c => c.row === row)) return;
    this.predict.choice = row;
    this.tell('choice');
  }
  answer(skip = false) {
    const p = this.predict,
      q = p.ask;
    if (q < 0 || (!skip && p.choice < 0)) return;
    const all = this.trace.candidates(q),
      chosen = all.find(c => c.row === p.choice),
      ok = !skip && chosen?.verdict === 0;
    p.done.add(q);
    p.ask = -1;
    if (skip) p.skipped++;
    else if (ok) p.right++;
    else p.wrong++;
    p.verdict = { event: q, skip, ok, choice: skip ? -1 : p.choice, why: skip || ok ? [] : this.trace.reason(chosen, all, true) };
    this.answers = [...this.answers, [q, skip ? -1 : p.choice, ok]];
    this.tell('answers');
    this.tell('mode');
    this.go(q, 'answer');
  }
  goOn() {
    const { resume } = this.predict;
    this.predict.resume = false;
    if (resume && this.i < this.last) {
      this.predict.verdict = null;
      this.tell('cursor');
      this.play();
    } else this.step(1);
  }
}
