/*
 * A prompt as it was sent, each memory in the colour of its tier.
 *
 * The server counts code points and JavaScript code units, so the text is taken apart with
 * `Array.from`. Each memory is isolated from the direction of those around it: one with signs that
 * turn the direction of a text turns no other.
 */

import { el } from "../dom.js";
import { counted } from "../format.js";
import { tierName } from "../words.js";

/**
 * The element.
 *
 * @param prompt `{ text, parts }` of the server.
 * @param prefix `{ chars, tokens }` of the beginning that was reused; it is marked.
 * @param marks What is said of memories, by id: "entering" or "leaving".
 */
export function written({ text, parts }, { prefix, marks = new Map(), label = "The prompt as sent" } = {}) {
  const signs = Array.from(text);
  const node = el("div", { class: "written", tabindex: "0", role: "region", "aria-label": label });
  let afterBlock = false;
  for (const one of covering(parts, signs.length)) {
    // Memories and headings are blocks, which end their lines: a line break after one would be a second.
    const skipped = afterBlock && signs[one.start] === "\n" ? 1 : 0;
    node.append(piece({ ...one, start: one.start + skipped }, signs, prefix, marks));
    afterBlock = one.kind !== "other" && signs[one.end - 1] !== "\n";
  }
  return node;
}

/** Parts without gaps between them. */
export function covering(parts, length) {
  const whole = [];
  let place = 0;
  for (const one of [...parts].sort((a, b) => a.start - b.start)) {
    if (one.start > place) whole.push({ kind: "other", start: place, end: one.start });
    whole.push({ ...one, start: Math.max(one.start, place) });
    place = Math.max(place, one.end);
  }
  if (place < length) whole.push({ kind: "other", start: place, end: length });
  return whole.filter((one) => one.end > one.start);
}

function piece({ kind, tier, memory_id: id, start, end }, signs, prefix, marks) {
  const classes = ["piece", `piece-${kind}`, tier && `tier-${tier}`, marks.get(id)];
  const attrs = {
    class: classes.filter(Boolean).join(" "),
    title: id ? `${tierName(tier)}: ${id}` : null,
    data: id ? { memory: id } : {},
    dir: kind === "item" ? "auto" : null,
  };
  return el("span", attrs, runs(start, end, signs, prefix));
}

/** The text of a piece; where the reused prefix ends within it, in two, with a line between. */
function runs(start, end, signs, prefix) {
  const shown = (from, to) => signs.slice(from, to).join("");
  if (!prefix || start >= prefix.chars) return shown(start, end);
  const stop = Math.min(end, prefix.chars);
  const reused = el("span", { class: "reused" }, shown(start, stop));
  if (end < prefix.chars) return reused;
  return [reused, prefixEnd(prefix), shown(stop, end)];
}

function prefixEnd({ tokens }) {
  const much = tokens === null ? "" : `: ${counted(tokens, "token")}`;
  return el("span", { class: "prefix-end" }, `reused up to here${much}`);
}
