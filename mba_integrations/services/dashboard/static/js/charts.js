/*
 * Charts over time, drawn by uPlot, each with its values in the legend and as a table.
 *
 *   const tokens = timeChart({
 *     caption: "Tokens per tier",
 *     kind: "bars",                       // stacked; "lines" draws each by itself
 *     series: [{ name: "Working", tone: "tier-working" }],
 *     format: whole,
 *     signal: context.signal,
 *   });
 *   root.append(tokens.node);
 *   tokens.update({ times: [1700000000, 1700003600], step: 3600, values: [[10, 20]] });
 *
 * A tone is a class that sets `--tone`; canvases read the colour that it has in the theme.
 */

import { el, renew } from "./dom.js";
import { UNKNOWN, moment } from "./format.js";
import { whenThemeChanges } from "./theme.js";

const HEIGHT = 190;
const DAY = 86400;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

/**
 * Make one. `address(place)` says where a click on the time at a place leads, as does its link in
 * the table.
 *
 * Returns `{ node, update }`; `update` takes `times` (seconds since 1970, each the beginning of a
 * span), `step` (seconds of a span) and `values`, one list for each series; null draws nothing.
 */
export function timeChart({ caption, kind, series, format, signal, address, short = format }) {
  const chart = { kind, series, format, short, address, plot: null, step: 0, data: null };
  chart.legend = el("ul", { class: "legend" }, series.map(legendEntry));
  chart.when = el("span", { class: "legend-when" });
  chart.box = el("div", { class: "plot", "aria-hidden": "true" });
  chart.table = el("div", { class: "plot-table" });
  const details = el("details", { class: "as-table" }, el("summary", {}, "As a table"), chart.table);
  details.addEventListener("toggle", () => renew(chart.table, details.open && tableOf(chart)));
  const head = el("figcaption", {}, el("span", { class: "unseen" }, caption), chart.legend, chart.when);
  observed(chart, signal);
  const update = (data) => {
    chart.data = data;
    if (chart.plot && chart.step === data.step) chart.plot.setData(columns(chart));
    else redrawn(chart);
    say(chart, null);
    if (details.open) renew(chart.table, tableOf(chart));
  };
  return { node: el("figure", { class: "chart" }, head, chart.box, details), update };
}

/** Every span from the first to the last, with null or zero where nothing happened. */
export function filled(groups, { since, until, step, value, missing = 0 }) {
  const known = new Map(groups.map((group) => [Date.parse(group.key) / 1000, group]));
  const times = [];
  const first = known.size ? Math.min(...known.keys()) : until;
  const start = first - Math.ceil((first - since) / step) * step;
  for (let at = start; at <= until; at += step) if (at + step > since) times.push(at);
  return { times, step, values: times.map((at) => (known.has(at) ? value(known.get(at)) : missing)) };
}

function legendEntry({ name, tone }) {
  const key = el("span", { class: `legend-key ${tone}` }, el("i", { "aria-hidden": "true" }), name);
  return el("li", {}, key, " ", el("b", { class: "legend-value" }));
}

function observed(chart, signal) {
  const watch = new ResizeObserver(() => resized(chart));
  watch.observe(chart.box);
  whenThemeChanges(() => redrawn(chart), signal);
  signal.addEventListener("abort", () => {
    watch.disconnect();
    chart.plot?.destroy();
    chart.plot = null;
  });
}

function resized(chart) {
  const width = chart.box.clientWidth;
  if (!chart.plot) draw(chart);
  else if (width && width !== chart.plot.width) chart.plot.setSize({ width, height: HEIGHT });
}

function redrawn(chart) {
  chart.plot?.destroy();
  chart.plot = null;
  draw(chart);
}

function draw(chart) {
  if (!chart.data || !chart.box.clientWidth) return;
  chart.plot = new uPlot(options(chart), columns(chart), chart.box);
  chart.step = chart.data.step;
  if (!chart.address) return;
  chart.plot.over.classList.add("pickable");
  chart.plot.over.addEventListener("click", () => {
    const { idx } = chart.plot.cursor;
    if (idx !== null) location.hash = chart.address(idx);
  });
}

