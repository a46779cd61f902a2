// ---- what a check found: a verdict, and a line for every rule ---------------------------------------------------------------------
class Report extends Kit {
  constructor(model, el) {
    super(model, el);
    const { head } = this,
      sign = { held: '✓', broken: '✗', error: '✗', hint: '→', moment: '' };
    this.root.append(
      h('div', { class: 'sl-head' }, h('h2', { class: head.passed ? 'well' : 'ill' }, head.passed ? '✓ ' : '✗ ', tame(head.title))),
      h(
        'ul',
        { class: 'sl-report' },
        head.lines.map(([kind, text]) =>
          h('li', { class: kind }, h('b', { class: { held: 'well', broken: 'ill', error: 'ill' }[kind] ?? 'mute' }, sign[kind] ?? ''), h('span', {}, worded(text))),
        ),
      ),
    );
  }
}
