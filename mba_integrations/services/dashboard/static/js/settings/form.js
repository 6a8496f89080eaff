/* The form over a workspace's settings: a field for each, and what was changed in it. */

import { el, fill, freshId } from "../dom.js";
import { card } from "../parts/heading.js";
import { choicesOf, kindOf, sectionsOf, valueAt, worded } from "./fields.js";

/**
 * Make it.
 *
 * @param settings Those that hold.
 * @param changed Called after each change.
 * @returns `node`; `changes()`, a map of what differs by path; `put(changes)`, which types them in;
 *   `show(errors)`, which says beside each field what the server refuses.
 */
export function settingsForm(settings, changed, { readOnly = false } = {}) {
  const fields = new Map();
  const fieldOf = (path) => {
    const field = makeField(path, valueAt(settings, path), readOnly);
    fields.set(path, field);
    return field.node;
  };
  const section = (one) => {
    const inner = el("div", { class: "settings-fields" }, one.paths.map(fieldOf));
    if (!one.folded) return card(one.title, { about: one.about }, inner);
    return el("details", { class: "card wide" }, el("summary", {}, el("h2", {}, one.title)), inner);
  };
  const node = el("form", { class: "grid" }, sectionsOf(settings).map(section));
  node.addEventListener("input", changed);
  node.addEventListener("submit", (event) => event.preventDefault());
  return {
    node,
    changes: () => changesIn(fields),
    put: (changes) => {
      for (const [path, value] of changes) fields.get(path)?.put(value);
      changed();
    },
    show: (errors) => shown(fields, errors),
  };
}

function changesIn(fields) {
  const changes = new Map();
  for (const [path, field] of fields) {
    const value = field.value();
    const differs = !isSame(value, field.holds);
    field.node.classList.toggle("changed", differs);
    if (differs) changes.set(path, value);
  }
  return changes;
}

/** A text that is empty stands for none. */
function isSame(value, holds) {
  return JSON.stringify(value) === JSON.stringify(holds) || (value === "" && holds === null);
}

/** Put each error beside its field, or beside the group that it is in; gives those without one. */
function shown(fields, errors) {
  for (const field of fields.values()) field.refuse("");
  return errors.filter(({ pointer, detail }) => {
    const names = pointer.split("/").slice(1);
    while (names.length && !fields.has(names.join("."))) names.pop();
    const field = fields.get(names.join("."));
    field?.refuse(detail);
    return !field;
  });
}

function makeField(path, holds, readOnly) {
  const kind = kindOf(path, holds);
  const input = MAKERS[kind](path, holds);
  input.id = freshId("setting");
  input.name = path;
  input.disabled = readOnly;
  const said = el("span", { class: "refused", id: freshId("refused") });
  const label = el("label", { for: input.id }, worded(path));
  const inner = kind === "switch" ? [input, label] : [label, input];
  const node = el("div", { class: kind === "switch" ? "field tick" : "field" }, inner, said);
  return {
    node,
    holds,
    value: () => READERS[kind](input),
    put: (value) => PUTTERS[kind](input, value),
    refuse: (text) => {
      fill(said, text);
      if (text) input.setAttribute("aria-describedby", said.id);
      else input.removeAttribute("aria-describedby");
      input.setAttribute("aria-invalid", String(Boolean(text)));
      if (text) node.closest("details")?.setAttribute("open", "");
    },
  };
}

const written = (value) => JSON.stringify(value, null, 1);
const MAKERS = {
  switch: (_path, value) => {
    const input = el("input", { type: "checkbox" });
    input.checked = value;
    return input;
  },
  number: (_path, value) => el("input", { type: "number", step: "any", value: value ?? "", placeholder: "none" }),
  text: (_path, value) => el("input", { type: "text", value: value ?? "", autocomplete: "off" }),
  choice: (path, value) => {
    const select = el("select", {}, choicesOf(path, value).map((one) => el("option", { value: one }, one)));
    select.value = value;
    return select;
  },
  json: (_path, value) => {
    const text = written(value);
    const rows = Math.min(8, text.split("\n").length);
    return el("textarea", { rows, class: "json", spellcheck: "false", value: text });
  },
};
const text = (input) => input.value;
const READERS = {
  switch: (input) => input.checked,
  number: (input) => (input.value === "" ? null : Number(input.value)),
  text,
  choice: text,
  json: (input) => {
    try {
      return JSON.parse(input.value);
    } catch {
      return input.value; // the server says what is wrong with it
    }
  },
};
const set = (input, value) => {
  input.value = value ?? "";
};
const PUTTERS = {
  switch: (input, value) => {
    input.checked = value;
  },
  number: set,
  text: set,
  choice: set,
  json: (input, value) => set(input, written(value)),
};
