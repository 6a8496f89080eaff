/*
 * Views by the fragment of the address, so that every view can be linked to and the server keeps
 * nothing of it. Ids may hold slashes: each part is encoded by itself.
 *
 *   href(["w", "kate/home", "prompts"], { reason: "outranked" })
 *   -> "#/w/kate%2Fhome/prompts?reason=outranked"
 */

/** The address of a view. */
export function href(parts, query = {}) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) asked.set(name, value);
  const text = asked.toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** The parts and the query of a fragment. */
export function parsed(fragment) {
  const [path, query = ""] = fragment.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { parts, query: new URLSearchParams(query) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The first route that fits: `{ route, params }`, or null. `:name` in a pattern takes any part. */
export function matched(routes, parts) {
  for (const route of routes) {
    const params = paramsOf(route.pattern.split("/").filter(Boolean), parts);
    if (params) return { route, params };
  }
  return null;
}

function paramsOf(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [place, name] of pattern.entries()) {
    if (name.startsWith(":")) params[name.slice(1)] = parts[place];
    else if (name !== parts[place]) return null;
  }
  return params;
}

/** Change the query of this view's address; the view stays and no step back is added. */
export function keepQuery(query) {
  const { parts } = parsed(location.hash);
  history.replaceState(null, "", href(parts, query));
}
