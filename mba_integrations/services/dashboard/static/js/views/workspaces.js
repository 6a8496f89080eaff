/* All workspaces: what their prompts have in common, and the way into each. */

import { get } from "../api.js";
import { el, fill } from "../dom.js";
import { counted } from "../format.js";
import { filters } from "../parts/filters.js";
import { card, heading } from "../parts/heading.js";
import { empty, problem } from "../parts/notices.js";
import { href } from "../router.js";
import { latencyCard, prefixCard, tokensCard } from "../statistics/over_time.js";
import { fullnessCard, phasesCard, reasonsCard, summaryTiles, tiersCard } from "../statistics/summary.js";
import { askedFor, windowIn, windowSwitch } from "../statistics/windows.js";
import { workspaces } from "../workspaces.js";

const FEW = 12;

/** Show it. */
export async function show(root, _params, { query, signal, reload }) {
  const state = { window: windowIn(query) };
  const body = el("div", {});
  const panels = panelsOf(signal);
  const load = async () => {
    const found = await get("/v1/statistics", { query: askedFor(state.window), signal });
    drawn(body, panels, found, state.window);
  };
  const changed = (window) => {
    state.window = window;
    load().catch((error) => signal.aborted || fill(body, problem(error, reload)));
  };
  const [known] = await Promise.all([workspaces({ anew: true }), load()]);
  const about = counted(known.length, "workspace");
  root.append(heading("All workspaces", { about, actions: [windowSwitch(state.window, changed)] }));
  root.append(known.length ? listOf(known) : noWorkspaces(), body);
}

function panelsOf(signal) {
  return {
    tokens: tokensCard(signal),
    tiers: tiersCard(),
    reasons: reasonsCard(),
    fullness: fullnessCard(),
    phases: phasesCard(),
    latency: latencyCard(signal),
    prefix: prefixCard(signal),
  };
}

function drawn(body, panels, found, window) {
  if (!found.allocation_count) {
    fill(body, empty({ title: "No prompts in this window", text: "Look further back, or ask something." }));
    return;
  }
  if (!panels.tokens.node.isConnected) {
    fill(body, el("div", {}), el("div", { class: "grid" }, Object.values(panels).map((one) => one.node)));
  }
  fill(body.firstElementChild, summaryTiles(found));
  for (const one of Object.values(panels)) one.update(found, window);
}

function listOf(known) {
  const list = el("ul", { class: "places" });
  const draw = ({ find = "" } = {}) => {
    const shown = known.filter((id) => id.toLowerCase().includes(find.toLowerCase()));
    fill(list, shown.map((id) => el("li", {}, el("a", { href: href(["w", id, "overview"]), dir: "auto" }, id))));
  };
  const fields = [{ name: "find", label: "Find a workspace", type: "search" }];
  draw();
  const form = known.length > FEW && filters({ label: "Find a workspace", fields, changed: draw }).node;
  return card("Workspaces", {}, form, list);
}

function noWorkspaces() {
  return empty({
    title: "No workspaces yet",
    text: "A workspace holds the memories of one person, project or agent. Make one:",
    run: "mba workspaces create kate",
  });
}
