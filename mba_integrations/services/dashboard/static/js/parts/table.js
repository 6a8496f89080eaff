/*
 * A table that sorts what it shows and asks for more rows by the cursor of a list. On a narrow page
 * each row is a card, whose cells name their columns. What is shown already stays where it is when
 * other rows come, with the focus in it; a row that another takes the place of gives it the focus.
 *
 *   const rows = table({
 *     caption: "Prompts",
 *     columns: [{ label: "When", cell: (row) => time(row.at), sort: (row) => row.at }],
 *     more: async () => ({ rows, done }),
 *   });
 *   rows.add(found);
 *   root.append(rows.node);
 */

import { el, fill, once } from "../dom.js";
import { problem } from "./notices.js";

/**
 * Make one.
 *
 * @param caption What it lists, for who cannot see it.
 * @param columns `{ label, cell(row), sort(row)?, numeric?, wide? }` each; a column with `sort` may
 *   be sorted by.
 * @param attrs `attrs(row)` gives attributes of the row's element.
 * @param name `name(row)` says of which thing a row is; by default each row is of its own.
 * @param more Gives the next rows and whether these are the last; a button asks for them.
 */
export function table({ caption, columns, attrs = () => ({}), name = (row) => row, more }) {
  const state = { rows: [], by: null, ascending: false, lines: new Map() };
  const body = el("tbody", { role: "rowgroup" });
  const draw = () => {
    const lineOf = (row) => state.lines.get(row) ?? line(row, columns, attrs);
    const lines = new Map(sorted(state, columns).map((row) => [row, lineOf(row)]));
    const focus = focusIn(state.lines, name);
    place(body, [...lines.values()]);
    state.lines = lines;
    giveFocus(focus, lines, name);
  };
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
  const add = (rows) => {
    replace([...state.rows, ...rows]);
    return state.lines.get(rows[0]);
  };
  if (more) fill(foot, moreButton(more, add));
  return {
    node: el("div", { class: "table-box" }, grid, foot),
    replace,
    add,
    addFirst: (rows) => replace([...rows, ...state.rows]),
    rows: () => state.rows,
    /** Whether all rows are there, so that no more can be asked for. */
    complete: (isComplete) => {
      foot.hidden = isComplete;
    },
  };
}

/** Have a body hold these lines in this order, and move none that stands right. */
function place(body, lines) {
  const wanted = new Set(lines);
  for (const one of [...body.children]) if (!wanted.has(one)) one.remove();
  let next = body.firstElementChild;
  for (const one of lines) {
    if (one === next) next = one.nextElementSibling;
    else body.insertBefore(one, next);
  }
}

const FOCUSABLE = "a, button, input";

/** What has the focus: of which thing its row is, and the how many-th of the row it is. */
function focusIn(lines, name) {
  for (const [row, node] of lines) {
    const at = [...node.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    if (at >= 0) return { name: name(row), at };
  }
  return null;
}

function giveFocus(focus, lines, name) {
  if (!focus) return;
  const [, node] = [...lines].find(([row]) => name(row) === focus.name) ?? [];
  node?.querySelectorAll(FOCUSABLE)[focus.at]?.focus({ preventScroll: true });
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
  const said = el("div", {});
  const click = async () => {
    try {
      const { rows, done } = await more();
      fill(said);
      const hadFocus = document.activeElement === button;
      const first = add(rows);
      button.hidden = done;
      if (done && hadFocus) first?.querySelector(FOCUSABLE)?.focus();
    } catch (error) {
      fill(said, problem(error));
    }
  };
  button.addEventListener("click", once(click));
  return [said, button];
}
