/* Retention: the rules of each tier, what they would let go now, and doing it. */

import { send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { counted, whole } from "../format.js";
import { pathOf, select } from "../memories/acts.js";
import { confirm } from "../parts/dialog.js";
import { card } from "../parts/heading.js";
import { busy, note, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";
import { TIERS, tierName } from "../words.js";

const LIMITS = [
  ["max_age_days", "Days after it was written"],
  ["max_idle_days", "Days without use"],
  ["max_items", "Memories at most"],
  ["max_tokens", "Tokens at most"],
];
const ON_LIMIT = [
  ["forget", "Forget: its text stays in the history"],
  ["demote", "Move to long-term memory"],
  ["remove", "Remove with its text"],
];
const FARTHEST = ["long_term", "rag"];

/** The card. `policy` is the one that holds. */
export function retentionCard(policy, context) {
  const { can } = context;
  const state = { holds: policy, previewed: null };
  const rules = rulesForm(policy);
  const result = el("div", {});
  const apply = el("button", { class: "button danger", type: "button", disabled: true }, "Apply now");
  const save = el("button", { class: "button", type: "submit" }, "Save the rules");
  const look = el("button", { class: "button primary", type: "button" }, "Preview");
  const preview = async () => {
    const typed = rules.policy();
    fill(result, busy("Looking what would go"));
    apply.disabled = true;
    try {
      const path = `${pathOf(context.workspace)}/retention/preview`;
      const found = await send("POST", path, { policy: typed }, { signal: context.signal });
      state.previewed = JSON.stringify(typed) === JSON.stringify(state.holds) ? found : null;
      apply.disabled = !state.previewed?.total;
      fill(result, previewed(found, !state.previewed, context));
    } catch (error) {
      if (!context.signal.aborted) fill(result, problem(error));
    }
  };
  look.addEventListener("click", preview);
  apply.addEventListener("click", async () => {
    if (await applied(state.previewed, context)) preview();
  });
  rules.node.addEventListener("input", () => {
    apply.disabled = true;
  });
  rules.node.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      state.holds = (await send("PUT", `${pathOf(context.workspace)}/retention`, { policy: rules.policy() })).policy;
      announce("Saved");
      preview();
    } catch (error) {
      fill(result, problem(error));
    }
  });
  rules.node.append(el("div", { class: "buttons start" }, look, can("admin") && save, can("forget") && apply));
  const about = "What a tier does not keep. Pinned memories and those on hold stay. An empty field is no limit.";
  return { node: card("Retention", { about, wide: true }, rules.node, result), preview };
}

function rulesForm(policy) {
  const inputs = new Map();
  const cell = (tier, name, label) => {
    const attrs = { type: "number", min: "0", step: name.endsWith("days") ? "any" : "1" };
    const input = el("input", { ...attrs, value: policy[tier][name] ?? "", "aria-label": `${tierName(tier)}: ${label}` });
    inputs.set(`${tier}.${name}`, input);
    return el("td", { data: { label } }, input);
  };
  const action = (tier) => {
    const allowed = ON_LIMIT.filter(([value]) => value !== "demote" || !FARTHEST.includes(tier));
    const input = select("on_limit", allowed, policy[tier].on_limit);
    input.setAttribute("aria-label", `${tierName(tier)}: what becomes of the rest`);
    inputs.set(`${tier}.on_limit`, input);
    return el("td", { data: { label: "The rest" } }, input);
  };
  const row = (tier) =>
    el("tr", {}, el("th", { scope: "row" }, tierChip(tier)), LIMITS.map(([name, label]) => cell(tier, name, label)), action(tier));
  const head = ["Tier", ...LIMITS.map(([, label]) => label), "The rest"];
  const grid = el(
    "table",
    { class: "plain rules" },
    el("caption", { class: "unseen" }, "Rules by tier"),
    el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, TIERS.map(row)),
  );
  const number = (input) => (input.value === "" ? null : Number(input.value));
  const rule = (tier) => ({
    ...Object.fromEntries(LIMITS.map(([name]) => [name, number(inputs.get(`${tier}.${name}`))])),
    on_limit: inputs.get(`${tier}.on_limit`).value,
  });
  return {
    node: el("form", { class: "stacked" }, grid),
    policy: () => Object.fromEntries(TIERS.map((tier) => [tier, rule(tier)])),
  };
}

function previewed(found, isTrial, { workspace }) {
  if (!found.total) return note("good", "Nothing would go now.");
  const line = (one) => el("li", {}, tierChip(one.tier), ` ${whole(one.count)} ${one.action}, by ${one.rule}`);
  const rows = table({
    caption: "Some of what would go",
    columns: [
      {
        label: "Memory",
        wide: true,
        cell: (row) => el("a", { href: href(["w", workspace, "memories", row.memory_id]), dir: "auto" }, row.text || row.memory_id),
      },
      { label: "Tier", cell: (row) => tierChip(row.tier) },
      { label: "What", cell: (row) => row.action },
      { label: "Why", cell: (row) => row.why },
    ],
  });
  rows.replace(found.samples);
  const head = `${counted(found.total, "memory", "memories")} would go now, ${whole(found.expired)} of them because they ended.`;
  return [
    note(isTrial ? "info" : "warning", head, isTrial && " These rules are not saved; nothing is done by them."),
    el("ul", { class: "counts" }, found.counts.map(line)),
    rows.node,
  ];
}

function applied(found, { workspace }) {
  return confirm({
    title: `Let ${counted(found.total, "memory", "memories")} go?`,
    body: el("p", {}, "By the saved rules, now. What is forgotten or moved can be looked up in its history; what is removed is gone with its text."),
    action: "Apply now",
    danger: true,
    act: async () => {
      await send("POST", `${pathOf(workspace)}/retention/apply`);
      announce("Applied");
    },
  });
}
