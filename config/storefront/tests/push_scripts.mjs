// Plays what a browser does to the worker that takes push messages, and to the scripts that register it.
// Usage: node push_scripts.mjs <scene>
import { readFileSync } from "node:fs";

const ORIGIN = "https://front.test";
const folder = new URL("../../../static/storefront/", import.meta.url);
const said = [];
let pages = [];
let answers = [];
let isFar = false;

globalThis.setTimeout = (act, ms) => { said.push(["waits", ms]); queueMicrotask(act); };
globalThis.fetch = async (url, { body } = {}) => {
  said.push([url, body ? JSON.parse(body) : null]);
  const { status = 200, json = {} } = answers.shift() ?? {};
  if (status === 0) throw new TypeError("offline");
  return { ok: status < 400, status, json: async () => json };
};

function worker() {
  const handlers = {};
  const registration = {
    showNotification: async (title, options) => said.push(["shows", title, options.body, options.tag ?? null]),
    pushManager: { subscribe: async (options) => said.push(["subscribes", options.applicationServerKey]) },
  };
  const clients = {
    matchAll: async () => pages,
    openWindow: async (url) => said.push(["opens", url]),
    claim: async () => {},
  };
  const self = { registration, clients, location: { origin: ORIGIN }, skipWaiting() {}, addEventListener: (name, act) => { handlers[name] = act; } };
  new Function("self", readFileSync(new URL("service-worker.js", folder), "utf8"))(self);
  return async (name, event) => {
    let work;
    handlers[name]({ ...event, waitUntil: (promise) => { work = promise; } });
    await work;
  };
}

const pushed = (document) => ({ data: { json: () => JSON.parse(document) } });
const tapped = (data) => ({ notification: { data, close: () => said.push(["closes"]) } });

function store(entries) {
  const held = new Map(Object.entries(entries));
  globalThis.localStorage = { getItem: (name) => held.get(name) ?? null, setItem: (name, value) => held.set(name, String(value)), removeItem: (name) => held.delete(name) };
  return held;
}

async function unsubscribe() {
  said.push(["unsubscribes"]);
  if (isFar) throw new TypeError("offline");
  return true;
}

const tokensOf = (sub) => JSON.stringify({ access: `h.${btoa(JSON.stringify({ sub }))}.s` });

/** Loads what every page has, in a page with nothing but what that looks for. */
async function page() {
  const element = { append() {}, setAttribute() {}, addEventListener() {}, before() {}, replaceChildren() {} };
  globalThis.document = { querySelector: () => element, createElement: () => element, body: { dataset: {} } };
  globalThis.location = { assign() {} };
  page.times = (page.times ?? 0) + 1;
  await import(`${new URL("shell.js", folder)}?${page.times}`);
}

async function browser({ permission = "default", kept = {} } = {}) {
  const held = store({ "marquee.tokens": tokensOf("ada"), ...kept });
  const subscription = { endpoint: "https://push.test/1", toJSON: () => ({ endpoint: "https://push.test/1", keys: { p256dh: "p", auth: "a" } }), unsubscribe };
  const pushManager = { getSubscription: async () => subscription };
  const serviceWorker = { register: async () => {}, addEventListener() {}, ready: Promise.resolve({ pushManager }), getRegistration: async () => ({ pushManager }) };
  Object.defineProperty(globalThis, "navigator", { value: { serviceWorker } });
  globalThis.window = globalThis;
  globalThis.isSecureContext = true;
  globalThis.PushManager = class {};
  globalThis.Notification = { permission, requestPermission: async () => { said.push(["asks"]); return "granted"; } };
  return { push: await import(new URL("push.js", folder)), held };
}

const registered = (at) => JSON.stringify({ device: "d1", endpoint: "https://push.test/1", user: "ada", at });
const key = { json: { public_key: "AQID" } };
const monthsAgo = (days) => String(Date.now() - days * 24 * 60 * 60 * 1000);

