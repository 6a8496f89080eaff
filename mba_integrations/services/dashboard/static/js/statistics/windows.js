/* How far statistics look back, and the spans of time that they are told apart by. */

import { choices } from "../parts/tabs.js";
import { keepQuery } from "../router.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Every window: at most 169 spans, so that each is a bar that can be seen. */
export const WINDOWS = {
  "1h": { name: "1 h", by: "minute", step: MINUTE, seconds: HOUR },
  "24h": { name: "24 h", by: "hour", step: HOUR, seconds: DAY },
  "7d": { name: "7 d", by: "hour", step: HOUR, seconds: 7 * DAY },
  "30d": { name: "30 d", by: "day", step: DAY, seconds: 30 * DAY },
};

const FIRST = "24h";

/** The window of an address; the usual one if it names none. */
export function windowIn(query) {
  const name = query.get("window");
  return name in WINDOWS ? name : FIRST;
}

/** Buttons that change it, kept in the address. */
export function windowSwitch(chosen, changed) {
  const names = Object.entries(WINDOWS).map(([id, { name }]) => [id, name]);
  return choices("How far back", names, chosen, (id) => {
    keepQuery({ window: id });
    changed(id);
  });
}

/** What to ask statistics of a window for. */
export function askedFor(id) {
  return { window: id, by: WINDOWS[id].by };
}
