// Which variant of a test a browser sees: worked out here, and the same way by the server, so that nobody has to ask.
import { Batches } from "./batches.js";
import { sessionToken } from "./session.js";

const PARTS = 10_000;

/** D. J. Bernstein's hash over UTF-16 code units: h = h * 33 + c, an unsigned 32-bit number. */
export function djb2(text) {
  let hash = 5381;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 33) + text.charCodeAt(i)) >>> 0;
  return hash;
}

/**
 * The place of the variant for a session, in the stored order. Equal weights: the hash modulo their number; else the
 * cumulative weights over the hash modulo 10,000.
 */
export function assigned(token, slug, weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || Math.min(...weights) < 0) throw new RangeError("a test needs a variant with a weight");
  const hash = djb2(token + slug);
  if (new Set(weights).size === 1) return hash % weights.length;
  const part = hash % PARTS;
  let until = 0;
  return weights.findIndex((weight) => part * total < (until += weight) * PARTS);
}

/** This browser's variant: `variants` as the API lists them, each with `id` and `weight`. */
export function variantOf(slug, variants) {
  return variants[assigned(sessionToken(), slug, variants.map(({ weight }) => weight))].id;
}

const AT_ONCE = 10, EVERY_MS = 5_000;
// The server takes what happened in the last seven days.
const WORTH_MS = 6 * 24 * 3600_000;

/**
 * What runs at an event, for one page: which variant this browser sees, that it saw it (told once), and what came of it.
 * The server counts each browser once, so what is told again counts nothing again.
 */
export class Experiments {
  #running;
  #seen = new Set();

  /** `running`: the answer of `events/{id}/ab-tests`. `url`: the address of `ab-tests/track`. */
  constructor({ eventId, running, url = "/api/v1/ab-tests/track" }) {
    this.eventId = eventId;
    this.#running = new Map(running.map((one) => [one.test_id, one.variants]));
    const body = (events) => JSON.stringify({ events, sent_at: new Date().toISOString() });
    this.batches = new Batches({ url, kept: "marquee.experiments.untold", body, atOnce: AT_ONCE, everyMs: EVERY_MS, worthMs: WORTH_MS });
  }

  /** Which variant to show; null when the experiment does not run. */
  variant(slug) {
    return this.#running.has(slug) ? variantOf(slug, this.#running.get(slug)) : null;
  }

  /** The variant was shown: told once for each page. */
  see(slug) {
    if (!this.#running.has(slug) || this.#seen.has(slug)) return;
    this.#seen.add(slug);
    this.#tell(slug, "variant_view");
  }

  /** The goal was reached; `value` in minor units of the event's currency. Whoever reaches it has seen the variant. */
  reach(slug, { value } = {}) {
    if (!this.#running.has(slug)) return;
    this.see(slug);
    this.#tell(slug, "goal_conversion", { goal_achieved: true, ...(value !== undefined && { goal_value: value }) });
  }

  /** The second thing that is looked at happened. */
  also(slug) {
    if (!this.#running.has(slug)) return;
    this.see(slug);
    this.#tell(slug, "secondary_metric");
  }

  /** Tell what waits, now. */
  flush() {
    return this.batches.flush();
  }

  #tell(slug, type, more = {}) {
    this.batches.add(`${slug} ${type}`, {
      test_id: slug, event_id: this.eventId, session_token: sessionToken(), variant_id: this.variant(slug),
      event_type: type, timestamp: new Date().toISOString(), ...more,
    });
  }
}
