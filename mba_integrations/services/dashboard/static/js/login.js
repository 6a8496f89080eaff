/* The login: a key is sent once, and stays in a cookie that no script can read. */

import { logIn } from "./api.js";
import { el, fill } from "./dom.js";
import { command } from "./parts/notices.js";

/** Ask for a key in *ground*; `entered` is called with the session. */
export function showLogin(ground, entered) {
  document.title = "Log in · Memory budget";
  const said = el("p", { class: "field-error", role: "alert", id: "key-error" });
  const key = el("input", {
    ...{ id: "key", name: "key", type: "password", autocomplete: "current-password" },
    ...{ required: true, spellcheck: "false", placeholder: "mba_…", "aria-describedby": "key-error" },
  });
  const button = el("button", { class: "button primary", type: "submit" }, "Log in");
  const submit = (event) => tried(event, { key, said, button, entered });
  const form = el(
    "form",
    { class: "login-form", on: { submit } },
    el("label", { for: "key" }, "Key"),
    key,
    said,
    button,
  );
  fill(ground, el("main", { class: "login", tabindex: "-1" }, ...greeting(), form, hint()));
  key.focus();
}

function greeting() {
  return [
    el("h1", {}, "Memory budget"),
    el("p", { class: "muted" }, "See what fills each prompt, and what stays out and why."),
  ];
}

function hint() {
  return el(
    "details",
    { class: "login-hint" },
    el("summary", {}, "Where do I get a key?"),
    el("p", {}, "On the machine of the server, make one that may read:"),
    command("mba keys create dashboard --scope read --scope read:content"),
  );
}

async function tried(event, { key, said, button, entered }) {
  event.preventDefault();
  said.textContent = "";
  button.disabled = true;
  try {
    entered(await logIn(key.value.trim()));
  } catch (error) {
    said.textContent = error.message;
    key.select();
    key.focus();
  } finally {
    button.disabled = false;
  }
}
