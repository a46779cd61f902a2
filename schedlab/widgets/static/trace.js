// ---- the trace: columns read where they lie ------------------------------------------------------------------------------
const NONE16 = 0xffff,
  NONE32 = 0xffffffff,
  WARM = 0xfffe;
const STATE = { running: 0, waiting: 1, asleep: 2, preempted: 3, spinning: 4, scheduler: 5, throttled: 6, idle: 7, swapped: 8, pooled: 9 };
const FLAG = { decision: 1, question: 2, differs: 4, failed: 8 };
const DTYPE = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f64: Float64Array };

class Unreadable extends Error {
  constructor(key, values) {
    super(key);
    this.values = values;
  }
}

/** Any form in which a host hands bytes over (DataView with an offset, Uint8Array, ArrayBuffer) as aligned bytes. */
function bytesOf(raw) {
  if (!raw) return new Uint8Array(0);
  const view = raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  return view.byteOffset % 8 ? view.slice() : view;
}

class Trace {
  constructor(head, raw, words) {
    if (!head || typeof head !== 'object' || !head.columns || !Array.isArray(head.lanes))
      throw new Unreadable('badHead', { what: words.wordNotSent });
    const bytes = bytesOf(raw);
    this.head = head;
    this.words = words;
    const c = (this.c = {});
    for (const [name, [dtype, offset, count]] of Object.entries(head.columns)) {
      const type = DTYPE[dtype];
      if (!type) throw new Unreadable('badHead', { what: `${name}: ${dtype}` });
      const end = offset + count * type.BYTES_PER_ELEMENT;
      if (offset % 8 || end > bytes.byteLength) throw new Unreadable('badBytes', { what: name, expected: end, got: bytes.byteLength });
      c[name] = new type(bytes.buffer, bytes.byteOffset + offset, count);
    }
    for (const need of ['segments.start', 'segments.length', 'segments.task', 'segments.state', 'lane_first', 'events.at'])
      if (!c[need]) throw new Unreadable('badHead', { what: need });
    Object.assign(this, {
      lanes: head.lanes,
      tasks: head.tasks,
      end: Math.max(1, head.end),
      tick: head.tick_ns,
      start: c['segments.start'],
      length: c['segments.length'],
      task: c['segments.task'],
      state: c['segments.state'],
      bars: c['segments.flags'],
      first: c.lane_first,
      at: c['events.at'],
      kind: c['events.kind'],
      flags: c['events.flags'],
      lane: c['events.lane'],
      who: c['events.who'],
      other: c['events.other'],
    });
    this.n = this.at.length;
    const pick = bit => {
      let n = 0;
      for (let i = 0; i < this.n; i++) if (this.flags[i] & bit) n++;
      const out = new Uint32Array(n);
      for (let i = 0, k = 0; k < n; i++) if (this.flags[i] & bit) out[k++] = i;
      return out;
    };
    this.decisions = pick(FLAG.decision);
    this.questions = pick(FLAG.question);
    const wakes = new Set(head.kinds.flatMap((k, n) => (k.mark === 'wake' ? [n] : [])));
    const laneOf = new Map(head.lanes.flatMap((l, k) => (l.kind === 'task' ? [[l.task, k]] : [])));
    const marked = [];
    if (wakes.size) for (let i = 0; i < this.n; i++) if (wakes.has(this.kind[i]) && laneOf.has(this.who[i])) marked.push(i);
    this.wakes = Uint32Array.from(marked);
    this.laneOf = laneOf;
    this.explained = new Map();
    const text = head.templates?.[head.language] ?? Object.values(head.templates ?? {})[0] ?? {};
    this.text = id => text[id] ?? '';
    this.tables = {
      ref: (table, index) => this.ref(table, index),
      unit: head.unit,
      digits: head.digits,
      list: text.list ?? ', ',
    };
    this.places = head.places.flatMap(p => Array.from({ length: p.count }, (_, level) => ({ ...p, level })));
  }

  /** A row of a table as something to show: `{table, index, text, title, task}`. */
  ref(table, index) {
    if (index == null || index === NONE16 || index < 0) return null;
    const rows = table === 'place' ? this.places : table === 'name' ? this.head.names : this.head[table + 's'];
    if (!rows || index >= rows.length) return null;
    const name = table === 'name' ? rows[index] : rows[index].name;
    return { table, index, text: shown(name, this.words), title: tame(name), task: table === 'task' ? index : -1 };
  }
  letter(task) {
    return shown(this.tasks[task]?.letter ?? '?', this.words).slice(0, 4);
  }
  time(ns, digits = this.head.digits) {
    const [scale, unit] = UNITS[this.head.unit];
    return `${number(ns / scale, digits)} ${unit}`;
  }

