/* Figures: tiles of single numbers, and bars with their names and values as text. */

import { el } from "../dom.js";

/** Tiles: `{ label, value, note }` each. */
export function tiles(figures) {
  const tile = ({ label, value, note }) =>
    el(
      "div",
      { class: "tile" },
      el("dt", {}, label),
      el("dd", {}, value, note && el("span", { class: "tile-note" }, note)),
    );
  return el("dl", { class: "tiles" }, figures.map(tile));
}

/**
 * Bars, one below the other: `{ label, value, text, note, address, tone }` each. The longest one
 * fills the width; `most` sets another measure.
 */
export function bars(rows, { most } = {}) {
  const all = most ?? Math.max(...rows.map((row) => row.value), 0);
  return el("ul", { class: "bars" }, rows.map((row) => el("li", {}, bar(row, all))));
}

function bar({ label, value, text, note, address, tone }, all) {
  const part = all > 0 ? (100 * value) / all : 0;
  const inner = [
    el("span", { class: "bar-label" }, label),
    el("span", { class: "bar-value" }, text),
    el("span", { class: "bar-track", "aria-hidden": "true" }, fillOf(part, tone)),
    note && el("span", { class: "bar-note" }, note),
  ];
  return address ? el("a", { class: "bar", href: address }, inner) : el("div", { class: "bar" }, inner);
}

function fillOf(part, tone) {
  return el("span", { class: `bar-fill ${tone ?? "tone-plain"}`, vars: { "--part": `${part}%` } });
}

/** Names with values. Pairs without a value are left out. */
export function facts(pairs) {
  const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, kept.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
