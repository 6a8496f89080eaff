/* Tuning: settings that were found in past recalls, switching them on in stages, taking them back. */

import { get, send } from "../api.js";
import { announce, el, fill } from "../dom.js";
import { pathOf } from "../memories/acts.js";
import { heading } from "../parts/heading.js";
import { empty, note, problem } from "../parts/notices.js";
import { href } from "../router.js";
import { proposalCard } from "../tuning/proposal.js";

/** Show it. */
export async function show(root, _params, context) {
  const { workspace, signal, can } = context;
  const of = pathOf(workspace);
  const asked = [`${of}/tuning`, of].map((path) => get(path, { signal }));
  const [{ proposals }, { settings }] = await Promise.all(asked);
  const said = el("div", {});
  root.append(
    heading("Tuning", { about: workspace, actions: can("admin") ? [lookButton(said, workspace)] : [] }),
    said,
    proposals.length ? el("div", { class: "grid" }, proposals.map((one) => proposalCard(one, settings, context))) : nothing(),
  );
}

function nothing() {
  return empty({
    title: "Nothing looked for yet",
    text:
      "Other settings are tried on past recalls, and proposed where prompts keep the same evidence in fewer tokens. Nothing changes by it. " +
      "The workspace must log texts (logging.include_text), have feedback on its prompts, and at least 300 recalls.",
  });
}

function lookButton(said, workspace) {
  const look = el("button", { class: "button primary", type: "button" }, "Look for better settings");
  look.addEventListener("click", async () => {
    look.disabled = true;
    try {
      const { job_id: id } = await send("POST", `${pathOf(workspace)}/tuning`, {});
      const jobs = href(["jobs"], { workspace });
      announce("A job looks for better settings");
      fill(said, note("info", `The job ${id} looks for them. What it finds is listed here when it is done. `, el("a", { href: jobs }, "See the jobs")));
    } catch (error) {
      fill(said, problem(error));
    } finally {
      look.disabled = false;
    }
  });
  return look;
}
