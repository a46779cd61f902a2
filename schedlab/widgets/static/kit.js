// ---- what the quiz and the knobs share: a frame that follows its page, and one voice ------------------------------------
class Kit {
  constructor(model, el) {
    Object.assign(this, { model, scope: new Scope(), head: model.get('head') ?? {} });
    this.words = KIT_WORDS[this.head.language] ?? KIT_WORDS.en;
    this.root = h('div', { class: 'sl sl-kit', role: 'group', 'data-lm-suppress-shortcuts': 'true', 'aria-label': tame(this.head.title || this.words.knobs) });
    this.live = h('p', { class: 'sr', role: 'status', 'aria-live': 'polite' });
    el.append(this.root);
    this.look = new Look(this.root);
    this.scope.add(() => this.root.remove());
    watchTheme(this.scope, this.look, () => this.restyle?.());
    // keys that are typed here are not the notebook's; what a control does with them stays as it is
    this.scope.on(this.root, 'keydown', e => {
      if (!e.ctrlKey && !e.metaKey && !e.altKey && e.key !== 'Tab' && e.key !== 'Escape') e.stopPropagation();
    });
  }
  listen(name, fn) {
    this.model.on?.(name, fn);
    this.scope.add(() => this.model.off?.(name, fn));
  }
  speak(text) {
    this.live.replaceChildren(text);
  }
}
/** A text in which `backticks` hold code. */
const worded = text =>
  tame(text)
    .split('`')
    .map((part, k) => (k % 2 ? h('code', {}, part) : part));
const unquoted = text => tame(text).replaceAll('`', '');
