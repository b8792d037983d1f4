import { get, signIn, tokens } from "./api.js";
import { $, fill, notify } from "./dom.js";
import { orderView } from "./order-view.js";

try {
  if (!tokens()) signIn();
  else fill($("#order"), ...orderView(await get(`orders/${document.body.dataset.order}`)));
} catch (problem) {
  if (problem.status === 401) signIn();
  fill($("#order"), problem.status === 404 ? "This order does not exist, or it is not yours." : "");
  if (problem.status !== 404) notify(problem.message, "error");
}
