/* What stands around every view: the name, the workspaces, the navigation, colours, log out. */

import { logOut } from "./api.js";
import { el, fill } from "./dom.js";
import { href } from "./router.js";
import { themeSwitch } from "./theme.js";
import { VIEWS } from "./views.js";
import { keepWorkspace, lastWorkspace, workspaces } from "./workspaces.js";

const OF_WORKSPACE = "w/:workspace/";

/** Build the shell in *ground*. Returns `{ mark, freshMain }`. */
export function makeShell(ground, session) {
  const nav = el("nav", { class: "nav", "aria-label": "Views" });
  const choice = workspaceSwitch();
  const side = el("header", { class: "side" }, brand(), choice.node, nav, foot(session));
  fill(ground, el("div", { class: "shell" }, side, el("main", {})));
  return {
    freshMain: () => freshMain(ground),
    mark: (view, workspace) => {
      if (workspace) keepWorkspace(workspace);
      choice.show(workspace);
      fill(nav, links(view, workspace ?? lastWorkspace()));
      intoSight(nav);
    },
  };
}

function freshMain(ground) {
  const fresh = el("main", { id: "main", tabindex: "-1" });
  ground.querySelector("main").replaceWith(fresh);
  scrollTo(0, 0);
  return fresh;
}

/** On a narrow page the navigation is a row that scrolls by itself. */
function intoSight(nav) {
  const current = nav.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - nav.clientWidth / 2 + current.offsetWidth / 2;
}

function brand() {
  const mark = el("span", { class: "brand-mark", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  return el("a", { class: "brand", href: href([]) }, mark, "Memory budget");
}

function links(view, workspace) {
  const named = VIEWS.filter((one) => one.nav);
  const own = named.filter((one) => workspace && one.pattern.startsWith(OF_WORKSPACE));
  const rest = named.filter((one) => !one.pattern.startsWith(OF_WORKSPACE));
  const marked = view?.part ?? view?.name;
  const item = (one) => {
    const address = one.pattern.replace(":workspace", encodeURIComponent(workspace));
    const current = one.name === marked && "page";
    return el("li", {}, el("a", { href: `#/${address}`, "aria-current": current }, one.nav));
  };
  return [own, rest].map((some) => some.length > 0 && el("ul", {}, some.map(item)));
}

function workspaceSwitch() {
  const go = () => (location.hash = select.value ? sameViewOf(select.value) : href([]));
  const select = el("select", { id: "workspace", on: { change: go } });
  const label = el("label", { class: "unseen", for: "workspace" }, "Workspace");
  const show = async (chosen) => {
    fill(select, options(chosen ? [chosen] : []));
    select.value = chosen ?? "";
    const known = await workspaces().catch(() => []);
    fill(select, options(known.includes(chosen) || !chosen ? known : [chosen, ...known]));
    select.value = chosen ?? "";
  };
  return { node: el("div", { class: "switch" }, label, select), show };
}

function options(ids) {
  const all = el("option", { value: "" }, "All workspaces");
  return [all, ids.map((id) => el("option", { value: id }, id))];
}

/** The same view of another workspace; the overview for a prompt or a memory, which is none of it. */
function sameViewOf(workspace) {
  const name = location.hash.split(/[/?]/)[3];
  const isThere = VIEWS.some((one) => one.pattern === OF_WORKSPACE + name);
  return href(["w", workspace, isThere ? name : "overview"]);
}

function foot(session) {
  const who = el("span", { class: "who", title: session.scopes.join(", ") }, session.name);
  const attrs = { class: "button quiet", type: "button", on: { click: leave } };
  const out = [who, el("button", attrs, "Log out")];
  return el("div", { class: "foot" }, themeSwitch(), session.name !== null && out);
}

async function leave() {
  await logOut();
  location.reload();
}