  /** The last segment of `lane` that starts at or before `t`, or one before the lane's first. */
  seek(lane, t) {
    return bisect(this.start, t / this.tick, false, this.first[lane], this.first[lane + 1]) - 1;
  }
  /** The segment of `lane` that holds `t`, or -1. */
  barAt(lane, t) {
    const k = this.seek(lane, t);
    return k >= this.first[lane] && t < (this.start[k] + this.length[k]) * this.tick ? k : -1;
  }
  eventAt(t) {
    return Math.max(0, bisect(this.at, t) - 1);
  }
  hasDecision(i) {
    return !!(this.flags[i] & FLAG.decision);
  }
  /** The first event of a choice: what it took from another CPU stands before it and would tell the answer. */
  begin(q) {
    let i = q;
    while (i > 0 && this.at[i - 1] === this.at[q] && this.lane[i - 1] === this.lane[q] && this.head.kinds[this.kind[i - 1]].leads) i--;
    return i;
  }
  lastDecision(i) {
    const k = bisect(this.decisions, i) - 1;
    return k < 0 ? -1 : this.decisions[k];
  }

  /** Who could run at decision `event`: `[{row, ref, verdict, c}]`, or null when that was not sent. */
  candidates(event) {
    const late = this.explained.get(event)?.candidates,
      of = this.head.candidates?.of ?? 'task';
    if (late) return late.map(([row, verdict, ...c]) => ({ row, ref: this.ref(of, row), verdict, c }));
    const events = this.c['decisions.event'];
    if (!events || !this.head.candidates) return null;
    const d = bisect(events, event, true);
    if (events[d] !== event) return null;
    const first = this.c['decisions.first'],
      tasks = this.c['candidates.task'],
      verdicts = this.c['candidates.verdict'],
      width = this.head.candidates.columns.length,
      out = [];
    for (let k = first[d]; k < (d + 1 < first.length ? first[d + 1] : tasks.length); k++)
      out.push({
        row: tasks[k],
        ref: this.ref(of, tasks[k]),
        verdict: verdicts[k],
        c: Array.from({ length: width }, (_, n) => this.c[`candidates.c${n}`][k]),
      });
    return out;
  }
  /** Why a candidate did not run, in the table's words or (`long`) in a sentence. */
  reason(candidate, all, long = false) {
    const reason = this.head.reasons[candidate.verdict],
      won = all.find(c => c.verdict === 0);
    if (!reason) return [];
    const values = { who: candidate.ref, winner: won?.ref ?? null };
    candidate.c.forEach((v, k) => {
      values['c' + k] = v;
      values['w' + k] = won?.c[k];
      values['d' + k] = won ? v - won.c[k] : null;
    });
    return fill(this.text((long && reason.long) || reason.short), values, this.tables);
  }

