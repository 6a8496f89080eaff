/* What changed settings would have done to the latest prompts, before they are saved. */

import { send } from "../api.js";
import { el, fill } from "../dom.js";
import { counted, whole } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { tiles } from "../parts/figures.js";
import { card } from "../parts/heading.js";
import { busy, empty, note, problem } from "../parts/notices.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";
import { TIERS } from "../words.js";

const LOOKED_AT = 200;
const MOST_SHOWN = 20;

/** Ask, and show the answer in *place*. */
export async function showEffect(place, patch, { workspace, signal }) {
  fill(place, card("Effect on past prompts", { wide: true }, busy("Choosing again for the latest 200 prompts; up to 20 seconds")));
  try {
    const body = { settings: patch, allocations: LOOKED_AT };
    const found = await send("POST", `${pathOf(workspace)}/settings/effect`, body, { signal });
    const about = `${counted(found.looked_at, "prompt")} chosen again with these settings.`;
    fill(place, card("Effect on past prompts", { about, wide: true }, drawn(found, workspace)));
  } catch (error) {
    if (!signal.aborted) fill(place, problem(error));
  }
}

function drawn(found, workspace) {
  const skipped = Object.entries(found.skipped);
  const left = skipped.map(([reason, count]) => `${whole(count)} ${reason.replaceAll("_", " ")}`);
  const { before, after } = found.mean_used_tokens;
  const notAll = left.length > 0 && note("warning", `Not all could be chosen again: ${left.join(", ")}.`);
  if (!found.looked_at) return [notAll, nothing()];
  return [
    notAll,
    tiles([
      { label: "Same prompt", value: whole(found.same), note: `of ${whole(found.looked_at)}` },
      { label: "Tokens on average", value: whole(after), note: `${whole(before)} before` },
      { label: "Memories entering", value: whole(found.entering) },
      { label: "Memories leaving", value: whole(found.leaving) },
    ]),
    tiersOf(found.by_tier),
    examples(found.examples, workspace),
  ];
}

function nothing() {
  const text = "A prompt is chosen again from its question. Have questions logged (Logging, include text), ask some, and try again.";
  return empty({ title: "No past prompt to try it on", text });
}

function tiersOf(byTier) {
  const line = (tier) => {
    const { before, after } = byTier[tier];
    return el("li", {}, tierChip(tier), ` ${whole(before)} → ${whole(after)} tokens on average`);
  };
  return el("ul", { class: "counts" }, TIERS.filter((tier) => byTier[tier]).map(line));
}

function examples(found, workspace) {
  const memory = (id) => el("a", { href: href(["w", workspace, "memories", id]) }, id);
  const list = (name, ids) =>
    ids.length > 0 && el("p", {}, `${name}: `, ids.slice(0, MOST_SHOWN).map((id, place) => [place > 0 && ", ", memory(id)]));
  const line = (one) => {
    const address = href(["w", workspace, "prompts", one.allocation_id]);
    return el("li", {}, el("a", { href: address }, "A prompt"), list("entering", one.entering), list("leaving", one.leaving));
  };
  if (!found.length) return null;
  return el("details", {}, el("summary", {}, `Examples (${whole(found.length)})`), el("ul", { class: "history" }, found.map(line)));
}
