// ---- panels: each a function of (trace, cursor, question), drawing nothing that the trace does not hold --------------------------
const MANY_TOKENS = 200;
/** A panel is a heading, a note on the right, and a body. */
class Panel {
  constructor(app, trace, spec, title) {
    Object.assign(this, { app, trace, spec, player: app.player, words: app.words, look: app.look });
    this.title = spec.title ? tame(spec.title) : title;
    this.noteEl = h('span');
    this.body = h('div', { class: 'sl-body-of' });
    this.el = h(
      'section',
      { class: `sl-panel p-${spec.kind}`, 'aria-label': this.title },
      h('header', {}, h('h3', {}, this.title), this.noteEl),
      this.body,
    );
  }
  note(text) {
    if (this.noteEl.textContent !== text) this.noteEl.textContent = text;
  }
  /** A part that scrolls can be reached by the keyboard and has a name. */
  scroll(name, ...kids) {
    return h('div', { class: 'sl-scroll', tabindex: 0, role: 'region', 'aria-label': name }, ...kids);
  }
  /** Brings what stands at `where`, `[top, bottom]`, into sight when something else is `said`; a reader scrolls freely until then. */
  into(box, said, where) {
    if (said === this.said || !box.clientHeight) return;
    const [top, bottom] = where(),
      { scrollTop, clientHeight } = box,
      to = top < scrollTop ? top : bottom > scrollTop + clientHeight ? Math.min(top, bottom - clientHeight) : scrollTop,
      first = this.said === undefined;
    this.said = said;
    if (to !== scrollTop) box.scrollTo({ top: to, behavior: first || this.player.still ? 'instant' : 'smooth' });
  }
  /** Pictures are drawn one to one, so their text keeps its size: drawn again when the width changes. */
  fitted(svg, draw) {
    this.svg = svg;
    this.width = 0;
    this.redraw = () => {
      if (!this.width) return;
      const height = draw(this.width);
      if (this.picture) this.picture.height = height;
      set(svg, { width: this.width, height, viewBox: `0 0 ${this.width} ${height}` });
      if (this.state) this.update(this.state);
    };
    this.app.scopeOf(this.trace).resize(this.body, () => {
      const w = Math.round(this.body.clientWidth - (this.inset ?? 0));
      if (w <= 0 || w === this.width) return;
      this.width = w;
      this.redraw();
    });
  }
  restyle() {
    this.redraw?.();
    if (this.state) this.update(this.state);
  }
  /** It stands elsewhere, or in the page again: what scrolls stands at its beginning now. */
  moved() {
    this.said = undefined;
    if (this.state) this.update(this.state);
  }
  show(state) {
    this.state = state;
    this.update(state);
  }
  text(x, y, words, attrs = {}) {
    return s('text', { x, y, 'font-size': 12, class: 'mute', ...attrs }, words);
  }
  /** A token of `task` in SVG that glides to its place. */
  tokenAt(task, w = 28, height = 26, size = 12) {
    const g = s('g', { class: 'glide tokg' }, s('title', {}, this.trace.ref('task', task)?.title ?? ''), this.look.face(task, this.trace.letter(task), w, height, size));
    g.addEventListener('click', () => this.player.choose(task));
    return g;
  }
  /** Puts an element at x, y; what is not on show keeps no trace of where it was, so back is as exact as forward. */
  place(el, x, y, strength = 1) {
    el.style.cssText = `transform: translate(${x}px, ${y}px); opacity: ${strength};`;
  }
  hide(el) {
    el.style.cssText = 'display: none;';
  }
  /** Tokens of all tasks in their order when they are few; of many only those in sight, made anew each time. */
  tokensOf(make, parent) {
    const n = this.trace.tasks.length;
    this.many = n > MANY_TOKENS;
    this.tokens = new Map();
    if (!this.many) for (let task = 0; task < n; task++) this.tokens.set(task, make(task));
    const all = [...this.tokens.values()].flatMap(t => (t instanceof Element ? [t] : Object.values(t)));
    for (const el of all) this.hide(el); // what was never shown does not glide to its place
    parent.replaceChildren(...all);
  }
  /** Every token to its place, those without one out of sight. */
  spread(at, q) {
    if (this.many) this.tokensOf(() => null, this.front);
    for (const [item, [x, y]] of at) {
      let t = this.tokens.get(item);
      if (!t) {
        t = this.tokenAt(item, ...this.size);
        this.tokens.set(item, t);
        this.front.append(t);
      }
      this.place(t, x, y);
      t.classList.toggle('picked', q >= 0 && this.player.predict.choice === item);
    }
    for (const [item, t] of this.tokens)
      if (!at.has(item)) {
        this.hide(t);
        t.classList.remove('picked');
      }
  }
  /** How wide a word of the picture is. */
  wide(words) {
    const g = this.look.probe;
    g.font = `12px ${this.look.font}`;
    return g.measureText(words).width;
  }
  nameOf(task) {
    return this.trace.ref('task', task)?.text ?? '–';
  }
  list(tasks) {
    return tasks.length ? tasks.map(k => this.nameOf(k)).join(', ') : this.words.nobody;
  }
}
const units = (column, v, withUnit = false) =>
  number(v == null ? v : v / column.scale, column.digits, column.sign) + (withUnit && column.unit && !Number.isNaN(v) ? ` ${column.unit}` : '');
const shorten = (text, room, px = 6.8) => {
  const n = Math.max(1, Math.floor(room / px));
  const chars = Array.from(text);
  return chars.length > n ? chars.slice(0, Math.max(1, n - 1)).join('') + '…' : text;
};
