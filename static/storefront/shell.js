// What every page has: who is signed in.
import { get, keepTokens, tokens } from "./api.js";
import { $, el } from "./dom.js";

async function showAccount() {
  if (!tokens()) return;
  try {
    const me = await get("me");
    const leave = el("button", { class: "button quiet", type: "button", onclick: () => { keepTokens(null); location.assign("/"); } }, "Sign out");
    $("#account").replaceChildren(el("span", { class: "who" }, me.name || me.email), leave);
  } catch (problem) {
    if (problem.status === 401) keepTokens(null);
  }
}

showAccount();
