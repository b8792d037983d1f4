// Push in this browser: asked for by a click only, registered with three tries, kept up to date, taken off on signing out.
import { api, get, post, userId } from "./api.js";
import { attempt } from "../live/session.js";

const WORKER = "/service-worker.js";
// What is registered: {device, endpoint, user, at}; and when we last asked by ourselves.
const KEPT = "marquee.push";
const ASKED = "marquee.push.asked";
const DAY_MS = 24 * 60 * 60 * 1000;
const MONTH_MS = 30 * DAY_MS;
const AGAIN_MS = [500, 2000];

export const isSupported = () => window.isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const stored = () => attempt(() => JSON.parse(localStorage.getItem(KEPT)));

/** What is registered for whoever is signed in; null: nothing, or they are signing out. */
export function kept() {
  const found = stored();
  return found && !found.leaving && found.user === userId() ? found : null;
}

const keep = (value) => attempt(() => (value ? localStorage.setItem(KEPT, JSON.stringify(value)) : localStorage.removeItem(KEPT)));

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

/** Whether we may offer it by ourselves: never decided, and not asked for a month. */
export function mayAsk() {
  if (!isSupported() || Notification.permission !== "default" || kept()) return false;
  // Where nothing can be kept nobody is asked, for they would be asked on each page.
  const asked = attempt(() => Number(localStorage.getItem(ASKED) ?? 0));
  return asked !== null && Date.now() - asked > MONTH_MS;
}

export const noteAsked = () => attempt(() => localStorage.setItem(ASKED, String(Date.now())));

/** The key that browsers subscribe with; null where push to browsers is not set up. */
export const publicKey = async () => (await get("push/web-key")).public_key;

function bytesOf(base64url) {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const isOfKey = (subscription, key) => {
  const held = subscription.options?.applicationServerKey;
  return !held || String(new Uint8Array(held)) === String(key);
};

async function subscription() {
  await navigator.serviceWorker.register(WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  const text = await publicKey();
  if (!text) throw new Error("Push is not set up here.");
  const key = bytesOf(text);
  const held = await pushManager.getSubscription();
  if (held && isOfKey(held, key)) return held;
  // Made for a key that we do not sign with any more.
  if (held) await held.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** Resolves to whether the push service brings nothing more here. */
async function unsubscribed() {
  const there = await (await navigator.serviceWorker?.getRegistration(WORKER))?.pushManager.getSubscription();
  return !there || there.unsubscribe();
}

/** Register; `device`: as which we did before, where nobody asked for it now. */
async function register(found, device) {
  const { endpoint, keys } = found.toJSON();
  const body = { provider: "webpush", platform: "web", token: endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, device };
  for (let tries = 0; ; tries += 1) {
    try {
      const { id } = await post("me/devices", body);
      return keep({ device: id, endpoint, user: userId(), at: Date.now() });
    } catch (problem) {
      const isOver = tries >= AGAIN_MS.length;
      if (isOver || !(problem.retryable || problem.status >= 500)) throw problem;
      await pause(AGAIN_MS[tries]);
    }
  }
}

/** Ask (call it in a click) and register. Resolves to the permission; rejects when registering failed three times. */
export async function enable() {
  noteAsked();
  const permission = await Notification.requestPermission();
  if (permission === "granted") await register(await subscription());
  return permission;
}

/** Say that this browser is still there: once a day, and when its subscription is another by now. */
export async function keepUp() {
  const held = kept();
  if (!held || !isSupported() || Notification.permission !== "granted") return;
  const there = await (await navigator.serviceWorker.getRegistration(WORKER))?.pushManager.getSubscription();
  if (there?.endpoint === held.endpoint && Date.now() - held.at < DAY_MS) return;
  try {
    await register(await subscription(), held.device);
  } catch (problem) {
    if (problem.code !== "device_removed") throw problem;
    // Its person took it off at another device: it comes back by a click alone.
    keep(null);
    await unsubscribed();
  }
}

/** Send nothing more to this browser: on the server, and at the push service, whichever answers. */
export async function leave() {
  const held = kept();
  if (!held) return;
  // Forgotten only when one of them did: else the next page goes on with it.
  keep({ ...held, leaving: true });
  const ends = await Promise.allSettled([api("DELETE", `me/devices/${held.device}`), unsubscribed()]);
  if (ends.some(({ status, value }) => status === "fulfilled" && value !== false)) keep(null);
}

/** Take off what was registered here for somebody who signed out, or for another than is signed in now. */
export async function takeOffOthers() {
  const held = stored();
  const now = userId();
  if (!held || !(held.leaving || (now && now !== held.user))) return;
  // Its push service tells ours that it is gone. Where it cannot be reached the next page tries again.
  if (await unsubscribed()) keep(null);
}

/** Forget what was registered here, once it was taken off elsewhere. */
export const forget = () => keep(null);

export function listen() {
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data === "marquee.push.changed") keepUp().catch(() => {});
  });
}
