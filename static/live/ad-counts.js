// Tells the server which ads were shown and which were viewable: each token once, and once more when it became viewable.
// The server counts a decision once whatever arrives.
import { Batches } from "./batches.js";

const AT_ONCE = 10, EVERY_MS = 3000;
// The server's tokens live an hour; one that is nearly over is not worth a call.
const WORTH_MS = 55 * 60_000;

export class AdCounts {
  #known = new Map(); // token -> whether it was noted as viewable

  /**
   * `url`: where impressions are told. `authorization` gives the header of whoever is signed in, or null: the
   * organizer's own people are known by it, and not counted.
   */
  constructor({ url, authorization = () => null }) {
    this.authorization = authorization;
    const body = (impressions) => JSON.stringify({ impressions });
    const merge = (before, item) => (item.viewable && !before.viewable ? item : null);
    const taken = (token, { viewable }) => this.#known.set(token, viewable || this.#known.get(token) === true);
    this.batches = new Batches({
      url, authorization: () => this.authorization(), kept: "marquee.ads.untold", body, merge, taken,
      atOnce: AT_ONCE, everyMs: EVERY_MS, worthMs: WORTH_MS,
    });
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
  flush() {
    return this.batches.flush();
  }

  #note(token, viewable) {
    const known = this.#known.get(token);
    if (known === true || known === viewable) return;
    this.#known.set(token, viewable);
    this.batches.add(token, { token, viewable });
  }
}
