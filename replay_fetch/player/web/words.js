// Times and names as people read them.

const element = id => document.getElementById(id);

function made(tag, properties, ...kids) {
  const one = Object.assign(document.createElement(tag), properties);
  one.append(...kids);
  return one;
}

// 0:07, 12:34, 1:02:03; with tenths where they tell events apart.
function clock(ms, tenths) {
  const sign = ms < 0 ? '−' : '';
  const whole = tenths ? Math.floor(Math.abs(ms) / 100) / 10 : Math.floor(Math.abs(ms) / 1000);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const seconds = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, '0');
  return sign + (hours ? `${hours}:${String(minutes).padStart(2, '0')}` : minutes) + ':' + seconds;
}

function long(ms) {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

const day = ms => new Date(ms).toISOString().slice(0, 10);
const hour = ms => `${new Date(ms).toISOString().slice(11, 19)} UTC`;
const some = (number, one, many = `${one}s`) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;

// The part of an address that tells pages of one site apart.
function path(href) {
  try {
    const url = new URL(href);
    return url.protocol.startsWith('http') ? url.pathname + url.search + url.hash : href;
  } catch {
    return href;
  }
}

const say = text => { element('said').textContent = text; };
