/* Light, dark, or what the system says; kept in the browser. */

import { el, fill } from "./dom.js";

const KEY = "mba-theme";
const NAMES = { system: "System", light: "Light", dark: "Dark" };
const listeners = new Set();

/** The theme that was chosen. */
export function theme() {
  try {
    return localStorage.getItem(KEY) || "system";
  } catch {
    return "system"; // a browser may refuse to keep anything
  }
}

/** Put the theme that was chosen in force. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
  for (const heard of listeners) heard();
}

/** Run *heard* when the colours change, until the signal aborts: canvases are drawn anew. */
export function whenThemeChanges(heard, signal) {
  listeners.add(heard);
  signal.addEventListener("abort", () => listeners.delete(heard));
}

/** A select that changes it. */
export function themeSwitch() {
  const choose = el("select", { "aria-label": "Colours", on: { change: () => kept(choose.value) } });
  fill(choose, Object.entries(NAMES).map(([value, name]) => el("option", { value }, name)));
  choose.value = theme();
  return choose;
}

function kept(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    document.documentElement.dataset.theme = value;
  }
  applyTheme();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
