/*
 * The prompts of a workspace, the latest first: filtered, page by page, and new ones as they come.
 * An erasure takes questions out of those that are shown, so they are asked for anew.
 */

import { get, part } from "../api.js";
import { debounced, el, fill } from "../dom.js";
import { cut, ms, shellWord, short, time, whole } from "../format.js";
import { filters } from "../parts/filters.js";
import { heading } from "../parts/heading.js";
import { liveSign } from "../parts/live_sign.js";
import { empty, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { stack } from "../parts/tiers.js";
import { href, keepQuery } from "../router.js";
import { COMPLEXITIES, REASONS, reasonName } from "../words.js";

const PAGE = 50;
const FRESH = 20;
const MOST = 500;

/** Show it. */
export async function show(root, _params, context) {
  const state = { asked: Object.fromEntries(context.query), cursor: null, chosen: new Set(), isStale: false };
  const compare = compareButton(state, context);
  const list = makeList(state, context, compare.update);
  const body = el("div", {});
  const load = async () => {
    const rows = await pageOf(state, context, null);
    list.replace(rows);
    list.complete(!state.cursor);
    fill(body, rows.length ? list.node : nothing(state, context));
  };
  const changed = (values) => {
    state.asked = asAsked(values);
    keepQuery(state.asked);
    load().catch((error) => context.signal.aborted || fill(body, problem(error, context.reload)));
  };
  const form = filters({ label: "Filter prompts", fields: fields(), values: asTyped(state.asked), changed });
  const arrived = debounced(() => follow(state, context, list, load).catch(() => {}), 500);
  const heard = (told) => {
    state.isStale ||= !told?.allocation_id;
    arrived();
  };
  const live = liveSign(context.workspace, heard, context.signal);
  root.append(heading("Prompts", { about: context.workspace, actions: [live, compare.node] }), form.node, body);
  await load();
}

function fields() {
  const named = (values, name) => values.map((value) => [value, name(value)]);
  return [
    { name: "since", label: "From", type: "datetime-local" },
    { name: "until", label: "To", type: "datetime-local" },
    { name: "session_id", label: "Session", type: "search", placeholder: "Its id" },
    { name: "complexity", label: "Complexity", type: "select", options: named(COMPLEXITIES, String) },
    { name: "reason", label: "Left out as", type: "select", options: named(Object.keys(REASONS), reasonName) },
  ];
}

/** Times are typed in the reader's zone and asked for in UTC. */
function asAsked(values) {
  const asked = { ...values };
  for (const name of ["since", "until"]) {
    if (asked[name]) asked[name] = new Date(asked[name]).toISOString();
  }
  return asked;
}

function asTyped(asked) {
  const typed = { ...asked };
  for (const name of ["since", "until"]) {
    if (typed[name]) typed[name] = localMinute(new Date(typed[name]));
  }
  return typed;
}

function localMinute(at) {
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

async function pageOf(state, { workspace, signal }, cursor) {
  const query = { ...state.asked, limit: PAGE, cursor, texts: false };
  const page = await get(`/v1/workspaces/${part(workspace)}/allocations`, { query, signal });
  state.cursor = page.next_cursor;
  return page.allocations;
}

function makeList(state, context, selected) {
  const more = async () => {
    const rows = state.cursor ? await pageOf(state, context, state.cursor) : [];
    return { rows, done: !state.cursor };
  };
  return table({
    caption: "Prompts, the latest first",
    columns: columns(state, context, selected),
    attrs: (row) => ({ class: row.isFresh ? "fresh" : null }),
    name: (row) => row.allocation_id,
    more,
  });
}

/** Add what came; where more than that happened, show anew what is there. */
async function follow(state, context, list, load) {
  const shown = list.rows();
  if (!shown.length) return load();
  const isStale = state.isStale;
  state.isStale = false;
  const [since, limit] = isStale ? [shown.at(-1).at, MOST] : [shown[0].at, FRESH];
  const query = { ...state.asked, since: state.asked.since > since ? state.asked.since : since, limit, texts: false };
  const { workspace, signal } = context;
  const { allocations: found } = await get(`/v1/workspaces/${part(workspace)}/allocations`, { query, signal });
  const known = new Map(shown.map((row) => [row.allocation_id, row]));
  const rows = found.map((row) => ({ ...row, isFresh: known.get(row.allocation_id)?.isFresh ?? !known.has(row.allocation_id) }));
  if (!isStale) return list.addFirst(rows.filter((row) => !known.has(row.allocation_id)));
  const older = rows.length < MOST ? [] : shown.filter((row) => row.at < rows.at(-1).at);
  return rows.length ? list.replace([...rows, ...older]) : load();
}

function columns(state, { workspace }, selected) {
  const inside = ({ asked: { reason } }) => (reason ? { reason } : {});
  const address = (row) => href(["w", workspace, "prompts", row.allocation_id], inside(state));
  return [
    { label: "Compare", cell: (row) => tick(row, state, selected) },
    { label: "When", cell: (row) => time(row.at), sort: (row) => row.at },
    { label: "Question", cell: (row) => el("a", { href: address(row), dir: "auto" }, question(row)), wide: true },
    { label: "Session", cell: (row) => row.session_id ?? "–", sort: (row) => row.session_id },
    { label: "Complexity", cell: (row) => row.record.complexity, sort: (row) => COMPLEXITIES.indexOf(row.record.complexity) },
    { label: "Tokens", cell: tokens, sort: (row) => row.record.used_tokens },
    { label: "Left out", cell: leftOut, sort: (row) => outOf(row), numeric: true },
    { label: "Took", cell: (row) => ms(row.record.duration_ms), sort: (row) => row.record.duration_ms, numeric: true },
  ];
}

function question({ record }) {
  return record.query ? cut(record.query, 140) : "Question not logged";
}

function tokens({ record }) {
  const used = Object.fromEntries(Object.entries(record.tiers).map(([tier, one]) => [tier, one.used_tokens]));
  const text = `${whole(record.used_tokens)} of ${whole(record.budget_tokens)}`;
  return el("span", { class: "tokens" }, stack(used, record.budget_tokens), text);
}

function outOf({ record }) {
  return Object.values(record.omission_reasons).reduce((sum, count) => sum + count, 0);
}

function leftOut(row) {
  const reasons = Object.entries(row.record.omission_reasons);
  const title = reasons.map(([reason, count]) => `${reasonName(reason)}: ${whole(count)}`).join("\n");
  return el("span", { title }, short(outOf(row)));
}

function tick(row, state, selected) {
  const box = el("input", { type: "checkbox", "aria-label": `Compare the prompt of ${row.at}` });
  box.checked = state.chosen.has(row.allocation_id);
  box.addEventListener("change", () => {
    if (box.checked) state.chosen.add(row.allocation_id);
    else state.chosen.delete(row.allocation_id);
    selected();
  });
  return box;
}

/** Two prompts that are ticked are put side by side, the earlier one first: ids grow with time. */
function compareButton(state, { workspace }) {
  const node = el("button", { class: "button", type: "button", disabled: true }, "Tick two to compare");
  const update = () => {
    node.disabled = state.chosen.size !== 2;
    node.textContent = node.disabled ? "Tick two to compare" : "Compare these two";
  };
  node.addEventListener("click", () => {
    location.hash = href(["w", workspace, "compare", ...[...state.chosen].sort()]);
  });
  return { node, update };
}

function nothing({ asked }, { workspace }) {
  if (Object.keys(asked).length) {
    const link = [href(["w", workspace, "prompts"]), "Show all"];
    return empty({ title: "No prompt fits", text: "Take a filter away, or look further back.", link });
  }
  return empty({
    title: "No prompts yet",
    text: "Ask something: each recall is listed here as it happens.",
    run: `mba recall "What do you know?" -w ${shellWord(workspace)} --budget 400`,
  });
}
