/* What can be done to memories, each with a question first where it hides something. */

import { part, send } from "../api.js";
import { el } from "../dom.js";
import { counted } from "../format.js";
import { confirm } from "../parts/dialog.js";
import { labelled } from "../parts/filters.js";
import { note } from "../parts/notices.js";
import { TIERS, tierName } from "../words.js";

/** The path of a workspace in the API. */
export function pathOf(workspace) {
  return `/v1/workspaces/${part(workspace)}`;
}

/** Have memories in every prompt, or no longer. */
export function pin(workspace, ids, value) {
  return send("POST", `${pathOf(workspace)}/pin`, { memory_ids: ids, value });
}

/** Keep memories from retention, or no longer. */
export function hold(workspace, ids, value) {
  return send("POST", `${pathOf(workspace)}/hold`, { memory_ids: ids, value });
}

/** Ask for a tier, and move memories there. True when it was done. */
export function move(workspace, ids, from) {
  const tier = select("tier", TIERS.map((one) => [one, tierName(one)]), from);
  return confirm({
    title: `Move ${counted(ids.length, "memory", "memories")}`,
    body: labelled({ label: "To" }, tier),
    action: "Move",
    act: () => send("POST", `${pathOf(workspace)}/move`, { memory_ids: ids, tier: tier.value }),
  });
}

/** Ask, and forget memories. True when it was done. */
export function forget(workspace, ids) {
  const reason = el("input", { name: "reason", maxlength: "500", autocomplete: "off" });
  return confirm({
    title: `Forget ${counted(ids.length, "memory", "memories")}?`,
    body: [
      el("p", {}, "No prompt will have it any more. Its text stays in the history; what must be nowhere is erased instead."),
      labelled({ label: "Why, for the history" }, reason),
    ],
    action: "Forget",
    danger: true,
    act: () => {
      const why = reason.value.trim() || undefined;
      return send("POST", `${pathOf(workspace)}/forget`, { memory_ids: ids, reason: why });
    },
  });
}

/** Ask for a text, and remember it. True when it was done. */
export function remember(workspace) {
  const text = el("textarea", { name: "content", rows: "5", required: true });
  const tier = select("tier", TIERS.map((one) => [one, tierName(one)]), "long_term");
  return confirm({
    title: "Remember something",
    body: [labelled({ label: "Text" }, text), labelled({ label: "Tier" }, tier)],
    action: "Remember",
    act: () => send("POST", `${pathOf(workspace)}/memories`, { memories: [text.value], tier: tier.value }),
  });
}

/** A choice of `[value, name]` pairs. */
export function select(name, pairs, chosen) {
  const node = el("select", { name }, pairs.map(([value, label]) => el("option", { value }, label)));
  if (chosen !== undefined) node.value = chosen;
  return node;
}

/** Signs of what is special about a memory. */
export function signs(memory) {
  const named = [
    memory.state && memory.state !== "active" && memory.state,
    memory.pinned && "pinned",
    memory.held && "held",
    memory.expires_at && "expires",
  ];
  return named.filter(Boolean).map((name) => el("span", { class: `sign sign-${name}` }, name));
}

/** What somebody may do who has no right to change anything. */
export function readOnly(can) {
  return !can("write") && note("info", "Your key may look and not change. A key with the scope write may.");
}
