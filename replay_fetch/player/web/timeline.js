// The bar of the view that is shown, and the lanes of all views.

// Kinds as groups: what the chips switch, and what colours a mark. In order of weight: where two marks fall
// together, the heavier one shows.
const GROUPS = [
  ['problem', 'Problems', ['error', 'rage click', 'dead click', 'error click']],
  ['gap', 'Gaps and ends', ['gap', 'cut', 'end']],
  ['page', 'Pages', ['page']],
  ['click', 'Clicks', ['click', 'double click', 'context menu', 'tap']],
  ['input', 'Inputs', ['input', 'play', 'pause']],
  ['request', 'Requests', ['request']],
  ['long', 'Long tasks', ['long task']],
  ['scroll', 'Scrolling', ['scroll']],
  ['window', 'Window', ['resize', 'left', 'back']],
  ['idle', 'Idle', ['idle']],
];
const GROUP_OF = new Map(GROUPS.flatMap(([group, , kinds]) => kinds.map(kind => [kind, group])));
const WEIGHT = new Map(GROUPS.map(([group], number) => [group, GROUPS.length - number]));
const UNMARKED = new Set(['scroll', 'window', 'idle', 'gap']);

const actions = index.actions.map(([view, at, kind, text, more], number) => {
  const group = more?.failed ? 'problem' : GROUP_OF.get(kind) ?? 'window';
  return { view: views[view], at, kind, text, group, number, ...more };
});
for (const view of views) {
  view.actions = actions.filter(action => action.view === view);
  view.idle = view.actions.filter(action => action.kind === 'idle' && action.until > action.at);
}

const timed = views.filter(view => view.chunks.length);
const session = {
  start: Math.min(...timed.map(view => view.start)),
  end: Math.max(...timed.map(view => view.end)),
};
const since = at => at - session.start;

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Draw a view's marks over [from, to] of a canvas: idle and gaps as areas, actions as ticks.
function draw(canvas, view, from, to, shown) {
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return;
  const dots = devicePixelRatio || 1;
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  const pen = canvas.getContext('2d');
  pen.scale(dots, dots);
  const x = at => ((at - from) / Math.max(to - from, 1)) * width;
  const left = x(view.start);
  const right = Math.max(x(view.end), left + 3);
  const area = (start, end, style) => {
    pen.fillStyle = style;
    pen.fillRect(x(start), 0, Math.max(x(end) - x(start), 2), height);
  };
  pen.save();
  pen.beginPath();
  pen.roundRect(left, 0, right - left, height, 3);
  pen.clip();
  pen.fillStyle = colour('--track');
  pen.fillRect(left, 0, right - left, height);
  for (const idle of view.idle) area(idle.at, idle.until, colour('--idle'));
  for (const [start, end, , still] of view.gaps) {
    if (still === null || still > end) area(end, still ?? view.end, hatch(pen, colour('--still')));
    area(start, end, hatch(pen, colour('--gap')));
  }
  if (!view.ended) {
    pen.fillStyle = colour('--problem');
    pen.fillRect(right - 2, 0, 2, height);
  }
  pen.restore();
  ticks(pen, view, x, height, shown);
}

function hatch(pen, style) {
  const tile = new OffscreenCanvas(6, 6);
  const line = tile.getContext('2d');
  line.strokeStyle = style;
  line.lineWidth = 2;
  for (const shift of [-6, 0, 6]) {
    line.moveTo(shift - 1, 7);
    line.lineTo(shift + 7, -1);
  }
  line.stroke();
  return pen.createPattern(tile, 'repeat');
}

function ticks(pen, view, x, height, shown) {
  const places = new Map();
  for (const action of view.actions) {
    if (UNMARKED.has(action.group) || !shown.has(action.group)) continue;
    const place = Math.round(x(action.at) / 3);
    const there = places.get(place);
    if (!there || WEIGHT.get(action.group) > WEIGHT.get(there)) places.set(place, action.group);
  }
  for (const [place, group] of places) {
    pen.fillStyle = colour(`--${group}`);
    const tall = group === 'problem' || group === 'page' ? height : height * 0.62;
    pen.fillRect(place * 3 - 1, height - tall, 2, tall);
  }
}

// One lane a view, in the order they began; those without a recording say why.
const lanes = {
  rows: [],
  make(go) {
    const box = element('lanes');
    views.forEach((view, number) => {
      const name = made('button', { type: 'button', className: 'name', textContent: path(view.href) || view.id.slice(0, 8) });
      name.title = [view.href, `view ${view.id}`].filter(Boolean).join('\n');
      const row = made('div', { className: 'lane' }, name);
      if (view.chunks.length) {
        name.setAttribute('aria-label', `View ${number + 1} of ${views.length}: ${path(view.href) || view.id.slice(0, 8)}, from ${clock(since(view.start))}, ${long(view.end - view.start)}`);
        name.onclick = () => go(view, view.start);
        const canvas = made('canvas', {});
        canvas.setAttribute('aria-hidden', 'true');
        const head = made('i', { className: 'head' });
        const track = made('div', { className: 'track' }, canvas, head);
        track.onpointerdown = event => {
          const { left, width } = track.getBoundingClientRect();
          go(view, session.start + ((event.clientX - left) / width) * (session.end - session.start));
        };
        row.append(track);
        this.rows.push({ view, row, name, canvas, head });
      } else {
        name.disabled = true;
        row.append(made('div', { className: 'track nothing', textContent: view.said }));
      }
      box.append(row);
    });
  },
  draw(shown) {
    for (const { view, canvas } of this.rows) draw(canvas, view, session.start, session.end, shown);
  },
  current(view) {
    for (const { view: other, row, name } of this.rows) {
      row.classList.toggle('current', other === view);
      name.setAttribute('aria-current', String(other === view));
      if (other === view) row.scrollIntoView({ block: 'nearest' });
    }
  },
  move(view, at) {
    for (const { view: other, head } of this.rows) {
      if (other === view) head.style.left = `${((at - session.start) / Math.max(session.end - session.start, 1)) * 100}%`;
    }
  },
};
