/* The workspaces that the key may reach, asked for once, and which one was looked at last. */

import { get } from "./api.js";

const KEY = "mba-workspace";
const MOST_LISTED = 500;

let listed = null;
let isAsked = false;

/** Their ids in alphabetical order, at most 500. `anew` asks again, since one may have been made. */
export function workspaces({ anew = false } = {}) {
  if (!listed || (anew && !isAsked)) {
    isAsked = true;
    listed = get("/v1/workspaces", { query: { limit: MOST_LISTED } }).then((found) => found.workspaces);
    listed.catch(() => (listed = null)).finally(() => (isAsked = false));
  }
  return listed;
}

/** The same, asked for anew where this one is not among them. */
export async function workspacesWith(id) {
  const known = await workspaces();
  return !id || known.includes(id) ? known : workspaces({ anew: true });
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
