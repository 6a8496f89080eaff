/* The workspaces that the key may reach, asked for once, and which one was looked at last. */

import { get } from "./api.js";

const KEY = "mba-workspace";
const MOST_LISTED = 500;

let listed = null;

/** Their ids in alphabetical order, at most 500. `anew` asks again, after one was made. */
export function workspaces({ anew = false } = {}) {
  if (!listed || anew) {
    listed = get("/v1/workspaces", { query: { limit: MOST_LISTED } }).then((found) => found.workspaces);
    listed.catch(() => (listed = null));
  }
  return listed;
}

/** Remember which one is looked at. */
export function keepWorkspace(id) {
  try {
    sessionStorage.setItem(KEY, id);
  } catch {
    // The navigation then leads to none until one is chosen.
  }
}

/** Which one was looked at last, or null. */
export function lastWorkspace() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
