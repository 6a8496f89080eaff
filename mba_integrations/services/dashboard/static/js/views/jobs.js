/* What runs in the background, and how the store is. */

import { get, part, send } from "../api.js";
import { el, fill } from "../dom.js";
import { bytes, counted, percent, shellWord, time, whole } from "../format.js";
import { pathOf, select } from "../memories/acts.js";
import { bars, facts, tiles } from "../parts/figures.js";
import { labelled } from "../parts/filters.js";
import { card, heading } from "../parts/heading.js";
import { empty, note, problem } from "../parts/notices.js";
import { table } from "../parts/table.js";
import { tabs } from "../parts/tabs.js";
import { keepQuery } from "../router.js";
import { lastWorkspace, workspacesWith } from "../workspaces.js";

const REFRESH_MS = 5000;

/** Show it. */
export async function show(root, _params, context) {
  const wanted = context.query.get("workspace") ?? lastWorkspace();
  const known = await workspacesWith(wanted);
  const state = { workspace: known.includes(wanted) ? wanted : known[0], tab: context.query.get("tab") ?? "jobs" };
  const choice = select("workspace", known.map((one) => [one, one]), state.workspace);
  const field = labelled({ label: "Jobs of" }, choice);
  const body = el("div", {});
  const shown = () => fill(body, state.workspace ? panels(state, context) : noWorkspace());
  choice.addEventListener("change", () => {
    state.workspace = choice.value;
    keepQuery(state);
    shown();
  });
  root.append(heading("Jobs and stores", {}), await storePart(context), el("div", { class: "filters" }, field), body);
  shown();
}

function noWorkspace() {
  return empty({ title: "No workspaces", text: "Jobs belong to a workspace.", run: "mba workspaces create NAME" });
}

/** How the store is; a key for some workspaces only does not see it. */
async function storePart({ signal }) {
  try {
    const found = await get("/v1/status", { signal });
    return el("div", {}, storeTiles(found), storeNotes(found));
  } catch (error) {
    if (error.status !== 403) throw error;
    return note("info", "The state of the store is shown to keys for all workspaces with the scope admin.");
  }
}

function storeTiles(found) {
  return tiles([
    { label: "Database", value: bytes(found.size_bytes), note: found.engine },
    { label: "Not in its file yet", value: bytes(found.wal_bytes), note: "the write-ahead log" },
    { label: "Free on the disk", value: bytes(found.free_bytes) },
    { label: "Pools in memory", value: bytes(found.pool_bytes), note: poolsNote(found.pool_events) },
    { label: "Tables", value: found.revision, note: found.revision === found.release ? "as this release has them" : `this release has ${found.release}` },
  ]);
}

/** How often recalls found the memories of their workspace loaded. */
function poolsNote({ hit = 0, apply = 0, load = 0, evict = 0 }) {
  const all = hit + apply + load;
  if (!all) return "no recall yet";
  const gone = evict ? `, ${whole(evict)} let go for room` : "";
  return `${percent((hit + apply) / all)} of ${counted(all, "recall")} found theirs loaded${gone}`;
}

function storeNotes(found) {
  return found.full && note("bad", "The disk is full: nothing is written until there is room. Free space on it.");
}

function panels(state, context) {
  const entries = [
    { id: "jobs", label: "Jobs", show: (panel) => followed(panel, state, context, jobsPanel) },
    { id: "embeddings", label: "Embeddings", show: (panel) => followed(panel, state, context, embeddingsPanel) },
    { id: "order", label: "Order", show: (panel) => followed(panel, state, context, orderPanel) },
  ];
  const changed = (id) => {
    state.tab = id;
    keepQuery(state);
  };
  return tabs("What is shown", entries, { selected: state.tab, changed });
}

/** `draw` may keep in its last argument what is to stay when it draws again. */
async function followed(panel, state, context, draw) {
  const kept = {};
  const load = async () => {
    try {
      await draw(panel, state.workspace, context, load, kept);
    } catch (error) {
      if (!context.signal.aborted) fill(panel, problem(error, load));
    }
  };
  await load();
}

