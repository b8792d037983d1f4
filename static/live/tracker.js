// Tells what people look at: ten events or every 30 seconds, and the rest when the page goes away. The server keeps each
// once, by its id, so a batch that is told again counts nothing again.
import { Batches } from "./batches.js";
import { sessionToken } from "./session.js";

const AT_ONCE = 10, EVERY_MS = 30_000;
// The server takes events of the last seven days.
const WORTH_MS = 6 * 24 * 3600_000;

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Tracker {
  /** `url`: the address of `analytics/track`. */
  constructor({ url = "/api/v1/analytics/track" } = {}) {
    const body = (events) => JSON.stringify({ events, sent_at: new Date().toISOString() });
    this.batches = new Batches({ url, kept: "marquee.tracked.untold", body, atOnce: AT_ONCE, everyMs: EVERY_MS, worthMs: WORTH_MS });
  }

  /** Something happened: `track("OFFER_VIEW", { eventId, entityId: offer.id })`. */
  track(type, { eventId, entityId, metadata }) {
    const id = newId();
    this.batches.add(id, {
      id, type, event_id: eventId, entity_id: entityId, timestamp: new Date().toISOString(),
      session_token: sessionToken(), ...(metadata && { metadata }),
    });
  }

  /** Tell what waits, now. */
  flush() {
    return this.batches.flush();
  }
}
