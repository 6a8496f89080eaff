/* What one job found: its answer and grounds, what changes, and where it stands. */

import { el } from "../dom.js";
import { counted, fine, percent, time, whole } from "../format.js";
import { facts, tiles } from "../parts/figures.js";
import { card } from "../parts/heading.js";
import { note } from "../parts/notices.js";
import { pathsOf, told, valueAt } from "../settings/fields.js";
import { apply, takeBack } from "./acts.js";

const STATES = {
  experiment: "Tried on live sessions",
  found: "Not proposed",
  proposal: "Proposed",
  shadow: "In shadow",
  live: "Live",
  watched: "Live and watched",
  kept: "Kept",
  taken_back: "Taken back",
};
const ANSWERS = {
  proposal: ["good", "A proposal: the gain is sure and costs nothing that it must not cost."],
  no_gain: ["info", "No gain that is sure."],
  constraint_broken: ["warning", "A gain that costs something it must not cost."],
  not_enough: ["info", "Not enough to say anything."],
};
const RUNNING = ["info", "Both arms are compared when enough was said of their prompts."];
const TO_TAKE_BACK = ["experiment", "shadow", "live", "watched", "kept"];

/** The card of one; `settings` are those of now. */
export function proposalCard(row, settings, context) {
  const { answer, reasons, comparison, arms } = row.found;
  const [kind, said] = row.state === "experiment" ? RUNNING : ANSWERS[answer];
  const changed = row.changed_at !== row.created_at && [", ", STATES[row.state].toLowerCase(), " since ", time(row.changed_at)];
  const about = [el("code", {}, row.proposal_id), arms ? " · begun " : " · found ", time(row.created_at), changed];
  return card(
    STATES[row.state],
    { about, actions: context.can("admin") && button(row, context), wide: true },
    row.reason && note("warning", row.reason),
    note(kind, said),
    el("ul", { class: "counts" }, reasons.map((one) => el("li", {}, one))),
    changes(row.changes, settings),
    comparison && compared("On newer recalls", comparison),
    arms && compared("Changed settings beside the usual ones", ofArms(arms)),
    row.shadow && compared("In shadow", row.shadow),
    row.plan && el("p", { class: "muted" }, planned(row.plan)),
  );
}

function button(row, context) {
  if (row.state === "proposal") return acting("button primary", "Apply", () => apply(row, context));
  return TO_TAKE_BACK.includes(row.state) && acting("button", "Take back", () => takeBack(row, context));
}

function acting(kind, name, act) {
  return el("button", { class: kind, type: "button", on: { click: act } }, name);
}

/** Each with what it is now, where that is something else. */
function changes(changed, settings) {
  const line = (path) => {
    const [is, would] = [settings, changed].map((one) => told(valueAt(one, path)));
    return [path, is === would ? would : `${is} → ${would}`];
  };
  const pairs = pathsOf(changed).map(line);
  return pairs.length > 0 && [el("h3", {}, "Changed settings"), facts(pairs)];
}

function planned({ shadow, watch, share, recalls }) {
  if (share !== undefined) return `Changed: ${percent(share)} of the sessions. Compared after ${counted(recalls, "recall")} with feedback.`;
  return `Shadow: ${counted(shadow, "recall")}. Watched: ${counted(watch, "recall")}.`;
}

const EVIDENCE = [
  ["Evidence kept", "evidence", percent],
  ["Evidence for each 1,000 tokens", "evidence_per_1000_tokens", fine],
];
const USE = [
  ["Recalls", "recalls", whole],
  ["Recalls with feedback", "judged", whole],
  ["Useful weight for each 1,000 tokens", "useful_per_1000_tokens", fine],
  ["Useful weight of a prompt", "useful_weight", fine],
];
const COSTS = [
  ["Tokens on average", "mean_used_tokens", whole],
  ["Cost on average", "mean_cost", fine],
  ["Stability", "stability", fine],
];

/** The arms of an experiment as two sides that are compared. */
function ofArms({ usual, changed, gain }) {
  return { before: usual, after: changed, gain, beside: "usual", figures: USE };
}

function compared(title, { before, after, gain, beside = "before", figures = EVIDENCE }) {
  const tile = ([label, name, format]) => ({ label, value: format(after[name]), note: `${format(before[name])} ${beside}` });
  const gained = gain && { label: "Gain for each 1,000 tokens", value: fine(gain.value), note: `95 %: ${fine(gain.low)} to ${fine(gain.high)}` };
  return [el("h3", {}, title), tiles([gained, ...figures.map(tile), ...COSTS.map(tile)].filter(Boolean))];
}