/** What uPlot draws, the last series first: stacked ones cover each other from the top down. */
function columns({ kind, data }) {
  const drawn = kind === "bars" ? summed(data.values) : data.values;
  return [data.times, ...[...drawn].reverse()];
}

function summed(values) {
  let below = values[0].map(() => 0);
  return values.map((one) => (below = one.map((value, place) => below[place] + (value ?? 0))));
}

function options(chart) {
  const range = ({ data }) => [data.times[0], data.times.at(-1) + data.step];
  const [from, to] = range(chart);
  return {
    width: chart.box.clientWidth,
    height: HEIGHT,
    padding: [10, 28, 0, 0], // half a label of time stands out on the right
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { show: chart.kind === "lines" } },
    scales: { x: { time: true, range: () => range(chart) }, y: { range: fromZero } },
    axes: axes(chart, to - from),
    series: [{}, ...chart.series.map((one) => drawnAs(chart, one)).reverse()],
    hooks: { setCursor: [(plot) => say(chart, plot.cursor.idx ?? null)] },
  };
}

function fromZero(_plot, _least, most) {
  return [0, most > 0 ? most * 1.06 : 1];
}

function drawnAs({ kind, box }, { tone }) {
  const colour = colourOf(box, tone);
  const points = { show: kind === "lines" ? undefined : false, size: 5 };
  if (kind === "lines") return { stroke: colour, width: 2, points, spanGaps: true };
  // A bar stands on its span: from its beginning to shortly before the next one.
  const paths = uPlot.paths.bars({ size: [0.82, 42], align: 1, radius: 0 });
  return { fill: colour, stroke: colour, width: 0, paths, points };
}

function axes({ box, short }, seconds) {
  const style = {
    stroke: colourOf(box, "tone-muted"),
    grid: { stroke: colourOf(box, "tone-line"), width: 1 },
    ticks: { show: false },
    font: `11px ${getComputedStyle(box).fontFamily}`,
  };
  const label = (at) => (seconds > 2 * DAY ? DATE : CLOCK).format(at * 1000);
  return [
    { ...style, size: 26, grid: { show: false }, space: 70, values: (_plot, at) => at.map(label) },
    { ...style, size: 48, space: 36, values: (_plot, values) => values.map(short) },
  ];
}

/** The colour of a tone: the browser has resolved theme and variables in the colour of a text. */
function colourOf(box, tone) {
  const probe = box.appendChild(el("span", { class: `probe ${tone}` }));
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Show the values of one time in the legend; without one, the time stays empty. */
function say(chart, place) {
  const { times, values } = chart.data;
  const isThere = place !== null && place < times.length;
  chart.when.textContent = isThere ? moment(new Date(times[place] * 1000)) : "";
  for (const [at, entry] of [...chart.legend.children].entries()) {
    const value = isThere ? values[at][place] : null;
    entry.querySelector(".legend-value").textContent = isThere ? chart.format(value) : "";
  }
}

function tableOf({ series, data, format, address }) {
  if (!data) return null;
  const head = el("tr", {}, ["Time", ...series.map((one) => one.name)].map((name) => el("th", { scope: "col" }, name)));
  const shown = data.times.map((at, place) => [at, place]).filter(([, place]) => isKnown(data, place));
  const named = (at, place) => {
    const time = moment(new Date(at * 1000));
    return address ? el("a", { href: address(place) }, time) : time;
  };
  const lines = shown.map(([at, place]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, named(at, place)),
      data.values.map((one) => el("td", { class: "numeric" }, one[place] === null ? UNKNOWN : format(one[place]))),
    ),
  );
  return el("table", { class: "plain" }, el("thead", {}, head), el("tbody", {}, lines));
}

function isKnown({ values }, place) {
  return values.some((one) => one[place]);
}
