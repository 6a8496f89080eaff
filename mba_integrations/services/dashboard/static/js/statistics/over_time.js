/* What statistics say over time: tokens of tiers, how long the choice took, what prompts reuse. */

import { filled, timeChart } from "../charts.js";
import { ms, percent, short, whole } from "../format.js";
import { card } from "../parts/heading.js";
import { TIERS, tierName } from "../words.js";
import { WINDOWS } from "./windows.js";

const latency = (phase) => (group) => group[`latency_ms_${phase}`];

/** Tokens in prompts by tier, stacked. `address(since, until)` is that of the prompts of a span. */
export function tokensCard(signal, address) {
  let times = null;
  const addressOf = (place) => {
    const at = times.times[place] * 1000;
    return address(new Date(at), new Date(at + times.step * 1000));
  };
  const chart = timeChart({
    caption: "Tokens in prompts per tier, over time",
    kind: "bars",
    series: TIERS.map((tier) => ({ name: tierName(tier), tone: `tier-${tier}` })),
    ...{ format: whole, short, signal, address: address && addressOf },
  });
  const update = (statistics, window) => {
    const value = (tier) => (group) => group.tier_used_tokens[tier] ?? 0;
    times = series(statistics, window, TIERS.map(value), 0);
    chart.update(times);
  };
  const about = address ? "Of all prompts together. Click a bar for its prompts." : "Of all prompts together.";
  return { node: card("Tokens per tier", { about, wide: true }, chart.node), update };
}

/** The median and the slow end of the choice. */
export function latencyCard(signal) {
  const chart = timeChart({
    caption: "Duration of the choice, over time",
    kind: "lines",
    series: [
      { name: "Median", tone: "tone-accent" },
      { name: "95th percentile", tone: "tone-warning" },
    ],
    ...{ format: ms, short: ms, signal },
  });
  const update = (statistics, window) =>
    chart.update(series(statistics, window, [latency("p50"), latency("p95")], null));
  return { node: card("How long a choice takes", {}, chart.node), update };
}

/** Which part of the prompts a provider's cache may have had already. */
export function prefixCard(signal) {
  const chart = timeChart({
    caption: "Part of prompts that began as the one before, over time",
    kind: "lines",
    series: [{ name: "Stable prefix", tone: "tone-good" }],
    ...{ format: percent, short: percent, signal },
  });
  const part = ({ stable_prefix_tokens: stable, used_tokens: used }) => (used ? (stable ?? 0) / used : null);
  const update = (statistics, window) => chart.update(series(statistics, window, [part], null));
  const about = "The part of each prompt that begins as the one before it in its session.";
  return { node: card("Stable prefix", { about }, chart.node), update };
}

/** What sending everything would have cost besides. */
export function savedCard(signal) {
  const chart = timeChart({
    caption: "Tokens that were not sent, over time",
    kind: "bars",
    series: [{ name: "Left out", tone: "tone-plain" }],
    ...{ format: whole, short, signal },
  });
  const update = (statistics, window) =>
    chart.update(series(statistics, window, [(group) => group.saved_tokens ?? 0], 0));
  const about = "Tokens of memories that were left out, as far as they were counted.";
  return { node: card("Saved tokens", { about }, chart.node), update };
}

function series(statistics, window, values, missing) {
  const { step, seconds } = WINDOWS[window];
  const until = Math.floor(Date.now() / 1000);
  const range = { since: until - seconds, until, step, missing };
  const drawn = values.map((value) => filled(statistics.groups, { ...range, value }));
  return { times: drawn[0].times, step, values: drawn.map((one) => one.values) };
}
