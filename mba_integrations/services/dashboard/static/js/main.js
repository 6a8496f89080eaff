/* The start: who looks, then the view of the address, and another one whenever that changes. */

import { session, whenLoggedOut } from "./api.js";
import { announce, el, fill } from "./dom.js";
import { showLogin } from "./login.js";
import { busy, empty, problem } from "./parts/notices.js";
import { href, matched, parsed } from "./router.js";
import { makeShell } from "./shell.js";
import { applyTheme } from "./theme.js";
import { VIEWS } from "./views.js";

const ground = document.getElementById("shell");
const state = { shell: null, scopes: [], leave: () => {} };

async function start() {
  applyTheme();
  fill(ground, busy("Opening the dashboard"));
  try {
    entered(await session());
  } catch (error) {
    fill(ground, problem(error, start));
  }
}

function entered(found) {
  if (found.needs_key) {
    state.leave();
    state.shell = null;
    showLogin(ground, entered);
    return;
  }
  state.scopes = found.scopes;
  state.shell = makeShell(ground, found);
  route();
}

function can(scope) {
  return state.scopes.includes(scope);
}

async function route() {
  if (!state.shell || !(location.hash === "" || location.hash.startsWith("#/"))) return;
  const { parts, query } = parsed(location.hash);
  const found = matched(VIEWS, parts);
  state.leave();
  const leaving = new AbortController();
  state.leave = () => leaving.abort();
  const workspace = found?.params.workspace ?? null;
  state.shell.mark(found?.route ?? null, workspace);
  const root = state.shell.freshMain();
  if (!found) {
    fill(root, nothingHere());
    return;
  }
  const context = { workspace, query, can, signal: leaving.signal, reload: route };
  await shown(found, root, context);
}

async function shown({ route: view, params }, root, context) {
  const sign = busy();
  const waiting = setTimeout(() => root.childElementCount || root.append(sign), 150);
  try {
    const module = await view.load();
    const cleanup = await module.show(root, params, context);
    if (cleanup) whenLeft(context.signal, cleanup);
  } catch (error) {
    if (context.signal.aborted) return;
    if (!(error instanceof Error && "status" in error)) console.error(error);
    fill(root, el("h1", {}, view.nav || "Not shown"), problem(error, context.reload));
  } finally {
    clearTimeout(waiting);
    sign.remove();
  }
  if (!context.signal.aborted) told(root);
}

function whenLeft(signal, act) {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act);
}

function told(root) {
  const title = root.querySelector("h1")?.textContent || "Dashboard";
  document.title = `${title} · Memory budget`;
  announce(title);
}

function nothingHere() {
  const text = "No view has this address. The one that led here may be old.";
  return empty({ title: "Nothing here", text, link: [href([]), "All workspaces"] });
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is the view's address
  document.querySelector("main")?.focus();
});
addEventListener("hashchange", route);
whenLoggedOut(start);
start();
