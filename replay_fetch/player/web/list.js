// The list of events, what of it is shown, and the search.

const QUIET = new Set(['scroll', 'window', 'request', 'long', 'idle']);
const present = GROUPS.filter(([group]) => actions.some(action => action.group === group));
const shown = new Set(present.map(([group]) => group).filter(group => !QUIET.has(group)));

const list = {
  rows: [],
  byAction: new Map(),
  query: '',
  onshow() {},

  make(go) {
    this.go = go;
    for (const [group, label] of present) {
      const number = actions.filter(action => action.group === group).length;
      const chip = made('button', { type: 'button', className: `chip ${group}` }, label, ' ', made('b', { textContent: number }));
      chip.setAttribute('aria-pressed', String(shown.has(group)));
      chip.onclick = () => {
        if (!shown.delete(group)) shown.add(group);
        chip.setAttribute('aria-pressed', String(shown.has(group)));
        this.fill();
        this.onshow();
      };
      element('kinds').append(chip);
    }
    this.fill();
  },

  fill(places = []) {
    const words = this.query.toLowerCase();
    const matching = actions.filter(action => (words // a search looks everywhere
      ? `${action.kind} ${action.text} ${action.value ?? ''} ${action.selector ?? ''}`.toLowerCase().includes(words)
      : shown.has(action.group)));
    const rows = [...matching, ...places].sort((one, other) => one.view.number - other.view.number || one.at - other.at);
    this.rows = rows;
    this.byAction.clear();
    const fragment = document.createDocumentFragment();
    let view;
    for (const row of rows) {
      if (row.view !== view && views.length > 1) fragment.append(heading(row.view));
      view = row.view;
      const line = this.line(row);
      this.byAction.set(row, line);
      fragment.append(line);
    }
    element('list').replaceChildren(fragment);
    this.current = undefined;
  },

  line(row) {
    const text = made('span', { className: 'text' });
    marked(text, row.kind === 'page' ? path(row.text) || 'without an address' : row.text, this.query);
    const button = made('button', { type: 'button', className: row.group },
      made('time', { textContent: clock(since(row.at), true) }), made('span', { className: 'kind', textContent: row.kind }), text);
    if (row.value != null && row.kind !== 'page') text.append(made('span', { className: 'value', textContent: row.value === '' ? 'emptied' : row.value }));
    const detail = [row.selector, row.detail].filter(Boolean).join(' · ');
    if (detail) button.append(made('span', { className: 'detail', textContent: detail }));
    button.onclick = () => this.go(row.view, row.at);
    return made('li', {}, button);
  },

  // The last row at or before this time of the view is the one that just happened.
  follow(view, at, calm) {
    let last;
    for (const row of this.rows) if (row.view === view && row.at <= at + 1) last = row;
    if (last === this.current) return;
    this.byAction.get(this.current)?.firstChild.removeAttribute('aria-current');
    this.current = last;
    const line = this.byAction.get(last);
    line?.firstChild.setAttribute('aria-current', 'true');
    if (line && !calm) reveal(line);
  },

  neighbour(view, at, way) {
    const rows = this.rows.filter(row => row.group !== 'idle');
    const key = row => views.indexOf(row.view) * 1e15 + row.at;
    const here = views.indexOf(view) * 1e15 + at;
    return way > 0 ? rows.find(row => key(row) > here + 1) : rows.findLast(row => key(row) < here - 300);
  },
};

function heading(view) {
  const size = view.chunks.length ? long(view.end - view.start) : view.said;
  return made('li', { className: 'view' }, made('b', { textContent: path(view.href) || view.id.slice(0, 8) }), made('span', { textContent: size }));
}

// Within the list alone: the page itself stays where it is.
function reveal(line) {
  const box = element('list');
  const { top, bottom } = box.getBoundingClientRect();
  const at = line.getBoundingClientRect();
  if (at.top < top + 30) box.scrollTop -= top + 30 - at.top;
  else if (at.bottom > bottom) box.scrollTop += at.bottom - bottom + 60;
}

function marked(into, text, query) {
  const place = query ? text.toLowerCase().indexOf(query.toLowerCase()) : -1;
  if (place < 0) return into.append(text);
  const from = Math.max(0, place - 40);
  return into.append((from ? '…' : '') + text.slice(from, place), made('mark', { textContent: text.slice(place, place + query.length) }), text.slice(place + query.length));
}

// What was seen: each text when it first stood on the page.
const search = {
  texts: undefined,
  timer: 0,
  MOST: 300,
  async load() {
    this.texts ??= (async () => {
      const seen = [];
      for (const view of views) {
        if (!view.seen) continue;
        for (const [at, text] of JSON.parse(await unpack(view.seen))) seen.push({ view, at, text, folded: text.toLowerCase(), kind: 'seen', group: 'seen' });
      }
      return seen;
    })();
    return this.texts;
  },
  ask(query) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.find(query.trim()), 120);
  },
  async find(query) {
    list.query = query;
    const found = element('found');
    found.hidden = !query;
    if (!query) return list.fill();
    const words = query.toLowerCase();
    const places = (await this.load()).filter(text => text.folded.includes(words));
    if (list.query !== query) return undefined;
    list.fill(places.slice(0, this.MOST));
    const events = list.rows.length - Math.min(places.length, this.MOST);
    const cut = views.some(view => view.seenCut) ? ' The search knows the first million letters of a view.' : '';
    found.textContent = `${some(places.length, 'text')} seen, ${some(events, 'event')}${places.length > this.MOST ? `; the first ${this.MOST} texts are listed` : ''}.${cut}`;
    return undefined;
  },
};
