/* A sign that a view follows what happens, and the following itself. */

import { part } from "../api.js";
import { el } from "../dom.js";
import { follow } from "../live.js";

const NAMES = ["allocation", "erase", "reload"];

/**
 * Call *heard* with each prompt that a workspace logs, until the signal aborts; with what has no
 * `allocation_id` where prompts may be other ones than before: after an erasure, and null when the
 * stream was away meanwhile.
 *
 * Returns the sign; it says whether the stream is open.
 */
export function liveSign(workspace, heard, signal) {
  const sign = el("span", { class: "live", title: "Whether new prompts are shown as they come" }, "Waiting");
  let wasOpen = false;
  const changed = (isOpen) => {
    sign.classList.toggle("on", isOpen);
    sign.textContent = isOpen ? "Live" : "Waiting";
    if (isOpen && wasOpen) heard(null);
    wasOpen ||= isOpen;
  };
  const path = `/v1/workspaces/${part(workspace)}/events`;
  const query = { allocations: true };
  follow(path, NAMES, { query, heard: (event) => heard(event.data), signal, changed });
  return sign;
}
