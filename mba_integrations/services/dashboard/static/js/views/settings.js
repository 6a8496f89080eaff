/* The settings of a workspace: changed in a form, tried on past prompts, saved, and their versions. */

import { getTagged, send } from "../api.js";
import { announce, debounced, el, fill } from "../dom.js";
import { counted } from "../format.js";
import { pathOf } from "../memories/acts.js";
import { heading } from "../parts/heading.js";
import { note, problem } from "../parts/notices.js";
import { tabs } from "../parts/tabs.js";
import { showEffect } from "../settings/effect.js";
import { differing, patchOf, valueAt, worded } from "../settings/fields.js";
import { settingsForm } from "../settings/form.js";
import { showVersions } from "../settings/versions.js";

const CONFLICT = 412;

/** Show it. */
export async function show(root, _params, context) {
  const { workspace, signal, can } = context;
  const { body, etag } = await getTagged(pathOf(workspace), { signal });
  const state = { settings: body.settings, etag, pending: new Map(), context };
  const formPanel = (panel) => fill(panel, editor(state));
  const take = (settings) => {
    state.pending = new Map(differing(settings, state.settings).map((path) => [path, valueAt(settings, path)]));
    root.querySelector('[role="tab"]').click();
  };
  const entries = [
    { id: "form", label: "Settings", show: formPanel },
    { id: "versions", label: "Versions", show: (panel) => showVersions(panel, context, can("admin") ? take : null) },
  ];
  root.append(heading("Settings", { about: workspace }), tabs("Settings or versions", entries));
}

/** The form, and the bar that stands over it as long as something is changed. */
function editor(state) {
  const { context } = state;
  const readOnly = !context.can("admin");
  const said = el("div", {});
  const effect = el("div", {});
  const count = el("span", { role: "status" });
  const look = el("button", { class: "button", type: "button" }, "Try on the latest 200 prompts");
  const save = el("button", { class: "button primary", type: "button" }, "Save");
  const drop = el("button", { class: "button", type: "button" }, "Drop changes");
  const bar = el("div", { class: "chosen", hidden: true }, count, look, save, drop);
  const validate = debounced(() => checked(state, form, said, save), 300);
  const changed = () => {
    state.pending = form.changes();
    bar.hidden = state.pending.size === 0;
    count.textContent = `${counted(state.pending.size, "setting")} changed, not saved`;
    validate();
  };
  const form = settingsForm(state.settings, changed, { readOnly });
  look.addEventListener("click", () => showEffect(effect, patchOf(state.pending), context));
  save.addEventListener("click", () => saved(state, form, said));
  drop.addEventListener("click", () => {
    state.pending = new Map();
    context.reload();
  });
  if (state.pending.size) form.put(state.pending);
  const hint = readOnly && note("info", "Your key may look and not change. A key with the scope admin may.");
  return [hint, bar, said, effect, form.node];
}

/** Ask the server whether it would take the changes, and say beside each field what it would not. */
async function checked(state, form, said, save) {
  const { workspace, signal } = state.context;
  if (state.saving) return; // what saving says must stay
  fill(said);
  form.show([]);
  save.disabled = false;
  if (!state.pending.size || signal.aborted) return;
  const asked = state.pending;
  try {
    await send("POST", `${pathOf(workspace)}/validate`, { settings: patchOf(asked) }, { signal });
  } catch (error) {
    if (signal.aborted || state.saving || asked !== state.pending) return;
    save.disabled = true;
    refused(error, form, said);
  }
}

function refused(error, form, said) {
  const rest = form.show(error.errors ?? []);
  const lines = rest.map((one) => note("bad", one.detail));
  fill(said, error.errors?.length ? lines : problem(error));
}

async function saved(state, form, said) {
  const { workspace, reload } = state.context;
  state.saving = true;
  try {
    const body = { settings: patchOf(state.pending) };
    await send("PATCH", pathOf(workspace), body, { match: state.etag });
    announce("Saved");
    reload();
  } catch (error) {
    if (error.status === CONFLICT) {
      await conflicted(state, said);
      return;
    }
    state.saving = false;
    refused(error, form, said);
  }
}

/** Say what somebody else changed meanwhile; the changes made here go on top of that, or are dropped. */
async function conflicted(state, said) {
  const { workspace, signal, reload } = state.context;
  const { body, etag } = await getTagged(pathOf(workspace), { signal });
  const theirs = differing(body.settings, state.settings);
  const both = theirs.filter((path) => state.pending.has(path));
  const names = (paths) => paths.map(worded).join(", ");
  const keep = el("button", { class: "button primary", type: "button" }, "Load theirs, keep my changes on top");
  const drop = el("button", { class: "button", type: "button", on: { click: reload } }, "Load theirs, drop mine");
  keep.addEventListener("click", () => {
    state.settings = body.settings;
    state.etag = etag;
    state.saving = false;
    fill(said.parentElement, editor(state));
  });
  fill(
    said,
    el(
      "div",
      { class: "problem", role: "alert" },
      el("p", { class: "problem-title" }, "Somebody else changed these settings meanwhile"),
      el("p", {}, `Nothing of yours was saved. They changed: ${names(theirs) || "nothing that differs"}.`),
      both.length > 0 && el("p", {}, `You changed too: ${names(both)}. Yours would take the place of theirs.`),
      el("div", { class: "buttons start" }, keep, drop),
    ),
  );
}
