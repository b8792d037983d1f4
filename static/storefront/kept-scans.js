// Scans that were made without a network: kept in this browser, each with who made it, until the server has them.
import { Problem, post, tokens, userId } from "./api.js";

const KEPT = "marquee.door.kept";
const SENDING = "marquee.door.sending";
// Catching up leaves room for the live door.
const PACE_MS = 500;
// Where the server does not say how long to wait.
const WAIT_SECONDS = 10;
let isSending = false;
let notBefore = 0;

export const isLost = (problem) => problem instanceof Problem && (problem.code === "network" || problem.status >= 500);

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

async function sendAll({ answered, refused, changed }) {
  for (let [first] = ownScans(); first; [first] = ownScans()) {
    const { user_id: _maker, ...scan } = first;
    try {
      answered(await post("checkin/scan", scan));
    } catch (problem) {
      if (problem.status === 429) notBefore = Date.now() + 1000 * (problem.retryAfter ?? WAIT_SECONDS);
      if (isLost(problem) || problem.status === 429 || problem.status === 401) return;
      refused(problem);
    }
    await change((scans) => scans.filter((one) => one.nonce !== scan.nonce));
    changed();
    await pause(PACE_MS);
  }
}

/**
 * Send one's own, the oldest first, from one tab at a time. Calls `answered(answer)`, `refused(problem)` for one that
 * the server refuses for good and that is dropped, and `changed()` after each.
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
