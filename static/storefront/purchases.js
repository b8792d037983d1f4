import { api, signIn, tokens } from "./api.js";
import { $, el, fill, formatTime, notify } from "./dom.js";
import { formatMoney } from "./money.js";
import { statusBadge } from "./order-view.js";

let next = "me/purchases?limit=25";

function row(purchase) {
  const { order } = purchase;
  return el("li", { class: "row" },
    el("div", {}, el("a", { href: `/orders/${order.id}` }, `${purchase.quantity} × ${purchase.offer.title}`),
      el("p", { class: "hint" }, `${order.order_number} · ${formatTime(purchase.created_at)}`)),
    el("div", { class: "end" }, el("span", {}, formatMoney(order.total_amount)), statusBadge(order.status)));
}

async function more() {
  const page = await api("GET", next);
  const list = $("#purchases");
  fill(list, ...list.children, ...page.results.map(row));
  next = page.next && new URL(page.next).pathname + new URL(page.next).search;
  $("#more").hidden = !next;
  $("#empty").hidden = list.children.length > 0;
}

async function load() {
  try {
    if (!tokens()) signIn();
    else await more();
  } catch (problem) {
    if (problem.status === 401) signIn();
    fill($("#purchases"));
    notify(problem.message, "error");
  }
}

$("#more button").addEventListener("click", load);
load();
