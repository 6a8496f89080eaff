/*
 * Another budget for a past prompt: what would enter and what would leave.
 *
 * One request asks for forty budgets when the slider is first touched; sliding then asks nothing.
 */

import { part, send } from "../api.js";
import { el, fill, freshId } from "../dom.js";
import { counted, whole } from "../format.js";
import { card } from "../parts/heading.js";
import { busy, problem } from "../parts/notices.js";
import { tierChip } from "../parts/tiers.js";

const STEPS = 40;
const LEAST = 1 / 8;
const MOST = 4;

/** Up to forty budgets from an eighth of one to four times it, each step by the same factor. */
export function budgetsAround(budget) {
  const factor = (MOST / LEAST) ** (1 / (STEPS - 2));
  const steps = Array.from({ length: STEPS - 1 }, (_, step) => budget * LEAST * factor ** step);
  const whole = [...steps, budget].map((one) => Math.max(1, Math.round(one)));
  return [...new Set(whole)].sort((one, other) => one - other);
}

/**
 * The card.
 *
 * @param query The question, where the log has not kept it.
 * @param items Those of the prompt, for the names of what enters and leaves.
 * @param changed Called with marks by memory id, "entering" or "leaving".
 */
export function budgetSlider({ workspace, id, budget, query, items, signal, changed }) {
  const budgets = budgetsAround(budget);
  const slider = sliderOf(budgets, budget);
  const output = el("output", { for: slider.id }, `${whole(budget)} tokens`);
  const result = el("div", { class: "slider-result", "aria-live": "polite" }, hint());
  const known = new Map(items.map((item) => [item.memory_id, item]));
  const state = { curve: null, asked: null };
  const path = `/v1/workspaces/${part(workspace)}/allocations/${part(id)}/curve`;
  const draw = () => {
    const chosen = budgets[slider.value];
    output.textContent = `${whole(chosen)} tokens`;
    slider.setAttribute("aria-valuetext", output.textContent);
    if (!state.curve) return;
    const point = state.curve.get(chosen);
    fill(result, told(point, budget, known));
    changed(marksOf(point));
  };
  const load = () => {
    state.asked = send("POST", path, { budgets, query }, { signal })
      .then(({ points }) => {
        state.curve = new Map(points.map((point) => [point.budget_tokens, point]));
        draw();
      })
      .catch((error) => signal.aborted || fill(result, problem(error, load)));
    fill(result, busy(`Trying ${budgets.length} budgets`));
  };
  slider.addEventListener("input", () => {
    if (!state.asked) load();
    draw();
  });
  const label = el("label", { for: slider.id }, "Budget");
  const row = el("div", { class: "slider" }, label, slider, output);
  return card("Another budget", { about: "Slide to see which memories would enter or leave." }, row, result);
}

function sliderOf(budgets, budget) {
  const attrs = { type: "range", id: freshId("budget"), min: 0, max: budgets.length - 1, step: 1 };
  return el("input", { ...attrs, value: budgets.indexOf(budget) });
}

function hint() {
  return el("p", { class: "muted" }, "Nothing is changed, and no model is asked.");
}

function marksOf({ entering, leaving }) {
  return new Map([...entering.map((id) => [id, "entering"]), ...leaving.map((id) => [id, "leaving"])]);
}

function told({ budget_tokens: chosen, used_tokens: used, entering, leaving }, budget, known) {
  const change = chosen === budget ? "As it was sent" : `${counted(entering.length, "memory", "memories")} would enter, ${whole(leaving.length)} would leave`;
  return [
    el("p", {}, el("b", {}, change), `: ${whole(used)} of ${whole(chosen)} tokens used.`),
    el("div", { class: "moves" }, moves("Enters", "entering", entering, known), moves("Leaves", "leaving", leaving, known)),
  ];
}

function moves(title, kind, ids, known) {
  if (!ids.length) return null;
  const name = (id) => known.get(id);
  const line = (id) =>
    el("li", { class: kind }, name(id) && tierChip(name(id).tier), " ", el("span", { dir: "auto" }, textOf(id, name(id))));
  return el("div", {}, el("h3", {}, title), el("ul", {}, ids.map(line)));
}

function textOf(id, item) {
  const text = item?.text?.slice(0, 90) ?? "";
  return text ? `${text} (${id})` : id;
}
