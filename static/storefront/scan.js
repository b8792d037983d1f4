// The door: scan by the camera, or type the code, which always works.
//
// Each scan has a nonce of its own, so that sending it again after a lost answer is the same scan. Without a
// network it is kept in this browser and sent later with the time it was made.
import { get, getAll, signIn, tokens } from "./api.js";
import { Camera, hasCamera, loadReader, whyNot } from "./camera.js";
import { $, el, fill, formatTime, notify } from "./dom.js";
import { isLost, keepScan, keptScans, ownScans, sendKept, sendScan, whyLost } from "./kept-scans.js";

const GATE = "marquee.door.gate";
// The same code in front of the camera is one scan, until it was away for this long.
const SAME_MS = 4000;
const UPLOAD_MS = 10_000;
const FIGURES_MS = 10_000;
// The server keeps its count for five seconds.
const COUNTED_MS = 5500;
const SHOWN = 10;
const WORDS = {
  accepted: "✓ Let in", duplicate: "✕ Used already", invalid: "✕ Not a ticket", expired: "✕ Code ran out", void: "✕ Void", wrong_event: "✕ Another event", kept: "… Kept, not checked",
};
let event = null;
let door = null;
let camera = null;
let last = { code: "", at: 0 };
let isBusy = false;
let waitUntil = 0;
let scannedAt = 0;
let counting = null;

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const scansAre = (count) => `${count} ${count === 1 ? "scan is" : "scans are"}`;

function showKept() {
  const own = ownScans().length;
  const others = keptScans().length - own;
  $("#kept").textContent = [
    own && `${scansAre(own)} kept here and sent when the server answers again.`,
    others && `${scansAre(others)} kept here for somebody else, and sent when they sign in.`,
  ].filter(Boolean).join(" ");
}

function tell(answer, zone) {
  const panel = $("#result");
  panel.dataset.result = answer.result;
  const first = answer.first_scanned_at && answer.result === "duplicate" && `First at ${formatTime(answer.first_scanned_at, zone)}, ${answer.first_gate || "a door"}.`;
  const verdict = answer.verdict ?? (answer.reason === "left" ? "✓ Let out" : WORDS[answer.result]);
  panel.replaceChildren(...[
    el("p", { class: "verdict" }, verdict),
    answer.ticket && el("p", {}, `${answer.ticket.holder_name} · ${answer.ticket.tier.name} · ${answer.ticket.number}`),
    el("p", {}, answer.message, first ? ` ${first}` : ""),
  ].filter(Boolean));
  if (answer.result === "wait") return;
  const line = el("li", {}, `${new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: event.time_zone }).format(new Date())} ${verdict}${answer.ticket ? ` · ${answer.ticket.number}` : ""}`);
  $("#log").prepend(line);
  while ($("#log").children.length > SHOWN) $("#log").lastChild.remove();
}

/** Say that the code was not looked at: a limit is no word about a ticket. */
function tellWait() {
  const seconds = Math.max(1, Math.ceil((waitUntil - Date.now()) / 1000));
  tell({ result: "wait", verdict: `Wait ${seconds} s`, message: "Too many scans at once: this code was not checked. Scan it again then." });
}

/** Send one scan; says whether it was answered or kept, and not refused as such. */
async function scan(code) {
  if (isBusy || !event) return false;
  if (Date.now() < waitUntil) {
    tellWait();
    return false;
  }
  isBusy = true;
  const gate = $("#gate").value.trim();
  localStorage.setItem(GATE, gate);
  const at = new Date().toISOString();
  const body = { event_id: event.id, code, gate, nonce: randomKey(), direction: $("#leaving").checked ? "OUT" : "IN" };
  try {
    tell(await sendScan(body), event.time_zone);
  } catch (problem) {
    if (problem.status === 401) {
      signIn();
      return false;
    }
    if (problem.status === 429) {
      waitUntil = Date.now() + 1000 * (problem.retryAfter ?? 1);
      // The camera may hold the same code until then.
      last = { code: "", at: 0 };
      tellWait();
      return false;
    }
    if (isLost(problem)) {
      await keepScan({ ...body, scanned_at: at });
      showKept();
      tell({ result: "kept", message: `${whyLost(problem)}: the ticket could not be checked. Decide yourself; the scan is sent later.` });
    } else {
      tell({ result: "invalid", message: [problem.message, ...problem.errors.map((error) => error.message)].join(" ") });
      return false;
    }
  } finally {
    isBusy = false;
  }
  scannedAt = Date.now();
  counting ??= setTimeout(() => { counting = null; figures(); }, COUNTED_MS);
  return true;
}

