// Scans that were made without a network: kept in this browser, each with who made it, until the server has them.
import { Problem, post, tokens, userId } from "./api.js";

const KEPT = "marquee.door.kept";
const SENDING = "marquee.door.sending";
// Catching up leaves room for the live door.
const PACE_MS = 500;
// Where the server does not say how long to wait.
const WAIT_SECONDS = 10;
// So many in a row that the server cannot answer: it is the server, and the rest waits for the next time.
const FAILURES = 3;
let isSending = false;
let notBefore = 0;

const isNetwork = (problem) => problem instanceof Problem && problem.code === "network";
/** The server said nothing of the scan: it failed, or what answered is not the server (a hotel's sign-in page). */
const isFailure = (problem) => !(problem instanceof Problem) || problem.status >= 500 || problem.code === "unknown";
/** Nobody knows what became of the scan, which is sent again later. */
export const isLost = (problem) => isNetwork(problem) || isFailure(problem);
export const whyLost = (problem) => (isNetwork(problem) ? "No network" : "The server has a fault");

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** All that is kept here, whoever made it, the oldest first. */
export function keptScans() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

/** What the person who is signed in made; the rest waits until its makers sign in. */
export function ownScans() {
  const me = userId();
  return keptScans().filter((one) => one.user_id === me);
}

/** Change what is kept as it is at this moment; other tabs wait. */
async function change(how) {
  const write = () => localStorage.setItem(KEPT, JSON.stringify(how(keptScans())));
  await (navigator.locks ? navigator.locks.request(KEPT, write) : write());
}

export const keepScan = (scan) => change((scans) => [...scans, { ...scan, user_id: userId() }]);

const without = (nonce) => (scans) => scans.filter((one) => one.nonce !== nonce);
const atTheEnd = (nonce) => (scans) => [...without(nonce)(scans), ...scans.filter((one) => one.nonce === nonce)];

/** Send a scan to the server, and only to it: any other answer than one to a scan is thrown. */
export async function sendScan(scan) {
  const answer = await post("checkin/scan", scan);
  if (!answer?.result) throw new Problem({ code: "unknown" });
  return answer;
}

/** Send one; says whether it failed. Throws what keeps all of them from being sent now. */
async function sendOne({ user_id: _maker, ...scan }, { answered, refused }) {
  try {
    answered(await sendScan(scan));
  } catch (problem) {
    if (isNetwork(problem) || problem.status === 429 || problem.status === 401) throw problem;
    if (isFailure(problem)) {
      await change(atTheEnd(scan.nonce));
      return true;
    }
    refused(problem);
  }
  await change(without(scan.nonce));
  return false;
}

async function sendAll(calls) {
  const failed = new Set();
  let inARow = 0;
  const next = () => ownScans().find((one) => !failed.has(one.nonce));
  for (let one = next(); one && inARow < FAILURES; one = next()) {
    try {
      const hasFailed = await sendOne(one, calls);
      if (hasFailed) failed.add(one.nonce);
      inARow = hasFailed ? inARow + 1 : 0;
    } catch (problem) {
      if (problem.status === 429) notBefore = Date.now() + 1000 * (problem.retryAfter ?? WAIT_SECONDS);
      return;
    }
    calls.changed();
    await pause(PACE_MS);
  }
}

/**
 * Send one's own, the oldest first, from one tab at a time. Calls `answered(answer)`, `refused(problem)` for one that
 * the server refuses for good and that is dropped, and `changed()` after each. One that the server fails at goes to the
 * end and holds up no other.
 */
export async function sendKept(calls) {
  if (isSending || !tokens() || Date.now() < notBefore) return;
  isSending = true;
  try {
    if (navigator.locks) await navigator.locks.request(SENDING, { ifAvailable: true }, (lock) => lock && sendAll(calls));
    else await sendAll(calls);
  } finally {
    isSending = false;
  }
}
