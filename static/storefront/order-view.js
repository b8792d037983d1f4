// One order as the buyer sees it: what was bought, what it cost, and how to get it.
import { el, formatTime, safeUrl } from "./dom.js";
import { formatMoney } from "./money.js";

const STATUS = {
  PENDING: "Waiting for payment", COMPLETED: "Paid", FAILED: "Payment failed", EXPIRED: "Expired", CANCELLED: "Cancelled",
  REFUNDED: "Refunded", PARTIALLY_REFUNDED: "Partly refunded", DISPUTED: "Disputed",
};
const FULFILMENT = {
  PENDING: "Being prepared", PROCESSING: "Being prepared", PENDING_MANUAL: "Our team is on it", FULFILLED: "Ready", FAILED: "We are looking into a problem", CANCELLED: "Cancelled",
};

export function statusBadge(status) {
  return el("span", { class: `badge ${status.toLowerCase()}` }, STATUS[status] ?? status);
}

function ticketLink(ticket) {
  if (typeof ticket === "string") return ticket;
  return el("a", { href: `/tickets/${ticket.id}` }, `${ticket.number ?? ""} ${ticket.tier ?? ""}`.trim());
}

function goods({ access_code: code, access_url: url, tracking_number: tracking, carrier, appointment_at: appointment, ticket, tickets }) {
  const link = safeUrl(url);
  return el("dl", { class: "goods" },
    code && el("dt", {}, "Access code"), code && el("dd", {}, el("code", {}, code)),
    link && el("dt", {}, "Watch at"), link && el("dd", {}, el("a", { href: link, rel: "noopener noreferrer" }, link)),
    tracking && el("dt", {}, "Tracking"), tracking && el("dd", {}, `${carrier ?? ""} ${tracking}`.trim()),
    appointment && el("dt", {}, "Appointment"), appointment && el("dd", {}, formatTime(appointment)),
    ...(tickets ?? (ticket ? [ticket] : [])).flatMap((one) => [el("dt", {}, "Ticket"), el("dd", {}, ticketLink(one))]));
}

function item(order, line) {
  return el("li", {},
    el("p", { class: "line" }, `${line.quantity} × ${line.title}`, el("span", {}, formatMoney(line.unit_amount))),
    order.payment?.status !== "PENDING" && line.fulfillment_status && el("p", { class: "hint" }, line.fulfillment?.revoked_at ? "Taken back" : FULFILMENT[line.fulfillment_status] ?? line.fulfillment_status),
    line.fulfillment && goods(line.fulfillment));
}

const capitalized = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** The order as a list of nodes for a panel. */
export function orderView(order) {
  const { payment } = order;
  return [
    el("h2", {}, `Order ${order.order_number} `, statusBadge(order.status)),
    el("p", { class: "hint" }, formatTime(order.created_at)),
    el("ul", { class: "items" }, ...order.items.map((line) => item(order, line))),
    el("p", { class: "total" }, "Total ", el("strong", {}, formatMoney(order.total_amount))),
    order.refunded_amount?.amount > 0 && el("p", {}, `Refunded ${formatMoney(order.refunded_amount)}`),
    payment?.last4 && el("p", { class: "hint" }, `Paid with ${capitalized(payment.brand ?? payment.method_type)} ending in ${payment.last4}`),
  ].filter(Boolean);
}
