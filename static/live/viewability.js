// Tells when something was really seen, by the rule of the MRC for ads: half of its pixels (30 % of what has 242,500
// pixels or more) in a visible tab for one second without a break; of a video two seconds, in which it plays.
// Knows nothing of how ads are served or counted, so it can be used for whatever is shown.

const LARGE_PIXELS = 242_500;
const SHARE = 0.5, SHARE_OF_LARGE = 0.3;
const DISPLAY_MS = 1000, VIDEO_MS = 2000;
const STARTS = ["playing"], STOPS = ["pause", "waiting", "seeking", "ended", "emptied"];
const CAN_PLAY_ON = 3; // HTMLMediaElement.HAVE_FUTURE_DATA

/** Which share of something of this size, in CSS pixels, has to be on the screen. */
export function neededShare(width, height) {
  return width * height >= LARGE_PIXELS ? SHARE_OF_LARGE : SHARE;
}

/** Calls `done` once something has held for `ms` without a break. */
export class Unbroken {
  constructor(ms, done) {
    Object.assign(this, { ms, done, timer: null });
  }

  set(holds) {
    if (!holds) this.stop();
    else this.timer ??= setTimeout(this.done, this.ms);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}

/**
 * Call `seen` once, when the element was viewable. `video` is the element's video, where it has one.
 * Returns a function that ends the watch; what was not viewable until then never is.
 */
export function watchViewable(element, seen, { video = null } = {}) {
  let onScreen = false, plays = video !== null && !video.paused && video.readyState >= CAN_PLAY_ON;
  const unbroken = new Unbroken(video ? VIDEO_MS : DISPLAY_MS, () => {
    // A busy page may not have heard yet that it was scrolled away.
    look(observer.takeRecords());
    if (unbroken.timer === null) return;
    stop();
    seen();
  });
  const weigh = () => unbroken.set(onScreen && document.visibilityState === "visible" && (!video || plays));
  const play = () => { plays = true; weigh(); };
  const pause = () => { plays = false; weigh(); };

  function look(entries) {
    for (const { intersectionRatio, boundingClientRect: { width, height } } of entries) {
      onScreen = width * height > 0 && intersectionRatio >= neededShare(width, height);
    }
    weigh();
  }

  function listen(act) {
    document[act]("visibilitychange", weigh);
    if (!video) return;
    for (const name of STARTS) video[act](name, play);
    for (const name of STOPS) video[act](name, pause);
  }

  function stop() {
    unbroken.stop();
    observer.disconnect();
    listen("removeEventListener");
  }

  const observer = new IntersectionObserver(look, { threshold: [0, SHARE_OF_LARGE, SHARE] });
  observer.observe(element);
  listen("addEventListener");
  return stop;
}
