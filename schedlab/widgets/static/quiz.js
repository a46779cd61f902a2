// ---- questions: choose, check, read why ----------------------------------------------------------------------------------------
class Quiz extends Kit {
  constructor(model, el) {
    super(model, el);
    const { head } = this;
    this.once = head.form === 'predict';
    this.first = new Map(); // question -> was the first answer right
    this.given = [];
    this.score = h('p', { class: 'sl-score mute' });
    this.root.append(
      h('div', { class: 'sl-head' }, h('h2', {}, worded(head.title ?? '')), h('span', { class: 'grow' }), this.score),
      ...head.questions.map((question, k) => this.ask(question, k)),
      this.live,
    );
    if (!this.once) this.tally();
  }
  ask(question, k) {
    const { words } = this,
      many = this.head.questions.length > 1,
      radios = question.options.map((option, n) => h('input', { type: 'radio', name: `${this.look.uid}-${k}`, value: n })),
      verdict = h('div', { class: 'sl-verdict' }),
      main = h('button', { type: 'button', class: 'main', disabled: true, title: words.choose }, this.once ? words.reveal : words.check),
      skip = this.once ? h('button', { type: 'button', class: 'text' }, words.skip) : null,
      options = question.options.map((option, n) => h('label', { class: 'sl-option' }, radios[n], h('span', {}, worded(option.says)))),
      box = h(
        'fieldset',
        { class: 'sl-ask' },
        h('legend', {}, many ? h('span', { class: 'mute' }, `${k + 1} `) : null, worded(question.asks)),
        options,
        h('div', { class: 'sl-answer' }, main, skip, verdict),
      );
    const chosen = () => radios.findIndex(r => r.checked);
    const enable = () => {
      main.disabled = chosen() < 0;
      main.title = main.disabled ? words.choose : '';
    };
    this.scope.on(box, 'change', () => {
      enable();
      if (!this.once) verdict.replaceChildren(); // another choice: the old verdict is not its own
      for (const o of options) o.classList.remove('well', 'ill');
    });
    const answer = n => this.answer(question, k, n, { verdict, options, radios, main, skip });
    this.scope.on(main, 'click', () => answer(chosen()));
    if (skip) this.scope.on(skip, 'click', () => answer(-1));
    this.scope.on(box, 'keydown', e => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const n = /^[1-9]$/.test(e.key) ? e.key - 1 : -1;
      if (n >= 0 && n < radios.length && !radios[n].disabled) {
        radios[n].checked = true;
        radios[n].focus();
        radios[n].dispatchEvent(new Event('change', { bubbles: true }));
        e.preventDefault();
      } else if (e.key === 'Enter' && e.target.matches('input') && !main.disabled) main.click();
    });
    return box;
  }
  /** `n` is the chosen option, -1 for none (skipped). The choice and what happens appear together. */
  answer(question, k, n, { verdict, options, radios, main, skip }) {
    const { words } = this,
      right = question.options.findIndex(o => o.right),
      ok = n === right,
      option = question.options[n];
    if (!this.first.has(k)) this.first.set(k, ok);
    this.given = [...this.given, [k, n, ok]];
    for (const o of options) o.classList.remove('well', 'ill');
    if (n >= 0) options[n].classList.add(ok ? 'well' : 'ill');
    const said = [n < 0 ? words.skipped : ok ? words.right : words.wrong],
      lines = [h('p', {}, h('b', { class: ok ? 'well' : 'ill' }, said[0]), n < 0 ? '' : [' ', worded(option.message)])];
    if (n >= 0) said.push(unquoted(option.message));
    if (this.once) {
      if (!ok) {
        const what = `${question.options[right].says}. ${question.options[right].message}`;
        lines.push(h('p', {}, worded(say(words, 'happens', { what }))));
        said.push(unquoted(say(words, 'happens', { what })));
        options[right].classList.add('well');
      }
      for (const r of radios) r.disabled = true;
      main.hidden = skip.hidden = true;
      this.root.closest('.sl-covered')?.classList.remove('sl-covered');
    } else this.tally();
    verdict.replaceChildren(...lines);
    if (this.once) {
      verdict.tabIndex = -1; // the button that had the focus is gone
      verdict.focus({ preventScroll: true });
    }
    this.speak(said.join(' '));
    this.model.set?.('answers', this.given);
    this.model.save_changes?.();
  }
  tally() {
    const all = this.head.questions.length,
      done = this.first.size,
      right = [...this.first.values()].filter(Boolean).length;
    this.score.textContent = done ? say(this.words, done === all ? 'score' : 'scoreOpen', { all, done, right }) : '';
  }
}
