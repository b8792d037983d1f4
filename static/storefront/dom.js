// Building pages without a framework. Text is always text, never markup.

/** Make an element: el("p", {class: "x"}, "text", child). Null and false children are left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return node;
}

export const $ = (selector) => document.querySelector(selector);

/** Fill a container and say that it is no longer loading. */
export function fill(container, ...children) {
  container.replaceChildren(...children);
  container.removeAttribute("aria-busy");
}

/** Show a message at the top of the page, read out by screen readers. */
export function notify(text, kind = "") {
  const notice = $("#notice");
  notice.textContent = text;
  notice.className = `notice ${kind}`;
  notice.hidden = !text;
}

const TIME = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };

/** A moment as people read it, in the event's time zone where one is given. Names the zone: readers may be in another. */
export function formatTime(iso, timeZone) {
  return new Intl.DateTimeFormat("en-GB", { ...TIME, timeZone }).format(new Date(iso));
}

/** A link address that may be shown: http(s) only. */
export function safeUrl(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : null;
}

// How long a wait is expected to be, in minutes; null where nobody can say.
export function waitText(minutes) {
  if (minutes === null) return "We cannot say yet how long it takes.";
  const [count, unit] = minutes < 60 ? [minutes, "minute"] : [Math.ceil(minutes / 60), "hour"];
  return `About ${count} ${unit}${count === 1 ? "" : "s"}.`;
}