/** Send what was kept; what the server refuses for good is dropped and said. */
const upload = () => sendKept({
  answered(answer) {
    scannedAt = Date.now();
    if (answer.result !== "accepted") notify(`A scan that was kept: ${WORDS[answer.result]}. ${answer.message}`, "error");
  },
  refused: (problem) => notify(`A scan that was kept was refused: ${problem.message}`, "error"),
  changed: showKept,
});

async function figures() {
  const asked = event;
  if (!asked) return;
  const answer = await get(`events/${asked.id}/checkin`).catch(() => null);
  if (!answer || asked !== event) return;
  door = answer;
  $("#figures").textContent = `${door.admitted} of ${door.tickets} tickets came${door.allows_reentry ? `, ${door.inside} are inside` : ""}.`;
  $("#leaving-part").hidden = !door.allows_reentry;
}

/** Ask again after scans, twice: the server keeps its count for some seconds. */
function renewFigures() {
  if (Date.now() - scannedAt < 2 * FIGURES_MS) figures();
}

function seen(code) {
  if (isBusy || Date.now() < waitUntil) return;
  const now = Date.now();
  const isSame = code === last.code && now - last.at < SAME_MS;
  last = { code, at: now };
  if (!isSame) scan(code);
}

function stopCamera() {
  camera.stop();
  // Started again, it looks anew, also at the code that it saw last.
  last = { code: "", at: 0 };
  $("#video").hidden = $("#lens-part").hidden = $("#torch-part").hidden = true;
  $("#torch").checked = false;
  $("#camera").textContent = "Start the camera";
}

async function showCamera() {
  $("#video").hidden = false;
  $("#camera").textContent = "Stop the camera";
  $("#camera-hint").textContent = "Hold the code in front of the camera.";
  $("#torch-part").hidden = !camera.hasTorch;
  const lenses = await camera.all();
  $("#lens-part").hidden = lenses.length < 2;
  fill($("#lens"), ...lenses.map((one, place) => el("option", { value: one.deviceId, selected: one.deviceId === camera.deviceId }, one.label || `Camera ${place + 1}`)));
}

async function startCamera(deviceId) {
  const button = $("#camera");
  button.disabled = true;
  try {
    await camera.start(deviceId);
    await showCamera();
  } catch (problem) {
    stopCamera();
    sayNoCamera(whyNot(problem));
  } finally {
    button.disabled = false;
  }
}

function sayNoCamera(words) {
  $("#camera-hint").textContent = words;
  $("#code").focus();
}

function prepareCamera() {
  if (!hasCamera()) {
    $("#camera").hidden = true;
    return sayNoCamera("There is no camera for this page: type the codes, or use a hand scanner, which types.");
  }
  camera = new Camera($("#video"), { seen, ended: stopCamera });
  // What fails now is tried again at the start, which says so.
  loadReader().catch(() => {});
  $("#camera").addEventListener("click", () => (camera.isOn ? stopCamera() : startCamera()));
  $("#lens").addEventListener("change", () => startCamera($("#lens").value));
  $("#torch").addEventListener("change", () => camera.light($("#torch").checked));
  return undefined;
}

async function choose() {
  const chosen = $("#event").value;
  event = events.find((one) => one.id === chosen) ?? null;
  door = null;
  $("#door").hidden = !event;
  $("#figures").textContent = "";
  $("#clock").textContent = event ? `By the event's clock (${event.time_zone}).` : "";
  if (event) await figures();
}

let events = [];

async function show() {
  if (!tokens()) return signIn();
  // Before anything is awaited: what is typed meanwhile stays.
  $("#gate").value ||= localStorage.getItem(GATE) ?? "";
  showKept();
  window.addEventListener("storage", showKept);
  window.addEventListener("online", upload);
  setInterval(upload, UPLOAD_MS);
  upload();
  events = await getAll(`events?mine=scan&limit=200&ends_after=${new Date().toISOString()}`);
  if (!events.length) {
    $("#choice").hidden = true;
    return notify("You are no scanner of any event that goes on or comes. Ask the organizer to add you.", "error");
  }
  fill($("#event"), ...events.map((one) => el("option", { value: one.id }, `${one.title} · ${formatTime(one.starts_at, one.time_zone)}`)));
  $("#event").addEventListener("change", choose);
  $("#typed").addEventListener("submit", async (submit) => {
    submit.preventDefault();
    const field = $("#code");
    const code = field.value.trim();
    if (!code || isBusy) return;
    // Emptied at once: the next code may be typed before the answer is there.
    field.value = "";
    field.focus();
    const isDone = await scan(code);
    if (!isDone && !field.value) field.value = code;
  });
  prepareCamera();
  setInterval(renewFigures, FIGURES_MS);
  return choose();
}

try {
  await show();
} catch (problem) {
  if (problem.status === 401) signIn();
  notify(problem.message, "error");
}
