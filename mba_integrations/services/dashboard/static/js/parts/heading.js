/* The head of a view: its title, what it is, and what can be done with all of it. */

import { el } from "../dom.js";

/** A heading. `about` is one line below the title; `actions` stand at its end. */
export function heading(title, { about, actions = [], trail = [] } = {}) {
  return el(
    "div",
    { class: "heading" },
    el(
      "div",
      {},
      trail.length > 0 && crumbs(trail),
      el("h1", {}, title),
      about && el("p", { class: "muted" }, about),
    ),
    el("div", { class: "actions" }, actions),
  );
}

function crumbs(trail) {
  const items = trail.map(([address, name]) => el("li", {}, el("a", { href: address }, name)));
  return el("nav", { class: "crumbs", "aria-label": "Above this" }, el("ol", {}, items));
}

/** A part of a view with a title of its own. */
export function card(title, { about, actions, wide = false } = {}, ...children) {
  return el(
    "section",
    { class: wide ? "card wide" : "card" },
    el(
      "div",
      { class: "card-head" },
      el("div", {}, el("h2", {}, title), about && el("p", { class: "muted" }, about)),
      actions && el("div", { class: "actions" }, actions),
    ),
    children,
  );
}
