// One's notifications: this browser, what comes by which channel, quiet hours, devices.
import { api, get, getAll, signIn, tokens } from "./api.js";
import { $, el, fill, formatTime, notify } from "./dom.js";
import { enable, forget, isSupported, kept, publicKey } from "./push.js";

const CHANNELS = { email: "e-mail", push: "push" };
const BLOCKED = "You blocked notifications of this site. To allow them, open the site's settings beside the address, choose “Notifications”, then “Allow”, and load this page anew.";
let shown;

// This browser

function say(state, { help = "", mayEnable = false } = {}) {
  $("#here-state").textContent = state;
  $("#here-help").textContent = help;
  $("#here-help").hidden = !help;
  $("#enable").hidden = !mayEnable;
}

async function showHere() {
  if (!isSupported()) return say("This browser cannot take notifications.");
  if (!(await publicKey())) return say("Notifications to browsers are not set up here.");
  if (kept() && Notification.permission === "granted") return say("Notifications are on in this browser.");
  if (Notification.permission === "denied") return say("Notifications are blocked in this browser.", { help: BLOCKED, mayEnable: true });
  return say("Notifications are off in this browser.", { mayEnable: true });
}

async function enableHere() {
  $("#enable").disabled = true;
  try {
    const permission = await enable();
    await showHere();
    if (permission === "granted") await showDevices();
  } catch (problem) {
    say("Notifications could not be enabled.", { help: problem.message, mayEnable: true });
  }
  $("#enable").disabled = false;
}

// Devices

const NAMES = { web: "Browser", ios: "Apple device", android: "Android device" };

function deviceRow(device) {
  const isHere = kept()?.device === device.id;
  const name = `${NAMES[device.platform] ?? device.platform}${device.app ? `, ${device.app}` : ""}`;
  const remove = el("button", { class: "button quiet", type: "button", "aria-label": `Remove ${name} ${device.token}`, onclick: () => removeDevice(device) }, "Remove");
  return el("li", { class: "row" },
    el("div", {}, el("span", {}, `${name} `, isHere && el("span", { class: "badge completed" }, "This browser")),
      el("p", { class: "hint" }, `${device.token} · seen ${formatTime(device.last_seen_at)}`)),
    el("div", { class: "end" }, remove));
}

async function removeDevice(device) {
  try {
    await api("DELETE", `me/devices/${device.id}`);
    if (kept()?.device === device.id) forget();
    await Promise.all([showDevices(), showHere()]);
    $("#devices-title").focus();
  } catch (problem) {
    notify(problem.message, "error");
  }
}

async function showDevices() {
  const devices = await getAll("me/devices");
  // Taken off at another device: this one is to know.
  if (kept() && !devices.some((one) => one.id === kept().device)) forget();
  fill($("#devices"), ...devices.map(deviceRow));
  $("#devices").hidden = devices.length === 0;
  $("#empty").hidden = devices.length > 0;
}

// Preferences

function cell(kind, channel) {
  if (!kind.channels.includes(channel)) return el("td", {}, el("span", { class: "visually-hidden" }, "not by this channel"), "–");
  const box = el("input", {
    type: "checkbox", name: `${kind.kind}.${channel}`, "aria-label": `${kind.title} by ${CHANNELS[channel]}`,
    checked: shown.preferences[kind.kind][channel], disabled: kind.is_transactional,
  });
  return el("td", {}, box);
}

function kindRow(kind) {
  const always = kind.is_transactional && " These answer what you did, so they always come.";
  return el("tr", {}, el("th", { scope: "row" }, kind.title, el("p", { class: "hint" }, kind.description, always)),
    ...Object.keys(CHANNELS).map((channel) => cell(kind, channel)));
}

function showZones() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const wanted = shown.quiet_hours ? shown.time_zone : own;
  const zones = new Set(["UTC", wanted, ...(Intl.supportedValuesOf?.("timeZone") ?? [])]);
  $("#zone").replaceChildren(...[...zones].sort().map((zone) => el("option", { value: zone, selected: zone === wanted }, zone)));
}

function showPreferences(document) {
  shown = document;
  $("#kinds").replaceChildren(...shown.kinds.map(kindRow));
  $("#quiet").checked = Boolean(shown.quiet_hours);
  if (shown.quiet_hours) {
    $("#starts").value = shown.quiet_hours.starts_at;
    $("#ends").value = shown.quiet_hours.ends_at;
  }
  showZones();
  letHoursBeSet();
  $("#preferences").hidden = false;
}

function letHoursBeSet() {
  for (const id of ["#starts", "#ends", "#zone"]) $(id).disabled = !$("#quiet").checked;
}

function chosen() {
  const preferences = {};
  for (const kind of shown.kinds.filter((one) => !one.is_transactional)) {
    preferences[kind.kind] = Object.fromEntries(kind.channels.map((channel) => [channel, $(`[name="${kind.kind}.${channel}"]`).checked]));
  }
  const hours = { starts_at: $("#starts").value, ends_at: $("#ends").value };
  return { preferences, quiet_hours: $("#quiet").checked ? hours : null, time_zone: $("#zone").value };
}

async function save(event) {
  event.preventDefault();
  $("#form-error").hidden = true;
  $("#saved").textContent = "";
  try {
    showPreferences(await api("PUT", "me/notification-preferences", { body: chosen() }));
    $("#saved").textContent = "Saved.";
  } catch (problem) {
    if (problem.status === 401) signIn();
    $("#form-error").textContent = problem.errors.map((one) => one.message).join(" ") || problem.message;
    $("#form-error").hidden = false;
  }
}

async function show() {
  if (!tokens()) return signIn();
  $("#enable").addEventListener("click", enableHere);
  $("#quiet").addEventListener("change", letHoursBeSet);
  $("#preferences").addEventListener("submit", save);
  showPreferences(await get("me/notification-preferences"));
  await showDevices();
  return showHere();
}

try {
  await show();
} catch (problem) {
  if (problem.status === 401) signIn();
  fill($("#devices"));
  say("It cannot be told just now.");
  notify(problem.message, "error");
}
