// Back from Stripe. The webhook may be slower than the reader, so the server is asked to look now,
// and then watched until the order is settled.
import { showAds } from "./ads.js";
import { get, post, signIn, tokens } from "./api.js";
import { endCheckout, openCheckout } from "./checkout.js";
import { $, el, fill, formatTime, notify } from "./dom.js";
import { orderView } from "./order-view.js";

const WAITS_MS = [500, 1000, 1000, 2000, 2000, 3000, 5000, 5000, 10000, 15000];
const checkout = openCheckout();
const orderId = new URLSearchParams(location.search).get("order") ?? checkout?.orderId;
const cancelled = document.body.dataset.page === "checkout_cancel";
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

const SAID = {
  COMPLETED: ["Thank you!", "Your payment went through. What you bought is below, and in your e-mail."],
  FAILED: ["The payment did not go through", "Your card has not been charged. You can try again."],
  EXPIRED: ["The reservation ran out", "Your card has not been charged. You can try again."],
  CANCELLED: ["The purchase was cancelled", "Your card has not been charged."],
  REFUNDED: ["Your money is on its way back", "The reservation had run out when the payment arrived, and nothing was left. We refunded everything."],
};

const FREE = ["Thank you!", "Nothing was charged. What you chose is below, and in your e-mail."];

function say(order) {
  const isFree = order.status === "COMPLETED" && order.total_amount.amount === 0;
  const [headline, explain] = isFree ? FREE : SAID[order.status] ?? [`Order ${order.order_number}`, ""];
  $("#headline").textContent = headline;
  $("#explain").textContent = explain;
  document.title = `${headline} · Marquee`;
}

const isSettled = (order) => order.status !== "PENDING";
const goodsAreComing = (order) => order.status === "COMPLETED" && order.items.some((line) => ["PENDING", "PROCESSING"].includes(line.fulfillment_status));

async function watch() {
  // A refusal here is not the end: the order itself tells what is so.
  await post(`orders/${orderId}/return`, {}).catch(() => null);
  let order = await get(`orders/${orderId}`);
  for (const ms of WAITS_MS) {
    fill($("#order"), ...orderView(order));
    if (isSettled(order)) say(order);
    if (isSettled(order) && !goodsAreComing(order)) return order;
    await wait(ms);
    order = await get(`orders/${orderId}`).catch(() => order);
  }
  return order;
}

async function left() {
  const order = await get(`orders/${orderId}`);
  fill($("#order"), ...orderView(order));
  if (isSettled(order)) {
    endCheckout();
    return say(order);
  }
  if (order.expires_at) {
    $("#explain").textContent = `Your card has not been charged. Your selection is reserved until ${formatTime(order.expires_at)}.`;
  }
  const giveUp = async () => {
    try {
      const closed = await post(`orders/${orderId}/cancel`, {});
      endCheckout();
      fill($("#order"), ...orderView(closed));
      say(closed);
    } catch (problem) {
      notify(problem.message, "error");
    }
  };
  $("#order").append(el("p", {},
    order.stripe_checkout_url && el("a", { class: "button", href: order.stripe_checkout_url }, "Go on paying"), " ",
    el("button", { class: "button quiet", type: "button", onclick: giveUp }, "Give it up")));
  return undefined;
}

function nothing() {
  $("#headline").textContent = "There is no checkout to come back from";
  $("#explain").textContent = "What you bought is under My purchases.";
  document.title = "No checkout · Marquee";
  $("#order").remove();
}

async function show() {
  if (checkout?.slug) $("#back").href = `/events/${checkout.slug}`;
  if (!orderId) return nothing();
  if (!tokens()) return signIn();
  if (checkout?.eventId) showAds({ eventId: checkout.eventId });
  if (cancelled) return left();
  const order = await watch();
  if (isSettled(order)) return endCheckout();
  $("#headline").textContent = "Still waiting for the payment";
  $("#explain").textContent = "Some payment methods take days. We send you an e-mail as soon as it is through; you need not do anything.";
  return undefined;
}

try {
  await show();
} catch (problem) {
  if (problem.status === 401) signIn();
  fill($("#order"));
  notify(problem.message, "error");
}
