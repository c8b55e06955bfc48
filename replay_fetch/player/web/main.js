// What the buttons, the keys and the address do.

const IDLE_LEFT = 800; // of an idle stretch, so that what ends it is not met unawares
const nowOf = () => stage.at;
let noticed = '';

function go(view, at, playing) {
  const moved = stage.view !== view && stage.asked !== view;
  stage.asked = view;
  if (moved) {
    element('place').textContent = views.length > 1 ? `View ${views.indexOf(view) + 1} of ${views.length}` : '';
    lanes.current(view);
    say(`View ${views.indexOf(view) + 1}: ${path(view.href)}`);
  }
  return stage.seek(view, at, playing).then(() => {
    if (moved) redraw();
    paint(true);
    remember();
  }, broken);
}

function broken(error) {
  notice(`This recording cannot be shown: ${error.message}. The page needs a browser of 2023 or later.`);
}

function notice(text) {
  const box = element('notice');
  if (text === noticed) return;
  noticed = text;
  box.hidden = !text;
  box.textContent = text;
  if (text) say(text);
}

// All that follows the time; `moved` after a jump.
function paint(moved) {
  const view = stage.view;
  if (!view) return;
  const at = nowOf();
  const share = (at - view.start) / Math.max(view.end - view.start, 1);
  const scrubber = element('scrubber');
  scrubber.firstChild.style.left = `${share * 100}%`;
  scrubber.setAttribute('aria-valuemin', Math.round(since(view.start) / 1000));
  scrubber.setAttribute('aria-valuemax', Math.round(since(view.end) / 1000));
  scrubber.setAttribute('aria-valuenow', Math.round(since(at) / 1000));
  scrubber.setAttribute('aria-valuetext', `${clock(since(at))} of ${clock(since(view.end))}`);
  element('now').textContent = clock(since(at), true);
  element('length').textContent = clock(since(view.end));
  element('date').textContent = hour(at);
  lanes.move(view, at);
  list.follow(view, at, !moved && element('list').matches(':hover'));
  element('href').textContent = pageAt(view, at);
  notice(missing(view, at));
}

function pageAt(view, at) {
  return view.actions.findLast(action => action.kind === 'page' && action.at <= at + 1)?.text ?? view.href;
}

function missing(view, at) {
  for (const [start, end, indexes, still, number] of view.gaps) {
    const which = number > 5 ? `${number} segments are` : number > 1 ? `Segments ${indexes.join(', ')} are` : `Segment ${indexes[0]} is`;
    if (at >= start && at < end) return `${which} missing: what happened from ${clock(since(start))} to ${clock(since(end))} is not known.`;
    if (at >= end && (still === null ? true : at < still)) {
      return `The page cannot be followed here: ${which.toLowerCase()} missing, and the next whole picture comes ${still === null ? 'no more' : `at ${clock(since(still))}`}.`;
    }
  }
  if (at >= view.end - 1 && !view.ended) return view.endSaid;
  return '';
}

function toggle() {
  if (stage.playing) stage.pause();
  else if (stage.view && stage.at >= stage.view.end - 1) go(stage.view, stage.view.start, true).then(buttons);
  else stage.play()?.then(buttons, broken);
  buttons();
  remember();
}

function buttons() {
  element('play').classList.toggle('on', stage.playing);
  element('play').setAttribute('aria-label', stage.playing ? 'Pause' : 'Play');
}

stage.onend = () => {
  const next = timed[timed.indexOf(stage.view) + 1];
  if (next && stage.view.ended) go(next, next.start, true).then(buttons);
  else if (next) setTimeout(() => { if (!stage.playing && stage.at >= stage.view.end - 1) go(next, next.start, true).then(buttons); }, 1200);
  buttons();
};

function skipIdle() {
  if (!stage.playing || !element('skip').checked) return;
  const at = nowOf();
  const idle = stage.view.idle.find(({ at: start, until }) => at >= start + IDLE_LEFT && at < until - 2 * IDLE_LEFT);
  if (!idle) return;
  const to = idle.until - IDLE_LEFT;
  flash(`Skipped ${long(to - at)} without anything done`);
  go(stage.view, to, true);
}

