/* A row of filters: selects, texts, times. What is chosen is told a quarter of a second later. */

import { debounced, el, freshId } from "../dom.js";

/**
 * Make one.
 *
 * @param fields `{ name, label, type, options, placeholder }` each: `type` is "select" (options are
 *   `[value, name]` pairs, before which comes an empty value named `any`), "search", "text",
 *   "datetime-local", "number" or "checkbox".
 * @param values What is chosen at first, by name.
 * @param changed Called with all values by name, without the empty ones.
 */
export function filters({ label = "Filters", fields, values = {}, changed }) {
  const inputs = new Map(fields.map((field) => [field.name, inputOf(field, values[field.name])]));
  const tell = () => changed(valuesOf(inputs));
  const later = debounced(tell);
  const node = el("form", { class: "filters", role: "search", "aria-label": label });
  node.addEventListener("input", later);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    later.cancel();
    tell();
  });
  for (const field of fields) node.append(labelled(field, inputs.get(field.name)));
  node.append(el("button", { class: "unseen", type: "submit", tabindex: "-1" }, "Apply"));
  return { node, values: () => valuesOf(inputs) };
}

/** An input with its label. */
export function labelled({ label }, input) {
  input.id ||= freshId("field");
  const name = el("label", { for: input.id }, label);
  const isTick = input.type === "checkbox";
  return el("div", { class: isTick ? "field tick" : "field" }, isTick ? [input, name] : [name, input]);
}

function inputOf({ name, type = "text", options = [], placeholder, any = "Any" }, value) {
  if (type === "select") {
    const all = [["", any], ...options];
    const select = el("select", { name }, all.map(([value, name]) => el("option", { value }, name)));
    select.value = value ?? "";
    return select;
  }
  const input = el("input", { name, type, placeholder, autocomplete: "off" });
  if (type === "checkbox") input.checked = value === true || value === "true";
  else input.value = value ?? "";
  return input;
}

function valuesOf(inputs) {
  const values = {};
  for (const [name, input] of inputs) {
    const value = input.type === "checkbox" ? input.checked && "true" : input.value.trim();
    if (value) values[name] = value;
  }
  return values;
}
