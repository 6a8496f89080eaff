/*
 * Elements made of text. What memories hold may be hostile: nothing here takes markup, so no view
 * can set any by mistake.
 *
 *   el("p", { class: "note", on: { click: close } }, "Kept ", el("b", {}, name))
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children.
 *
 * `class`, `text` and any attribute by its name; `on` has listeners by event; `vars` has custom
 * properties of CSS; `data` has `data-` attributes. An attribute that is true stands without a
 * value; one that is false, null or undefined is left out, and so is such a child.
 */
export function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  return filled(node, attrs, children);
}

/** The same for a drawing. */
export function svg(tag, attrs = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attrs, children);
}

function filled(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    set(node, name, value);
  }
  append(node, children);
  return node;
}

function set(node, name, value) {
  if (name === "on") {
    for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
  } else if (name === "vars") {
    for (const [name, one] of Object.entries(value)) node.style.setProperty(name, one);
  } else if (name === "data") {
    Object.assign(node.dataset, value);
  } else if (name === "text") {
    node.textContent = value;
  } else if (name === "value") {
    node.value = value;
  } else {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Add children: nodes, texts, lists of these. */
export function append(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Put children in the place of what is there. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, ...children);
}

/**
 * The same, leaving in place what is alike: the focus, a click that is under way, and how far
 * somebody scrolled stay. Listeners of children are not taken over.
 */
export function renew(node, ...children) {
  follow(node, append(document.createDocumentFragment(), ...children));
}

function follow(node, made) {
  const wanted = [...made.childNodes];
  for (const [place, child] of wanted.entries()) {
    const there = node.childNodes[place];
    if (!there) node.append(child);
    else if (there.nodeName !== child.nodeName) there.replaceWith(child);
    else alike(there, child);
  }
  while (node.childNodes.length > wanted.length) node.lastChild.remove();
}

function alike(there, made) {
  if (!(there instanceof Element)) {
    if (there.data !== made.data) there.data = made.data;
    return;
  }
  for (const { name } of [...there.attributes]) if (!made.hasAttribute(name)) there.removeAttribute(name);
  for (const { name, value } of made.attributes) {
    if (name === "style") there.style.cssText = value; // the policy lets no attribute set styles
    else if (there.getAttribute(name) !== value) there.setAttribute(name, value);
  }
  follow(there, made);
}

/** An act that is not begun again while it goes on: a button that is disabled loses the focus. */
export function once(act) {
  let isGoingOn = false;
  return async () => {
    if (isGoingOn) return;
    isGoingOn = true;
    await act();
    isGoingOn = false;
  };
}

let lastId = 0;

/** An id that no other element has. */
export function freshId(prefix = "e") {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A function that runs *act* once nobody has called it for *ms*. */
export function debounced(act, ms = 250) {
  let timer = 0;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** Tell who listens to the page rather than looks at it. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
