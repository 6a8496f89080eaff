/* The memories of a workspace: browse, search, filter; pin, move and forget several at once. */

import { send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { counted, cut, shellWord, time, whole } from "../format.js";
import { forget, move, pathOf, pin, readOnly, remember, signs } from "../memories/acts.js";
import { filters } from "../parts/filters.js";
import { heading } from "../parts/heading.js";
import { empty, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { tierChip } from "../parts/tiers.js";
import { href, keepQuery } from "../router.js";
import { TIERS, tierName } from "../words.js";

const PAGE = 50;
const STATES = ["superseded", "forgotten"];

/** Show it. */
export async function show(root, _params, context) {
  const state = { asked: Object.fromEntries(context.query), cursor: null, chosen: new Set() };
  const bar = chosenBar(state, context, () => refresh());
  const list = makeList(state, context, bar);
  const body = el("div", {});
  const load = async () => {
    const { rows, done } = await pageOf(state, context, null);
    state.chosen.clear();
    bar.update();
    list.replace(rows);
    list.complete(done);
    fill(body, rows.length ? list.node : nothing(state, context));
  };
  const refresh = () => load().catch((error) => context.signal.aborted || fill(body, problem(error, refresh)));
  const changed = (values) => {
    state.asked = values;
    keepQuery(values);
    refresh();
  };
  const form = filters({ label: "Filter memories", fields: fields(), values: state.asked, changed });
  const add = context.can("write") && addButton(context, refresh);
  root.append(
    heading("Memories", { about: context.workspace, actions: [add] }),
    el("div", {}, readOnly(context.can)),
    form.node,
    bar.node,
    body,
  );
  await load();
}

// No field is named as what a form has of its own, such as `contains`: it would stand in its place.
function fields() {
  return [
    { name: "q", label: "Search", type: "search", placeholder: "Words, best match first" },
    { name: "text", label: "Contains", type: "search", placeholder: "Exactly this text" },
    { name: "tier", label: "Tier", type: "select", options: TIERS.map((one) => [one, tierName(one)]) },
    { name: "state", label: "State", type: "select", options: STATES.map((one) => [one, one]) },
    { name: "tag", label: "Tag", type: "search" },
    { name: "subject", label: "About", type: "search", placeholder: "A person's id" },
    { name: "pinned", label: "Pinned", type: "checkbox" },
  ];
}

function filterOf({ text, tier, state, tag, subject, pinned }) {
  return {
    ...(text && { contains: text }),
    ...(tier && { tiers: [tier] }),
    ...(state && { states: [state] }),
    ...(tag && { tags: [tag] }),
    ...(subject && { subjects: [subject] }),
    ...(pinned && { pinned: true }),
  };
}

/** A page of the list; of a search all there is, for its rows come by how well they match. */
async function pageOf(state, { workspace, signal }, cursor) {
  const asked = { filters: filterOf(state.asked) };
  if (state.asked.q) {
    const body = { ...asked, query: state.asked.q, limit: PAGE };
    const { hits } = await send("POST", `${pathOf(workspace)}/search`, body, { signal });
    return { rows: hits.map((hit) => ({ memory_id: hit.id, ...hit })), done: true };
  }
  const body = { ...asked, limit: PAGE, cursor: cursor ?? undefined };
  const found = await send("POST", `${pathOf(workspace)}/memories/list`, body, { signal });
  state.cursor = found.next_cursor;
  return { rows: found.memories, done: !found.next_cursor };
}

function makeList(state, context, bar) {
  const { workspace } = context;
  const address = (row) => href(["w", workspace, "memories", row.memory_id]);
  const tick = (row) => {
    const box = el("input", { type: "checkbox", "aria-label": `Choose ${cut(row.content, 40)}` });
    box.checked = state.chosen.has(row.memory_id);
    box.addEventListener("change", () => {
      if (box.checked) state.chosen.add(row.memory_id);
      else state.chosen.delete(row.memory_id);
      bar.update();
    });
    return box;
  };
  const named = (row) => cut(row.content, 180).trim() || row.memory_id;
  const columns = [
    context.can("write") && { label: "Choose", cell: tick },
    {
      label: "Memory",
      wide: true,
      cell: (row) => el("a", { href: address(row), dir: "auto" }, named(row)),
    },
    { label: "Tier", cell: (row) => tierChip(row.tier), sort: (row) => TIERS.indexOf(row.tier) },
    { label: "State", cell: (row) => el("span", { class: "signs" }, signs(row)) },
    {
      label: "Used",
      numeric: true,
      cell: (row) => (row.score === undefined ? whole(row.access_count) : `match ${row.score.toFixed(2)}`),
      sort: (row) => row.score ?? row.access_count,
    },
    {
      label: "Written",
      cell: (row) => time(row.created_at, { relative: true }),
      sort: (row) => row.created_at,
    },
  ].filter(Boolean);
  const more = () => pageOf(state, context, state.cursor);
  return table({ caption: "Memories", columns, more });
}

/** What can be done to those that are chosen. */
function chosenBar(state, { workspace, can }, done) {
  const ids = () => [...state.chosen];
  const button = (name, act, kind = "button") => {
    const attrs = { class: kind, type: "button" };
    attrs.on = { click: () => act().then((was) => was !== false && finished(name)) };
    return el("button", attrs, name);
  };
  const finished = (name) => {
    announce(`${name}: done`);
    done();
  };
  const count = el("span", { role: "status" });
  const said = el("div", {});
  const pinned = (value) => () =>
    pin(workspace, ids(), value).catch((error) => {
      fill(said, problem(error));
      return false;
    });
  const node = el(
    "div",
    { class: "chosen", hidden: true },
    count,
    button("Pin", pinned(true)),
    button("Unpin", pinned(false)),
    button("Move", () => move(workspace, ids())),
    can("forget") && button("Forget", () => forget(workspace, ids()), "button danger"),
    said,
  );
  const update = () => {
    node.hidden = state.chosen.size === 0;
    count.textContent = `${counted(state.chosen.size, "memory", "memories")} chosen`;
    fill(said);
  };
  return { node, update };
}

function addButton({ workspace }, done) {
  const click = async () => (await remember(workspace)) && done();
  return el("button", { class: "button primary", type: "button", on: { click } }, "Remember");
}

function nothing({ asked }, { workspace }) {
  if (Object.keys(asked).length) {
    const link = [href(["w", workspace, "memories"]), "Show all"];
    return empty({ title: "No memory fits", text: "Take a filter away, or search for other words.", link });
  }
  return empty({
    title: "No memories yet",
    text: "Remember something here, from the command line, or over the API.",
    run: `mba remember "Kate lives in Lisbon." -w ${shellWord(workspace)}`,
  });
}
