/*
 * Which tier would gain most by more tokens. The server tries some prompts each time it is asked and
 * keeps what it found; a button has it try all of the latest ones.
 */

import { get, part } from "../api.js";
import { el, fill, once, renew } from "../dom.js";
import { counted, fine, whole } from "../format.js";
import { bars } from "../parts/figures.js";
import { card } from "../parts/heading.js";
import { busy, empty, problem } from "../parts/notices.js";
import { tierChip } from "../parts/tiers.js";
import { href } from "../router.js";

const LATEST = 20;

/** The card; `start` asks for the first time. */
export function starvingCard({ workspace, signal }) {
  const inner = el("div", { tabindex: "-1", "aria-label": "What was tried", role: "group" });
  const button = el("button", { class: "button", type: "button", hidden: true });
  const path = `/v1/workspaces/${part(workspace)}/tiers/starving`;
  const ask = async () => {
    const { tiers } = await get(path, { query: { allocations: LATEST }, signal });
    renew(inner, tiers[0].looked_at ? bars(tiers.map(row)) : nothing(workspace));
    return tiers[0].untried;
  };
  const refused = (again) => (error) => signal.aborted || fill(inner, problem(error, again));
  const start = () => {
    fill(inner, busy("Trying the latest prompts again"));
    return ask().then((left) => offer(button, left), refused(start));
  };
  const all = once(() => untilAll(ask, button, inner).catch(refused(all)));
  button.addEventListener("click", all);
  const about = "What 100 more tokens would be worth to each tier, tried on the latest prompts.";
  return { node: card("Which tier starves", { about }, inner, el("div", { class: "buttons start" }, button)), start };
}

function offer(button, left) {
  button.hidden = left === 0;
  button.textContent = `Try ${counted(left, "more prompt")}`;
}

/** Ask until all are tried, or until one cannot be. */
async function untilAll(ask, button, inner) {
  let before = Infinity;
  let left = await ask();
  while (left && left < before) {
    button.textContent = `Trying, ${whole(left)} left`;
    before = left;
    left = await ask();
  }
  const hadFocus = document.activeElement === button;
  offer(button, left);
  if (button.hidden && hadFocus) inner.focus();
}

function row({ tier, value_per_100_tokens: value, would_enter: entering, looked_at: count }) {
  return {
    label: tierChip(tier),
    value,
    text: `+${fine(value)}`,
    note: `${counted(entering, "memory", "memories")} would have come into ${counted(count, "prompt")}.`,
    tone: `tier-${tier}`,
  };
}

function nothing(workspace) {
  return empty({
    title: "None of the latest prompts can be asked again",
    text: "That needs their questions: have the workspace log them (logging.include_text).",
    link: [href(["w", workspace, "settings"]), "Settings"],
  });
}
