// ---- transport: seven buttons, where we are, speed, pace, zoom ----------------------------------------------------------------
function transport(app) {
  const { player, words } = app;
  const button = (name, keys, act, cls) =>
    h('button', { type: 'button', class: cls, 'aria-label': words[name], title: `${words[name]} (${keys})`, onclick: act }, icon(name));
  const play = button('play', 'K', () => player.toggle(), 'main');
  const toStart = button('toStart', 'Home', () => player.jump(0)),
    backDecision = button('backDecision', 'Shift ←', () => player.stepDecision(-1)),
    back = button('back', '←', () => player.step(-1)),
    step = button('step', '→', () => player.step(1)),
    nextDecision = button('nextDecision', 'Shift →', () => player.stepDecision(1)),
    toEnd = button('toEnd', 'End', () => player.jump(player.last));
  const time = h('strong'),
    count = h('span'),
    where = h('div', { class: 'where' }, time, count);
  const speed = h(
    'select',
    { 'aria-label': words.speed, title: `${words.speed} ([ ])`, onchange: e => player.setSpeed(+e.target.value) },
    SPEEDS.map(v => h('option', { value: v, selected: v === 1 }, `${{ 0.25: '¼', 0.5: '½' }[v] ?? v}×`)),
  );
  const pace = h(
    'select',
    {
      'aria-label': words.pace,
      title: words.pace,
      onchange: e => player.setPace(e.target.value),
    },
    h('option', { value: 'event' }, words.byEvent),
    h('option', { value: 'time' }, words.byTime),
  );
  const zooms = [
    button('zoomOut', '−', () => player.zoom(1.6)),
    button('fit', '0', () => player.setView(0, player.trace.end, false)),
    button('zoomIn', '+', () => player.zoom(1 / 1.6)),
  ];
  const el = h(
    'div',
    { class: 'sl-bar' },
    h('div', { class: 'group play', role: 'group', 'aria-label': words.playback }, toStart, backDecision, back, play, step, nextDecision, toEnd),
    where,
    h('span', { class: 'grow' }),
    h('div', { class: 'group rate' }, speed, pace),
    h('div', { class: 'group zoom', role: 'group', 'aria-label': words.zoom }, zooms),
  );
  // a button that has just disabled itself must not throw the focus out of the player
  const disable = (b, off) => {
    if (off && !b.disabled && b === document.activeElement) (b === play ? app.time.box : play).focus({ preventScroll: true });
    b.disabled = off;
  };
  const counted = (trace, k, decided) => {
    const d = trace.decisions.length;
    return say(words, 'event', { k: number(k), n: number(trace.n) }) + (d ? ` · ${say(words, 'decision', { k: number(decided), n: number(d) })}` : '');
  };
  let sized = null;
  const update = () => {
    const { trace, asking } = player,
      d = trace.decisions,
      first = !trace.n || (player.i === 0 && !asking),
      last = !trace.n || player.i === player.last || asking;
    time.textContent = trace.time(asking ? trace.at[player.predict.ask] : trace.n ? trace.at[player.i] : 0);
    const k = trace.n ? player.i + 1 : 0;
    count.textContent = counted(trace, k, bisect(d, player.i));
    if (sized !== trace) {
      // as wide as its longest text, so that no step moves a button
      sized = trace;
      const g = app.look.probe;
      g.font = `12px ${app.look.font}`;
      where.style.setProperty('--count', `${Math.ceil(g.measureText(counted(trace, trace.n, d.length)).width) + 2}px`);
    }
    count.title = count.textContent;
    disable(play, asking || !trace.n || (trace.n === 1 && !player.playing));
    for (const b of [toStart, back]) disable(b, first);
    disable(backDecision, first);
    for (const b of [step, nextDecision, toEnd]) disable(b, last);
    backDecision.hidden = nextDecision.hidden = !d.length;
    for (const b of [...zooms, speed, pace]) b.disabled = !trace.n;
  };
  let was = null;
  const mode = () => {
    if (was !== player.playing) {
      was = player.playing;
      play.replaceChildren(icon(was ? 'pause' : 'play'));
      const label = words[was ? 'pause' : 'play'];
      play.setAttribute('aria-label', label);
      play.title = `${label} (K)`;
    }
    speed.value = player.speed;
    pace.value = player.pace;
    update();
  };
  player.on('cursor', update).on('mode', mode);
  mode();
  return { el, play, update: mode };
}
