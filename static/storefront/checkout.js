// A checkout that survives: a lost answer, a double click, a second tab, the trip to Stripe and back.
//
// An *intent* is "this person wants this many of this offer". It owns one Idempotency-Key, kept in localStorage,
// so that every tab and every repetition sends the same key and the server makes one purchase of them.
// The *checkout* that came of it is kept in sessionStorage while the tab is away at Stripe.
import { Problem, api, userId } from "./api.js";

const INTENT = "marquee.intent";
const CHECKOUT = "marquee.checkout";
const INTENT_LIFETIME_MS = 15 * 60 * 1000;

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

function randomKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const intentName = (offerId) => `${INTENT}.${userId()}.${offerId}`;

function intentFor(offerId, quantity, ticketId) {
  const kept = read(localStorage, intentName(offerId));
  const same = kept && kept.quantity === quantity && kept.ticketId === ticketId;
  if (same && Date.now() - kept.at < INTENT_LIFETIME_MS) return kept;
  const fresh = { key: randomKey(), quantity, ticketId, at: Date.now() };
  localStorage.setItem(intentName(offerId), JSON.stringify(fresh));
  return fresh;
}

/** Forget the intent: its purchase is over, one way or the other. The next click is a new purchase. */
export function endIntent(offerId) {
  localStorage.removeItem(intentName(offerId));
}

/** The checkout this tab left for, or null. */
export const openCheckout = () => read(sessionStorage, CHECKOUT);

export function endCheckout() {
  const checkout = openCheckout();
  sessionStorage.removeItem(CHECKOUT);
  if (checkout) endIntent(checkout.offerId);
}

/**
 * Buy units of an offer: resolves to the purchase answer after keeping what the way back needs; rejects with a
 * Problem. A retryable refusal keeps the intent, so that trying again is the same purchase.
 */
export function buy(offer, quantity, { ticketId = null, slug }) {
  const body = { quantity, ...(ticketId && { ticket_id: ticketId }) };
  return begin(offer, `offers/${offer.id}/purchase`, body, { quantity, ticketId, slug });
}

/** Buy tickets of a tier, in the same way. */
export function buyTickets(tier, quantity, { title, slug }) {
  const path = `events/${tier.event_id}/checkout`;
  return begin({ id: tier.id, event_id: tier.event_id, title }, path, { tier_id: tier.id, quantity }, { quantity, slug });
}

async function begin(thing, path, body, { quantity, ticketId = null, slug }) {
  const intent = intentFor(thing.id, quantity, ticketId);
  try {
    const answer = await api("POST", path, { body, headers: { "Idempotency-Key": intent.key } });
    sessionStorage.setItem(CHECKOUT, JSON.stringify({
      orderId: answer.order.id, offerId: thing.id, eventId: thing.event_id, title: thing.title, slug, quantity,
      url: answer.stripe_checkout_url, expiresAt: answer.expires_at,
    }));
    return answer;
  } catch (problem) {
    const pending = problem instanceof Problem && (problem.retryable || problem.code === "in_progress");
    if (!pending) endIntent(thing.id);
    throw problem;
  }
}
