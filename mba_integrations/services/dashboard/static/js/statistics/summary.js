/* What statistics say of a whole window: tiles, tiers, reasons, phases, how full prompts are. */

import { el, renew } from "../dom.js";
import { ms, percent, short, whole } from "../format.js";
import { bars, tiles } from "../parts/figures.js";
import { card } from "../parts/heading.js";
import { meter, tierChip } from "../parts/tiers.js";
import { COMPLEXITIES, PHASES, REASONS, TIERS, reasonName, reasonText } from "../words.js";

/** The figures at the top. */
export function summaryTiles(found) {
  const ofUsed = found.used_tokens ? found.stable_prefix_tokens / found.used_tokens : null;
  const costs = found.cost !== null && found.cost !== undefined;
  return tiles([
    { label: "Prompts", value: whole(found.allocation_count), note: `${short(found.used_tokens)} tokens` },
    { label: "Utilisation", value: percent(found.mean_utilisation), note: `median ${percent(found.median_utilisation)}` },
    { label: "Left out", value: short(found.saved_tokens), note: "tokens not sent" },
    { label: "Stable prefix", value: percent(ofUsed), note: `${short(found.stable_prefix_tokens)} tokens reused` },
    { label: "Choice", value: ms(found.latency_ms_p50), note: `95 % within ${ms(found.latency_ms_p95)}` },
    costs && { label: "Cost", value: short(found.cost), note: `${short(found.uncached_cost)} without cache` },
  ].filter(Boolean));
}

/** A card whose body follows each statistics. */
function renewed(title, options, body) {
  const inner = el("div", {});
  const update = (...given) => renew(inner, body(...given));
  return { node: card(title, options, inner), update };
}

/** How much of its tokens each tier uses. */
export function tiersCard() {
  const about = "Used of what each tier was given, in all prompts together.";
  return renewed("Use of tiers", { about }, (found) => tierTable(found));
}

function tierTable(found) {
  const names = ["Tier", "Used", "Per prompt", "In", "Left out"];
  const head = names.map((name, place) => el("th", { scope: "col", class: place > 1 && "numeric" }, name));
  const lines = TIERS.map((tier) => {
    const { used, available } = found.tier_tokens[tier] ?? { used: 0, available: 0 };
    const { mean_used_tokens: mean, selected = 0, omitted = 0 } = found.tiers[tier] ?? {};
    const figures = [whole(mean), short(selected), short(omitted)];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, tierChip(tier)),
      el("td", {}, meter(used, available, "Used", `tier-${tier}`)),
      figures.map((text) => el("td", { class: "numeric" }, text)),
    );
  });
  const table = el("table", { class: "plain" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines));
  return el("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": "Use of tiers" }, table);
}

/** Why memories stayed out. `address(reason)` leads to prompts with it. */
export function reasonsCard(address) {
  const about = address ? "Choose a reason for the prompts with it." : null;
  return renewed("Left out, by reason", { about }, (found) => {
    const rows = Object.keys(REASONS)
      .filter((reason) => found.omission_counts[reason])
      .map((reason) => reasonRow(found, reason, address));
    return rows.length ? bars(rows) : el("p", { class: "muted" }, "Nothing was left out.");
  });
}

function reasonRow(found, reason, address) {
  const count = found.omission_counts[reason];
  const tokens = found.omission_tokens[reason]?.tokens;
  return {
    label: reasonName(reason),
    value: count,
    text: `${short(count)} memories`,
    note: `${reasonText(reason)}${tokens ? ` ${short(tokens)} tokens.` : ""}`,
    address: address?.(reason),
  };
}

/** How long each phase of a recall takes. */
export function phasesCard() {
  return renewed("Latency by phase", { about: "Median, and what 95 % and 99 % stay within." }, (found) => {
    const known = Object.keys(PHASES).filter((phase) => found.phases[phase]?.count);
    const most = Math.max(...known.map((phase) => found.phases[phase].p95_ms ?? 0), 0);
    const rows = known.map((phase) => phaseRow(PHASES[phase], found.phases[phase]));
    return bars(rows, { most });
  });
}

function phaseRow(label, { p50_ms: p50, p95_ms: p95, p99_ms: p99 }) {
  return { label, value: p95 ?? 0, text: ms(p50), note: `95 % ${ms(p95)} · 99 % ${ms(p99)}` };
}

/** How full prompts are, and how much questions ask for. */
export function fullnessCard(address) {
  const title = "How full prompts are";
  return renewed(title, { about: "Prompts by the part of their budget that they use." }, (found) => [
    histogram(found.utilisation_histogram),
    el("h3", {}, "Complexity of the questions"),
    bars(COMPLEXITIES.map((name) => complexityRow(found, name, address))),
  ]);
}

function complexityRow(found, name, address) {
  const count = found.complexity_counts[name] ?? 0;
  return { label: name, value: count, text: whole(count), address: count ? address?.(name) : null };
}

function histogram(steps) {
  const most = Math.max(...steps.map((step) => step.count), 1);
  const said = steps.filter((step) => step.count).map((step) => `${whole(step.count)} up to ${percent(step.up_to)}`);
  const column = ({ up_to: upTo, count }) =>
    el("span", { vars: { "--part": `${(100 * count) / most}%` }, title: `up to ${percent(upTo)}: ${whole(count)}` });
  return [
    el("div", { class: "columns", role: "img", "aria-label": said.join(", ") || "No prompts" }, steps.map(column)),
    el("div", { class: "columns-foot" }, el("span", {}, "0 %"), el("span", {}, "50 %"), el("span", {}, "100 %")),
  ];
}
