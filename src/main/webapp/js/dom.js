// Small DOM construction kit: text always becomes text nodes, so nothing a server sends is markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. Properties: `class`, `data` (object), `on` (object of listeners), the rest are
 * attributes; false, null and undefined leave an attribute out, true sets it empty.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  apply(element, props);
  append(element, children);
  return element;
}

/** Makes an SVG element with attributes. */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Replaces all children. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Sets the text only when it differs, so that live regions speak only of changes. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Keeps the children of `parent` equal to `wanted` with the fewest moves; focus survives. */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) {
    if (!keep.has(child)) {
      child.remove();
    }
  }
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(child, at);
    }
  }
}

let lastId = 0;

/** A fresh id, to tie labels to fields. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

function apply(element, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) {
      continue;
    }
    if (name === "class") {
      element.className = value;
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "on") {
      for (const [type, listener] of Object.entries(value)) {
        element.addEventListener(type, listener);
      }
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
}
