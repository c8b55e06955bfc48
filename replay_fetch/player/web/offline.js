// What a page fetched is not in its recording. The policy of this page lets nothing through; here such references are
// put aside before the browser would refuse them one by one, and the places of pictures are marked.

const HERE = /^\s*(data:|blob:|#|$)/i;
const BLANK = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const ADDRESS = /url\(\s*(?!["']?\s*(?:data:|blob:|#))(?:"[^"]*"|'[^']*'|[^)"']*)\s*\)/gi;
const IMPORT = /@import[^;]*;?/gi;
const IMAGE_SET = /image-set\(\s*["'][^)]*\)/gi;
const FETCHED = ['src', 'srcset', 'poster', 'background', 'imagesrcset', 'data'];
const STARTING = ['autoplay', 'autofocus', 'ping', 'srcdoc', 'rr_mediaState', 'rr_mediaCurrentTime'];

function quietStyle(text) {
  if (typeof text !== 'string' || !/url\(|@import|image-set\(/i.test(text)) return text;
  return text.replace(IMPORT, '').replace(ADDRESS, 'none').replace(IMAGE_SET, 'none');
}

function putAside(attributes, name) {
  attributes[`data-${name.replace(':', '-')}`] = attributes[name];
  delete attributes[name];
}

// `tag` is undefined where attributes of an element change that is there already.
function quietAttributes(attributes, tag) {
  for (const name of STARTING) delete attributes[name];
  for (const name of FETCHED) {
    const value = attributes[name];
    if (typeof value !== 'string' || (HERE.test(value) && !name.endsWith('srcset'))) continue;
    putAside(attributes, name);
    if (name === 'src' && (tag === undefined || tag === 'img' || tag === 'input')) attributes.src = BLANK;
  }
  for (const name of ['href', 'xlink:href']) {
    const value = attributes[name];
    if (tag !== undefined && tag !== 'a' && tag !== 'area' && typeof value === 'string' && !HERE.test(value)) putAside(attributes, name);
  }
  const style = attributes.style;
  if (style && typeof style === 'object') {
    for (const [name, value] of Object.entries(style)) style[name] = Array.isArray(value) ? [quietStyle(value[0]), value[1]] : quietStyle(value);
  } else if (style) attributes.style = quietStyle(style);
  if (attributes._cssText) attributes._cssText = quietStyle(attributes._cssText);
}

function quietNode(top) {
  const rest = [top];
  while (rest.length) {
    const node = rest.pop();
    if (node.attributes) quietAttributes(node.attributes, node.tagName);
    if (node.tagName === 'style') for (const text of node.childNodes) text.textContent = quietStyle(text.textContent);
    if (node.childNodes) for (const kid of node.childNodes) rest.push(kid);
  }
}

function quietIncrement(data) {
  if (data.source === 0) {
    for (const add of data.adds) quietNode(add.node);
    for (const change of data.attributes) quietAttributes(change.attributes);
  } else if (data.source === 8) {
    for (const add of data.adds ?? []) add.rule = quietStyle(add.rule);
  } else if (data.source === 15) {
    for (const style of data.styles ?? []) for (const rule of style.rules) rule.rule = quietStyle(rule.rule);
  }
}

// Media has nothing to play: no recording holds its sound or picture.
const isMedia = ({ type, data }) => type === 3 && data.source === 7;

function quiet(events) {
  for (const { type, data } of events) {
    if (type === 2) quietNode(data.node);
    else if (type === 3) quietIncrement(data);
  }
  return events.filter(event => !isMedia(event));
}
