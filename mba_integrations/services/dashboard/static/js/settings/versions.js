/* The settings that a workspace had: what each version changed, and taking it up again. */

import { get } from "../api.js";
import { el, fill } from "../dom.js";
import { time } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { busy, problem } from "../parts/notices.js";
import { differing, told, valueAt } from "./fields.js";

/** Show them in a panel. `take` is called with the settings of a version, or null for who may not. */
export async function showVersions(panel, { workspace, signal }, take) {
  fill(panel, busy("Reading versions"));
  try {
    const { versions } = await get(`${pathOf(workspace)}/versions`, { signal });
    const lines = versions.map((one, place) => line(one, versions[place - 1], place === versions.length - 1 ? null : take));
    fill(panel, el("ol", { class: "history" }, lines.reverse()));
  } catch (error) {
    if (!signal.aborted) fill(panel, problem(error));
  }
}

function line(version, before, take) {
  const paths = before ? differing(version.settings, before.settings) : [];
  const what = (path) => [el("code", {}, path), ` ${told(valueAt(before.settings, path))} → ${told(valueAt(version.settings, path))}`];
  const button = take && el("button", { class: "button", type: "button", on: { click: () => take(version.settings) } }, "Take these up again");
  return el(
    "li",
    {},
    el("strong", {}, `Version ${version.version}`),
    " ",
    el("span", { class: "muted" }, time(version.at), version.actor && ` by ${version.actor}`),
    before ? el("ul", {}, paths.map((path) => el("li", {}, what(path)))) : el("p", {}, "The first ones."),
    button && el("p", {}, button),
  );
}
