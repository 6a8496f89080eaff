/* Numbers and times as people read them, in the words of the reader's own language settings. */

import { el } from "./dom.js";

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const NEAR = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const SPANS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** What stands where nothing is known. */
export const UNKNOWN = "–";

const known = (format) => (value) =>
  value === null || value === undefined ? UNKNOWN : format.format(value);

/** A count: `12,345`. */
export const whole = known(WHOLE);
/** A count where there is little room: `12.3K`. */
export const short = known(SHORT);
/** A part of one: `84%`. */
export const percent = known(PERCENT);
/** A figure to three digits: `0.0412`. */
export const fine = known(FINE);

/** A duration: `9.5 µs`, `1.4 ms`, `2.1 s`. */
export function ms(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value > 0 && value < 0.1) return `${FINE.format(value * 1000)} µs`;
  return value >= 1000 ? `${FINE.format(value / 1000)} s` : `${FINE.format(value)} ms`;
}

/** A size: `3.2 MB`. */
export function bytes(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
  return `${FINE.format(value / 1000 ** power)} ${units[power]}`;
}

/** `1 memory`, `2 memories`. */
export function counted(count, one, several = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : several}`;
}

/** A moment in the reader's zone; the ISO text is what stands behind it. */
export function time(iso, { relative = false } = {}) {
  if (!iso) return document.createTextNode(UNKNOWN);
  const at = new Date(iso);
  return el("time", { datetime: iso, title: iso }, relative ? ago(at) : moment(at));
}

/** A moment as text: the hour alone if it is of today. */
export function moment(at) {
  if (at.toDateString() === new Date().toDateString()) return CLOCK.format(at);
  return Date.now() - at < 300 * 86400e3 ? NEAR.format(at) : MOMENT.format(at);
}

/** How long ago a moment was: `3 minutes ago`. */
export function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  for (const [unit, length] of SPANS) {
    if (Math.abs(seconds) >= length) return AGO.format(Math.trunc(seconds / length), unit);
  }
  return AGO.format(0, "second");
}

/** A text of at most *most* signs, cut where one ends: never within a pair of surrogates. */
export function cut(text, most = 160) {
  const signs = Array.from(text.slice(0, 2 * most + 2));
  return signs.length <= most && text.length <= 2 * most + 2
    ? text
    : `${signs.slice(0, most - 1).join("")}…`;
}

/** A text as one word of a command. */
export function shellWord(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
