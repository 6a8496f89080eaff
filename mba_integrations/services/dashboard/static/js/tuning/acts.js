/* Switching proposed settings on, and taking them back, each with a question first. */

import { part, send } from "../api.js";
import { announce, el } from "../dom.js";
import { pathOf } from "../memories/acts.js";
import { confirm } from "../parts/dialog.js";
import { labelled } from "../parts/filters.js";

const MOST_RECALLS = "10000";

/** Ask for how many recalls, and switch them on; the view is shown anew when it was done. */
export async function apply(row, context) {
  const shadow = recalls("shadow", "0", "100");
  const watch = recalls("watch", "30", "500");
  const done = await confirm({
    title: "Apply these settings?",
    body: [
      el("p", {}, "In shadow they decide new recalls a second time, and nothing that is sent changes. Then they hold and are watched: what is worse than before is taken back. What is not is kept."),
      labelled({ label: "Recalls in shadow; 0 for none" }, shadow),
      labelled({ label: "Recalls watched" }, watch),
    ],
    action: "Apply",
    act: () => send("POST", pathTo(row, context, "apply"), { shadow: Number(shadow.value), watch: Number(watch.value) }),
  });
  shownAnew(done, "Applied", context);
}

/** Ask, and take them back; the view is shown anew when it was done. */
export async function takeBack(row, context) {
  const done = await confirm({
    title: "Take these settings back?",
    body: el("p", {}, "What they changed goes back to what it was, as a new version. What somebody else changed since stays."),
    action: "Take back",
    act: () => send("POST", pathTo(row, context, "rollback")),
  });
  shownAnew(done, "Taken back", context);
}

function recalls(name, min, value) {
  return el("input", { name, type: "number", min, max: MOST_RECALLS, step: "1", required: true, value });
}

function pathTo({ proposal_id: id }, { workspace }, what) {
  return `${pathOf(workspace)}/tuning/${part(id)}/${what}`;
}

function shownAnew(done, said, { reload }) {
  if (!done) return;
  announce(said);
  reload();
}
