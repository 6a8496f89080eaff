/* What changed settings would have done to the latest prompts, before they are saved. */

import { send } from "../api.js";
import { el, fill } from "../dom.js";
import { counted, whole } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { tiles } from "../parts/figures.js";
import { card } from "../parts/heading.js";
import { busy, note, problem } from "../parts/notices.js";
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
  const skipped = Object.entries(found.skipped ?? {});
  const left = skipped.map(([reason, count]) => `${whole(count)} ${reason.replaceAll("_", " ")}`);
  const { before, after } = found.mean_used_tokens;
  return [
    left.length > 0 && note("warning", `Not all could be chosen again: ${left.join(", ")}.`),
    tiles([
      { label: "Same prompt", value: whole(found.same), note: `of ${whole(found.looked_at)}` },
      { label: "Tokens on average", value: whole(after), note: `${whole(before)} before` },
      { label: "Memories entering", value: whole(found.entering) },
      { label: "Memories leaving", value: whole(found.leaving) },
    ]),
    tiersOf(found.by_tier ?? {}),
    examples(found.examples ?? [], workspace),
  ];
}

function tiersOf(byTier) {
  const known = TIERS.filter((tier) => byTier[tier]);
  const line = (tier) => {
    const said = Object.entries(byTier[tier]).map(([name, value]) => `${name.replaceAll("_", " ")} ${shown(value)}`);
    return el("li", {}, tierChip(tier), ` ${said.join(", ")}`);
  };
  return known.length > 0 && el("ul", { class: "counts" }, known.map(line));
}

function shown(value) {
  return typeof value === "number" ? whole(value) : Object.values(value).map(whole).join(" → ");
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