function flash(text) {
  const box = made('p', { className: 'flash', textContent: text });
  element('stage').append(box);
  box.addEventListener('animationend', () => box.remove());
  say(text);
}

let painted = 0;
function tick(time) {
  requestAnimationFrame(tick);
  if (!stage.playing) return;
  stage.step();
  if (time - painted < 80 && stage.playing) return;
  painted = time;
  skipIdle();
  paint(false);
}

function jump(way) {
  const row = list.neighbour(stage.view, nowOf(), way);
  if (row) go(row.view, row.at);
}

function otherView(way) {
  const view = timed[timed.indexOf(stage.view) + way];
  if (view) go(view, view.start);
}

// #t=95 is seconds of the session; view=… the beginning of a view's id, for tabs that overlap.
function remember() {
  if (!stage.view) return;
  const hash = `#t=${(since(nowOf()) / 1000).toFixed(1).replace(/\.0$/, '')}${timed.length > 1 ? `&view=${stage.view.id.slice(0, 8)}` : ''}`;
  try { history.replaceState(null, '', hash); } catch { /* some browsers keep the address of a file as it is */ }
}

function addressed() {
  const said = new URLSearchParams(location.hash.slice(1));
  const named = said.get('view') && timed.find(view => view.id.startsWith(said.get('view')));
  const seconds = (said.get('t') ?? '').match(/^\+?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/);
  const at = said.get('t') && seconds ? session.start + ((seconds[1] ?? 0) * 3600 + (seconds[2] ?? 0) * 60 + (+seconds[3] || 0)) * 1000 : undefined;
  if (!named && at === undefined) return false;
  const view = named ?? timed.findLast(one => one.start <= at && at <= one.end) ?? timed.findLast(one => one.start <= at) ?? timed[0];
  go(view, at ?? view.start);
  return true;
}

const KEYS = {
  ' ': toggle,
  ArrowLeft: () => go(stage.view, nowOf() - 5000),
  ArrowRight: () => go(stage.view, nowOf() + 5000),
  n: () => jump(1),
  p: () => jump(-1),
  '[': () => otherView(-1),
  ']': () => otherView(1),
  '/': () => element('query').focus(),
  f: full,
};

let pointed = false; // the pointer gave the focus: then keys mean the player, not what was clicked last

function pressed(event) {
  if (event.key === 'Tab') pointed = false;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { tagName, type } = event.target;
  if (event.key === 'Escape' && event.target === element('query')) {
    element('query').value = '';
    search.find('');
    event.target.blur();
    return;
  }
  if (tagName === 'SELECT' || (tagName === 'INPUT' && type !== 'checkbox')) return;
  if (event.key === ' ' && (tagName === 'BUTTON' || tagName === 'INPUT')) {
    if (!pointed) return; // presses what has the focus
    event.target.blur();
  }
  const act = KEYS[event.key];
  if (!act || !stage.view) return;
  event.preventDefault();
  act();
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else element('watch').requestFullscreen?.();
}

