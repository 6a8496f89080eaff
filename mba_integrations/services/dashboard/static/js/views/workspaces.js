/* All workspaces: what their prompts have in common, and the way into each. */

import { get } from "../api.js";
import { el } from "../dom.js";
import { heading } from "../parts/heading.js";
import { href } from "../router.js";
import { workspaces } from "../workspaces.js";

/** Show it. */
export async function show(root, _params, context) {
  const known = await workspaces();
  const links = known.map((id) => el("li", {}, el("a", { href: href(["w", id, "overview"]) }, id)));
  root.append(heading("All workspaces"), el("ul", {}, links));
}
