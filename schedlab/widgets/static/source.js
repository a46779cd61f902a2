// ---- the rule: the policy's own text, one line lit with its value beside it -------------------------------------------------------
const LINE = 19;
const TOKENS = /(#.*$|"""[^"]*"""|'[^']*'|"[^"]*"|@\w+|\b(?:def|class|return|if|elif|else|for|in|not|and|or|is|None|True|False|while|with|yield|break|continue|import|from|raise|lambda|pass)\b)/;
class Source extends Panel {
  constructor(app, trace, spec) {
    super(app, trace, spec, app.words.theRule);
    const { file, lines, first = 1 } = trace.head.source ?? { file: '', lines: [] },
      // the body of a class begins at the left: its columns are worth more than its indentation
      body = lines.filter((text, k) => text.trim() && (k || !text.startsWith('class '))),
      indent = Math.min(...body.map(text => text.search(/\S/)), 99);
    this.note(tame(file));
    this.noteEl.title = tame(file);
    this.items = lines.map((text, k) => {
      const value = h('em'),
        shown_ = (/^\s*$/.test(text.slice(0, indent)) ? text.slice(indent) : text).replaceAll('\t', '    ');
      const li = h(
        'li',
        { onclick: e => this.jump(k + 1, e.shiftKey) },
        h('span', { 'aria-hidden': 'true' }, String(k + first)),
        h('span', {}, this.paint(shown_)),
        value,
      );
      return { li, value, text: shown_ };
    });
    this.digits = Math.max(2, String(first + lines.length - 1).length);
    this.box = this.scroll(say(app.words, 'sourceOf', { file: tame(file) }), h('ol', { style: `--digits: ${this.digits}` }, this.items.map(x => x.li)));
    this.box.classList.add('sl-src');
    this.body.append(this.box);
    this.chosen = -1;
    rowKeys(this.box, () => this.items.length, {
      get: () => this.chosen,
      set: k => {
        this.items[this.chosen]?.li.classList.remove('at');
        this.chosen = k;
        this.items[k].li.classList.add('at');
        this.into(k);
        app.speak(`${k + first}: ${tame(lines[k]).trim()}`);
      },
      go: (k, shift) => this.jump(k + 1, shift),
    });
  }
  /** The width of a letter. */
  get ch() {
    const g = this.look.probe;
    g.font = `12px ${getComputedStyle(this.box).fontFamily}`;
    return g.measureText('0').width;
  }
  paint(text) {
    const out = document.createDocumentFragment();
    for (const w of text.split(TOKENS)) {
      if (!w) continue;
      const shown_ = w.replace(/[^\n]/gu, c => tame(c));
      out.append(/^(#|""")/.test(w) ? h('span', { class: 'c' }, shown_) : /^[a-zA-Z@]/.test(w) && TOKENS.test(w) ? h('span', { class: 'k' }, shown_) : shown_);
    }
    return out;
  }
  /** The next (or the one before) event that this line decided. */
  jump(line, back) {
    const { player, trace } = this,
      dir = back ? -1 : 1,
      cursor = this.state?.i ?? 0;
    for (let i = cursor + dir; i >= 0 && i < trace.n && Math.abs(i - cursor) < 200000; i += dir)
      if (trace.lines(i).lit.includes(line)) {
        player.stop();
        return this.app.goTo(this.app.setOf(trace), i);
      }
  }
  /** Line k comes into sight, and with it its end and its value: what stands left of them is the indentation. */
  into(k, value = '') {
    const y = k * LINE,
      { scrollTop, scrollLeft, clientWidth } = this.box,
      room = this.box.clientHeight || 228,
      out = y < scrollTop + LINE || y > scrollTop + room - 3 * LINE,
      { text } = this.items[k],
      past = (text.length + value.length + this.digits + 1) * this.ch + 18 - clientWidth,
      indent = text.search(/\S|$/) * this.ch,
      left = clientWidth && past > 0 ? Math.min(past, indent) : 0;
    this.items[k].li.classList.toggle('long', past > indent); // then the value stands below the end of its line
    if (out || Math.abs(left - scrollLeft) > 1)
      this.box.scrollTo({ top: out ? Math.max(0, y - room * 0.4) : scrollTop, left, behavior: this.player.still ? 'instant' : 'smooth' });
  }
  update({ trace, i, q }) {
    const none = { lit: [], warm: [], value: '' },
      e = !trace.n ? none : q >= 0 ? none : trace.lines(i);
    this.items.forEach(({ li, value }, k) => {
      const lit = e.lit.includes(k + 1),
        cls = lit ? 'lit' : e.warm.includes(k + 1) ? 'warm' : '';
      if (li.dataset.is !== cls) {
        li.dataset.is = cls;
        li.className = cls + (this.chosen === k ? ' at' : '');
        if (lit) li.setAttribute('aria-current', 'true');
        else li.removeAttribute('aria-current');
      }
      const text = lit && e.lit[0] === k + 1 && e.value ? ` → ${e.value}` : '';
      if (value.textContent !== text) value.textContent = text;
    });
    if (e.lit.length) this.into(e.lit[0] - 1, e.value ? ` → ${e.value}` : '');
  }
}
/** ↑ ↓ and Enter in a list of rows: choose a row, go to it. */
function rowKeys(box, count, { get, set: choose, go }) {
  box.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target !== box || !count()) return;
    const k = get();
    if (e.key === 'ArrowDown') choose(clamp(k + 1, 0, count() - 1));
    else if (e.key === 'ArrowUp') choose(clamp(k < 0 ? 0 : k - 1, 0, count() - 1));
    else if (e.key === 'Enter' && k >= 0) go(k, e.shiftKey);
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
}
