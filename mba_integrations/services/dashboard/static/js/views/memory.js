/* One memory: its text, what is known of it, what can be done, and what happened to it. */

import { get, part, send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { cut, fine, time, whole } from "../format.js";
import { forget, hold, move, pathOf, pin, readOnly, signs } from "../memories/acts.js";
import { facts } from "../parts/figures.js";
import { labelled } from "../parts/filters.js";
import { card, heading } from "../parts/heading.js";
import { note, problem } from "../parts/notices.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";
import { tierName } from "../words.js";

const OPS = {
  add: "Remembered",
  update: "Changed",
  rewrite: "Rewritten",
  supersede: "Replaced by another text",
  move: "Moved",
  access: "Used",
  forget: "Forgotten",
  expire: "Ended",
  restore: "Back again",
  prune: "Text removed",
  erase: "Erased",
};

/** Show it. */
export async function show(root, { id }, context) {
  const found = await get(`${pathOf(context.workspace)}/history/${part(id)}`, { signal: context.signal });
  const memory = found.memories.find((one) => one.memory_id === id) ?? found.memories.at(-1);
  const trail = [[href(["w", context.workspace, "memories"]), "Memories"]];
  const said = el("div", {});
  const about = [tierChip(memory.tier), " ", signs(memory)];
  const actions = memory.state === "active" && context.can("write") ? acts(memory, context, said) : [];
  root.append(
    heading(cut(memory.content, 90).trim() || "Memory", { about, trail, actions }),
    said,
    el("div", {}, readOnly(context.can), later(memory, context)),
    el("div", { class: "grid" }, textCard(memory, context), knownCard(memory), historyCard(found, id, context)),
  );
}

function later(memory, { workspace }) {
  if (memory.state === "superseded" && memory.superseded_by) {
    const address = href(["w", workspace, "memories", memory.superseded_by]);
    return note("warning", "Another text took its place. ", el("a", { href: address }, "See that one"), ".");
  }
  return memory.state !== "active" && note("warning", `It is ${memory.state}: no prompt has it any more.`);
}

function acts(memory, context, said) {
  const { workspace, can, reload } = context;
  const ids = [memory.memory_id];
  const button = (name, act, kind = "button") => {
    const click = async () => {
      try {
        if ((await act()) === false) return;
        announce(`${name}: done`);
        reload();
      } catch (error) {
        fill(said, problem(error));
      }
    };
    return el("button", { class: kind, type: "button", on: { click } }, name);
  };
  return [
    button(memory.pinned ? "Unpin" : "Pin", () => pin(workspace, ids, !memory.pinned)),
    button(memory.held ? "Release" : "Hold", () => hold(workspace, ids, !memory.held)),
    button("Move", () => move(workspace, ids, memory.tier)),
    can("forget") && button("Forget", () => forget(workspace, ids), "button danger"),
  ];
}

function textCard(memory, context) {
  const text = el("pre", { class: "whole-text", dir: "auto", tabindex: "0", "aria-label": "Text" }, memory.content);
  const mayEdit = memory.state === "active" && context.can("write");
  const edit = el("button", { class: "button", type: "button" }, "Edit");
  const node = card("Text", { wide: true, actions: mayEdit && edit }, text);
  edit.addEventListener("click", () => {
    edit.hidden = true;
    text.replaceWith(editor(memory, context, (form) => {
      form.replaceWith(text);
      edit.hidden = false;
      edit.focus();
    }));
    node.querySelector("textarea").focus();
  });
  return node;
}

/** A form for another text; the new memory is shown once it is kept. */
function editor(memory, context, cancelled) {
  const input = el("textarea", { name: "content", rows: "8", dir: "auto", value: memory.content, required: true });
  const reason = el("input", { name: "reason", maxlength: "500", autocomplete: "off" });
  const said = el("div", {});
  const cancel = el("button", { class: "button", type: "button" }, "Cancel");
  const save = el("button", { class: "button primary", type: "submit" }, "Save");
  const submit = async (event) => {
    event.preventDefault();
    try {
      const body = { content: input.value, reason: reason.value.trim() || undefined };
      const path = `${pathOf(context.workspace)}/memories/${part(memory.memory_id)}`;
      const { memory_ids: ids } = await send("PUT", path, body, { signal: context.signal });
      announce("Saved");
      const address = href(["w", context.workspace, "memories", ids[0] ?? memory.memory_id]);
      if (address === location.hash) context.reload();
      else location.hash = address;
    } catch (error) {
      if (!context.signal.aborted) fill(said, problem(error));
    }
  };
  const form = el(
    "form",
    { class: "stacked", on: { submit } },
    labelled({ label: "Another text in its place" }, input),
    labelled({ label: "Why, for the history" }, reason),
    said,
    el("div", { class: "buttons" }, cancel, save),
  );
  cancel.addEventListener("click", () => cancelled(form));
  return form;
}

function knownCard(memory) {
  const metadata = Object.keys(memory.metadata).length > 0 && el("code", {}, JSON.stringify(memory.metadata));
  const pairs = [
    ["Id", el("code", {}, memory.memory_id)],
    ["Importance", fine(memory.importance)],
    ["Used", `${whole(memory.access_count)} times`],
    ["Last used", memory.last_accessed_at && time(memory.last_accessed_at)],
    ["Written", memory.created_at && time(memory.created_at)],
    ["Happened", memory.event_at && time(memory.event_at)],
    ["Ends", memory.expires_at && time(memory.expires_at)],
    ["In its tier since", memory.tier_since && time(memory.tier_since)],
    ["Source", memory.source],
    ["Group", memory.group],
    ["About", memory.subject],
    ["Author", memory.author],
    ["Client", memory.client],
    ["Session", memory.session_id],
    ["Tags", memory.tags.join(", ")],
    ["Metadata", metadata || null],
  ];
  return card("What is known of it", {}, facts(pairs));
}

/** Who did it; nobody is named where the server asks for no key. */
function named(actor) {
  return actor && !actor.endsWith(":") && ` by ${actor}`;
}

function historyCard({ changes, memories, versions }, id, { workspace }) {
  const others = new Map(memories.map((one) => [one.memory_id, one]));
  const former = new Map(versions.map((one) => [`${one.memory_id} ${one.change_seq}`, one]));
  const line = (one) => {
    const moved = one.tier_from && one.tier_to && one.tier_from !== one.tier_to;
    const other = one.memory_id !== id && others.get(one.memory_id);
    const text = former.get(`${one.memory_id} ${one.change_seq}`)?.content;
    const address = href(["w", workspace, "memories", one.memory_id]);
    return el(
      "li",
      {},
      el("strong", {}, OPS[one.op] ?? one.op),
      moved && ` from ${tierName(one.tier_from)} to ${tierName(one.tier_to)}`,
      " ",
      el("span", { class: "muted" }, time(one.at), named(one.actor)),
      one.reason && el("p", { dir: "auto" }, `“${one.reason}”`),
      text && el("p", { class: "muted", dir: "auto" }, cut(text, 200)),
      other && el("p", { dir: "auto" }, el("a", { href: address }, cut(other.content, 120))),
    );
  };
  const latest = [...changes].sort((one, next) => next.change_seq - one.change_seq);
  return card("History", { about: "Of this memory and of those before and after it." }, el("ol", { class: "history" }, latest.map(line)));
}
