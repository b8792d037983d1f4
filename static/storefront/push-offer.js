// The offer that comes by itself, once a month at most. The browser's own question follows a click only.
import { $, el } from "./dom.js";
import { enable, noteAsked, publicKey } from "./push.js";

export async function offer() {
  if (!(await publicKey())) return;
  noteAsked();
  const says = el("p", { role: "status" }, "Shall this browser tell you when a seat is offered to you?");
  const yes = el("button", { class: "button", type: "button", onclick: accept }, "Enable notifications");
  const no = el("button", { class: "button quiet", type: "button", onclick: () => box.remove() }, "Not now");
  const box = el("section", { class: "notice push-offer", "aria-label": "Notifications" }, says, el("div", { class: "buy" }, yes, no));
  $("#main").prepend(box);

  async function accept() {
    yes.disabled = true;
    try {
      const permission = await enable();
      says.textContent = permission === "granted" ? "Notifications are on in this browser." : "They stay off. You find them under Notifications.";
      yes.remove();
      no.textContent = "Close";
    } catch (problem) {
      says.textContent = `It did not work: ${problem.message}`;
      yes.disabled = false;
    }
  }
}