function scrubbing() {
  const scrubber = element('scrubber');
  const bar = element('bar');
  const timeAt = event => {
    const { left, width } = scrubber.getBoundingClientRect();
    const share = Math.max(0, Math.min((event.clientX - left) / width, 1));
    return stage.view.start + share * (stage.view.end - stage.view.start);
  };
  scrubber.onpointerdown = event => {
    scrubber.setPointerCapture(event.pointerId);
    scrubber.dataset.dragged = stage.playing ? 'playing' : 'still';
    stage.pause();
    go(stage.view, timeAt(event), false);
  };
  scrubber.onpointermove = event => {
    if (!stage.view) return;
    if (scrubber.dataset.dragged) go(stage.view, timeAt(event), false);
    const at = timeAt(event);
    const reach = (stage.view.end - stage.view.start) / Math.max(bar.clientWidth, 1) * 4;
    const near = stage.view.actions.filter(action => shown.has(action.group) && Math.abs(action.at - at) <= reach)
      .sort((one, other) => WEIGHT.get(other.group) - WEIGHT.get(one.group) || Math.abs(one.at - at) - Math.abs(other.at - at))[0];
    const tip = element('tip');
    tip.hidden = false;
    tip.textContent = near ? `${clock(since(near.at), true)}  ${near.kind}  ${near.text}` : clock(since(at), true);
    const { left, width } = bar.getBoundingClientRect();
    tip.style.left = `${Math.max(0, Math.min(event.clientX - left - tip.offsetWidth / 2, width - tip.offsetWidth))}px`;
  };
  scrubber.onpointerleave = () => { element('tip').hidden = true; };
  scrubber.onlostpointercapture = () => {
    if (scrubber.dataset.dragged === 'playing') stage.play().then(buttons);
    delete scrubber.dataset.dragged;
    remember();
  };
  scrubber.onkeydown = event => {
    const to = { Home: stage.view?.start, End: stage.view?.end, PageUp: nowOf() - 30000, PageDown: nowOf() + 30000, ArrowUp: nowOf() + 5000, ArrowDown: nowOf() - 5000 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(stage.view, to);
  };
}

function redraw() {
  if (stage.view) draw(element('marks'), stage.view, stage.view.start, stage.view.end, shown);
  lanes.draw(shown);
}

function themed() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const set = theme => {
    document.documentElement.dataset.theme = theme;
    element('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
    redraw();
  };
  set(dark.matches ? 'dark' : 'light');
  dark.onchange = () => set(dark.matches ? 'dark' : 'light');
  element('theme').onclick = () => set(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
}

// Counts of all views together, by name.
function summed(part) {
  const sums = new Map();
  for (const view of views) for (const [name, number] of Object.entries(view[part])) sums.set(name, (sums.get(name) ?? 0) + number);
  return sums;
}

const counted = sums => [...sums].map(([name, number]) => `${number} × ${name}`).join(', ');

function facts() {
  element('session').textContent = index.session;
  if (session.end - session.start >= 3600000) element('list').style.setProperty('--time', '68px'); // hours take room
  const masked = summed('masked');
  const left = summed('notes');
  const said = [`${day(session.start)} ${hour(session.start)}`, long(session.end - session.start), some(views.length, 'view')];
  if (index.sdk) said.push(index.sdk);
  if (views.some(view => view.mobile)) said.push('drawn as boxes from a mobile recording');
  element('facts').textContent = said.join(' · ');
  // Fields of which the SDK keeps back whatever is filled in.
  const unseen = new Set(actions.filter(one => one.value === '***').map(one => one.view.id + one.selector + one.text)).size;
  const legend = [];
  if (views.some(view => view.gaps.length)) legend.push('hatched: segments are missing');
  if (views.some(view => view.chunks.length && !view.ended)) legend.push('red end: the recording ends before the view did');
  if (views.some(view => view.idle.length)) legend.push('pale: nothing was done');
  if (masked.size) legend.push(`kept back by the site: ${counted(masked)}`);
  if (unseen) legend.push(`${some(unseen, 'field')} filled in unseen: ***`);
  if (left.size) legend.push(`left out: ${counted(left)}`);
  element('legend').textContent = legend.join(' · ');
  element('outline').parentElement.hidden = !masked.size;
}

function start() {
  views.forEach((view, number) => { view.number = number; });
  facts();
  lanes.make(go);
  list.make(go);
  list.onshow = redraw;
  themed();
  scrubbing();
  element('play').onclick = toggle;
  element('previous').onclick = () => jump(-1);
  element('next').onclick = () => jump(1);
  element('full').onclick = full;
  element('speed').onchange = event => {
    stage.setSpeed(Number(event.target.value));
    if (pointed) event.target.blur();
  };
  element('outline').onchange = () => stage.outline();
  element('query').oninput = event => search.ask(event.target.value);
  element('help').onclick = () => {
    const keys = element('keys');
    keys.hidden = !keys.hidden;
    element('help').setAttribute('aria-expanded', String(!keys.hidden));
    stage.fit();
    redraw();
  };
  addEventListener('pointerdown', () => { pointed = true; }, true);
  addEventListener('keydown', pressed);
  addEventListener('hashchange', addressed);
  new ResizeObserver(() => { stage.fit(); redraw(); }).observe(element('stage'));
  requestAnimationFrame(tick);
  const first = index.open ? views[index.open.view] : timed[0];
  const opened = addressed() || go(first, index.open ? index.open.at : first.start);
  Promise.resolve(opened).then(redraw);
}

start();
