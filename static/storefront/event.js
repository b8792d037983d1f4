import { showAds } from "./ads.js";
import { freshToken, get, post, signIn, tokens, userId } from "./api.js";
import { buy, buyTickets, endCheckout, openCheckout } from "./checkout.js";
import { $, el, fill, formatTime, notify, safeUrl } from "./dom.js";
import { formatPrice } from "./money.js";
import { Experiments } from "../live/experiments.js";
import { Live } from "../live/socket.js";
import { Tracker } from "../live/tracker.js";
import { watchViewable } from "../live/viewability.js";

const tracker = new Tracker();
const viewed = new Set();
const COLOR = "checkout_button_color";
let experiments = null;
const slug = document.body.dataset.slug;
const ARTWORK = { TICKET_UPGRADE: "★", MERCHANDISE: "◆", EXCLUSIVE_CONTENT: "▶", SERVICE: "☕" };
const FEW_LEFT = 10;
const MOST_AT_ONCE = 20;
// What stands below the ads is not seen before they are there, so that it does not move when they come; this long at most.
const ADS_FIRST_MS = 1000;
const EXPERIMENTS_MS = 1000;

/** The offer's picture, or a placeholder of our own where there is none or it is broken. */
function picture(offer) {
  const placeholder = el("div", { class: `art ${offer.offer_type.toLowerCase()}`, "aria-hidden": "true" }, ARTWORK[offer.offer_type] ?? "◆");
  const source = safeUrl(offer.image_url);
  if (!source) return placeholder;
  const image = el("img", { class: "art", src: source, alt: "", loading: "lazy", onerror: () => image.replaceWith(placeholder) });
  return image;
}

function stock(offer) {
  const { available } = offer.inventory;
  if (available === null) return el("p", { class: "stock" }, "Always available");
  if (available === 0) return el("p", { class: "stock out" }, "Sold out");
  return el("p", { class: available <= FEW_LEFT ? "stock few" : "stock" }, available <= FEW_LEFT ? `Only ${available} left` : "In stock");
}

function price(offer) {
  if (Number(offer.price) === 0) return el("p", { class: "price" }, "Free");
  return el("p", { class: "price" }, formatPrice(offer.price, offer.currency),
    offer.original_price && el("s", {}, el("span", { class: "visually-hidden" }, "before "), formatPrice(offer.original_price, offer.currency)));
}

function card(offer) {
  const most = Math.min(MOST_AT_ONCE, offer.inventory.available ?? MOST_AT_ONCE, offer.per_user_limit ?? MOST_AT_ONCE);
  const single = offer.offer_type === "TICKET_UPGRADE" || most <= 1;
  const quantity = el("select", { id: `quantity-${offer.id}`, "aria-label": `Quantity of ${offer.title}` },
    ...Array.from({ length: Math.max(1, most) }, (_, i) => el("option", { value: i + 1 }, `${i + 1}`)));
  const message = el("p", { class: "error", role: "alert", hidden: true, id: `message-${offer.id}` });
  const button = el("button", { class: experiments?.variant(COLOR) === "green" ? "button green" : "button", type: "button", disabled: offer.inventory.available === 0, "aria-describedby": message.id,
    onclick: () => purchase(offer, single ? 1 : Number(quantity.value), button, message) },
    Number(offer.price) === 0 ? "Get it" : "Buy", el("span", { class: "visually-hidden" }, ` ${offer.title}`));
  const made = el("li", { class: "card offer", "data-offer": offer.id },
    picture(offer), el("h3", {}, offer.title), el("p", {}, offer.description || ""), price(offer), stock(offer),
    el("div", { class: "buy" }, single ? null : quantity, button), message);
  watchViewable(made, () => see(offer));
  return made;
}

function tell(type, offer) {
  tracker.track(type, { eventId: offer.event_id, entityId: offer.id });
}

/** An offer was really seen: told once for each page, however often its card is made anew. */
function see(offer) {
  if (viewed.has(offer.id)) return;
  viewed.add(offer.id);
  tell("OFFER_VIEW", offer);
  experiments?.see(COLOR);
}

