/* Every memory that was decided on: in the prompt or not, with tokens, score, signals and reason. */

import { el, fill } from "../dom.js";
import { counted, cut, fine, whole } from "../format.js";
import { filters } from "../parts/filters.js";
import { facts } from "../parts/figures.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";
import { REASONS, TIERS, reasonName, reasonText, tierName } from "../words.js";

const ORDERS = {
  tokens: ["Most tokens", (item) => -(item.tokens ?? -1)],
  tier: ["By tier", (item) => TIERS.indexOf(item.tier)],
};

const MARKS = { entering: "+ Would enter", leaving: "− Would leave" };

/**
 * The list. `mark(marks)` says of memories that they would enter or leave, by id; `find(text)`
 * looks for one.
 */
export function itemList(items, { workspace, query }) {
  const state = { items, marks: new Map(), asked: startOf(query) };
  const list = el("div", { class: "items" });
  const count = el("p", { class: "muted", role: "status" });
  const draw = () => {
    const shown = found(state);
    fill(list, grouped(shown, state).map((one) => line(one, state, workspace)));
    fill(count, shown.length ? counts(shown, state) : missing(state));
  };
  const changed = (values) => {
    state.asked = values;
    draw();
  };
  const form = filters({ label: "Find a memory", fields: fields(items), values: state.asked, changed });
  draw();
  if (found(state).length === 1) list.firstElementChild.open = true;
  const mark = (marks) => {
    state.marks = marks;
    for (const node of list.querySelectorAll(".item")) marked(node, marks.get(node.dataset.memory));
  };
  return { node: el("div", { class: "finder" }, form.node, count, list), mark };
}

/** In the usual order what came in stands apart from what did not. */
function grouped(shown, { asked }) {
  const out = shown.findIndex((item) => !item.selected);
  if (asked.order || asked.state || out < 0) return shown;
  const titled = out > 0 ? [`In the prompt (${whole(out)})`, ...shown.slice(0, out)] : [];
  return [...titled, `Left out, the best first (${whole(shown.length - out)})`, ...shown.slice(out)];
}

function line(one, { marks }, workspace) {
  return typeof one === "string" ? el("h3", {}, one) : entry(one, marks.get(one.memory_id), workspace);
}

function startOf(query) {
  const reason = query.get("reason");
  return { find: query.get("find") ?? "", state: reason || "" };
}

function fields(items) {
  const reasons = Object.keys(REASONS).filter((name) => items.some((item) => item.reason === name));
  const states = [["in", "In the prompt"], ["out", "Left out"], ...reasons.map((name) => [name, reasonName(name)])];
  return [
    { name: "find", label: "Find a memory", type: "search", placeholder: "Words, id or source" },
    { name: "state", label: "Show", type: "select", options: states },
    { name: "order", label: "Order", type: "select", any: "Best first", options: Object.entries(ORDERS).map(([id, [name]]) => [id, name]) },
  ];
}

function found({ items, asked }) {
  const words = (asked.find ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const shown = items.filter((item) => isOf(asked.state, item) && hasAll(item, words));
  const order = ORDERS[asked.order]?.[1];
  return order ? [...shown].sort((one, other) => order(one) - order(other)) : shown;
}

function isOf(state, item) {
  if (!state) return true;
  return state === "in" ? item.selected : state === "out" ? !item.selected : item.reason === state;
}

function hasAll(item, words) {
  if (!words.length) return true;
  const text = `${item.memory_id} ${item.text ?? ""} ${tierName(item.tier)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function counts(shown, { items, asked }) {
  const sum = `${counted(shown.length, "memory", "memories")} of ${whole(items.length)}. `;
  return [sum, reasonText(asked.state)];
}

function missing({ asked }) {
  return asked.find
    ? "No memory that was decided on has this. It may not have been there yet, or be forgotten, or be filtered out by the question."
    : "None.";
}

function entry(item, mark, workspace) {
  const state = el("b", { class: "item-state" });
  const text = el("span", { class: "item-text", dir: "auto" }, cut(item.text ?? item.memory_id, 170));
  const line = el("span", { class: "item-figures" }, state, tierChip(item.tier), figures(item));
  const usual = item.selected ? "In" : `Out: ${reasonName(item.reason)}`;
  const attrs = { class: `item ${item.selected ? "in" : "out"} tier-${item.tier}` };
  const node = el("details", { ...attrs, data: { memory: item.memory_id, usual } }, el("summary", {}, text, line));
  node.addEventListener("toggle", () => {
    if (node.open && node.childElementCount === 1) node.append(details(item, workspace));
  });
  marked(node, mark);
  return node;
}

/** Say of an entry that it would enter or leave; without a mark, what became of it. */
function marked(node, mark) {
  for (const one of Object.keys(MARKS)) node.classList.toggle(one, one === mark);
  node.querySelector(".item-state").textContent = MARKS[mark] ?? node.dataset.usual;
}

function figures(item) {
  const tokens = item.tokens === null ? "not counted" : counted(item.tokens, "token");
  return [el("span", {}, tokens), el("span", {}, `score ${fine(item.score)}`)];
}

function details(item, workspace) {
  const address = href(["w", workspace, "memories", item.memory_id]);
  const names = Object.entries(item.signals ?? {});
  return el(
    "div",
    { class: "item-more" },
    el("p", { class: "why" }, whyOf(item)),
    item.why?.length > 0 && el("ul", { class: "evidence" }, item.why.map((text) => el("li", { dir: "auto" }, text))),
    item.text && el("div", { class: "item-full", dir: "auto" }, item.text),
    names.length > 0 && signals(names),
    facts([
      ["Usefulness", item.usefulness === null || item.usefulness === undefined ? null : fine(item.usefulness)],
      ["Memory", item.present === false ? `${item.memory_id} (forgotten since)` : el("a", { href: address }, item.memory_id)],
    ]),
  );
}

function whyOf(item) {
  if (item.selected) return "In the prompt.";
  const said = item.reason_text || reasonText(item.reason);
  return `Left out: ${said}${/[.!?…]$/.test(said) ? "" : "."}`;
}

function signals(names) {
  const lines = names
    .sort(([, one], [, other]) => Math.abs(other) - Math.abs(one))
    .map(([name, value]) =>
      el(
        "li",
        {},
        el("span", {}, name.replaceAll("_", " ")),
        el("span", { class: "signal-track", "aria-hidden": "true" }, el("span", { vars: { "--part": `${100 * Math.min(1, Math.abs(value))}%` } })),
        el("span", { class: "numeric" }, fine(value)),
      ),
    );
  return el("ul", { class: "signals", "aria-label": "Signals" }, lines);
}
