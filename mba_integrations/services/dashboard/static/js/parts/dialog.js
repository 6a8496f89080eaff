/* Dialogs. The browser's own <dialog> keeps the focus inside and gives it back. */

import { el, freshId } from "../dom.js";
import { problem } from "./notices.js";

/**
 * Ask before something is done. True when it was.
 *
 * @param title The question.
 * @param body Texts and elements that say what will happen.
 * @param action The name of the button that does it.
 * @param danger Whether it cannot be taken back.
 * @param act What is done; its error is shown in the dialog, which stays open.
 */
export function confirm({ title, body = [], action = "Apply", danger = false, act = async () => {} }) {
  return opened(({ dialog, close }) => {
    const said = el("div", {});
    const kind = danger ? "button danger" : "button primary";
    const done = el("button", { class: kind, type: "submit" }, action);
    const cancel = el("button", { class: "button", type: "button" }, "Cancel");
    cancel.addEventListener("click", () => close(false));
    const submit = async (event) => {
      event.preventDefault();
      done.disabled = true;
      try {
        await act(new FormData(event.target));
        close(true);
      } catch (error) {
        said.replaceChildren(problem(error));
        done.disabled = false;
      }
    };
    const form = el("form", { on: { submit } }, body, said, el("div", { class: "buttons" }, cancel, done));
    dialog.append(titled(dialog, title), form);
  });
}

/** Show something over the page; closes by itself with Escape. */
export function showDialog(title, ...children) {
  return opened(({ dialog, close }) => {
    const done = el("button", { class: "button", type: "button" }, "Close");
    done.addEventListener("click", () => close(true));
    dialog.append(titled(dialog, title), ...children, el("div", { class: "buttons" }, done));
  });
}

function titled(dialog, title) {
  const id = freshId("dialog");
  dialog.setAttribute("aria-labelledby", id);
  return el("h2", { id }, title);
}

function opened(build) {
  const dialog = el("dialog", { class: "dialog" });
  return new Promise((settle) => {
    let answer = false;
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      settle(answer);
    });
    build({ dialog, close });
    document.body.append(dialog);
    dialog.showModal();
  });
}
