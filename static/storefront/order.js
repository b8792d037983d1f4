import { get, signIn, tokens } from "./api.js";
import { $, el, fill, notify } from "./dom.js";
import { orderView } from "./order-view.js";

/** A purchase that waits for its payment can be paid from here too, whichever tab or device began it. */
const payLink = ({ status, stripe_checkout_url: url }) => status === "PENDING" && url && el("p", {}, el("a", { class: "button", href: url }, "Go on paying"));

try {
  if (!tokens()) signIn();
  else {
    const order = await get(`orders/${document.body.dataset.order}`);
    fill($("#order"), ...orderView(order), ...[payLink(order)].filter(Boolean));
  }
} catch (problem) {
  if (problem.status === 401) signIn();
  fill($("#order"), problem.status === 404 ? "This order does not exist, or it is not yours." : "");
  if (problem.status !== 404) notify(problem.message, "error");
}
