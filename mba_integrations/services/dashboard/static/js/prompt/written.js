/*
 * A prompt as it was sent, each memory in the colour of its tier.
 *
 * The server counts code points and JavaScript code units, so the text is taken apart with
 * `Array.from`. Each piece is isolated from the direction of those around it: a memory with signs
 * that turn the direction of a text turns no other.
 */

import { el } from "../dom.js";
import { tierName } from "../words.js";

/**
 * The element.
 *
 * @param prompt `{ text, parts }` of the server.
 * @param prefixChars Code points that are marked as reused.
 * @param marks What is said of memories, by id: "entering" or "leaving".
 */
export function written({ text, parts }, { prefixChars = 0, marks = new Map(), label = "The prompt as sent" } = {}) {
  const signs = Array.from(text);
  const pieces = split(covering(parts, signs.length), prefixChars);
  const node = el("div", { class: "written", tabindex: "0", role: "region", "aria-label": label });
  for (const one of pieces) node.append(piece(one, signs, marks, prefixChars));
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

/** The part in which the reused prefix ends becomes two. */
export function split(parts, prefixChars) {
  return parts.flatMap((one) =>
    one.start < prefixChars && prefixChars < one.end
      ? [{ ...one, end: prefixChars }, { ...one, start: prefixChars }]
      : [one],
  );
}

function piece({ kind, tier, memory_id: id, start, end }, signs, marks, prefixChars) {
  const said = marks.get(id);
  const classes = ["piece", `piece-${kind}`, tier && `tier-${tier}`, said, end <= prefixChars && "reused"];
  const attrs = {
    class: classes.filter(Boolean).join(" "),
    title: id ? `${tierName(tier)}: ${id}` : null,
    data: id ? { memory: id } : {},
    dir: "auto",
  };
  return el("span", attrs, signs.slice(start, end).join(""));
}
