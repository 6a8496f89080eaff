/* What a view says when it has nothing to show: it waits, there is nothing, something is wrong. */

import { announce, append, el } from "../dom.js";

const WAYS_OUT = {
  0: "Start it again with mba serve, then try again.",
  401: "Log in with a key that holds.",
  403: "Log in with a key that has the scope which is named.",
  404: "It may have been forgotten or deleted. Look for it in the list.",
  412: "Somebody else changed it. Load it anew, then change it again.",
  429: "Too many requests. Wait a little, then try again.",
  507: "The disk is full. Free space, then try again.",
};

/** A sign that something is on its way. */
export function busy(text = "Loading") {
  return el("p", { class: "busy", role: "status" }, el("span", { class: "spinner" }), text);
}

/**
 * Nothing is here, and what to do about it.
 *
 * `run` is a command that would fill the view, `link` an address with its name, or null.
 */
export function empty({ title, text, run, link }) {
  return el(
    "div",
    { class: "empty" },
    el("p", { class: "empty-title" }, title),
    text && el("p", { class: "muted" }, text),
    run && command(run),
    link && el("p", {}, el("a", { class: "button", href: link[0] }, link[1])),
  );
}

/** What the server refused, and what to do. `retry` is run by a button. */
export function problem(error, retry) {
  const wayOut = WAYS_OUT[error.status];
  const node = el(
    "div",
    { class: "problem", role: "alert" },
    el("p", { class: "problem-title" }, error.title || "This went wrong"),
    el("p", {}, error.message),
    (error.errors || []).map((one) => el("p", {}, el("code", {}, one.pointer), ` ${one.detail}`)),
    wayOut && el("p", { class: "muted" }, wayOut),
  );
  const attrs = { class: "button", type: "button", on: { click: () => retry() } };
  return retry ? append(node, el("button", attrs, "Try again")) : node;
}

/** A command to copy. */
export function command(text) {
  const copy = el("button", { class: "button quiet", type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(text);
    announce("Copied");
    copy.textContent = "Copied";
  });
  const code = el("pre", { tabindex: "0", "aria-label": "Command" }, el("code", {}, text));
  return el("div", { class: "command" }, code, copy);
}

/** A remark within a view: `kind` is "info", "good", "warning" or "bad". */
export function note(kind, ...children) {
  return el("p", { class: `note note-${kind}` }, children);
}
