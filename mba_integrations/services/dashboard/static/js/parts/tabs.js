/* Tabs: arrow keys go from one to the next, as the ARIA pattern of tabs has it. */

import { el, fill, freshId } from "../dom.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * Make some.
 *
 * @param entries `{ id, label, show(panel) }` each; a panel is filled anew whenever it is chosen.
 * @param selected The id of the first one shown.
 * @param changed Called with the id that was chosen.
 */
export function tabs(label, entries, { selected = entries[0].id, changed = () => {} } = {}) {
  const panel = el("div", { class: "tab-panel", role: "tabpanel", id: freshId("panel"), tabindex: "0" });
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": label });
  const buttons = entries.map((entry) => buttonOf(entry, panel));
  const choose = (place) => {
    for (const [at, button] of buttons.entries()) mark(button, at === place);
    panel.setAttribute("aria-labelledby", buttons[place].id);
    fill(panel);
    entries[place].show(panel);
    changed(entries[place].id);
  };
  for (const [place, button] of buttons.entries()) {
    button.addEventListener("click", () => choose(place));
  }
  list.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(next);
  });
  fill(list, buttons);
  choose(Math.max(0, entries.findIndex((entry) => entry.id === selected)));
  return el("div", {}, list, panel);
}

function buttonOf({ label }, panel) {
  const attrs = { type: "button", role: "tab", id: freshId("tab"), "aria-controls": panel.id };
  return el("button", attrs, label);
}

function mark(button, isChosen) {
  button.setAttribute("aria-selected", String(isChosen));
  button.tabIndex = isChosen ? 0 : -1;
}

/** A few choices of which one holds, as buttons in a row: `[value, name]` pairs. */
export function choices(label, pairs, chosen, changed) {
  const buttons = pairs.map(([value, name]) => {
    const attrs = { type: "button", "aria-pressed": String(value === chosen) };
    const button = el("button", attrs, name);
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      changed(value);
    });
    return button;
  });
  return el("div", { class: "choices", role: "group", "aria-label": label }, buttons);
}
