/*
 * Which field shows which setting. A setting is named by its path, as errors of the server name it:
 * `/logging/include_text`.
 *
 * Numbers, texts and switches have a field each; what is a list or a mapping is written as JSON.
 */

import { cut } from "../format.js";

/** Settings that are looked at most, by what they are about. */
export const SECTIONS = [
  {
    title: "Budget",
    about: "The most tokens that memory may have in a prompt, and each tier's share of them.",
    paths: ["max_total_tokens", "reserved_tokens", "complexity_multipliers"],
  },
  {
    title: "Shares",
    about: "They add up to 1. What a tier cannot use flows to others where borrowing is on.",
    paths: [
      "working_memory_pct",
      "project_memory_pct",
      "long_term_memory_pct",
      "rag_memory_pct",
      "borrowing",
      "tier_floor_tokens",
      "tier_cap_tokens",
    ],
  },
  {
    title: "What comes in",
    about: "How a memory is weighed, and from what worth on it is let in.",
    paths: ["min_score", "token_price", "duplicate_threshold", "passage_min_tokens", "recent_share", "stability"],
  },
  {
    title: "Scores",
    about: "The three weights add up to 1.",
    paths: [
      "scoring_method",
      "relevance_weight",
      "importance_weight",
      "freshness_weight",
      "half_life_days",
      "tier_half_life_days",
    ],
  },
];

const SHOWN = new Set(SECTIONS.flatMap((section) => section.paths));
const NOT_SHOWN = new Set(["workspace_id", "experiment"]);
const NUMBERS_OR_NONE = new Set([
  "token_price",
  "duplicate_threshold",
  "passage_min_tokens",
  "gateway.memory_tokens",
  "gateway.request_tokens",
  "gateway.strong_points",
]);
const MAPPINGS_OR_NONE = new Set(["complexity.learned"]);
const CHOICES = {
  scoring_method: ["usefulness", "weighted_sum", "product"],
  "gateway.inject": ["off", "system", "before_last_user"],
  "gateway.route": ["off", "shadow", "on"],
  "gateway.on_error": ["pass", "fail"],
  "gateway.unknown": ["simple", "medium", "complex", "expert"],
};

/** Every section with its paths: those above, then a folded one for each group of settings. */
export function sectionsOf(settings) {
  const rest = Object.keys(settings).filter((name) => !SHOWN.has(name) && !NOT_SHOWN.has(name));
  const groups = rest.filter((name) => isMapping(settings[name]));
  const single = rest.filter((name) => !isMapping(settings[name]));
  const folded = groups.map((name) => ({
    title: worded(name),
    folded: true,
    paths: Object.keys(settings[name]).map((key) => `${name}.${key}`),
  }));
  return [...SECTIONS, ...(single.length ? [{ title: "Other", paths: single }] : []), ...folded];
}

/** How a setting is typed: "switch", "number", "choice", "text" or "json". */
export function kindOf(path, value) {
  if (CHOICES[path]) return "choice";
  if (typeof value === "boolean") return "switch";
  if (typeof value === "number" || NUMBERS_OR_NONE.has(path)) return "number";
  if (MAPPINGS_OR_NONE.has(path)) return "json";
  return typeof value === "string" || value === null ? "text" : "json";
}

/** What a choice is among; the one that holds is always there. */
export function choicesOf(path, value) {
  return CHOICES[path].includes(value) ? CHOICES[path] : [value, ...CHOICES[path]];
}

/** The setting of a path. */
export function valueAt(settings, path) {
  return path.split(".").reduce((found, name) => found?.[name], settings);
}

/** A value in a line. */
export function told(value) {
  return cut(value === null || value === undefined ? "none" : JSON.stringify(value), 120);
}

/** Settings of some paths as the server takes changes: groups hold what differs. */
export function patchOf(changes) {
  const patch = {};
  for (const [path, value] of changes) {
    const names = path.split(".");
    const last = names.pop();
    const group = names.reduce((found, name) => (found[name] ??= {}), patch);
    group[last] = value;
  }
  return patch;
}

/** The paths of changes as the server gives them: the other way round. */
export function pathsOf(patch) {
  return Object.entries(patch).flatMap(([name, value]) =>
    isMapping(value) ? pathsOf(value).map((path) => `${name}.${path}`) : [name],
  );
}

/** Every path at which two settings differ. */
export function differing(one, other) {
  return sectionsOf(one)
    .flatMap((section) => section.paths)
    .filter((path) => JSON.stringify(valueAt(one, path)) !== JSON.stringify(valueAt(other, path)));
}

/** A name as people read it. */
export function worded(path) {
  const text = path.split(".").pop().replace(/_pct$/, "").replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}

function isMapping(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
