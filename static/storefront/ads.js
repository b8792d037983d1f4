// Shows ads in the slots of a page, turns them, and has them counted. A slot is an element that names its placement:
//   <section class="ad" data-ad="EVENT_HERO" aria-label="Advertisement" hidden></section>
//   const ads = showAds({ eventId }); ads.inject(ad); ads.close();
// One ad is asked for whenever there is room to show one: what is decided and never shown would use up caps.
import { get, tokens } from "./api.js";
import { el, safeUrl } from "./dom.js";
import { AdCounts } from "../live/ad-counts.js";
import { sessionToken } from "../live/session.js";
import { watchViewable } from "../live/viewability.js";

const FEWEST_MS = 1000, IDLE_MS = 30_000, LONGEST_IDLE_MS = 600_000, DEGRADED_MS = 60_000;
// Everybody in the room hears of an injected ad in the same instant; they must not all ask in it.
const SPREAD_MS = 500;

let counts;

/** Counts time only while it runs, and calls `done` when it has counted `ms`. */
export class Turn {
  constructor(done) {
    Object.assign(this, { done, left: null, timer: null });
  }

  start(ms) {
    this.stop();
    this.left = ms;
  }

  get isOver() {
    return this.left === null;
  }

  run(goesOn) {
    if (this.isOver || goesOn === (this.timer !== null)) return;
    if (goesOn) {
      this.since = Date.now();
      this.timer = setTimeout(() => { this.left = this.timer = null; this.done(); }, this.left);
    } else {
      this.left -= Date.now() - this.since;
      this.stop();
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}

/** The media of an ad: `shown` is called when it is there, `failed` when it is broken. */
function media(ad, shown, failed) {
  const address = safeUrl(ad.media_url);
  if (!address) queueMicrotask(failed);
  if (ad.content_type !== "VIDEO") return el("img", { class: "ad-media", src: address, alt: ad.name, onload: shown, onerror: failed });
  const video = el("video", { class: "ad-media", playsinline: true, loop: true, preload: "auto", "aria-hidden": "true", onloadeddata: shown, onerror: failed });
  // The attribute alone does not silence a video that a script made; one that is not silent may not start by itself.
  video.muted = true;
  if (address) video.src = address;
  return video;
}

/**
 * What an ad is shown in: a plain link that works without this script, or no link where it leads nowhere. The sponsor's
 * page opens beside this one: nobody loses what they were at.
 */
function boxOf(ad) {
  const address = ad.tracked_click_url && new URL(ad.tracked_click_url, location.href);
  const link = /^https?:$/.test(address?.protocol ?? "") && { href: address.href, target: "_blank", rel: "noopener sponsored" };
  const words = [ad.content_type === "VIDEO" && ad.name, link && "(opens in a new tab)"].filter(Boolean).join(" ");
  return el(link ? "a" : "span", { class: "ad-box", ...link }, words && el("span", { class: "visually-hidden" }, words));
}

function whenVisible(act) {
  if (document.visibilityState === "visible") return act();
  document.addEventListener("visibilitychange", () => whenVisible(act), { once: true });
  return undefined;
}

/** A value of the aspect ratio "16:9"; what is not one is shown as 16:9. */
export function ratioOf(text) {
  const [width, height] = (text ?? "").split(":").map(Number);
  return width > 0 && height > 0 ? width / height : 16 / 9;
}

class Slot {
  constructor(element, context) {
    Object.assign(this, { element, context, ad: null, idle: IDLE_MS, asked: 0, stop: () => {}, next: null });
    this.held = { hover: false, focus: false, paused: false, away: false };
    this.turn = new Turn(() => this.ask());
    this.#build();
    this.#listen();
  }

  /**
   * Ask for an ad and show it. It may be the one that is there: then it has another turn, and counts once more. With
   * none to be had, as when all are capped, the last one stays and counts no more.
   */
  async ask(adId = null) {
    // A part of the page that is not there shows nothing.
    if (!this.element.parentElement.getClientRects().length) return;
    const look = ++this.asked;
    let answer = { ads: [], degraded: false };
    try {
      answer = await get(`ads/serve?${this.#query(adId)}`);
    } catch {
      // An ad that cannot be had is no news to anybody.
    }
    if (look !== this.asked || this.isClosed) return;
    const [ad] = answer.ads;
    if (ad) this.next = { ad, leastMs: answer.degraded ? DEGRADED_MS : FEWEST_MS };
    else if (this.ad && this.turn.isOver) this.#wait();
    this.#go();
  }

  /** Show this ad now, where it may be shown here. */
  inject(ad) {
    const isForHere = ad.placements?.includes(this.element.dataset.ad) ?? true;
    if (isForHere && ad.id !== this.ad?.id) this.ask(ad.id);
  }

  close() {
    this.isClosed = true;
    this.stop();
    this.turn.stop();
    this.observer.disconnect();
    document.removeEventListener("visibilitychange", this.go);
    this.element.hidden = true;
  }

  #build() {
    this.button = el("button", { class: "ad-pause", type: "button", onclick: () => this.#pause(!this.held.paused) });
    this.frame = el("div", { class: "ad-frame" });
    this.element.replaceChildren(el("p", { class: "ad-head" }, el("span", {}, "Advertisement"), this.button), this.frame);
    // Whoever wants no motion starts it: nothing plays or turns by itself.
    this.#pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  #listen() {
    const hold = (name, value) => () => { this.held[name] = value; this.go(); };
    this.go = () => this.#go();
    this.element.addEventListener("pointerenter", hold("hover", true));
    this.element.addEventListener("pointerleave", hold("hover", false));
    // A button that was clicked keeps the focus; only one that the keyboard is on holds the ad.
    this.element.addEventListener("focusin", (event) => hold("focus", event.target.matches(":focus-visible"))());
    this.element.addEventListener("focusout", hold("focus", false));
    document.addEventListener("visibilitychange", this.go);
    this.observer = new IntersectionObserver((entries) => hold("away", !entries.at(-1).isIntersecting)());
    this.observer.observe(this.element);
  }

  #query(adId) {
    const { eventId, sessionId } = this.context;
    return new URLSearchParams({
      event_id: eventId, placement: this.element.dataset.ad, limit: 1, session_token: sessionToken(),
      ...(sessionId && { session_id: sessionId }), ...(adId && { ad_id: adId }),
    });
  }

  // Nothing changes under a pointer or the focus: the next ad waits until they are gone.
  #go() {
    const isTouched = this.held.hover || this.held.focus;
    if (this.next && !(this.ad && isTouched)) this.#show(this.next);
    if (this.ad) this.turn.run(document.visibilityState === "visible" && !Object.values(this.held).includes(true));
  }

  #wait() {
    this.turn.start(this.idle);
    this.idle = Math.min(LONGEST_IDLE_MS, this.idle * 2);
  }