/** Which ticket an upgrade moves, when the buyer has several at this event; null when the server may choose. */
async function chooseTicket(offer, message) {
  if (offer.offer_type !== "TICKET_UPGRADE") return null;
  const { results } = await get("me/tickets?limit=200");
  const mine = results.filter((ticket) => ticket.event.id === offer.event_id && ticket.status === "VALID");
  if (mine.length < 2) return null;
  const choice = el("select", { "aria-label": "Which ticket to upgrade" }, ...mine.map((ticket) => el("option", { value: ticket.id }, `${ticket.number} (${ticket.tier?.name ?? ""})`)));
  return new Promise((resolve) => {
    message.replaceChildren("Which ticket? ", choice, " ", el("button", { class: "button", type: "button", onclick: () => resolve(choice.value) }, "Upgrade this one"));
    message.hidden = false;
  });
}

async function purchase(offer, quantity, button, message) {
  tell("OFFER_CLICK", offer);
  if (!tokens()) return signIn();
  message.hidden = true;
  button.disabled = true;
  try {
    const ticketId = await chooseTicket(offer, message);
    const answer = await buy(offer, quantity, { ticketId, slug });
    tell("OFFER_ADD_TO_CART", offer);
    experiments?.reach(COLOR, { value: answer.order.total_amount.amount });
    location.assign(answer.stripe_checkout_url ?? `/checkout/success?order=${answer.order.id}`);
  } catch (problem) {
    if (problem.status === 401) return signIn();
    message.textContent = problem.retryable ? `${problem.message} Press the button again to continue the same purchase.` : problem.message;
    message.hidden = false;
    button.disabled = false;
    if (problem.code === "sold_out") await showOffers();
  }
  return undefined;
}

let event;

async function showOffers() {
  const { results } = await get(`events/${event.id}/offers?active=true&limit=100`);
  fill($("#offers"), ...results.map(card));
  $("#empty").hidden = results.length > 0;
}

/** An open checkout of this tab: go on with it, or give it up. */
async function offerToResume() {
  const checkout = openCheckout();
  if (!checkout || checkout.slug !== slug || !tokens()) return;
  const order = await get(`orders/${checkout.orderId}`).catch(() => null);
  if (!order || order.status !== "PENDING" || new Date(checkout.expiresAt) < new Date()) return endCheckout();
  const give = async () => {
    await post(`orders/${checkout.orderId}/cancel`, {}).catch((problem) => notify(problem.message, "error"));
    endCheckout();
    $("#resume").hidden = true;
    await showOffers();
  };
  $("#resume").replaceChildren(`You have an open checkout: ${checkout.quantity} × ${checkout.title}. `,
    el("a", { class: "button", href: checkout.url }, "Continue"), " ",
    el("button", { class: "button quiet", type: "button", onclick: give }, "Give it up"));
  $("#resume").hidden = false;
  return undefined;
}

function tierRow(tier) {
  const most = Math.min(MOST_AT_ONCE, tier.available ?? MOST_AT_ONCE, tier.per_user_limit ?? MOST_AT_ONCE);
  const quantity = el("select", { "aria-label": `How many ${tier.name} tickets` }, ...Array.from({ length: Math.max(1, most) }, (_, i) => el("option", { value: i + 1 }, `${i + 1}`)));
  const message = el("p", { class: "error", role: "alert", hidden: true });
  const button = el("button", { class: "button", type: "button", disabled: tier.available === 0, onclick: () => purchaseTickets(tier, Number(quantity.value), button, message) },
    tier.available === 0 ? "Sold out" : "Get tickets", el("span", { class: "visually-hidden" }, ` of ${tier.name}`));
  return el("li", { class: "row", "data-tier": tier.id },
    el("div", {}, el("strong", {}, tier.name), el("p", { class: "hint" }, tier.description || ""), message),
    el("div", { class: "end" }, el("span", {}, Number(tier.price) === 0 ? "Free" : formatPrice(tier.price, tier.currency)),
      el("div", { class: "buy" }, most > 1 ? quantity : null, button)));
}

