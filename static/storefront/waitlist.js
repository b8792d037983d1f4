// One person's seat in a session: walk in while there is room, wait when it is full, answer the offer in time.
// The server decides everything; events only say that it is time to look again, so a lost one costs nothing.
import { showAds } from "./ads.js";
import { Problem, api, freshToken, get, post, signIn, tokens, userId } from "./api.js";
import { $, el, fill, formatTime, waitText } from "./dom.js";
import { Live } from "../live/socket.js";

const id = document.body.dataset.session;
const LARGEST_GROUP = 4;
const WORDS = { connecting: "Connecting...", live: "This page is live.", reconnecting: "Reconnecting...", refused: "Sign in again to hear of changes." };
// Everybody in the room hears of a change in the same instant; they must not all ask in it.
const LOOK_AGAIN_MS = 1000, SPREAD_MS = 2000;
let session, ads, clock, looks = 0, lookingAgain = null, shown = null, lost = null;

function button(label, act, quiet = false) {
  const made = el("button", { class: quiet ? "button quiet" : "button", type: "button" }, label);
  made.addEventListener("click", async () => {
    made.setAttribute("aria-disabled", "true");
    if (!made.isBusy) {
      made.isBusy = true;
      await attempt(act);
      made.isBusy = false;
    }
    made.removeAttribute("aria-disabled");
  });
  return made;
}

// What somebody wanted before they had to sign in is done when they are back: once, and for this session only.
const WISH = "marquee.wish";

function keepWish(wish) {
  try {
    sessionStorage.setItem(WISH, JSON.stringify({ ...wish, session: id }));
  } catch { /* No storage here: they press the button again. */ }
}

function takeWish() {
  try {
    const wish = JSON.parse(sessionStorage.getItem(WISH));
    sessionStorage.removeItem(WISH);
    return wish?.session === id && tokens() ? wish : null;
  } catch {
    return null;
  }
}

/** An act that can wait for the sign-in: join the line with so many, or walk in. */
function asked(wish) {
  const act = () => (wish().quantity ? post(`sessions/${id}/waitlist`, wish()) : post(`sessions/${id}/attendance`, {}));
  return Object.assign(act, { wish });
}

/** Do it, say what went wrong, and show how things stand afterwards. */
async function attempt(act) {
  const problem = $("#problem");
  problem.hidden = true;
  try {
    if (!tokens()) throw new Problem({ status: 401 });
    await act();
  } catch (refused) {
    if (refused.status === 401) {
      if (act.wish) keepWish(act.wish());
      return signIn();
    }
    problem.textContent = refused.message;
    problem.hidden = false;
  }
  return show();
}

const seatWords = (count) => (count === 1 ? "a seat" : `${count} seats`);