  #show({ ad, leastMs }) {
    this.stop();
    Object.assign(this, { ad, idle: IDLE_MS, next: null });
    const box = boxOf(ad);
    this.shown = media(ad, () => box.isConnected && this.#count(ad, box), () => box.isConnected && this.#broken());
    box.style.setProperty("--ratio", ratioOf(ad.aspect_ratio));
    box.append(this.shown);
    // The first ad's room stays, so that nothing on the page moves when ads turn.
    if (this.element.hidden) this.frame.style.setProperty("--ratio", ratioOf(ad.aspect_ratio));
    this.frame.replaceChildren(box);
    this.element.hidden = false;
    delete this.element.dataset.shown;
    this.#play();
    this.turn.start(Math.max(leastMs, ad.display_duration_seconds * 1000));
  }

  // An impression is a picture that is there, in a tab that somebody looks at.
  #count(ad, box) {
    const now = () => {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", now);
      counts.impression(ad.token);
      this.element.dataset.shown = ad.id;
      const video = this.shown.localName === "video" ? this.shown : null;
      const unwatch = watchViewable(box, () => counts.viewable(ad.token), { video });
      this.stop = () => { unwatch(); video?.pause(); };
    };
    this.stop = () => document.removeEventListener("visibilitychange", now);
    document.addEventListener("visibilitychange", now);
    now();
  }

  // What cannot be shown is neither counted nor clicked.
  #broken() {
    this.stop();
    const box = el("span", { class: "ad-box ad-broken" }, "This advertisement could not be shown.");
    box.style.setProperty("--ratio", this.frame.style.getPropertyValue("--ratio"));
    this.frame.replaceChildren(box);
  }

  #pause(isPaused) {
    this.held.paused = isPaused;
    this.button.textContent = isPaused ? "Play" : "Pause";
    this.button.setAttribute("aria-label", isPaused ? "Play advertisements" : "Pause advertisements");
    this.#play();
    this.go?.();
  }

  #play() {
    if (this.shown?.localName !== "video") return;
    if (this.held.paused) this.shown.pause();
    // Any other error is that of a video which was taken off meanwhile, or is broken and says so itself.
    else this.shown.play().catch((error) => error.name === "NotAllowedError" && this.#pause(true));
  }
}

/**
 * Show ads in every slot of `root`. `ready` is resolved when each slot knows what it shows first; `inject({ad,
 * session_id})` takes what AD_INJECTED tells; `close()` takes the ads off.
 */
export function showAds({ eventId, sessionId = null, root = document }) {
  const authorization = () => (tokens()?.access ? `Bearer ${tokens().access}` : null);
  counts ??= new AdCounts({ url: "/api/v1/ads/impressions", authorization });
  const slots = [...root.querySelectorAll("[data-ad]")].map((element) => new Slot(element, { eventId, sessionId }));
  // What is decided for a tab that nobody looks at would only use up caps and budgets.
  const inAll = (act) => whenVisible(() => Promise.all(slots.map(act)));
  return {
    ready: inAll((slot) => slot.ask()),
    inject({ ad, session_id: only = null }) {
      if (only && only !== sessionId) return;
      setTimeout(() => inAll((slot) => slot.inject(ad)), Math.random() * SPREAD_MS);
    },
    close: () => slots.forEach((slot) => slot.close()),
  };
}
