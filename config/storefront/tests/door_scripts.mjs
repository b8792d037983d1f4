// Plays what a browser does to the scans that a door kept, and prints what was sent and what is left.
// Usage: node door_scripts.mjs <scene>
const KEPT = "marquee.door.kept";
let now = 1_000_000;
let timers = [];
Date.now = () => now;
globalThis.setTimeout = (act, ms) => timers.push({ at: now + ms, act });
const settle = () => new Promise((resolve) => { setImmediate(resolve); });

async function pass(ms) {
  const end = now + ms;
  for (;;) {
    await settle();
    timers.sort((a, b) => a.at - b.at);
    if (!timers.length || timers[0].at > end) break;
    const timer = timers.shift();
    now = timer.at;
    timer.act();
  }
  now = end;
}

const store = new Map();
globalThis.localStorage = { getItem: (name) => store.get(name) ?? null, setItem: (name, value) => store.set(name, value) };
const signedInAs = (sub) => store.set("marquee.tokens", JSON.stringify({ access: `h.${btoa(JSON.stringify({ sub }))}.s` }));

// One holder at a time, as in a browser; `ifAvailable` answers null at once.
const held = new Map();
const locks = {
  async request(name, options, act) {
    const work = act ?? options;
    if (options.ifAvailable && held.has(name)) return work(null);
    const mine = (held.get(name) ?? Promise.resolve()).then(() => work({ name }));
    held.set(name, mine);
    return mine.finally(() => { if (held.get(name) === mine) held.delete(name); });
  },
};
const hasLocks = process.argv[3] !== "without-locks";
Object.defineProperty(globalThis, "navigator", { value: hasLocks ? { locks } : {} });

const sent = [];
let answer = () => ({ status: 200, body: { result: "accepted" } });
let whileSending = async () => {};
globalThis.fetch = async (url, { body }) => {
  const scan = JSON.parse(body);
  sent.push([now - 1_000_000, scan.nonce, Object.keys(scan).includes("user_id")]);
  await whileSending(scan);
  const { status, body: document } = answer(scan);
  return { ok: status < 400, status, json: async () => document };
};

const { keepScan, keptScans, sendKept } = await import(new URL("../../../static/storefront/kept-scans.js", import.meta.url));
const said = [];
const calls = { answered: (told) => said.push(told.result), refused: (problem) => said.push(problem.code), changed: () => {} };
const left = () => keptScans().map((one) => one.nonce);

const scenes = {
  async meanwhile() {
    await keepScan({ nonce: "a" });
    whileSending = async ({ nonce }) => { if (nonce === "a") await keepScan({ nonce: "b" }); };
    answer = ({ nonce }) => (nonce === "a" ? { status: 200, body: { result: "accepted" } } : { status: 503, body: {} });
    sendKept(calls);
    await pass(2000);
    return { sent: sent.map(([, nonce]) => nonce), left: left() };
  },
  async poison() {
    for (const nonce of ["bad", "odd", "a", "b"]) await keepScan({ nonce });
    answer = ({ nonce }) => {
      if (nonce === "bad") return { status: 500, body: { code: "internal_error" } };
      return nonce === "odd" ? { status: 200, body: { page: "Sign in to the hotel" } } : { status: 200, body: { result: "accepted" } };
    };
    sendKept(calls);
    await pass(3000);
    const first = left();
    for (const nonce of ["c", "d", "e"]) await keepScan({ nonce });
    answer = () => ({ status: 503, body: {} });
    sendKept(calls);
    await pass(3000);
    return { sent: sent.map(([, nonce]) => nonce), said, first, left: left() };
  },
  async owners() {
    signedInAs("other");
    await keepScan({ nonce: "theirs" });
    signedInAs("me");
    await keepScan({ nonce: "mine" });
    sendKept(calls);
    await pass(2000);
    return { sent, left: left() };
  },
  async pace() {
    for (const nonce of ["a", "b", "c", "d"]) await keepScan({ nonce });
    answer = ({ nonce }) => {
      if (nonce === "b") return { status: 404, body: { code: "not_found" } };
      if (nonce === "c" && now < 1_007_000) return { status: 429, body: { code: "rate_limited", retry_after: 7 } };
      return { status: 200, body: { result: "accepted" } };
    };
    for (let second = 0; second < 10; second += 1) {
      sendKept(calls);
      await pass(1000);
    }
    return { sent: sent.map(([at, nonce]) => [at, nonce]), said, left: left() };
  },
};
signedInAs("me");
console.log(JSON.stringify(await scenes[process.argv[2]]()));
