// The recording in the page: an index, and chunks of which one at a time is unpacked.

const index = JSON.parse(document.getElementById('index').textContent);
const views = index.views;

const bytesOf = Uint8Array.fromBase64
  ? text => Uint8Array.fromBase64(text)
  : text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));

async function unpack(id) {
  const packed = bytesOf(document.getElementById(id).textContent);
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(plain).text();
}

// The chunk that plays, and at most the one that plays next.
const store = {
  held: new Map(),
  text(chunk) {
    let text = this.held.get(chunk.id);
    if (!text) {
      text = unpack(chunk.id);
      this.held.set(chunk.id, text);
    }
    return text;
  },
  keep(...chunks) {
    for (const id of this.held.keys()) if (!chunks.some(chunk => chunk?.id === id)) this.held.delete(id);
  },
};

// A chunk is its start in milliseconds since 1970 and the id of a script element; it reaches to the next one's start.
for (const view of views) {
  view.chunks = view.chunks.map(([start, id], number, all) => ({ start, id, number, end: all[number + 1]?.[0] ?? view.end }));
}

function chunkAt(view, at) {
  let low = 0;
  for (let high = view.chunks.length - 1; low < high;) {
    const middle = (low + high + 1) >> 1;
    if (view.chunks[middle].start <= at) low = middle;
    else high = middle - 1;
  }
  return view.chunks[low];
}
