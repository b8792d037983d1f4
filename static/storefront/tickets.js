// One's tickets, and the living code of the one that is open: fetched anew before it runs out.
import { Problem, file, get, signIn, tokens } from "./api.js";
import { $, el, fill, formatTime, notify } from "./dom.js";

// A code is replaced when this much of its life is over, so that what is on the screen is always good.
const RENEW_AT = 0.7;
// Browsers read what is saved some time after the click.
const KEPT_MS = 60_000;
const RETRY_MS = [1000, 3000, 8000];
const wanted = document.body.dataset.ticket;
let timer = 0;
let tries = 0;

function row(ticket) {
  const came = ticket.first_scanned_at && `Used ${formatTime(ticket.first_scanned_at, ticket.event.time_zone)}`;
  return el("li", { class: "row" },
    el("div", {}, el("a", { href: `/tickets/${ticket.id}` }, ticket.event.title),
      el("p", { class: "hint" }, `${ticket.tier.name} · ${ticket.number} · ${formatTime(ticket.event.starts_at, ticket.event.time_zone)}`)),
    el("div", { class: "end" }, ticket.status === "VALID" ? el("span", { class: "badge completed" }, came || "Valid") : el("span", { class: "badge failed" }, "Void")));
}

function clock(ends) {
  const left = Math.max(0, Math.round((ends - Date.now()) / 1000));
  $("#code-life").textContent = left ? `A fresh code comes by itself; this one is good for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} more.` : "Fetching a fresh code…";
}

function showCode(shown) {
  const ends = new Date(shown.expires_at).getTime();
  const life = ends - new Date(shown.issued_at).getTime();
  $("#code").replaceChildren(el("img", { class: "qr", src: `data:image/svg+xml;utf8,${encodeURIComponent(shown.svg)}`, alt: "The QR code of your ticket", width: 320, height: 320 }));
  $("#code").removeAttribute("aria-busy");
  $("#manual").textContent = shown.manual_code;
  $("#manual-part").hidden = false;
  $("#code-problem").hidden = true;
  clearInterval(timer);
  // By this page's own clock, which need not be right: the life counts, not the hour.
  const end = Date.now() + life;
  const renew = Date.now() + life * RENEW_AT;
  clock(end);
  timer = setInterval(() => {
    clock(end);
    if (Date.now() >= renew) fetchCode();
  }, 1000);
}

async function fetchCode() {
  clearInterval(timer);
  try {
    showCode(await get(`tickets/${wanted}/qr`));
    tries = 0;
  } catch (problem) {
    if (problem.status === 401) return signIn();
    if (problem.code === "ticket_void" || problem.status === 404) return refuse(problem);
    // The old picture may have run out: it goes, and the typed code, which has no end, stays.
    $("#code").replaceChildren(el("p", { class: "qr-missing" }, "The code cannot be fetched just now. Show the typed code below."));
    $("#code").removeAttribute("aria-busy");
    $("#code-life").textContent = problem instanceof Problem ? problem.message : "";
    setTimeout(fetchCode, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
    tries += 1;
  }
  return undefined;
}

function refuse(problem) {
  fill($("#code"));
  $("#manual-part").hidden = true;
  $("#code-life").textContent = "";
  $("#code-problem").textContent = problem.message;
  $("#code-problem").hidden = false;
}

/** Save the page for printing under the ticket's number. */
async function download(ticket) {
  const button = $("#print");
  button.disabled = true;
  try {
    const address = URL.createObjectURL(await file(`tickets/${ticket.id}/pdf`, "application/pdf"));
    const link = el("a", { href: address, download: `ticket-${ticket.number}.pdf` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  } catch (problem) {
    if (problem.status === 401) return signIn();
    notify(problem.message, "error");
  } finally {
    button.disabled = false;
  }
  return undefined;
}

async function show() {
  if (!tokens()) return signIn();
  const { results } = await get("me/tickets?limit=200");
  fill($("#tickets"), ...results.map(row));
  $("#empty").hidden = results.length > 0;
  if (!wanted) return undefined;
  const mine = results.find((ticket) => ticket.id === wanted);
  if (!mine) return notify("This is no ticket of yours.", "error");
  $("#ticket").hidden = false;
  $("#ticket-title").textContent = mine.event.title;
  $("#ticket-about").textContent = `${mine.tier.name} · ${mine.number} · ${formatTime(mine.event.starts_at, mine.event.time_zone)}`;
  $("#print-part").hidden = !mine.is_printable;
  $("#print-hint").hidden = mine.is_printable || mine.status !== "VALID";
  $("#print").addEventListener("click", () => download(mine));
  // Back from another app or a locked screen: what is shown is renewed at once.
  document.addEventListener("visibilitychange", () => { if (!document.hidden) fetchCode(); });
  return fetchCode();
}

try {
  await show();
} catch (problem) {
  if (problem.status === 401) signIn();
  fill($("#tickets"));
  notify(problem.message, "error");
}
