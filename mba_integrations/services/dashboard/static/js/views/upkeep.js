/* Upkeep: what retention would let go, and which memories should move between tiers. */

import { get } from "../api.js";
import { el } from "../dom.js";
import { pathOf } from "../memories/acts.js";
import { heading } from "../parts/heading.js";
import { retentionCard } from "../upkeep/retention.js";
import { reviewCard } from "../upkeep/tier_review.js";

/** Show it. */
export async function show(root, _params, context) {
  const { policy } = await get(`${pathOf(context.workspace)}/retention`, { signal: context.signal });
  const retention = retentionCard(policy, context);
  root.append(
    heading("Upkeep", { about: context.workspace }),
    el("div", { class: "grid" }, reviewCard(context), retention.node),
  );
  await retention.preview();
}