// The server's clock may differ from this one: the countdown is a courtesy, the answer is what counts.
function countdown(until) {
  const shown = el("strong", { id: "countdown" });
  clearInterval(clock);
  const tick = () => {
    const left = Math.max(0, Math.floor((new Date(until) - Date.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left > 0) return;
    clearInterval(clock);
    lookAgain();
  };
  clock = setInterval(tick, 1000);
  tick();
  return shown;
}

function offered({ quantity, offer }) {
  const answer = (path) => () => post(`sessions/${id}/waitlist/${path}`, { join_token: offer.join_token });
  return [
    el("h2", {}, quantity === 1 ? "A seat is yours" : `${quantity} seats are yours`),
    el("p", {}, `Accept until ${formatTime(offer.expires_at, session.event.time_zone)}. `, el("span", { "aria-hidden": "true" }, "Left: ", countdown(offer.expires_at))),
    el("p", { class: "answer" }, button("Accept", answer("accept")), " ", button("Decline", answer("decline"), true)),
  ];
}

function waiting(place) {
  return [
    el("h2", {}, "You are in line"),
    el("p", {}, "Position ", el("strong", { id: "position" }, String(place.position)), " of ", el("span", { id: "total" }, String(place.total)),
      `. You wait for ${seatWords(place.quantity)}.`),
    el("p", { class: "hint", id: "estimate" }, waitText(place.estimated_wait_minutes)),
    button("Leave the line", () => api("DELETE", `sessions/${id}/waitlist`), true),
  ];
}

function outside(place) {
  const ended = { OFFERED: "Your last offer has expired.", EXPIRED: "Your last offer has expired.", DECLINED: "You declined your last offer.", REMOVED: "You were taken off the line.", LEFT: "You left the line.", ACCEPTED: "The seat that you accepted was given back." }[place?.status];
  // A group larger than the session never fits.
  const largest = Math.min(LARGEST_GROUP, session.maximum_capacity ?? LARGEST_GROUP);
  const quantity = el("select", { id: "quantity" }, ...Array.from({ length: largest }, (_, i) => el("option", { value: i + 1 }, `${i + 1}`)));
  return [
    el("h2", {}, session.is_full ? "This session is full" : "There is room"),
    (lost || ended) && el("p", {}, lost ?? ended),
    session.is_full && el("p", {}, el("label", { for: "quantity" }, "How many of you? "), quantity),
    session.is_full ? button("Join the waitlist", asked(() => ({ quantity: Number(quantity.value) }))) : button("Take a seat", asked(() => ({}))),
  ];
}

function seated() {
  return [el("h2", {}, "You have a seat"), el("p", {}, "See you there."),
    button("Give it back", () => api("DELETE", `sessions/${id}/attendance`), true)];
}

async function place() {
  try {
    return tokens() ? await get(`sessions/${id}/waitlist`) : null;
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

/** Read how things stand and show it; of several looks at once the latest counts. */
async function show() {
  const look = ++looks;
  try {
    const [now, mine] = await Promise.all([get(`sessions/${id}`), place()]);
    if (look === looks) render(now, mine);
  } catch (problem) {
    if (look !== looks) return;
    if (problem.status === 401) return signIn();
    if (problem.status === 404) return unseen();
    $("#problem").textContent = problem.message;
    $("#problem").hidden = false;
  }
}

// A private event is seen no more by who has no ticket of it left: they read why.
function unseen() {
  clearInterval(clock);
  shown = null;
  const parts = [el("h2", {}, "This session does not exist, or you have to sign in to see it."), lost && el("p", {}, lost)];
  fill($("#place"), ...parts.filter(Boolean));
}

function render(now, mine) {
  session = now;
  document.title = `${session.title} · Marquee`;
  $("#when").textContent = `${session.event.title} · ${formatTime(session.starts_at, session.event.time_zone)}`;
  $("#title").textContent = session.title;
  $("#seats").textContent = session.free_seats === null ? "Seats for everybody" : `${session.current_attendance} of ${session.maximum_capacity} seats taken`;
  // What is the same stays as it is: a button keeps the focus, a choice its value, and nothing is read out again.
  // Whoever has a seat again, or waits again, has lost nothing any more.
  if (session.is_attending || mine?.status === "WAITING" || mine?.status === "OFFERED") lost = null;
  const state = JSON.stringify([session.is_attending, session.is_full, mine?.id, mine?.status, mine?.offer, lost]);
  if (state === shown) return mine?.status === "WAITING" && moved(mine);
  shown = state;
  clearInterval(clock);
  let parts;
  if (session.is_attending) parts = seated();
  else if (mine?.status === "OFFERED" && mine.offer) parts = offered(mine);
  else if (mine?.status === "WAITING") parts = waiting(mine);
  else parts = outside(mine);
  const hadFocus = $("#place").contains(document.activeElement);
  fill($("#place"), ...parts.filter(Boolean));
  if (hadFocus) $("#place").focus();
}

function moved({ position, total, estimated_wait_minutes: minutes }) {
  $("#position").textContent = position;
  $("#total").textContent = total;
  $("#estimate").textContent = waitText(minutes);
}

function lookAgain() {
  lookingAgain ??= setTimeout(() => { lookingAgain = null; show(); }, LOOK_AGAIN_MS + Math.random() * SPREAD_MS);
}

// What concerns this person is looked at now; that somebody else moved, soon.
function heard(name, data) {
  if (name === "AD_INJECTED") return ads?.inject(data);
  if (data.session_id !== id) return;
  // A seat that went with the last ticket is in no list of places: these words are all that tells of it.
  if (name === "WAITLIST_REMOVED" && data.had_seat) lost = data.message;
  if (name === "WAITLIST_POSITION_UPDATE" && $("#position")) moved(data);
  else if (name === "WAITLIST_CHANGED") lookAgain();
  else show();
}

function startAds() {
  if (session) ads = showAds({ eventId: session.event.id, sessionId: id });
}

function listen() {
  if (!userId()) return;
  const live = new Live({
    url: document.body.dataset.realtime,
    token: freshToken,
    onEvent: heard,
    onStatus: (status) => {
      $("#live").textContent = WORDS[status];
      // What happened while the line was cut is read, not guessed.
      if (status === "live") show();
    },
  });
  live.join(`session:${id}:waitlist`);
  if (session) live.join(`event:${session.event.id}`);
}

const wish = takeWish();
(wish ? attempt(asked(() => (wish.quantity ? { quantity: wish.quantity } : {}))) : show()).then(startAds).then(listen);
