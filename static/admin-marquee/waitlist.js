// Keeps the staff's waitlist page current: events are gathered for a second into one refresh, news is said at most
// every three seconds, and what the reader ticked, typed and focused stays as it was.
import { Live } from "../live/socket.js";

const GATHER_MS = 1000, NEWS_MS = 3000, AGAIN_MS = 5000;
const WORDS = { connecting: "Connecting...", live: "Live", reconnecting: "Reconnecting...", refused: "Not live: reload the page to see changes" };

const page = document.querySelector("#waitlist");
const part = document.querySelector("#queue-part");
const news = document.querySelector("#live-news");
let gathering = null, refreshing = null, isStale = false, lastNews = 0, newsTimer = null;

async function accessToken() {
  const answer = await fetch(page.dataset.tokenUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return (await answer.json()).token;
}

function gather(wait = GATHER_MS) {
  gathering ??= setTimeout(() => { gathering = null; refresh(); }, wait);
}

/** Load what changes; one at a time, and once more when something happened meanwhile. */
async function refresh() {
  if (refreshing) {
    isStale = true;
    return;
  }
  isStale = false;
  refreshing = load();
  await refreshing;
  refreshing = null;
  if (isStale) gather();
}

async function load() {
  const address = new URL(location.href);
  address.searchParams.set("part", "queue");
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => null) : null;
  if (html === null) {
    say("The page could not be refreshed; it is tried again.");
    gather(AGAIN_MS);
    return;
  }
  const ticked = new Set([...part.querySelectorAll("input[name=entry]:checked")].map((box) => box.id));
  const focus = focusOf(document.activeElement);
  const scrolled = part.querySelector(".mq-scroll")?.scrollLeft ?? 0;
  part.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  for (const box of part.querySelectorAll("input[name=entry]")) box.checked = ticked.has(box.id);
  const table = part.querySelector(".mq-scroll");
  if (table) table.scrollLeft = scrolled;
  // Whoever stood on a row that has gone goes on from the table, not from the top of the page.
  if (focus) (part.querySelector(focus) ?? table)?.focus({ preventScroll: true });
}

// The element with the focus as one finds it again in the new content.
function focusOf(element) {
  if (!part.contains(element)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : element.localName;
}

function summary({ waiting, offered, free }) {
  return `${waiting} waiting, ${offered} open offers, ${free === null ? "unlimited seats" : `${free} free`}.`;
}

function say(text) {
  clearTimeout(newsTimer);
  const wait = lastNews + NEWS_MS - Date.now();
  if (wait > 0) {
    newsTimer = setTimeout(() => say(text), wait);
    return;
  }
  lastNews = Date.now();
  news.textContent = text;
}

function status(name) {
  document.querySelector("#live-status").textContent = WORDS[name];
  document.querySelector("#live-dot").dataset.status = name;
  // What happened before the line was up, or while it was cut, is read.
  if (name === "live") refresh();
}

const live = new Live({
  url: page.dataset.url,
  token: accessToken,
  onStatus: status,
  onEvent: (name, data) => {
    if (name !== page.dataset.event || data.stream !== page.dataset.room) return;
    gather();
    say(summary(data));
  },
});
live.join(page.dataset.room);
