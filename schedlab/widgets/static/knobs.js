// ---- knobs: numbers that can be moved, and what Python makes of them ----------------------------------------------------
const SLOW_MS = 200,
  WHOLE = 1000; // px of a chart as it is stored
const picture = svg => `data:image/svg+xml,${encodeURIComponent(svg)}`; // as an image it is only drawn

class Knobs extends Kit {
  constructor(model, el) {
    super(model, el);
    Object.assign(this, { serial: 0, flying: 0, wanted: null });
    this.controls = this.head.knobs.map((knob, k) => this.control(knob, k));
    this.state = h('p', { class: 'sl-state mute' });
    this.shown = h('div', { class: 'sl-shown' });
    this.root.append(
      ...(this.head.title ? [h('div', { class: 'sl-head' }, h('h2', {}, worded(this.head.title)))] : []),
      h('div', { class: 'sl-knobs', role: 'group', 'aria-label': tame(this.head.title || this.words.knobs) }, ...this.controls.map(c => c.el)),
      this.state,
      this.shown,
      this.live,
    );
    this.listen('change:view', () => this.draw());
    this.listen('change:values', () => this.flying || this.wanted || this.follow());
    this.listen('msg:custom', msg => this.heard(msg));
    this.listen('comm_live_update', () => this.say_(this.words.gone));
    this.scope.add(() => clearTimeout(this.slow));
    this.follow();
    this.draw();
    this.scope.resize(this.shown, () => this.fit());
  }
  control(knob, k) {
    const id = `${this.look.uid}-k${k}`,
      name = tame(knob.label),
      out = h('output', { for: id });
    let main, box, read, write;
    if (knob.form === 'choice') {
      main = h('select', { id }, ...knob.options.map((text, n) => h('option', { value: n }, tame(text))));
      read = () => +main.value;
      write = v => (main.value = v);
    } else {
      const listed = knob.form === 'list';
      main = h('input', { id, type: 'range', min: listed ? 0 : knob.min, max: listed ? knob.options.length - 1 : knob.max, step: listed ? 1 : knob.step });
      const words = v => (listed ? tame(knob.options[v]) : `${number(v)}${knob.unit ? ` ${knob.unit}` : ''}`);
      if (!listed)
        box = h('input', {
          type: 'number', min: knob.min, max: knob.max, step: knob.step,
          'aria-label': say(this.words, 'amount', { label: name, unit: knob.unit || '1' }),
        }); // prettier-ignore
      read = () => +main.value;
      write = v => {
        main.value = v;
        if (box && document.activeElement !== box) box.value = v;
        main.setAttribute('aria-valuetext', words(+main.value));
        out.textContent = listed ? words(+main.value) : (knob.unit ?? '');
        main.style.setProperty('--part', `${((main.value - main.min) / (main.max - main.min || 1)) * 100}%`);
      };
    }
    this.scope.on(main, 'input', () => {
      write(read());
      this.ask();
    });
    if (box)
      this.scope.on(box, 'change', () => {
        const v = clamp(Number.isFinite(box.valueAsNumber) ? box.valueAsNumber : read(), knob.min, knob.max);
        write(v);
        box.value = read(); // the nearest value there is
        this.ask();
      });
    const el = h('div', { class: 'sl-knob' }, h('label', { for: id }, name), main, h('span', { class: 'sl-amount' }, box, knob.form === 'choice' ? null : out));
    return { el, read, write };
  }
  /** What Python holds is what the controls show. */
  follow() {
    (this.model.get('values') ?? []).forEach((v, k) => this.controls[k]?.write(v));
  }
  /** One request at a time; while it is under way only the newest wish is kept. */
  ask() {
    this.wanted = this.controls.map(c => c.read());
    if (this.flying) return;
    this.flying = ++this.serial;
    const values = this.wanted;
    this.wanted = null;
    clearTimeout(this.slow);
    this.slow = setTimeout(() => this.flying && this.say_(this.words.working), SLOW_MS);
    try {
      this.model.send({ n: this.flying, values });
    } catch {
      this.flying = 0;
      this.say_(this.words.gone);
    }
  }
  heard(msg) {
    if (!msg || msg.n !== this.flying) return;
    this.flying = 0;
    clearTimeout(this.slow);
    this.say_(msg.error ? tame(msg.error) : '', !!msg.error);
    if (this.wanted) this.ask();
    else if (!msg.error) this.speak(tame(msg.says ?? ''));
  }
  say_(text, bad = false) {
    this.state.textContent = text;
    this.state.classList.toggle('ill', bad);
    if (text) this.speak(text);
  }
  draw() {
    this.charts = [];
    this.shown.replaceChildren(...(this.model.get('view') ?? []).map(block => this.block(block)).filter(Boolean));
    this.fit();
  }
  restyle() {
    this.draw();
  }
  /** Of the pictures of a chart the widest that there is room for, so that its text is never small. */
  fit() {
    const room = this.shown.clientWidth - 32;
    if (room <= 0) return;
    for (const { img, svg, widths, tones } of this.charts) {
      const narrow = Object.keys(widths),
        fits = narrow.filter(w => w <= room).at(-1) ?? narrow[0];
      img.src = picture(this.toned(room < WHOLE ? widths[fits] : svg, tones));
    }
  }
  /** A chart in the page's tones: it is drawn in the light ones, which Python names by their part. */
  toned(svg, tones) {
    if (!tones || this.look.tone === 'light') return svg;
    const { look } = this,
      own = { ...Object.fromEntries(Object.keys(tones).map(part => [tones[part], look[part]])), ...Object.fromEntries(PALETTE.light.map((c, k) => [c, look.task[k]])) };
    return svg.replace(/"(#[0-9a-f]{6})"/g, (all, colour) => (own[colour] ? `"${own[colour]}"` : all));
  }
  block({ kind, ...rest }) {
    if (kind === 'facts')
      return h('dl', { class: 'sl-facts' }, rest.rows.map(([name, value]) => h('div', {}, h('dt', {}, worded(name)), h('dd', {}, tame(value)))));
    if (kind === 'table')
      return h(
        'table',
        { class: 'sl-table' },
        h('thead', {}, h('tr', {}, rest.head.map(name => (name ? h('th', { scope: 'col' }, tame(name)) : h('td'))))),
        h('tbody', {}, rest.rows.map(row => h('tr', {}, row.map(cell => h('td', {}, tame(cell)))))),
      );
    if (kind === 'picture') {
      const img = h('img', { class: 'sl-picture', src: picture(this.toned(rest.svg, rest.tones)), alt: tame(rest.text) });
      if (rest.widths) this.charts.push({ img, ...rest });
      return img;
    }
    if (kind === 'text') return h('p', { class: 'sl-says' }, worded(rest.says));
    return null;
  }
}
