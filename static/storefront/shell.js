// What every page has: who is signed in, and this browser's place among their devices.
import { get, keepTokens, tokens } from "./api.js";
import { $, el } from "./dom.js";
import { isSupported, keepUp, kept, leave, listen, mayAsk, takeOffOthers } from "./push.js";

// A page on which somebody works is not interrupted.
const QUIET_PAGES = ["scan", "signin", "notifications", "unsubscribe"];
const LEAVE_MS = 3000;

async function signOut() {
  // The next person at this browser does not get what is written to this one; a slow network holds nobody back.
  if (kept()) await Promise.race([leave().catch(() => {}), new Promise((done) => { setTimeout(done, LEAVE_MS); })]);
  keepTokens(null);
  location.assign("/");
}

async function showAccount() {
  const me = await get("me");
  const leaving = el("button", { class: "button quiet", type: "button", onclick: signOut }, "Sign out");
  $("#account").before(el("a", { href: "/notifications" }, "Notifications"));
  $("#account").replaceChildren(el("span", { class: "who" }, me.name || me.email), leaving);
}

async function carePush() {
  if (!isSupported()) return;
  await takeOffOthers();
  if (!tokens()) return;
  listen();
  if (kept()) await keepUp();
  else if (mayAsk() && !QUIET_PAGES.includes(document.body.dataset.page)) await (await import("./push-offer.js")).offer();
}

try {
  if (tokens()) await showAccount();
  await carePush();
} catch (problem) {
  if (problem.status === 401) keepTokens(null);
}
