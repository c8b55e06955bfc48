// Asked of a document: what it shows. What is masked or hidden by its attribute is left out.
document => {
  const window = document.defaultView;
  const plain = text => (text ?? '').toWellFormed().replace(/\s+/g, ' ').trim();
  const said = { words: [], forms: [], scrolls: {}, boxes: {}, looks: {} };
  const NO_WORDS = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'TEXTAREA', 'TITLE']);
  const NO_PART = new Set(['SCRIPT', 'NOSCRIPT', 'TEMPLATE', 'HEAD']);

  function privacy(element) {
    for (let one = element; one; one = one.parentElement ?? one.getRootNode().host) {
      const how = one.getAttribute?.('data-dd-privacy');
      if (how) return how === 'allow' ? '' : how;
    }
    return '';
  }

  function word(text) {
    const owner = text.parentElement ?? text.getRootNode().host;
    const words = plain(text.data);
    if (!owner || !words || NO_WORDS.has(owner.tagName) || !owner.checkVisibility()) return;
    if (!['mask', 'hidden'].includes(privacy(owner))) said.words.push(words);
  }

  function field(element, how) {
    const { tagName, type, id } = element;
    if (['INPUT', 'TEXTAREA', 'SELECT'].includes(tagName)) {
      if (how || ['email', 'password', 'hidden', 'file'].includes(type) || element.autocomplete?.startsWith('cc-')) return;
      const boxed = type === 'checkbox' || type === 'radio';
      const chosen = element.multiple && tagName === 'SELECT' ? [...element.selectedOptions].map(option => option.value).join('|') : element.value;
      said.forms.push([id || type, boxed ? element.checked : chosen]);
    } else if (['DETAILS', 'DIALOG'].includes(tagName)) said.forms.push([id, element.open]);
    else if (['PROGRESS', 'METER'].includes(tagName)) said.forms.push([id, element.value]);
  }

  function place(element, how) {
    const round = Math.round;
    if (element.scrollTop || element.scrollLeft) said.scrolls[element.id || element.tagName] = [round(element.scrollLeft), round(element.scrollTop)];
    if (!element.id) return;
    const { x, y, width, height } = element.getBoundingClientRect();
    said.boxes[element.id] = [x, y, width, height].map(round);
    const style = window.getComputedStyle(element);
    if (!['mask', 'hidden'].includes(how)) {
      said.looks[element.id] = [style.display, style.color, style.backgroundColor, style.fontWeight, style.visibility].join(' ');
    }
  }

  function walk(node) {
    for (const child of node.childNodes) {
      if (child.nodeType === 3) word(child);
      if (child.nodeType !== 1 || NO_PART.has(child.tagName)) continue;
      const how = privacy(child);
      field(child, how);
      place(child, how);
      if (child.shadowRoot) walk(child.shadowRoot);
      walk(child);
    }
  }

  walk(document.body);
  const inputs = [...document.querySelectorAll('input,textarea,select')].map(one => [one.type, ['checkbox', 'radio'].includes(one.type) ? one.checked : one.value]);
  return { ...said, inputs, text: document.body.innerText, scroll: [Math.round(window.scrollX), Math.round(window.scrollY)] };
}
