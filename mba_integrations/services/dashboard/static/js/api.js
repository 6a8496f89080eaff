/*
 * The REST API, under the path of the page, where the cookie's key is put in by the server.
 *
 *   const page = await get(`/v1/workspaces/${part(ws)}/allocations`, { query: { limit: 50 } });
 *   await send("POST", `/v1/workspaces/${part(ws)}/pin`, { memory_ids: [id], value: true });
 *
 * What the server refuses is thrown as a `Problem`.
 */

const BASE = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const UNREACHABLE = "The server does not answer. See whether mba serve still runs.";

let csrf = "";
let leave = () => {};

/** What the server refuses, or that there is none: `status` is 0 then. */
export class Problem extends Error {
  constructor(status, said = {}) {
    super(said.detail || said.title || `The server answers ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.title = said.title || "";
    this.detail = this.message;
    this.errors = said.errors || [];
    this.kind = String(said.type || "").split("/").pop();
  }
}

/** A workspace's or a memory's id as a part of a path. */
export function part(id) {
  return encodeURIComponent(id);
}

/** The address of a path of the API in this page. */
export function address(path, query = {}) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") asked.append(name, value);
  }
  const text = asked.toString();
  return BASE + path + (text ? `?${text}` : "");
}

/** The JSON of a path. */
export async function get(path, { query, signal } = {}) {
  return (await getTagged(path, { query, signal })).body;
}

/** The JSON of a path with its ETag, for a change that is made from it. */
export async function getTagged(path, { query, signal } = {}) {
  const reply = await asked(address(path, query), { signal });
  return { body: await read(reply), etag: reply.headers.get("ETag") };
}

/**
 * Change something, or ask with a body. Returns the JSON of the reply, null where it has none.
 *
 * `match` is the ETag of what was changed; `key` names the request, so that it is done once where
 * it is sent again.
 */
export async function send(method, path, body, { query, signal, match, key = newKey() } = {}) {
  const headers = { "X-CSRF-Token": csrf, "Idempotency-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (match) headers["If-Match"] = match;
  const text = body === undefined ? undefined : JSON.stringify(body);
  return read(await asked(address(path, query), { method, headers, body: text, signal }));
}

/** Who looks at the page: `{ needs_key, name, scopes }`. */
export async function session(signal) {
  return known(await asked(`${BASE}/session`, { signal }));
}

/** Log in with a key. */
export async function logIn(key) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  const body = JSON.stringify({ key });
  return known(await asked(`${BASE}/session`, { method: "POST", headers, body }));
}

/** Forget the key. */
export async function logOut() {
  await asked(`${BASE}/session`, { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
}

/** Run *act* when the server wants a key again. */
export function whenLoggedOut(act) {
  leave = act;
}

async function known(reply) {
  const found = await reply.json();
  csrf = found.csrf || "";
  return found;
}

async function asked(url, options) {
  const reply = await fetched(url, options);
  if (reply.ok) return reply;
  const problem = new Problem(reply.status, await said(reply));
  if (reply.status === 401 && !url.endsWith("/session")) leave(problem);
  throw problem;
}

async function fetched(url, options) {
  try {
    return await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "No answer", detail: UNREACHABLE });
  }
}

async function said(reply) {
  try {
    return await reply.json();
  } catch {
    return {};
  }
}

async function read(reply) {
  return reply.status === 204 ? null : reply.json();
}

function newKey() {
  // crypto.randomUUID is there only where the page came by https or from this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
