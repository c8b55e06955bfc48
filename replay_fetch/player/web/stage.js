// The recorded page: one of rrweb's replayers, of the chunk that holds the time asked for.

// What a page fetched is not in its recording, and the converter has put its addresses aside. A picture without one gets
// an empty one, so that it keeps the size that the page gave it, and its place is marked. Media does not play: there is nothing to hear or see.
const BLANK = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const STYLE = [
  `:where(img[src="${BLANK}"], video:not([src])) { background-image: repeating-linear-gradient(45deg, #8883 0 2px, #0000 2px 8px); outline: 1px dashed #8888; outline-offset: -1px }`,
  '[data-dd-privacy="hidden"] { background-image: repeating-linear-gradient(-45deg, #8886 0 3px, #bbb4 3px 9px) !important }',
  // An empty box stands on the line's baseline and would make the line higher than its words did.
  '[data-dd-privacy="hidden"]:where(:not(img, input, select, textarea, button, canvas, svg, video, audio, object)) { vertical-align: top }',
  'html.outline-masked [data-dd-privacy]:not([data-dd-privacy="allow"]) { outline: 2px dashed #b4530f !important; outline-offset: -1px }',
];

function prepare(top) {
  const rest = [top];
  while (rest.length) {
    const node = rest.pop();
    if (node.tagName === 'img') node.attributes.src ||= BLANK;
    if (node.attributes) delete node.attributes.rr_mediaState;
    if (node.childNodes) for (const kid of node.childNodes) rest.push(kid);
  }
}

// The events of a chunk, anew each time: rrweb changes what it is given.
function eventsIn(text) {
  const events = [];
  for (const event of JSON.parse(text)) {
    const { type, data } = event;
    if (type === 3 && data.source === 7) continue;
    if (type === 2) prepare(data.node);
    if (type === 3 && data.source === 0) {
      for (const add of data.adds) prepare(add.node);
      for (const { attributes } of data.attributes) if (attributes.src === null) delete attributes.src;
    }
    events.push(event);
  }
  return events;
}

const SILENT = { log() {}, warn() {}, error() {}, info() {}, debug() {} };

// rrweb makes elements of HTML and SVG alone; these are laid out by the browser as mathematics only in their namespace.
const MATHML = new Set(('math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup '
  + 'munder mover munderover mmultiscripts mprescripts mtable mtr mtd maction semantics annotation annotation-xml').split(' '));

function teachMath(recorded) {
  const html = recorded.createElement.bind(recorded);
  recorded.createElement = (tag, options) => (MATHML.has(tag) ? recorded.createElementNS('http://www.w3.org/1998/Math/MathML', tag) : html(tag, options));
}

const stage = {
  view: null,
  chunk: null,
  replayer: null,
  playing: false,
  speed: 1,
  turn: 0,
  shown: 0, // where the picture stands, and where it stays while none plays
  onend() {},

  get at() {
    if (!this.playing || !this.replayer) return this.shown;
    return Math.min(this.chunk.start + this.replayer.getCurrentTime(), this.chunk.end);
  },

  // Show the page as it stood; of several calls that overlap the last one counts.
  async seek(view, at, playing = this.playing) {
    const turn = ++this.turn;
    const wanted = Math.max(view.start, Math.min(at, view.end));
    const chunk = chunkAt(view, wanted);
    const onward = this.replayer && this.view === view && this.chunk === chunk && wanted >= this.at;
    if (!onward) {
      if (!this.replayer) this.shown = wanted;
      const text = await store.text(chunk);
      if (turn !== this.turn) return;
      store.keep(chunk);
      this.build(view, chunk, text);
    }
    this.playing = playing;
    this.shown = wanted;
    // rrweb keeps a scroll of the seek before, which is none of this one.
    if (this.replayer.virtualDom) this.replayer.virtualDom.scrollData = null;
    // What happened at this very millisecond belongs to the picture.
    const offset = wanted - chunk.start + 1;
    if (playing) this.replayer.play(offset);
    else this.replayer.pause(offset);
    this.outline();
    element('stage').dataset.at = wanted; // that the picture stands can be seen from outside
  },

  build(view, chunk, text) {
    const events = eventsIn(text);
    const end = Math.max(chunk.end, chunk.start + 1);
    events.push({ type: 5, data: { tag: 'chunk-end', payload: {} }, timestamp: end + 60 });
    const host = made('div', { className: 'host' });
    element('screen').append(host);
    const old = this.replayer;
    const oldHost = this.host;
    this.replayer = new rrweb.Replayer(events, {
      root: host,
      speed: this.speed,
      insertStyleRules: [...STYLE, ...view.css],
      mouseTail: { duration: 400, lineCap: 'round', lineWidth: 2, strokeStyle: '#4950f680' },
      showWarning: false,
      triggerFocus: false,
      logger: SILENT,
    });
    Object.assign(this, { view, chunk, host });
    const frame = this.replayer.iframe;
    teachMath(frame.contentDocument);
    frame.inert = true; // a link of a stranger's page is not for pressing
    frame.tabIndex = -1;
    frame.title = 'The recorded page: a picture; the list of events tells in words what was done';
    this.replayer.on('resize', () => this.fit());
    old?.destroy();
    oldHost?.remove();
    this.fit();
  },

  fit() {
    const wrapper = this.host?.querySelector('.replayer-wrapper');
    if (!wrapper) return;
    const { width, height } = this.dimensions();
    const room = element('stage').getBoundingClientRect();
    const scale = Math.min(room.width / width, room.height / height, 1);
    wrapper.style.transform = `scale(${scale})`;
    this.host.style.cssText = `width:${width * scale}px;height:${height * scale}px`;
    element('size').textContent = `${width} × ${height}` + (scale < 0.995 ? ` · ${Math.round(scale * 100)} %` : '');
  },

  dimensions() {
    const frame = this.replayer.iframe;
    return { width: Number(frame.getAttribute('width')) || 1280, height: Number(frame.getAttribute('height')) || 720 };
  },

  outline() {
    this.replayer?.iframe.contentDocument?.documentElement?.classList.toggle('outline-masked', element('outline').checked);
  },

  play() {
    if (!this.view) return undefined;
    return this.seek(this.view, this.at, true);
  },

  pause() {
    if (!this.playing) return;
    this.shown = this.at;
    this.playing = false;
    this.turn += 1;
    this.replayer.pause();
  },

  setSpeed(speed) {
    this.speed = speed;
    this.replayer?.setConfig({ speed });
  },

  // Called for each picture of the screen while it plays: over the edge of a chunk, to the end of a view.
  step() {
    if (!this.playing || !this.replayer) return;
    const at = this.at;
    this.shown = at;
    const next = this.view.chunks[this.chunk.number + 1];
    if (next && this.chunk.end - at < 3000 * this.speed) store.text(next); // unpacked ahead
    if (at < this.chunk.end) return;
    if (next) this.seek(this.view, next.start, true);
    else {
      this.pause();
      this.onend();
    }
  },
};
