// Plays what a browser does to the scripts of ads, with a clock that the scene moves, and prints what they did.
// Usage: node ad_scripts.mjs <scene>
const STATIC = new URL("../../../static/", import.meta.url);
const load = (path) => import(new URL(path, STATIC));

// --- the browser -----------------------------------------------------------------------------------------------
let now = 1_000_000, timers = [], nextTimer = 1;
Date.now = () => now;
Math.random = () => 0;
globalThis.setTimeout = (act, ms) => {
  timers.push({ id: nextTimer, at: now + ms, act });
  return nextTimer++;
};
globalThis.clearTimeout = (id) => { timers = timers.filter((timer) => timer.id !== id); };
const settle = () => new Promise((resolve) => { setImmediate(resolve); });

async function pass(ms) {
  const end = now + ms;
  for (;;) {
    timers.sort((a, b) => a.at - b.at);
    if (!timers.length || timers[0].at > end) break;
    const timer = timers.shift();
    now = timer.at;
    timer.act();
    await settle();
  }
  now = end;
  await settle();
}

class Store {
  kept = new Map();
  refuses = false;
  #allow() { if (this.refuses) throw new Error("SecurityError"); }
  getItem(name) { this.#allow(); return this.kept.get(name) ?? null; }
  setItem(name, value) { this.#allow(); this.kept.set(name, value); }
  removeItem(name) { this.#allow(); this.kept.delete(name); }
}

const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
const windowEvents = new EventTarget();
const sent = [];
const network = { status: 202, isDown: false, takesBeacons: true };
Object.assign(globalThis, {
  document: page,
  addEventListener: (...all) => windowEvents.addEventListener(...all),
  localStorage: new Store(),
  sessionStorage: new Store(),
  fetch: async (url, { headers, body, keepalive }) => {
    sent.push({ by: "fetch", keepalive, who: headers.Authorization ?? null, what: brief(body) });
    if (network.isDown) throw new TypeError("Failed to fetch");
    return { status: headers.Authorization === "Bearer old" ? 401 : network.status };
  },
});
Object.defineProperty(globalThis, "navigator", { value: { sendBeacon: (url, body) => network.takesBeacons && sent.push({ by: "beacon", what: brief(body) }) > 0 } });
const told = [];
function brief(text) {
  const body = JSON.parse(text);
  if (body.events) told.push(body);
  return body.events ? body.events.map(({ entity_id: entity }) => entity).join(" ") : ads(body);
}
const ads = (body) => body.impressions.map(({ token, viewable }) => (viewable ? `${token}+` : token)).join(" ");

function show(state) {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}

let observers = [];
globalThis.IntersectionObserver = class {
  constructor(look) { this.look = look; this.pending = []; observers.push(this); }
  observe() {}
  disconnect() { this.isDone = true; }
  takeRecords() { return this.pending.splice(0); }
};
const entry = (intersectionRatio, width = 300, height = 250) => ({ intersectionRatio, boundingClientRect: { width, height } });
const see = (...what) => observers.forEach((one) => one.isDone || one.look([entry(...what)]));

// --- the scenes ------------------------------------------------------------------------------------------------
const counts = async (options = {}) => {
  const { AdCounts } = await load("live/ad-counts.js");
  return new AdCounts({ url: "/impressions", ...options });
};

async function watch(options) {
  const { watchViewable } = await load("live/viewability.js");
  let seen = 0;
  observers = [];
  const stop = watchViewable({}, () => { seen += 1; }, options);
  return { stop, seen: () => seen };
}

const scenes = {
  async shares() {
    const { neededShare } = await load("live/viewability.js");
    return [[300, 250], [970, 250], [970, 249], [0, 0]].map(([width, height]) => neededShare(width, height));
  },

  // Half of it for a second: not 49 %, not twice 600 ms, not in a hidden tab; then once, never twice.
  async display() {
    const seen = await watch();
    const after = [];
    see(0.49); await pass(5000); after.push(seen.seen());
    see(0.5); await pass(600); see(0.2); see(0.5); await pass(600); after.push(seen.seen());
    show("hidden"); await pass(5000); after.push(seen.seen());
    show("visible"); await pass(999); after.push(seen.seen());
    await pass(1); after.push(seen.seen());
    see(0); see(1); await pass(5000); after.push(seen.seen());
    return after;
  },

  async large() {
    const small = await watch();
    see(0.3); await pass(1000);
    const large = await watch();
    see(0.3, 970, 250); await pass(1000);
    return [small.seen(), large.seen()];
  },

  // Nothing of no size is seen; what was scrolled away is not, though the page was too busy to hear of it.
  async neverThere() {
    const empty = await watch();
    see(1, 0, 0); await pass(5000);
    const gone = await watch();
    see(1);
    observers.at(-1).pending.push(entry(0));
    await pass(5000);
    const ended = await watch();
    see(1); await pass(500); ended.stop(); await pass(5000);
    return [empty.seen(), gone.seen(), ended.seen()];
  },

  // A video: two seconds in which it plays; a pause begins them anew.
  async video() {
    const video = Object.assign(new EventTarget(), { paused: true, readyState: 4 });
    const seen = await watch({ video });
    const after = [];
    see(1); await pass(5000); after.push(seen.seen());
    video.dispatchEvent(new Event("playing")); await pass(1900);
    video.dispatchEvent(new Event("pause")); await pass(5000); after.push(seen.seen());
    video.dispatchEvent(new Event("playing")); await pass(1999); after.push(seen.seen());
    await pass(1); after.push(seen.seen());
    return after;
  },

  // Three seconds together; ten at once; each token once, and once more when it became viewable.
  async batches() {
    const ads = await counts();
    ads.impression("a"); ads.impression("a"); ads.viewable("b"); ads.impression("b");
    await pass(2999);
    const early = sent.length;
    await pass(1);
    ads.viewable("a"); ads.viewable("a"); ads.viewable("b");
    await pass(60_000);
    for (let i = 0; i < 11; i++) ads.impression(`t${i}`);
    await settle();
    const atOnce = sent.length;
    await pass(3000);
    return { early, atOnce, sent: sent.map(({ what }) => what) };
  },

  // Going away: by beacon, by fetch where the beacon is refused, with the sign-in where there is one.
  async leaving() {
    const ads = await counts();
    ads.impression("a"); windowEvents.dispatchEvent(new Event("pagehide"));
    network.takesBeacons = false;
    ads.impression("b"); show("hidden"); show("visible");
    network.takesBeacons = true;
    ads.authorization = () => "Bearer me";
    ads.impression("c"); show("hidden"); windowEvents.dispatchEvent(new Event("pagehide"));
    await pass(60_000);
    return sent;
  },

  // A line that is down: tried again, later and later; then kept, and told once by the next page.
  async offline() {
    const ads = await counts();
    network.isDown = true;
    ads.impression("a");
    await pass(3000 + 2000 + 4000);
    const tries = sent.length;
    show("hidden");
    const kept = localStorage.kept.size;
    network.isDown = false;
    sent.length = 0;
    const next = await counts();
    await pass(120_000);
    show("visible");
    ads.impression("a"); next.impression("a");
    await pass(120_000);
    return { tries, kept, left: localStorage.kept.size, sent: sent.map(({ what }) => what) };
  },

  // What is nearly an hour old is not worth a call; what the server refuses for good is not repeated.
  async givesUp() {
    localStorage.kept.set("marquee.ads.untold", JSON.stringify([["old", { token: "old", viewable: false, at: now - 56 * 60_000 }], ["new", { token: "new", viewable: true, at: now - 60_000 }]]));
    const ads = await counts();
    await pass(3000);
    network.status = 400;
    ads.impression("odd");
    await pass(600_000);
    return sent.map(({ what }) => what);
  },

  // Ten events at once, or half a minute; a batch that failed is told again with the same ids.
  async tracker() {
    const { Tracker } = await load("live/tracker.js");
    const tracker = new Tracker({ url: "/track" });
    tracker.track("OFFER_VIEW", { eventId: "e", entityId: "first", metadata: { from: "home" } });
    await pass(29_999);
    const early = told.length;
    await pass(1);
    for (let i = 0; i < 10; i++) tracker.track("OFFER_CLICK", { eventId: "e", entityId: `o${i}` });
    await settle();
    network.isDown = true;
    tracker.track("OFFER_CLICK", { eventId: "e", entityId: "again" });
    await pass(30_000);
    network.isDown = false;
    await pass(10_000);
    tracker.track("OFFER_CLICK", { eventId: "e", entityId: "leaving" });
    show("hidden");
    return { early, told };
  },

  // Too many, or a server that fails: again. A sign-in that ran out: without it.
  async repeats() {
    const ads = await counts({ authorization: () => "Bearer old" });
    network.status = 503;
    ads.impression("a");
    await pass(3000);
    network.status = 202;
    await pass(2000);
    return sent.map(({ who, what }) => `${who} ${what}`);
  },

  // Storage that refuses everything: the same word as long as the page lives, and everything is counted.
  async privateWindow() {
    localStorage.refuses = sessionStorage.refuses = true;
    const { sessionToken } = await load("live/session.js");
    const words = [sessionToken(), sessionToken()];
    const ads = await counts();
    network.isDown = true;
    ads.impression("a");
    await pass(3000);
    network.isDown = false;
    show("hidden");
    return { isSame: words[0] === words[1], length: words[0].length, sent: sent.map(({ by, what }) => `${by} ${what}`) };
  },

  // The tab's own store where the shared one refuses; the shared one otherwise, for all tabs.
  async words() {
    localStorage.refuses = true;
    const first = (await load("live/session.js")).sessionToken();
    const again = (await load("live/session.js?another-page")).sessionToken();
    localStorage.refuses = false;
    localStorage.setItem("marquee.session", "of another tab");
    return [first === again, (await load("live/session.js?a-third")).sessionToken()];
  },

  // Time counts only while it runs.
  async turns() {
    const { Turn } = await load("storefront/ads.js");
    const done = [];
    const turn = new Turn(() => done.push(now));
    const start = now;
    turn.start(1000); turn.run(true); await pass(600);
    turn.run(false); await pass(5000);
    turn.run(true); turn.run(true); await pass(399);
    const early = done.length;
    await pass(1);
    turn.run(false); turn.start(500); turn.run(true); await pass(500);
    return { early, done: done.map((at) => at - start) };
  },

  async ratios() {
    const { ratioOf } = await load("storefront/ads.js");
    return ["16:9", "1:1", "970:250", "", "0:1", "wide", undefined].map(ratioOf);
  },
};

console.log(JSON.stringify(await scenes[process.argv[2]]()));
