/* Two prompts side by side: the beginning that a provider's cache has already, and what changed. */

import { get, part } from "../api.js";
import { el } from "../dom.js";
import { counted, cut, time, whole } from "../format.js";
import { tiles } from "../parts/figures.js";
import { card, heading } from "../parts/heading.js";
import { empty } from "../parts/notices.js";
import { written } from "../prompt/written.js";
import { href } from "../router.js";

/** Show it. */
export async function show(root, { first, second }, { workspace, signal }) {
  const path = `/v1/workspaces/${part(workspace)}/allocations/${part(first)}/beside/${part(second)}`;
  const found = await get(path, { signal });
  const { entering, leaving } = found.difference;
  const prefix = { chars: found.prefix_chars, tokens: found.prefix_tokens };
  const trail = [[href(["w", workspace, "prompts"]), "Prompts"]];
  const swap = el("a", { class: "button", href: href(["w", workspace, "compare", second, first]) }, "Other way round");
  root.append(
    heading("Two prompts side by side", { about: workspace, trail, actions: [swap] }),
    figures(found),
    el(
      "div",
      { class: "beside" },
      side("First", found.first, workspace, prefix, marks(leaving, "leaving")),
      side("Second", found.second, workspace, prefix, marks(entering, "entering")),
    ),
    changes(found.difference, workspace),
  );
}

function marks(ids, kind) {
  return new Map(ids.map((id) => [id, kind]));
}

function figures({ prefix_tokens: prefix, prefix_chars: chars, difference, second }) {
  const used = second.allocation.record.used_tokens;
  const part = used ? `${Math.round((100 * prefix) / used)} % of the second` : "";
  return tiles([
    { label: "Reused prefix", value: counted(prefix, "token"), note: part || counted(chars, "character") },
    { label: "Staying", value: whole(difference.staying.length), note: "memories in both" },
    { label: "Entering", value: whole(difference.entering.length), note: "only in the second" },
    { label: "Leaving", value: whole(difference.leaving.length), note: "only in the first" },
  ]);
}

function side(name, { allocation, prompt }, workspace, prefix, marked) {
  const { allocation_id: id, at, record } = allocation;
  const address = href(["w", workspace, "prompts", id]);
  const about = [time(at), ` · ${whole(record.used_tokens)} of ${whole(record.budget_tokens)} tokens`];
  const title = `${name}: ${record.query ? cut(record.query, 90) : "question not logged"}`;
  const apart = el("a", { class: "button", href: address }, "Take apart");
  const shown = prompt.text === null ? hidden() : written(prompt, { prefix, marks: marked, label: `${name} prompt` });
  return card(title, { about, actions: [apart] }, shown);
}

function hidden() {
  const text = "Texts are kept where the workspace logs them, and shown to keys with the scope read:content.";
  return empty({ title: "Not shown", text });
}

function changes({ entering, leaving, staying }, workspace) {
  const line = (id) => el("li", {}, el("a", { href: href(["w", workspace, "memories", id]) }, id));
  const list = (title, ids) =>
    ids.length > 0 && el("details", {}, el("summary", {}, `${title} (${whole(ids.length)})`), el("ul", {}, ids.map(line)));
  return card("Memories", {}, list("Entering", entering), list("Leaving", leaving), list("Staying", staying));
}
