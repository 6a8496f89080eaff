/*
 * A table that sorts what it shows and asks for more rows by the cursor of a list. On a narrow page
 * each row is a card, whose cells name their columns.
 *
 *   const rows = table({
 *     caption: "Prompts",
 *     columns: [{ label: "When", cell: (row) => time(row.at), sort: (row) => row.at }],
 *     more: async () => ({ rows, done }),
 *   });
 *   rows.add(found);
 *   root.append(rows.node);
 */

import { el, fill } from "../dom.js";
import { problem } from "./notices.js";

/**
 * Make one.
 *
 * @param caption What it lists, for who cannot see it.
 * @param columns `{ label, cell(row), sort(row)?, numeric?, wide? }` each; a column with `sort` may
 *   be sorted by.
 * @param attrs `attrs(row)` gives attributes of the row's element.
 * @param more Gives the next rows and whether these are the last; a button asks for them.
 */
export function table({ caption, columns, attrs = () => ({}), more }) {
  const state = { rows: [], by: null, ascending: false };
  const body = el("tbody", { role: "rowgroup" });
  const draw = () => fill(body, sorted(state, columns).map((row) => line(row, columns, attrs)));
  const head = headings(columns, state, draw);
  const grid = el(
    "table",
    { class: "table", role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, head.node),
    body,
  );
  const foot = el("div", { class: "table-foot" });
  const replace = (rows) => {
    state.rows = [...rows];
    draw();
  };
  if (more) fill(foot, moreButton(more, (rows) => replace([...state.rows, ...rows])));
  return {
    node: el("div", { class: "table-box" }, grid, foot),
    replace,
    add: (rows) => replace([...state.rows, ...rows]),
    addFirst: (rows) => replace([...rows, ...state.rows]),
    rows: () => state.rows,
    /** Whether all rows are there, so that no more can be asked for. */
    complete: (isComplete) => {
      foot.hidden = isComplete;
    },
  };
}

function line(row, columns, attrs) {
  const cell = (column) => {
    const kind = [column.numeric && "numeric", column.wide && "wide"].filter(Boolean).join(" ");
    const named = { role: "cell", class: kind || null, data: { label: column.label } };
    return el("td", named, column.cell(row));
  };
  return el("tr", { role: "row", ...attrs(row) }, columns.map(cell));
}

function headings(columns, state, draw) {
  const cells = columns.map((column, place) => {
    const named = { role: "columnheader", scope: "col", class: column.numeric && "numeric" };
    if (!column.sort) return el("th", named, column.label);
    const sort = () => {
      turn(state, place);
      mark(cells, state);
      draw();
    };
    return el("th", named, el("button", { type: "button", on: { click: sort } }, column.label));
  });
  return { node: el("tr", { role: "row" }, cells) };
}

function turn(state, place) {
  state.ascending = state.by === place ? !state.ascending : false;
  state.by = place;
}

function mark(cells, state) {
  for (const [place, cell] of cells.entries()) {
    if (place === state.by) cell.setAttribute("aria-sort", state.ascending ? "ascending" : "descending");
    else cell.removeAttribute("aria-sort");
  }
}

function sorted({ rows, by, ascending }, columns) {
  if (by === null) return rows;
  const worth = columns[by].sort;
  const sign = ascending ? 1 : -1;
  return [...rows].sort((one, other) => sign * compared(worth(one), worth(other)));
}

/** What is not known comes last when the largest come first. */
function compared(one, other) {
  if (one === other) return 0;
  if (one === null || one === undefined) return -1;
  if (other === null || other === undefined) return 1;
  return one < other ? -1 : 1;
}

function moreButton(more, add) {
  const button = el("button", { class: "button", type: "button" }, "Show more");
  const place = el("div", {}, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { rows, done } = await more();
      add(rows);
      button.hidden = done;
      fill(place, button);
    } catch (error) {
      fill(place, problem(error), button);
    } finally {
      button.disabled = false;
    }
  });
  return place;
}
