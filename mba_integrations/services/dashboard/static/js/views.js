/*
 * Which view shows which address. To add one:
 *
 * 1. Write `views/<name>.js` with
 *
 *      export async function show(root, params, context) { ...; return cleanup; }
 *
 *    `root` is an empty <main>; the view fills it with `el(...)` of `dom.js`, an <h1> first (see
 *    `heading` in `parts/heading.js`). `params` has the `:names` of the pattern, decoded. `cleanup`
 *    is optional, called when the view is left. Errors may be thrown: the page then shows what the
 *    server said and what to do.
 *
 *    `context` has
 *      workspace  the id of the workspace in the address, or null
 *      query      URLSearchParams of the address after `?`; `keepQuery` of `router.js` changes it
 *      signal     aborted when the view is left: hand it to `get`, `send`, `follow`
 *      can(scope) whether the key has a scope: "read", "write", "forget", "admin", "read:content"
 *      reload()   shows the view anew
 *
 * 2. Add its line here. Only what is looked at is loaded. `nav` is the title in the navigation,
 *    `part` the entry of the navigation that is marked for a view that has none of its own.
 *
 * Parts: `parts/table.js` (sorting, more rows), `parts/filters.js`, `parts/dialog.js`,
 * `parts/tabs.js`, `parts/notices.js` (empty, problem, busy, command), `parts/tiers.js` (chip,
 * stack, legend), `parts/figures.js` (tiles, bars), `charts.js`.
 */

const view = (pattern, name, more = {}) => ({
  pattern,
  name,
  load: () => import(`./views/${name}.js`),
  ...more,
});

/** Every view, in the order of the navigation. */
export const VIEWS = [
  view("", "workspaces", { nav: "All workspaces" }),
  view("jobs", "jobs", { nav: "Jobs and stores" }),
  view("w/:workspace", "overview", { part: "overview" }),
  view("w/:workspace/overview", "overview", { nav: "Overview" }),
  view("w/:workspace/prompts", "prompts", { nav: "Prompts" }),
  view("w/:workspace/prompts/:id", "prompt", { part: "prompts" }),
  view("w/:workspace/compare/:first/:second", "compare", { part: "prompts" }),
  view("w/:workspace/memories", "memories", { nav: "Memories" }),
  view("w/:workspace/memories/:id", "memory", { part: "memories" }),
  view("w/:workspace/documents", "documents", { nav: "Documents" }),
  view("w/:workspace/upkeep", "upkeep", { nav: "Upkeep" }),
  view("w/:workspace/settings", "settings", { nav: "Settings" }),
  view("w/:workspace/gateway", "gateway", { nav: "Gateway" }),
  view("w/:workspace/tuning", "tuning", { nav: "Tuning" }),
];
