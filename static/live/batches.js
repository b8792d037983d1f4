// Tells a server what happened on a page, a batch at a time: when there are enough, after a while, when the page goes
// away, and what could not be told then, from the next page. Whoever receives it counts each item once, by its key.
import { attempt } from "./session.js";

const MOST_KEPT = 200;
const FIRST_RETRY_MS = 2000, LONGEST_RETRY_MS = 60_000;
const isPassing = (status) => status === 429 || status >= 500;

export class Batches {
  #waiting = new Map(); // key -> {...item, at}
  #timer = null;
  #isSending = false;
  #failures = 0;

  /**
   * `url`: where it is told. `kept`: the name under which the browser keeps what is left. `body` makes the text of some
   * items. `atOnce` and `everyMs`: how many go at once, and how long one waits at most. `worthMs`: older ones are not
   * told any more. `authorization` gives the header of whoever is signed in, or null. `merge` gives what two items of
   * one key are together, or null where the second says nothing new. `taken` hears of items that an earlier page left.
   */
  constructor({ url, kept, body, atOnce, everyMs, worthMs, authorization = () => null, merge = () => null, taken = () => {} }) {
    Object.assign(this, { url, kept, body, atOnce, everyMs, worthMs, authorization, merge, taken });
    this.#takeKept();
    document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? this.leave() : this.#takeKept()));
    addEventListener("pagehide", () => this.leave());
    addEventListener("online", () => this.flush());
  }

  /** Have an item told. */
  add(key, item) {
    if (!this.#wait(key, { ...item, at: Date.now() })) return;
    if (document.visibilityState === "hidden") this.leave();
    else this.#plan();
  }

  /** Tell what waits, now. */
  async flush() {
    this.#stop();
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
    this.#stop();
    // A beacon says nothing of a line that is down: what failed just now is kept instead.
    if (this.#failures && this.#keep()) return;
    while (this.#waiting.size) this.#throw(this.#next());
  }

  #wait(key, item) {
    const before = this.#waiting.get(key);
    const merged = before ? this.merge(before, item) : item;
    if (merged) this.#waiting.set(key, merged);
    return Boolean(merged);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan() {
    if (this.#isSending || !this.#waiting.size) return;
    if (this.#failures) this.#timer ??= setTimeout(() => this.flush(), this.#retryMs());
    else if (this.#waiting.size >= this.atOnce) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.everyMs);
  }

  // Pages that lost one server must not come back in the same instant.
  #retryMs() {
    return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1)) * (1 + Math.random());
  }

  #next() {
    const batch = [...this.#waiting].slice(0, this.atOnce);
    for (const [key] of batch) this.#waiting.delete(key);
    return batch;
  }

  // In front of what came meanwhile: what happened first is told first.
  #putBack(batch) {
    const newer = [...this.#waiting];
    this.#waiting.clear();
    for (const [key, item] of batch) if (Date.now() - item.at < this.worthMs) this.#wait(key, item);
    for (const [key, item] of newer) this.#wait(key, item);
  }

  /** Whether the server has it, or will never take it. */
  async #tell(batch) {
    try {
      let answer = await this.#post(batch, this.authorization());
      // The sign-in ran out: what is told needs none.
      if (answer.status === 401) answer = await this.#post(batch, null);
      return !isPassing(answer.status);
    } catch {
      return false;
    }
  }

  #post(batch, authorization) {
    const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
    return fetch(this.url, { method: "POST", keepalive: true, headers, body: this.#text(batch) });
  }

  // A beacon goes out whatever becomes of the page, but cannot say who is signed in. As text it needs no preflight.
  #throw(batch) {
    const authorization = this.authorization();
    const canFetch = "keepalive" in Request.prototype;
    if (!(authorization && canFetch) && navigator.sendBeacon?.(this.url, this.#text(batch))) return;
    this.#tell(batch).then((isTold) => {
      if (isTold) return;
      this.#failures += 1;
      this.#putBack(batch);
      this.#keep();
    });
  }

  #text(batch) {
    return this.body(batch.map(([, { at, ...item }]) => item));
  }

  /** Leave what waits to the next page; it is nobody's then but that page's. Says whether the browser keeps it. */
  #keep() {
    const left = [...this.#left(), ...this.#waiting].slice(-MOST_KEPT);
    const isKept = attempt(() => { localStorage.setItem(this.kept, JSON.stringify(left)); return true; });
    if (isKept) this.#waiting.clear();
    return isKept;
  }

  #takeKept() {
    const left = this.#left();
    if (left.length) attempt(() => localStorage.removeItem(this.kept));
    for (const [key, item] of left) this.taken(key, item);
    this.#putBack(left);
    this.#plan();
  }

  #left() {
    const left = attempt(() => JSON.parse(localStorage.getItem(this.kept)));
    return Array.isArray(left) ? left.filter((one) => Array.isArray(one) && typeof one[1]?.at === "number") : [];
  }
}
