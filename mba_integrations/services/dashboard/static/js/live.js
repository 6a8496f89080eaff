/*
 * Server-sent events, taken up again after each break, and closed while nobody looks: a browser
 * opens six connections to a server at once, so six forgotten tabs would be all there are.
 *
 *   follow(path, ["allocation"], { heard: (event) => show(event.data), signal: context.signal });
 */

import { address } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;

/**
 * Hear events of a path.
 *
 * @param path Of the API, as for `get`.
 * @param names Which events: a browser hears only those that it was told of.
 * @param query What else is asked for.
 * @param heard Called with `{ name, id, data }`; `data` is the JSON.
 * @param signal Ends it.
 * @param changed Called with true when the stream is open and false when it is not.
 */
export function follow(path, names, { query = {}, heard, signal, changed = () => {} }) {
  const state = { source: null, lastId: "", pause: FIRST_PAUSE, timer: 0 };
  const one = { path, names, query, heard, changed, ...state };
  const seen = () => (document.hidden ? close(one) : open(one));
  document.addEventListener("visibilitychange", seen);
  signal.addEventListener("abort", () => {
    document.removeEventListener("visibilitychange", seen);
    close(one);
  });
  if (!signal.aborted && !document.hidden) open(one);
}

function open(one) {
  if (one.source) return;
  clearTimeout(one.timer);
  one.source = new EventSource(address(one.path, { ...one.query, after: one.lastId }));
  one.source.onopen = () => {
    one.pause = FIRST_PAUSE;
    one.changed(true);
  };
  one.source.onerror = () => later(one);
  for (const name of one.names) one.source.addEventListener(name, (event) => tell(one, name, event));
}

function tell(one, name, event) {
  if (event.lastEventId) one.lastId = event.lastEventId;
  one.heard({ name, id: event.lastEventId, data: parsed(event.data) });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Open anew by ourselves: a browser gives up for good after an answer that is not a stream. */
function later(one) {
  close(one);
  one.timer = setTimeout(() => open(one), one.pause);
  one.pause = Math.min(one.pause * 2, LONGEST_PAUSE);
}

function close(one) {
  clearTimeout(one.timer);
  if (!one.source) return;
  one.source.close();
  one.source = null;
  one.changed(false);
}
