// Takes push messages while no page is open: shows each once, tells that it arrived and was opened, and leads where it
// points. A plain script without imports, so that every browser with push can run it.

const RECEIPTS = "/api/v1/me/push-receipts";

/** Where a tap leads: an address of this site, else the start page. */
function targetOf(url, origin) {
  try {
    const target = new URL(url || "/", origin);
    return target.origin === origin ? target.href : `${origin}/`;
  } catch {
    return `${origin}/`;
  }
}

/** What a message says; one that cannot be read is shown all the same: browsers take push away from who is silent. */
function contentOf(data) {
  const unread = { title: "Marquee", body: "There is news for you.", data: {} };
  try {
    const { title, body, tag, data: more } = data.json();
    return { title: title || unread.title, body: body || "", tag, data: more ?? {} };
  } catch {
    return unread;
  }
}

async function tell(receipt, event) {
  if (!receipt) return;
  const body = JSON.stringify({ receipts: [{ receipt, event }] });
  try {
    await fetch(RECEIPTS, { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: true });
  } catch {
    // It was shown; that nobody hears of it costs a figure only.
  }
}

async function show(data) {
  const { title, body, tag, data: more } = contentOf(data);
  // The message's id is its tag: what comes twice replaces itself, in silence.
  await self.registration.showNotification(title, { body, tag, data: more, icon: "/static/storefront/icon.svg" });
  await tell(more.receipt, "delivered");
}

async function open(notification) {
  notification.close();
  const told = tell(notification.data?.receipt, "opened");
  const target = targetOf(notification.data?.url, self.location.origin);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === target);
  await (there ? there.focus() : self.clients.openWindow(target));
  await told;
}

/** The browser made our subscription void: take a new one; the next page that is open tells the server. */
async function renew(old) {
  const applicationServerKey = old?.options?.applicationServerKey;
  if (applicationServerKey) await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage("marquee.push.changed");
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.oldSubscription)));
