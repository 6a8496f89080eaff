/* Which memories should move between tiers and why; moving them, and moving them back. */

import { part, send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { counted, cut, fine } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { card } from "../parts/heading.js";
import { busy, note, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";

const MOST_TEXTS = 500;

/** The card. Nothing is asked for before somebody wants a review: each is kept for a week. */
export function reviewCard(context) {
  const { workspace, can } = context;
  const result = el("div", { class: "stacked" });
  const start = el("button", { class: "button primary", type: "button" }, "Review now");
  const review = async () => {
    fill(result, busy("Looking at every memory"));
    try {
      const found = await send("POST", `${pathOf(workspace)}/tiers/review`, undefined, { signal: context.signal });
      const texts = await textsOf(found.moves, context);
      fill(result, reviewed(found, texts, context, result));
    } catch (error) {
      if (!context.signal.aborted) fill(result, problem(error, review));
    }
  };
  start.addEventListener("click", review);
  const about = "What is used much moves nearer, what is not used moves farther, as the settings of promotion say.";
  const actions = can("write") && start;
  const hint = can("write") ? "A review shows every move with its reason. It changes nothing." : "A key with the scope write may review tiers.";
  fill(result, el("p", { class: "muted" }, hint));
  return card("Tiers", { about, actions, wide: true }, result);
}

/** What those memories say that are listed first. */
async function textsOf(moves, { workspace, signal }) {
  if (!moves.length) return new Map();
  const ids = moves.slice(0, MOST_TEXTS).map((one) => one.memory_id);
  const body = { filters: { memory_ids: ids }, limit: MOST_TEXTS };
  const { memories } = await send("POST", `${pathOf(workspace)}/memories/list`, body, { signal });
  return new Map(memories.map((one) => [one.memory_id, one.content]));
}

function reviewed(found, texts, context, result) {
  if (!found.moves.length) return note("good", `${counted(found.staying, "memory", "memories")} stand where they should.`);
  const chosen = new Set(found.moves.map((one) => one.memory_id));
  const apply = el("button", { class: "button primary", type: "button" });
  const counts = () => {
    apply.textContent = `Move ${counted(chosen.size, "memory", "memories")}`;
    apply.disabled = chosen.size === 0;
  };
  counts();
  apply.addEventListener("click", () => acted(found, context, result, "apply", { only: [...chosen] }));
  const rows = table({ caption: "Recommended moves", columns: columns(context, texts, chosen, counts) });
  rows.replace(found.moves);
  const head = `${counted(found.moves.length, "memory", "memories")} should move, ${counted(found.staying, "memory", "memories")} stay.`;
  return [note("info", head), el("div", { class: "buttons start" }, apply), rows.node];
}

function columns({ workspace }, texts, chosen, changed) {
  const tick = (row) => {
    const box = el("input", { type: "checkbox", "aria-label": `Move ${cut(texts.get(row.memory_id) ?? row.memory_id, 40)}` });
    box.checked = chosen.has(row.memory_id);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(row.memory_id);
      else chosen.delete(row.memory_id);
      changed();
    });
    return box;
  };
  const link = (row) => {
    const address = href(["w", workspace, "memories", row.memory_id]);
    return el("a", { href: address, dir: "auto" }, cut(texts.get(row.memory_id) ?? "", 120).trim() || row.memory_id);
  };
  return [
    { label: "Choose", cell: tick },
    { label: "Memory", cell: link, wide: true },
    { label: "From", cell: (row) => tierChip(row.from_tier) },
    { label: "To", cell: (row) => tierChip(row.to_tier) },
    { label: "Standing", numeric: true, cell: (row) => fine(row.standing), sort: (row) => row.standing },
    { label: "Why", wide: true, cell: (row) => row.why },
  ];
}

async function acted(found, context, result, what, body) {
  const path = `${pathOf(context.workspace)}/tiers/reviews/${part(found.review_id)}/${what}`;
  try {
    const { memory_ids: ids } = await send("POST", path, body);
    const moved = counted(ids.length, "memory", "memories");
    announce(`${moved} moved`);
    fill(result, what === "apply" ? undoable(found, context, result, moved) : note("good", `${moved} moved back.`));
  } catch (error) {
    fill(result, problem(error));
  }
}

function undoable(found, context, result, moved) {
  const undo = el("button", { class: "button", type: "button" }, "Undo");
  undo.addEventListener("click", () => acted(found, context, result, "undo"));
  return [note("good", `${moved} moved.`), el("div", { class: "buttons start" }, undo)];
}
