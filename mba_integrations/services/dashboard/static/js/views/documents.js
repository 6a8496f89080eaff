/* Documents: which there are, the pieces they were cut into, and taking one out. */

import { get, part, send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { bytes, counted, shellWord, time, whole } from "../format.js";
import { pathOf, readOnly } from "../memories/acts.js";
import { confirm } from "../parts/dialog.js";
import { facts } from "../parts/figures.js";
import { filters } from "../parts/filters.js";
import { card, heading } from "../parts/heading.js";
import { busy, empty, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { href, keepQuery } from "../router.js";

const PAGE = 50;

/** Show it. */
export async function show(root, _params, context) {
  const state = { asked: Object.fromEntries(context.query), cursor: null };
  const opened = el("div", {});
  const body = el("div", {});
  const look = (row) => lookedAt(opened, row, context, reload);
  const list = makeList(state, context, look);
  const load = async () => {
    const { rows, done } = await pageOf(state, context, null);
    list.replace(rows);
    list.complete(done);
    fill(opened);
    fill(body, rows.length ? list.node : nothing(state, context));
  };
  const reload = () => load().catch((error) => context.signal.aborted || fill(body, problem(error, reload)));
  const changed = (values) => {
    state.asked = values;
    keepQuery(values);
    reload();
  };
  const fields = [{ name: "origin", label: "Origin", type: "search", placeholder: "A folder or system" }];
  const form = filters({ label: "Filter documents", fields, values: state.asked, changed });
  root.append(
    heading("Documents", { about: context.workspace }),
    el("div", {}, readOnly(context.can)),
    form.node,
    opened,
    body,
  );
  await load();
}

async function pageOf(state, { workspace, signal }, cursor) {
  const query = { limit: PAGE, cursor, origin: state.asked.origin };
  const found = await get(`${pathOf(workspace)}/documents`, { query, signal });
  state.cursor = found.next_cursor;
  return { rows: found.documents, done: !found.next_cursor };
}

function makeList(state, context, look) {
  const open = (row) =>
    el("button", { class: "as-link", type: "button", dir: "auto", on: { click: () => look(row) } }, row.title || row.document_id);
  const columns = [
    { label: "Document", wide: true, cell: open, sort: (row) => row.title || row.document_id },
    { label: "Pieces", numeric: true, cell: (row) => whole(row.piece_count), sort: (row) => row.piece_count },
    { label: "Version", numeric: true, cell: (row) => whole(row.version), sort: (row) => row.version },
    { label: "Origin", cell: (row) => row.origin ?? "–", sort: (row) => row.origin },
    {
      label: "Stored",
      cell: (row) => time(row.replaced_at ?? row.stored_at, { relative: true }),
      sort: (row) => row.replaced_at ?? row.stored_at,
    },
  ];
  const more = () => pageOf(state, context, state.cursor);
  return table({ caption: "Documents", columns, more });
}

/** Show a document over the list, with its pieces as they enter prompts. */
async function lookedAt(opened, row, context, done) {
  const { workspace, signal, can } = context;
  const close = el("button", { class: "button", type: "button", on: { click: () => fill(opened) } }, "Close");
  const remove = el("button", { class: "button danger", type: "button" }, "Remove");
  remove.addEventListener("click", async () => (await removed(workspace, row)) && done());
  const inner = el("div", {}, busy("Reading its pieces"));
  const title = row.title || row.document_id;
  const shown = card(title, { actions: [can("forget") && remove, close], wide: true }, known(row), inner);
  fill(opened, shown);
  close.focus();
  try {
    const { pieces } = await get(`${pathOf(workspace)}/pieces/${part(row.document_id)}`, { signal });
    fill(inner, pieceList(pieces, workspace));
  } catch (error) {
    if (!signal.aborted) fill(inner, problem(error));
  }
}

function known(row) {
  return facts([
    ["Id", el("code", {}, row.document_id)],
    ["Where", row.uri],
    ["Written", row.created_at && time(row.created_at)],
    ["Holds until", row.valid_until && time(row.valid_until)],
    ["File", row.file_size && bytes(row.file_size)],
    ["First stored", row.stored_at && time(row.stored_at)],
  ]);
}

function pieceList(pieces, workspace) {
  const piece = ({ memory_id: id, content }) =>
    el(
      "li",
      {},
      el("pre", { class: "whole-text short", dir: "auto", tabindex: "0", "aria-label": "Piece" }, content),
      el("a", { href: href(["w", workspace, "memories", id]) }, "See this memory"),
    );
  return el("ol", { class: "pieces" }, pieces.map(piece));
}

function removed(workspace, row) {
  return confirm({
    title: "Remove this document?",
    body: [
      el("p", { dir: "auto" }, row.title || row.document_id),
      el("p", {}, `No prompt will have its ${counted(row.piece_count, "piece")} any more. What must be nowhere is erased instead.`),
    ],
    action: "Remove",
    danger: true,
    act: async () => {
      await send("POST", `${pathOf(workspace)}/documents/remove`, { document_ids: [row.document_id] });
      announce("Removed");
    },
  });
}

function nothing({ asked }, { workspace }) {
  if (asked.origin) {
    const link = [href(["w", workspace, "documents"]), "Show all"];
    return empty({ title: "No document of this origin", link });
  }
  return empty({
    title: "No documents yet",
    text: "Put files in: they are cut into pieces, and the pieces that fit a question enter its prompt.",
    run: `mba documents add FILE -w ${shellWord(workspace)}`,
  });
}
