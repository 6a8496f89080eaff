/* Which memories should move between tiers and why; moving them, and moving them back. */

import { part, send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { counted, fine } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { card } from "../parts/heading.js";
import { busy, note, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";

/** The card. Nothing is asked for before somebody wants a review: each is kept for a week. */
export function reviewCard(context) {
  const { workspace, can } = context;
  const result = el("div", { class: "stacked" });
  const start = el("button", { class: "button primary", type: "button" }, "Review now");
  const review = async () => {
    fill(result, busy("Looking at every memory"));
    try {
      const found = await send("POST", `${pathOf(workspace)}/tiers/review`, undefined, { signal: context.signal });
      fill(result, reviewed(found, context, result));
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

function reviewed(found, context, result) {
  if (!found.moves.length) return note("good", `${counted(found.staying, "memory", "memories")} stand where they should.`);
  const chosen = new Set(found.moves.map((one) => one.memory_id));
  const apply = el("button", { class: "button primary", type: "button" });
  const counts = () => {
    apply.textContent = `Move ${counted(chosen.size, "memory", "memories")}`;
    apply.disabled = chosen.size === 0;
  };
  counts();
  apply.addEventListener("click", () => acted(found, context, result, "apply", { only: [...chosen] }));
  const rows = table({ caption: "Recommended moves", columns: columns(context, chosen, counts) });
  rows.replace(found.moves);
  const head = `${counted(found.moves.length, "memory", "memories")} should move, ${counted(found.staying, "memory", "memories")} stay.`;
  return [note("info", head), el("div", { class: "buttons start" }, apply), rows.node];
}

function columns({ workspace }, chosen, changed) {
  const tick = (row) => {
    const box = el("input", { type: "checkbox", "aria-label": `Move ${row.memory_id}` });
    box.checked = chosen.has(row.memory_id);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(row.memory_id);
      else chosen.delete(row.memory_id);
      changed();
    });
    return box;
  };
  const address = (row) => href(["w", workspace, "memories", row.memory_id]);
  return [
    { label: "Choose", cell: tick },
    { label: "Memory", cell: (row) => el("a", { href: address(row) }, row.memory_id) },
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
