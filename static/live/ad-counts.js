// Tells the server which ads were shown and which were viewable: ten at a time or every few seconds, what is left when
// the page goes away, and what could not be told then, by the next page. Each token is told once, and once more when it
// became viewable; the server counts a decision once whatever arrives.
import { attempt } from "./session.js";

const KEPT = "marquee.ads.untold";
const AT_ONCE = 10, MOST_KEPT = 200;
const EVERY_MS = 3000;
const FIRST_RETRY_MS = 2000, LONGEST_RETRY_MS = 60_000;
// The server's tokens live an hour; one that is nearly over is not worth a call.
const WORTH_MS = 55 * 60_000;
const isPassing = (status) => status === 429 || status >= 500;

export class AdCounts {
  #waiting = new Map(); // token -> {token, viewable, at}
  #known = new Map(); // token -> whether it was noted as viewable
  #timer = null;
  #isSending = false;
  #failures = 0;

  /**
   * `url`: where impressions are told. `authorization` gives the header of whoever is signed in, or null: the
   * organizer's own people are known by it, and not counted.
   */
  constructor({ url, authorization = () => null }) {
    Object.assign(this, { url, authorization });
    this.#takeKept();
    document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? this.leave() : this.#takeKept()));
    addEventListener("pagehide", () => this.leave());
    addEventListener("online", () => this.flush());
  }

  /** The ad of this token is on the page. */
  impression(token) {
    this.#note(token, false);
  }

  /** The ad of this token was seen, by the rule of viewability.js. */
  viewable(token) {
    this.#note(token, true);
  }

  /** Tell what waits, now. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isSending || !this.#waiting.size) return;
    this.#isSending = true;
    const batch = this.#next();
    const isTold = await this.#tell(batch);
    this.#isSending = false;
    this.#failures = isTold ? 0 : this.#failures + 1;
    if (!isTold) this.#putBack(batch);
    if (document.visibilityState === "hidden") this.leave();
    else this.#plan();
  }

  /** The page goes away: tell the rest without waiting for an answer, or leave it for the next page. */
  leave() {
    clearTimeout(this.#timer);
    this.#timer = null;
    // A beacon says nothing of a line that is down: what failed just now is kept instead.
    if (this.#failures && this.#keep()) return;
    while (this.#waiting.size) this.#throw(this.#next());
  }

  #note(token, viewable) {
    const known = this.#known.get(token);
    if (known === true || known === viewable) return;
    this.#known.set(token, viewable);
    this.#waiting.set(token, { token, viewable, at: Date.now() });
    if (document.visibilityState === "hidden") this.leave();
    else this.#plan();
  }

  #plan() {
    if (this.#isSending || !this.#waiting.size) return;
    if (this.#failures) this.#timer ??= setTimeout(() => this.flush(), this.#retryMs());
    else if (this.#waiting.size >= AT_ONCE) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), EVERY_MS);
  }

  // Pages that lost one server must not come back in the same instant.
  #retryMs() {
    return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1)) * (1 + Math.random());
  }

  #next() {
    const batch = [...this.#waiting.values()].slice(0, AT_ONCE);
    for (const { token } of batch) this.#waiting.delete(token);
    return batch;
  }

  #putBack(batch) {
    for (const item of batch) {
      const isNews = !this.#waiting.get(item.token)?.viewable;
      if (isNews && Date.now() - item.at < WORTH_MS) this.#waiting.set(item.token, item);
    }
  }

  /** Whether the server has it, or will never take it. */
  async #tell(batch) {
    try {
      let answer = await this.#post(batch, this.authorization());
      // The sign-in ran out: the tokens are proof enough.
      if (answer.status === 401) answer = await this.#post(batch, null);
      return !isPassing(answer.status);
    } catch {
      return false;
    }
  }

  #post(batch, authorization) {
    const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
    return fetch(this.url, { method: "POST", keepalive: true, headers, body: body(batch) });
  }

  // A beacon goes out whatever becomes of the page, but cannot say who is signed in.
  #throw(batch) {
    const authorization = this.authorization();
    const canFetch = "keepalive" in Request.prototype;
    if (!(authorization && canFetch) && navigator.sendBeacon?.(this.url, body(batch))) return;
    this.#tell(batch).then((isTold) => {
      if (isTold) return;
      this.#failures += 1;
      this.#putBack(batch);
      this.#keep();
    });
  }

  /** Leave what waits to the next page; it is nobody's then but that page's. Says whether the browser keeps it. */
  #keep() {
    const left = [...this.#kept(), ...this.#waiting.values()].slice(-MOST_KEPT);
    const isKept = attempt(() => { localStorage.setItem(KEPT, JSON.stringify(left)); return true; });
    if (isKept) this.#waiting.clear();
    return isKept;
  }

  #takeKept() {
    const left = this.#kept();
    if (left.length) localStorage.removeItem(KEPT);
    for (const item of left) {
      this.#known.set(item.token, item.viewable || this.#known.get(item.token) === true);
      this.#putBack([item]);
    }
    this.#plan();
  }

  #kept() {
    const kept = attempt(() => JSON.parse(localStorage.getItem(KEPT)));
    return Array.isArray(kept) ? kept : [];
  }
}

// Sent as text it needs no preflight of a page that lives elsewhere; the server reads JSON whatever it is called.
function body(batch) {
  return JSON.stringify({ impressions: batch.map(({ token, viewable }) => ({ token, viewable })) });
}
