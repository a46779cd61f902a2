// ---- two futures: one cursor through both lists of events -------------------------------------------------------------------------
/** Stands in for a trace: the steps of A and B merged by time; the shared prefix is one step each, and so are two events of one instant. */
class Merged {
  constructor(a, b, { prefix, differ_a: differA, differ_b: differB, within = 0 }) {
    Object.assign(this, { a, b, within, head: a.head, tick: a.tick, words: a.words, text: a.text, tables: a.tables });
    this.end = Math.max(a.end, b.end);
    const same = Math.min(prefix ?? Math.min(differA ?? a.n, differB ?? b.n), a.n, b.n),
      at = [],
      ia = [],
      ib = [],
      decisions = [];
    this.same = same;
    const step = (t, x, y, decided) => {
      if (decided) decisions.push(at.length);
      at.push(t);
      ia.push(x);
      ib.push(y);
    };
    for (let k = 0; k < same; k++) step(a.at[k], k, k, a.hasDecision(k));
    let x = same,
      y = same;
    while (x < a.n || y < b.n) {
      if (x < a.n && y < b.n && a.at[x] === b.at[y]) {
        step(a.at[x], x, y, a.hasDecision(x) || b.hasDecision(y));
        x++;
        y++;
      } else if (y >= b.n || (x < a.n && a.at[x] < b.at[y])) {
        step(a.at[x], x, Math.max(0, y - 1), a.hasDecision(x));
        x++;
      } else {
        step(b.at[y], Math.max(0, x - 1), y, b.hasDecision(y));
        y++;
      }
    }
    this.at = Float64Array.from(at);
    this.ia = Uint32Array.from(ia);
    this.ib = Uint32Array.from(ib);
    this.n = at.length;
    this.decisions = Uint32Array.from(decisions);
    this.questions = new Uint32Array(0);
    const parts = [differA == null ? null : a.at[differA], differB == null ? null : b.at[differB]].filter(t => t != null);
    this.parting = parts.length ? Math.min(...parts) : this.end;
    this.whole = !parts.length;
  }
  pair(i) {
    return [this.ia[i], this.ib[i]];
  }
  /** The step at which event e of one of the two happens. */
  stepOf(set_, e) {
    const list = set_ ? this.ib : this.ia;
    return clamp(bisect(list, e, true), 0, this.n - 1);
  }
  time(t, digits) {
    return this.a.time(t, digits);
  }
  eventAt(t) {
    return Math.max(0, bisect(this.at, t) - 1);
  }
  candidates() {
    return null;
  }
}
