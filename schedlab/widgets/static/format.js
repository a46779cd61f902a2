// ---- numbers and templates: equal, letter for letter, to `number` and `fill` of views/payload.py --------------------------
const UNITS = { ns: [1, 'ns'], us: [1e3, 'µs'], ms: [1e6, 'ms'], s: [1e9, 's'] };
const TABLES = ['task', 'lane', 'place', 'actor', 'name', 'object'];

function number(x, digits = null, sign = false) {
  if (x == null || Number.isNaN(x)) return '–';
  let minus = x < 0 ? '−' : sign ? '+' : '';
  if (!Number.isFinite(x)) return minus + '∞';
  const size = Math.abs(x),
    d = digits ?? 3;
  let text = size < 1e21 ? size.toFixed(d) : BigInt(size) + (d ? '.' + '0'.repeat(d) : '');
  if (digits == null && text.includes('.')) text = text.replace(/0+$/, '').replace(/\.$/, '');
  if (minus === '−' && !sign && !/[^0.]/.test(text)) minus = '';
  let [whole, rest] = text.split('.');
  if (whole.length > 4) whole = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  return minus + whole + (rest == null ? '' : '.' + rest);
}

const FIELD = /\{\{|\}\}|\{(\w+)(?::([^{}?]*)|\?([^{}|]*)\|([^{}]*))?\}/g;
const FORMAT = /^(\+?)(\|?)([a-z%]*)(?:\.(\d))?$/;

/** A value as parts: strings, and references `{table, index, text}` that may be drawn as tokens. */
function valueParts(value, form, tables) {
  if (Array.isArray(value)) {
    if (!value.length) return ['–'];
    return value.flatMap((v, k) => [...(k ? [tables.list ?? ', '] : []), ...valueParts(v, form, tables)]);
  }
  if (typeof value === 'string') return [value];
  if (value && typeof value === 'object') return [value];
  const match = FORMAT.exec(form);
  if (!match) return ['–'];
  let [, sign, absolute, what, fixed] = match;
  if (TABLES.includes(what)) return [tables.ref?.(what, value) ?? '–'];
  if (value == null) return ['–'];
  let digits = fixed ? +fixed : null;
  const x = absolute ? Math.abs(value) : value;
  if (what === '' || what === 'n') return [number(x, digits, !!sign)];
  if (what === '%') return [number(x * 100, digits, !!sign) + ' %'];
  if (what === 'time') {
    what = tables.unit ?? 'ms';
    digits ??= tables.digits ?? 3;
  }
  if (what === 'dur') {
    const size = Math.abs(x);
    what = size < 1e3 ? 'ns' : size < 1e6 ? 'us' : size < 1e9 ? 'ms' : 's';
  }
  const unit = UNITS[what];
  return unit ? [`${number(x / unit[0], digits, !!sign)} ${unit[1]}`] : ['–'];
}
/** The template's sentence as parts. */
function fill(template, values, tables = {}) {
  const parts = [];
  let last = 0;
  for (const m of template.matchAll(FIELD)) {
    parts.push(template.slice(last, m.index));
    last = m.index + m[0].length;
    if (m[1] == null) parts.push(m[0][0]);
    else {
      const value = Object.hasOwn(values, m[1]) ? values[m[1]] : null;
      if (m[3] != null) parts.push(value === 1 ? m[3] : m[4]);
      else parts.push(...valueParts(value, m[2] ?? '', tables));
    }
  }
  parts.push(template.slice(last));
  return parts.filter(p => p !== '');
}
const plain = parts => parts.map(p => (typeof p === 'string' ? p : p.text)).join('');
const say = (words, key, values = {}) => plain(fill(words[key], values));
