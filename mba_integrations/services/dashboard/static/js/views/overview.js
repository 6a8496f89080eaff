/*
 * A workspace at a glance: where the tokens of its prompts went, over time and by tier.
 *
 * From a reason the way goes to the prompts with it, and from a prompt to each memory left out:
 * two clicks from here to why a memory was left out.
 */

import { get, part } from "../api.js";
import { debounced, el, fill, renew } from "../dom.js";
import { shellWord } from "../format.js";
import { heading } from "../parts/heading.js";
import { liveSign } from "../parts/live_sign.js";
import { empty, problem } from "../parts/notices.js";
import { href } from "../router.js";
import { latencyCard, prefixCard, savedCard, tokensCard } from "../statistics/over_time.js";
import { starvingCard } from "../statistics/starving.js";
import { fullnessCard, phasesCard, reasonsCard, summaryTiles, tiersCard } from "../statistics/summary.js";
import { askedFor, windowIn, windowSwitch } from "../statistics/windows.js";

/** Show it. */
export async function show(root, _params, context) {
  const { workspace, signal } = context;
  const state = { window: windowIn(context.query) };
  const body = el("div", {});
  const panels = panelsOf(context);
  const load = async () => {
    const query = askedFor(state.window);
    const found = await get(`/v1/workspaces/${part(workspace)}/statistics`, { query, signal });
    drawn(body, panels, found, state.window, workspace);
  };
  const changed = (window) => {
    state.window = window;
    load().catch((error) => signal.aborted || fill(body, problem(error, context.reload)));
  };
  const live = liveSign(workspace, debounced(() => load().catch(() => {}), 1500), signal);
  const actions = [live, windowSwitch(state.window, changed)];
  root.append(heading("Overview", { about: workspace, actions }), body);
  await load();
  if (panels.starving.node.isConnected) await panels.starving.start();
}

function panelsOf({ workspace, signal }) {
  const prompts = (query) => href(["w", workspace, "prompts"], query);
  const between = (since, until) =>
    prompts({ since: since.toISOString(), until: until.toISOString() });
  return {
    tokens: tokensCard(signal, between),
    tiers: tiersCard(),
    starving: starvingCard({ workspace, signal }),
    reasons: reasonsCard((reason) => prompts({ reason })),
    fullness: fullnessCard((complexity) => prompts({ complexity })),
    phases: phasesCard(),
    latency: latencyCard(signal),
    prefix: prefixCard(signal),
    saved: savedCard(signal),
  };
}

function drawn(body, panels, found, window, workspace) {
  if (!found.allocation_count) {
    fill(body, noPrompts(workspace));
    return;
  }
  const { starving, ...rest } = panels;
  if (!panels.tokens.node.isConnected) {
    fill(body, el("div", {}), el("div", { class: "grid" }, Object.values(panels).map((one) => one.node)));
  }
  renew(body.firstElementChild, summaryTiles(found));
  for (const one of Object.values(rest)) one.update(found, window);
}

function noPrompts(workspace) {
  return empty({
    title: "No prompts in this window",
    text: "Look further back, or ask something: each recall is counted here as it happens.",
    run: `mba recall "What do you know?" -w ${shellWord(workspace)} --budget 400`,
    link: [href(["w", workspace, "memories"]), "See its memories"],
  });
}