async function purchaseTickets(tier, quantity, button, message) {
  if (!tokens()) return signIn();
  message.hidden = true;
  button.disabled = true;
  try {
    const answer = await buyTickets(tier, quantity, { title: `${event.title}: ${tier.name}`, slug });
    location.assign(answer.stripe_checkout_url ?? `/checkout/success?order=${answer.order.id}`);
  } catch (problem) {
    if (problem.status === 401) return signIn();
    message.textContent = problem.retryable ? `${problem.message} Press the button again to continue the same purchase.` : problem.message;
    message.hidden = false;
    button.disabled = false;
  }
  return undefined;
}

async function showTiers() {
  const { results } = await get(`events/${event.id}/ticket-tiers?limit=100`);
  fill($("#tiers"), ...results.map(tierRow));
  $("#tiers-part").hidden = results.length === 0;
}

function seats(session) {
  if (session.is_full) return "Full";
  if (session.free_seats === null) return "Seats for everybody";
  return session.free_seats === 1 ? "1 free seat" : `${session.free_seats} free seats`;
}

function sessionRow(session) {
  return el("li", { class: "row", "data-session": session.id },
    el("div", {}, el("a", { href: `/sessions/${session.id}/waitlist` }, session.title),
      el("p", { class: "hint" }, formatTime(session.starts_at, event.time_zone))),
    el("div", { class: "end" }, el("span", {}, seats(session))));
}

async function showSessions() {
  const { results } = await get(`events/${event.id}/sessions?limit=200`);
  fill($("#sessions"), ...results.map(sessionRow));
  $("#programme").hidden = results.length === 0;
}

/** Show the event's ads; those that staff put on everybody's screen come at once. */
async function startAds() {
  const ads = showAds({ eventId: event.id });
  await Promise.race([ads.ready, new Promise((resolve) => { setTimeout(resolve, ADS_FIRST_MS); })]);
  if (!userId()) return;
  const live = new Live({
    url: document.body.dataset.realtime,
    token: freshToken,
    onEvent: (name, data) => name === "AD_INJECTED" && ads.inject(data),
    onStatus: (status) => { document.body.dataset.live = status; },
  });
  live.join(`event:${event.id}`);
}

/** Find out what runs here; without an answer in time everybody sees what is usual, and nothing is told. */
async function startExperiments() {
  const asked = get(`events/${event.id}/ab-tests`).then(({ results }) => results).catch(() => []);
  const late = new Promise((resolve) => { setTimeout(() => resolve([]), EXPERIMENTS_MS); });
  experiments = new Experiments({ eventId: event.id, running: await Promise.race([asked, late]) });
}

/** Let a part of the page be seen: what stands above it has its height. */
function settle(part) {
  $(part).classList.remove("settling");
}

async function show() {
  const { results } = await get(`events?slug=${encodeURIComponent(slug)}`);
  if (!results.length) {
    settle("#below");
    fill($("#hero"), el("h1", {}, "This event does not exist, or you have to sign in to see it."));
    $("#offers").previousElementSibling.hidden = true;
    return fill($("#offers"));
  }
  [event] = results;
  document.title = `${event.title} · Marquee`;
  $("#event-when").textContent = `${formatTime(event.starts_at, event.time_zone)} (${event.time_zone.replace("_", " ")})`;
  $("#event-title").textContent = event.title;
  $("#event-description").textContent = event.description || "";
  $("#hero").removeAttribute("aria-busy");
  $("#programme").hidden = false;
  await Promise.all([startAds(), startExperiments()]);
  settle("#below");
  await Promise.all([showOffers(), showSessions(), showTiers()]);
  settle("#programme");
  return offerToResume();
}

try {
  await show();
} catch (problem) {
  settle("#below");
  settle("#programme");
  fill($("#offers"));
  notify(problem.message, "error");
}
