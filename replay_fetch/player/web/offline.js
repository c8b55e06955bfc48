// What a page fetched is not in its recording. The policy of this page lets nothing through; here such references are
// put aside before the browser would refuse them one by one, and the places of pictures are marked.

const HERE = /^\s*(data:|blob:|#|$)/i;
const BLANK = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const STYLED = /url\(\s*("|'|)\s*(?!\s*["']?\s*(?:data:|blob:|#))[^)]*?\1\s*\)/gi;
const IMPORTED = /@import[^;]*;?/gi;
const SETS = /image-set\(\s*(["'])[^)]*\)/gi;
const FETCHED = ['src', 'srcset', 'poster', 'background', 'imagesrcset', 'data'];

function quietStyle(text) {
  if (typeof text !== 'string' || !/url\(|@import|image-set\(/i.test(text)) return text;
  return text.replace(IMPORTED, '').replace(STYLED, 'none').replace(SETS, 'none');
}

function quietAttributes(attributes, tag) {
  for (const name of FETCHED) {
    const value = attributes[name];
    if (typeof value !== 'string' || (HERE.test(value) && name !== 'srcset')) continue;
    delete attributes[name];
    attributes[`data-${name}`] = value;
    if (name === 'src' && (tag === undefined || tag === 'img' || tag === 'input')) attributes.src = BLANK;
  }
  if (attributes.style && typeof attributes.style === 'object') {
    for (const [name, value] of Object.entries(attributes.style)) {
      if (typeof value === 'string') attributes.style[name] = quietStyle(value);
      else if (Array.isArray(value)) value[0] = quietStyle(value[0]);
    }
  } else attributes.style &&= quietStyle(attributes.style);
  attributes._cssText &&= quietStyle(attributes._cssText);
  if (tag !== 'a' && tag !== 'area' && tag !== undefined) {
    for (const name of ['href', 'xlink:href']) {
      if (typeof attributes[name] === 'string' && !HERE.test(attributes[name])) {
        attributes[`data-${name.replace(':', '-')}`] = attributes[name];
        delete attributes[name];
      }
    }
  }
}

function quietNode(top) {
  const rest = [top];
  while (rest.length) {
    const node = rest.pop();
    if (node.attributes) quietAttributes(node.attributes, node.tagName);
    if (node.isStyle || node.tagName === 'style') for (const kid of node.childNodes) kid.textContent = quietStyle(kid.textContent);
    if (node.childNodes) rest.push(...node.childNodes);
  }
}

function quiet(events) {
  for (const { type, data } of events) {
    if (type === 2) quietNode(data.node);
    else if (type === 3 && data.source === 0) {
      for (const add of data.adds) quietNode(add.node);
      for (const change of data.attributes) quietAttributes(change.attributes);
    } else if (type === 3 && data.source === 8) {
      for (const add of data.adds ?? []) add.rule = quietStyle(add.rule);
    } else if (type === 3 && data.source === 15) {
      for (const style of data.styles ?? []) for (const rule of style.rules) rule.rule = quietStyle(rule.rule);
    }
  }
  return events;
}