async function jobsPanel(panel, workspace, context, again, kept) {
  const { jobs, counts } = await get(`${pathOf(workspace)}/jobs`, { query: { limit: 100 }, signal: context.signal });
  const standing = Object.entries(counts).map(([state, count]) => `${whole(count)} ${state}`);
  const none = empty({ title: "No jobs", text: "Vectors, imports and order are made by jobs. They are listed here as they come." });
  kept.said ??= el("div", {});
  kept.standing ??= el("p", { class: "muted standing" });
  kept.rows ??= table({ caption: "Jobs", columns: jobColumns(workspace, context, kept.said, again), name: (job) => job.job_id });
  fill(kept.said);
  kept.standing.textContent = standing.join(" · ");
  kept.rows.replace(jobs);
  if (!jobs.length || !kept.rows.node.isConnected) fill(panel, kept.said, kept.standing, jobs.length ? kept.rows.node : none);
  const runs = counts.running || jobs.some((job) => job.state === "queued" && new Date(job.run_after) <= new Date());
  if (runs) laterAgain(panel, context, again, kept);
}

/** Look again while something runs, as long as this panel is there and somebody looks. */
function laterAgain(panel, { signal }, again, kept) {
  clearTimeout(kept.timer);
  const look = () => {
    if (!panel.isConnected || signal.aborted) return;
    if (document.hidden) laterAgain(panel, { signal }, again, kept);
    else again();
  };
  kept.timer = setTimeout(look, REFRESH_MS);
}

function jobColumns(workspace, context, said, again) {
  const act = (job, what, name) => {
    const click = async () => {
      try {
        await send("POST", `${pathOf(workspace)}/jobs/${part(job.job_id)}/${what}`);
        again();
      } catch (error) {
        fill(said, problem(error));
      }
    };
    return el("button", { class: "button", type: "button", on: { click } }, name);
  };
  const acts = (job) => {
    if (!context.can("admin")) return null;
    if (["failed", "cancelled"].includes(job.state)) return act(job, "retry", "Try again");
    return ["queued", "running"].includes(job.state) ? act(job, "cancel", "Cancel") : null;
  };
  return [
    { label: "Job", cell: (job) => el("div", {}, job.kind, el("div", { class: "muted" }, el("code", {}, job.job_id))), sort: (job) => job.kind },
    { label: "State", cell: (job) => el("span", { class: `sign sign-${job.state}` }, job.state), sort: (job) => job.state },
    { label: "Done", numeric: true, cell: (job) => percent(job.progress), sort: (job) => job.progress },
    { label: "Tries", numeric: true, cell: (job) => `${job.attempts} of ${job.max_attempts}` },
    { label: "Due", cell: (job) => time(job.run_after, { relative: true }), sort: (job) => job.run_after },
    { label: "Said", wide: true, cell: (job) => job.error ?? "" },
    { label: "Act", cell: acts },
  ];
}

async function embeddingsPanel(panel, workspace, { signal }) {
  const { coverage, queued_jobs: queued } = await get(`${pathOf(workspace)}/embeddings`, { signal });
  const rows = Object.entries(coverage).map(([label, value]) => ({ label, value, text: percent(value), tone: "tone-good" }));
  const none = empty({
    title: "No vectors",
    text: "Memories are found by their words here. Serve with an embedder, and they are found by their meaning too.",
    run: "mba serve --local",
  });
  const about = `${counted(queued, "job")} wait.`;
  fill(panel, rows.length ? card("Memories with a vector, by model", { about }, bars(rows, { most: 1 })) : none);
}

async function orderPanel(panel, workspace, { signal }) {
  const { plan, last_report: report } = await get(`${pathOf(workspace)}/organisation`, { signal });
  const pairs = (found) => facts(Object.entries(found).map(([name, value]) => [name.replaceAll("_", " "), said(value)]));
  const none = empty({
    title: "No plan",
    text: "With a plan the workspace is kept in order on a schedule: memories move between tiers, retention is applied, logs are cut.",
    run: `mba lifecycle start -w ${shellWord(workspace)}`,
  });
  const last = report ? card("The last run", {}, pairs(report)) : note("info", "It has not run yet.");
  fill(panel, plan ? el("div", { class: "grid" }, card("Plan", {}, pairs(plan)), last) : none);
}

function said(value) {
  if (value === null) return "never";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