  values(i) {
    const kind = this.head.kinds[this.kind[i]];
    return {
      who: this.ref(kind.who, this.who[i]),
      other: this.ref(kind.other, this.other[i]),
      where: this.ref('lane', this.lane[i]),
      at: this.at[i],
      a: this.c['events.a'][i],
      b: this.c['events.b'][i],
    };
  }
  rowsAt(set, i) {
    const events = this.c[set + '.event'];
    if (!events) return [0, 0];
    return [bisect(events, i, true), bisect(events, i)];
  }
  /** What is said of event i: its kind, sentence and grey line as parts. */
  sentence(i) {
    const kind = this.head.kinds[this.kind[i]],
      values = this.values(i),
      [lo] = this.rowsAt('notes', i),
      [, hi] = this.rowsAt('notes', i);
    const line = (slot, own) => {
      const n = lo + slot < hi ? this.c['notes.note'][lo + slot] : NONE32,
        note = n === NONE32 ? [null] : this.head.notes[n];
      const id = note[0] ?? own;
      if (!id) return [];
      const more = Object.fromEntries(note.slice(1).map((v, k) => [String(k), tameAll(v)]));
      return fill(this.text(id), { ...values, ...more }, this.tables);
    };
    return {
      kind: kind.name,
      decision: this.hasDecision(i),
      say: line(0, kind.say),
      small: line(1, kind.small),
    };
  }
  question(i) {
    const id = this.head.kinds[this.kind[i]].ask;
    return plain(fill(id ? this.text(id) : this.words.ask, this.values(i), this.tables));
  }
  /** Lines of the rule at event i: `{lit: [line], warm: [line], value}`. */
  lines(i) {
    const late = this.explained.get(i)?.lines;
    const kind = this.head.kinds[this.kind[i]],
      [lo, hi] = this.rowsAt('lines', i);
    if (lo === hi && !late) {
      const value = kind.value ? plain(fill(this.text(kind.value), this.values(i), this.tables)) : '';
      return { lit: kind.lit, warm: kind.warm, value };
    }
    const out = { lit: [], warm: [], value: '' };
    const rows = late ?? [];
    if (!late)
      for (let k = lo; k < hi; k++) {
        const v = this.c['lines.value'][k];
        rows.push([this.c['lines.line'][k], v === WARM ? false : v === NONE16 ? '' : (this.head.names[v] ?? '')]);
      }
    for (const [line, value] of rows)
      if (value === false) out.warm.push(line);
      else {
        out.lit.push(line);
        out.value ||= shown(value || ' ', { noName: '' });
      }
    return out;
  }
  /** What a bar is, in words: for the tool-tip and the live region. */
  describe(k) {
    const key = [
      'barRan', 'barWaiting', 'barAsleep', 'barPreempted', 'barSpinning', 'barScheduler', 'barThrottled', 'barIdle', 'barSwapped', 'barPooled',
    ][this.state[k]];
    return say(this.words, key ?? 'barRan', {
      task: this.ref('task', this.task[k])?.text ?? this.words.nobody,
      length: this.time(this.length[k] * this.tick),
      start: this.time(this.start[k] * this.tick),
    });
  }
}
const tameAll = v => (typeof v === 'string' ? tame(v) : Array.isArray(v) ? v.map(tameAll) : v);

// ---- places: who stands where, by moves that can be undone -----------------------------------------------------------------
const CHECKPOINT = 4096;
class Places {
  constructor(trace) {
    this.trace = trace;
    const c = trace.c;
    this.event = c['moves.event'] ?? new Uint32Array(0);
    this.m = 0;
    this.clear();
  }
  clear() {
    this.lists = this.trace.places.map(() => []);
    this.slots = this.trace.places.map(() => new Map());
    this.where = new Map();
  }
  fixed(place) {
    const kind = this.trace.places[place].kind;
    return kind === 'slots' || kind === 'one';
  }
  take(item, place, at) {
    if (place === NONE16) return;
    if (this.fixed(place)) this.slots[place].delete(at);
    else this.lists[place].splice(at, 1);
    this.where.delete(item);
  }
  give(item, place, at) {
    if (place === NONE16) return;
    if (this.fixed(place)) this.slots[place].set(at, item);
    else this.lists[place].splice(at, 0, item);
    this.where.set(item, place);
  }
  /** The state after event i, or as the choice `q` that follows sees it: forward, backward, or from the nearest checkpoint. */
  go(i, q = -1) {
    const c = this.trace.c,
      d = q === i + 1 ? bisect(c['decisions.event'] ?? [], q, true) : -1,
      before = c['decisions.event']?.[d] === q ? (c['decisions.moves']?.[d] ?? 0) : 0,
      target = bisect(this.event, i) + before;
    if (Math.abs(target - this.m) > CHECKPOINT) {
      const k = Math.floor(Math.max(0, target - 1) / CHECKPOINT),
        first = c['checkpoints.first'],
        items = c['checkpoint_items.item'];
      this.clear();
      for (let j = first[k]; j < (k + 1 < first.length ? first[k + 1] : items.length); j++)
        this.give(items[j], c['checkpoint_items.place'][j], c['checkpoint_items.at'][j]);
      this.m = k * CHECKPOINT;
    }
    while (this.m < target) {
      const k = this.m++;
      this.take(c['moves.item'][k], c['moves.from'][k], c['moves.from_at'][k]);
      this.give(c['moves.item'][k], c['moves.to'][k], c['moves.to_at'][k]);
    }
    while (this.m > target) {
      const k = --this.m;
      this.take(c['moves.item'][k], c['moves.to'][k], c['moves.to_at'][k]);
      this.give(c['moves.item'][k], c['moves.from'][k], c['moves.from_at'][k]);
    }
    return this;
  }
  /** `[at, item]` of a place, in order. */
  in(place) {
    return this.fixed(place) ? [...this.slots[place]].sort((p, q) => p[0] - q[0]) : this.lists[place].map((item, at) => [at, item]);
  }
}
