// Who a browser is to the server while nobody is signed in: a random word, the same in all tabs. Where the browser
// lets nothing be kept (private windows of some), it lasts as long as the tab, or else as the page.

const NAME = "marquee.session";
let remembered = null;

function random() {
  // crypto.randomUUID is there on https and localhost only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What one of the browser's stores does, or null where it refuses: even naming the store may be refused. */
export function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** The browser's word, made on first use: 32 characters. */
export function sessionToken() {
  remembered ??= attempt(() => localStorage.getItem(NAME)) ?? attempt(() => sessionStorage.getItem(NAME)) ?? random();
  const isKept = attempt(() => { localStorage.setItem(NAME, remembered); return true; });
  if (!isKept) attempt(() => sessionStorage.setItem(NAME, remembered));
  return remembered;
}
