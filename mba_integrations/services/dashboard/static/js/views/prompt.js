/* One prompt taken apart: every memory in or out and why, the text as sent, and other budgets. */

import { get, part, send } from "../api.js";
import { el, fill } from "../dom.js";
import { cut, ms, percent, time, whole } from "../format.js";
import { tiles } from "../parts/figures.js";
import { labelled } from "../parts/filters.js";
import { card, heading } from "../parts/heading.js";
import { empty, problem } from "../parts/notices.js";
import { stack, tierChip } from "../parts/tiers.js";
import { itemList } from "../prompt/items.js";
import { budgetSlider } from "../prompt/slider.js";
import { written } from "../prompt/written.js";
import { href } from "../router.js";
import { TIERS } from "../words.js";

/** Show it. */
export async function show(root, { id }, context) {
  const path = `/v1/workspaces/${part(context.workspace)}/allocations/${part(id)}/apart`;
  const { signal } = context;
  drawn(root, await get(path, { signal }), context);
  root.addEventListener("submit", async (event) => {
    if (!event.target.matches(".question")) return;
    event.preventDefault();
    const query = event.target.elements.question.value;
    try {
      drawn(root, await send("POST", path, { query }, { signal }), { ...context, asked: query });
    } catch (error) {
      if (!signal.aborted) event.target.append(problem(error));
    }
  });
}

function drawn(root, found, context) {
  const list = itemList(found.items, context);
  const changed = (marks) => {
    list.mark(marks);
    markPieces(root, marks);
  };
  fill(
    root,
    head(found.allocation, context),
    figures(found.allocation),
    found.source === "log" && !context.asked && !found.allocation.record.query && question(),
    el("div", { class: "grid tops" }, tiersOf(found), sliderOf(found, context, changed)),
    el("div", { class: "apart" }, memories(list, found), sent(found.prompt)),
  );
}

function sliderOf({ allocation, items }, { workspace, signal, asked }, changed) {
  const { allocation_id: id, record } = allocation;
  return budgetSlider({ workspace, id, budget: record.budget_tokens, query: asked, items, signal, changed });
}

/** Where the log has not kept the question, whoever knows it can say it. */
function question() {
  const text = "With it the prompt can be made again, among the memories of then.";
  const input = el("input", { type: "text", name: "question", required: true, autocomplete: "off" });
  return el(
    "form",
    { class: "question filters" },
    labelled({ label: "The question was not logged. What was it?" }, input),
    el("button", { class: "button", type: "submit" }, "Make it again"),
    el("p", { class: "muted" }, text),
  );
}

function head({ allocation_id: id, at, session_id: session, record }, context) {
  const trail = [[href(["w", context.workspace, "prompts"]), "Prompts"]];
  const title = record.query ? cut(record.query, 200) : "Question not logged";
  const about = [time(at), session && [" in session ", sessionLink(session, context)]];
  const before = el("button", { class: "button", type: "button" }, "Beside the one before");
  before.addEventListener("click", () => beside(before, { id, at, session }, context));
  return heading(title, { about, trail, actions: [before] });
}

function sessionLink(session, { workspace }) {
  return el("a", { href: href(["w", workspace, "prompts"], { session_id: session }) }, session);
}

/** Go to the comparison with the prompt before it in its session, or in the workspace. */
async function beside(button, { id, at, session }, { workspace, signal }) {
  const query = { until: at, limit: 2, session_id: session, texts: false };
  const { allocations } = await get(`/v1/workspaces/${part(workspace)}/allocations`, { query, signal });
  const before = allocations.find((one) => one.allocation_id !== id);
  if (before) location.hash = href(["w", workspace, "compare", before.allocation_id, id]);
  else button.textContent = "There is none before it";
}

function figures({ record, stable_prefix_tokens: stable }) {
  const { used_tokens: used, budget_tokens: budget } = record;
  const out = Object.values(record.omission_reasons).reduce((sum, count) => sum + count, 0);
  return tiles([
    { label: "Tokens", value: whole(used), note: `of ${whole(budget)}, ${percent(budget ? used / budget : null)}` },
    { label: "Memories in", value: whole(record.selected_count), note: `${whole(out)} left out` },
    { label: "Complexity", value: record.complexity, note: "of the question" },
    { label: "Stable prefix", value: whole(stable), note: "tokens as in the prompt before" },
    { label: "Choice", value: ms(record.duration_ms), note: `at least ${percent(worth(record))} of the best possible` },
  ]);
}

function worth({ value, upper_bound: bound }) {
  return bound > 0 ? value / bound : null;
}

function notes({ notes: said, source }) {
  const replayed = source === "replay" && "What the log has not kept was found by choosing again among the memories of then.";
  return [...new Set([replayed, ...said])].filter(Boolean).map((text) => el("p", { class: "muted" }, text));
}

function tiersOf({ totals, allocation }) {
  const known = TIERS.filter((tier) => totals[tier]);
  const used = Object.fromEntries(known.map((tier) => [tier, totals[tier].used]));
  const line = (tier) =>
    el("li", {}, tierChip(tier), ` ${whole(totals[tier].used)} of ${whole(totals[tier].available)}`);
  return card("Where its tokens went", { about: "Used of what each tier could have, with what others lent." }, stack(used, allocation.record.budget_tokens), el("ul", { class: "legend" }, known.map(line)));
}

function memories(list, found) {
  const about = found.items.length ? "Open one for its signals and the reason." : "The log has kept none.";
  return card("Every memory, in or out", { about }, list.node, notes(found));
}

function sent(prompt) {
  const title = "The prompt as sent";
  if (prompt.text !== null) return card(title, { about: "Each memory in the colour of its tier." }, written(prompt));
  const text = "Texts are kept where the workspace logs them (logging.include_text), and shown to keys with the scope read:content.";
  return card(title, {}, empty({ title: "Not shown", text }));
}

function markPieces(root, marks) {
  for (const piece of root.querySelectorAll(".piece[data-memory]")) {
    piece.classList.toggle("leaving", marks.get(piece.dataset.memory) === "leaving");
  }
}