const scenes = {
  async shown() {
    const dispatch = worker();
    await dispatch("push", pushed('{"title": "Doors", "body": "Come in", "tag": "m1", "data": {"receipt": "r1"}}'));
    answers = [{ status: 0 }];
    await dispatch("push", pushed('{"title": "Again", "body": "", "tag": "m2", "data": {"receipt": "r2"}}'));
    await dispatch("push", pushed("no JSON"));
    await dispatch("push", { data: null });
  },
  async opened() {
    const dispatch = worker();
    for (const url of ["/tickets", `${ORIGIN}/orders/1`, "https://evil.test/", "//evil.test/x", "javascript:alert(1)", undefined]) {
      await dispatch("notificationclick", tapped({ url }));
    }
    pages = [{ url: `${ORIGIN}/tickets`, focus: async () => said.push(["focuses"]) }];
    await dispatch("notificationclick", tapped({ url: "/tickets", receipt: "r1" }));
  },
  async changed() {
    const dispatch = worker();
    pages = [{ postMessage: (word) => said.push(["tells", word]) }];
    await dispatch("pushsubscriptionchange", { oldSubscription: { options: { applicationServerKey: "key" } } });
    await dispatch("pushsubscriptionchange", { oldSubscription: null });
  },
  async tries() {
    const { push } = await browser();
    answers = [key, { status: 503, json: { code: "busy", retryable: true } }, { status: 0 }, { status: 503, json: { detail: "Busy." } }];
    await push.enable().catch((problem) => said.push(["fails", problem.message]));
    said.push(["kept", push.kept()]);
  },
  async refused() {
    const { push } = await browser();
    answers = [key, { status: 409, json: { code: "device_limit", detail: "Too many." } }];
    await push.enable().catch((problem) => said.push(["fails", problem.code]));
  },
  async asking() {
    const told = {};
    const { push, held } = await browser();
    told.never = push.mayAsk();
    push.noteAsked();
    told.justAsked = push.mayAsk();
    held.set("marquee.push.asked", monthsAgo(29));
    told.beforeAMonth = push.mayAsk();
    held.set("marquee.push.asked", monthsAgo(31));
    told.afterAMonth = push.mayAsk();
    globalThis.Notification.permission = "denied";
    told.denied = push.mayAsk();
    globalThis.Notification.permission = "default";
    globalThis.localStorage.getItem = () => { throw new Error("nothing may be kept"); };
    told.nothingKept = push.mayAsk();
    return told;
  },
  async keepingUp() {
    const { push, held } = await browser({ permission: "granted", kept: { "marquee.push": registered(Date.now()) } });
    await push.keepUp();
    said.push(["a day later"]);
    held.set("marquee.push", registered(Number(monthsAgo(2))));
    answers = [key, { json: { id: "d1" } }];
    await push.keepUp();
    said.push(["somewhere else"]);
    held.set("marquee.push", JSON.stringify({ device: "d1", endpoint: "https://push.test/old", user: "ada", at: Date.now() }));
    answers = [key, { json: { id: "d2" } }];
    await push.keepUp();
    said.push(["signs out"]);
    answers = [{ status: 0 }];
    await push.leave();
    said.push(["kept", push.kept()]);
  },
  async removed() {
    const { push } = await browser({ permission: "granted", kept: { "marquee.push": registered(Number(monthsAgo(2))) } });
    answers = [key, { status: 409, json: { code: "device_removed" } }];
    await push.keepUp();
    said.push(["kept", push.kept()]);
    await push.keepUp();
  },
  async another() {
    const { held } = await browser({ permission: "granted", kept: { "marquee.push": registered(Date.now()) } });
    const look = async (who, sub) => {
      said.push([who]);
      if (sub) held.set("marquee.tokens", tokensOf(sub));
      else held.delete("marquee.tokens");
      await page();
      said.push(["kept", held.has("marquee.push")]);
    };
    await look("nobody");
    await look("ada", "ada");
    isFar = true;
    await look("bob, far", "bob");
    isFar = false;
    await look("bob", "bob");
    await look("bob again", "bob");
  },
  async leaving() {
    const { push, held } = await browser({ permission: "granted", kept: { "marquee.push": registered(Date.now()) } });
    isFar = true;
    answers = [{ status: 0 }];
    await push.leave();
    held.delete("marquee.tokens");
    said.push(["next page"]);
    isFar = false;
    await page();
    said.push(["kept", held.has("marquee.push")]);
  },
};

const told = await scenes[process.argv[2]]();
process.stdout.write(JSON.stringify(told ?? said));
