/* Tiers in their colours, always beside their names. */

import { el } from "../dom.js";
import { percent, whole } from "../format.js";
import { TIERS, tierName } from "../words.js";

/** The name of a tier with its colour. */
export function tierChip(tier) {
  return el("span", { class: `tier tier-${tier}` }, el("i", { "aria-hidden": "true" }), tierName(tier));
}

/**
 * A bar that several tiers fill.
 *
 * @param used Tokens by tier.
 * @param total What the whole bar is; the sum if it is less.
 */
export function stack(used, total = 0) {
  const parts = TIERS.filter((tier) => used[tier] > 0);
  const sum = parts.reduce((sum, tier) => sum + used[tier], 0);
  const all = Math.max(total, sum, 1);
  const said = parts.map((tier) => `${tierName(tier)} ${whole(used[tier])}`).join(", ");
  const label = `${said || "Nothing"}${total ? `, of ${whole(total)} tokens` : " tokens"}`;
  const piece = (tier) =>
    el("span", { class: `tier-${tier}`, vars: { "--part": `${(100 * used[tier]) / all}%` } });
  return el("span", { class: "stack", role: "img", "aria-label": label, title: label }, parts.map(piece));
}

/** How much of something is used: a bar with its percentage, in a tone if one is named. */
export function meter(used, total, label, tone = "tone-plain") {
  const part = total > 0 ? used / total : 0;
  const text = `${label}: ${whole(used)} of ${whole(total)}`;
  const bar = el("span", { class: `meter-bar ${tone}`, vars: { "--part": `${Math.min(100, 100 * part)}%` } });
  return el(
    "span",
    { class: "meter", title: text },
    el("span", { class: "meter-track", role: "img", "aria-label": text }, bar),
    el("span", { class: "meter-value" }, total > 0 ? percent(part) : "–"),
  );
}
