/* A sign that a view follows what happens, and the following itself. */

import { part } from "../api.js";
import { el } from "../dom.js";
import { follow } from "../live.js";

/**
 * Call *heard* with each prompt that a workspace logs, until the signal aborts.
 *
 * Returns the sign; it says whether the stream is open.
 */
export function liveSign(workspace, heard, signal) {
  const sign = el("span", { class: "live", title: "Whether new prompts are shown as they come" }, "Waiting");
  const changed = (isOpen) => {
    sign.classList.toggle("on", isOpen);
    sign.textContent = isOpen ? "Live" : "Waiting";
  };
  const path = `/v1/workspaces/${part(workspace)}/events/log`;
  follow(path, ["allocation"], (event) => heard(event.data), signal, changed);
  return sign;
}
