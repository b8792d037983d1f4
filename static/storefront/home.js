import { get } from "./api.js";
import { $, el, fill, formatTime, notify } from "./dom.js";

try {
  const { results } = await get(`events?limit=50&ends_after=${new Date().toISOString()}`);
  fill($("#events"), ...results.map((event) => el("li", { class: "card" },
    el("p", { class: "eyebrow" }, formatTime(event.starts_at, event.time_zone)),
    el("h2", {}, el("a", { href: `/events/${event.slug}` }, event.title)),
    el("p", {}, event.description || ""))));
  $("#empty").hidden = results.length > 0;
} catch (problem) {
  fill($("#events"));
  notify(problem.message, "error");
}
