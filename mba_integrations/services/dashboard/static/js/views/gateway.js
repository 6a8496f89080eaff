/* The gateway of a workspace: what calls used and cost, where they went, and what budgets have left. */

import { get } from "../api.js";
import { el, fill } from "../dom.js";
import { counted, fine, ms, percent, time, whole } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { bars, tiles } from "../parts/figures.js";
import { card, heading } from "../parts/heading.js";
import { empty, note, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { choices } from "../parts/tabs.js";
import { meter } from "../parts/tiers.js";
import { href, keepQuery } from "../router.js";

const WINDOWS = [["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ["", "All"]];
const GROUPS = [["model", "Model"], ["level", "Level"], ["session", "Session"]];

/** Show it. */
export async function show(root, _params, context) {
  const { workspace, signal, query } = context;
  const state = { window: query.get("window") ?? "7d", by: query.get("by") ?? "model" };
  const body = el("div", { class: "grid" });
  const budgets = get(`${pathOf(workspace)}/budgets`, { signal });
  const load = async () => {
    const asked = { window: state.window, by: state.by };
    const usage = await get(`${pathOf(workspace)}/gateway/usage`, { query: asked, signal });
    fill(body, drawn(usage, (await budgets).budgets, state, context));
  };
  const changed = (name) => (value) => {
    state[name] = value;
    keepQuery(state);
    load().catch((error) => signal.aborted || fill(body, problem(error, context.reload)));
  };
  const actions = [
    choices("Window", WINDOWS, state.window, changed("window")),
    choices("Apart by", GROUPS, state.by, changed("by")),
  ];
  root.append(heading("Gateway", { about: workspace, actions }), body);
  await load();
}

function drawn({ usage, routes, groups }, budgets, state, { workspace }) {
  const budgetCard = budgets.length > 0 && budgetsCard(budgets);
  if (!usage.requests) return [el("div", { class: "wide" }, nothing(state, workspace)), budgetCard];
  return [
    el("div", { class: "wide" }, usageTiles(usage)),
    budgetCard,
    routesCard(routes, usage),
    tokensCard(usage),
    groupsCard(groups, state.by),
  ];
}

function usageTiles(usage) {
  const input = usage.input_tokens;
  return tiles([
    { label: "Calls", value: whole(usage.requests), note: `${whole(usage.failed)} failed, ${whole(usage.refused)} refused` },
    { label: "Cost", value: dollars(usage.cost), note: `of ${counted(usage.priced, "call")} with a price` },
    { label: "Tokens in", value: whole(input), note: `${percent(input ? usage.cached_tokens / input : null)} read from a cache` },
    { label: "Tokens out", value: whole(usage.output_tokens) },
    { label: "Saved tokens", value: whole(usage.saved_tokens), note: "sent by clients, not passed on" },
    { label: "Overhead", value: ms(usage.overhead_ms), note: "of the gateway, each call" },
  ]);
}

function dollars(value) {
  return value === null || value === undefined ? "–" : `$${fine(value)}`;
}

function budgetsCard(budgets) {
  const amount = (budget, value) => (budget.unit === "usd" ? dollars(value) : `${whole(value)} tokens`);
  const line = (budget) =>
    el(
      "li",
      {},
      el("strong", {}, budget.subject ? `${budget.scope} ${budget.subject}` : budget.scope),
      ` · ${amount(budget, budget.amount)} each ${budget.period} · `,
      budget.on_exceed === "warn" ? "warns" : budget.on_exceed,
      meter(budget.used, budget.amount, budget.subject ?? budget.scope),
      el(
        "span",
        { class: "muted" },
        `${amount(budget, budget.left)} left`,
        budget.reserved > 0 && `, ${amount(budget, budget.reserved)} held by calls that run`,
        budget.ends_at && [", until ", time(budget.ends_at)],
      ),
    );
  return card("Budgets", {}, el("ul", { class: "budgets" }, budgets.map(line)));
}

function routesCard(routes, usage) {
  const costs = [
    ["As it went", usage.cost, "tone-accent"],
    ["By the routes", routes.routed_cost, "tone-good"],
    ["The strong model alone", routes.single_cost, "tone-muted"],
    ["The cheapest model alone", usage.cheap_cost, "tone-muted"],
  ].filter(([, value]) => value !== null);
  const rows = costs.map(([label, value, tone]) => ({ label, value, text: dollars(value), tone }));
  const share = routes.saved !== null && `Routes would save ${percent(routes.saved)} against the strong model alone, which ${percent(routes.strong_share)} of the calls went to.`;
  const shadow = usage.shadowed > 0 && note("info", `${counted(usage.shadowed, "call")} would have gone to another model: routes are only recorded (shadow).`);
  return card("Routes and what they cost", { about: `${counted(usage.routed, "call")} went to another model than was named.` }, bars(rows), share && el("p", {}, share), shadow);
}

function tokensCard(usage) {
  const named = [
    ["Input", usage.input_tokens],
    ["From a cache", usage.cached_tokens],
    ["Memory put in", usage.memory_tokens],
    ["Output", usage.output_tokens],
    ["Saved", usage.saved_tokens],
  ];
  const rows = named.map(([label, value]) => ({ label, value, text: whole(value), tone: "tone-accent" }));
  return card("Tokens", { about: "Of all calls of the window." }, bars(rows));
}

function groupsCard(groups, by) {
  const figure = (label, of, shown = whole) => ({
    label,
    numeric: true,
    cell: ({ usage }) => shown(of(usage)),
    sort: ({ usage }) => of(usage),
  });
  const columns = [
    { label: by[0].toUpperCase() + by.slice(1), cell: (row) => row.key, sort: (row) => row.key },
    figure("Calls", (usage) => usage.requests),
    figure("Tokens in", (usage) => usage.input_tokens),
    figure("Tokens out", (usage) => usage.output_tokens),
    figure("Memory", (usage) => usage.memory_tokens),
    figure("Saved", (usage) => usage.saved_tokens),
    figure("Cost", (usage) => (usage.priced ? usage.cost : null), dollars),
  ];
  const rows = table({ caption: `Calls by ${by}`, columns });
  rows.replace(groups);
  return card(`By ${by}`, { wide: true }, rows.node);
}

function nothing(state, workspace) {
  if (state.window) {
    return empty({ title: "No calls in this window", text: "Look further back, or send a call through the gateway." });
  }
  return empty({
    title: "No calls yet",
    text: "The gateway stands before OpenAI's and Anthropic's models, puts memory in and counts what is spent. Prices, routes and budgets are settings.",
    run: "mba serve --gateway",
    link: [href(["w", workspace, "settings"]), "Settings of the gateway"],
  });
}
