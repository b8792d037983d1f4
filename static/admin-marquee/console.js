// Loads each panel of an event's console by itself: one that fails says so, keeps what it showed, and can be tried
// again. All are loaded anew every five minutes, and when somebody comes back after more than ten.
const EVERY_MS = 300_000, COME_BACK_MS = 600_000, LOOK_MS = 15_000, PATIENCE_MS = 60_000;

const root = document.querySelector("#console");
const form = document.querySelector("#refresh");
const said = document.querySelector("#refreshed");
const panels = [...root.querySelectorAll(".mq-panel")].map((section) => ({
  section, url: section.dataset.url, body: section.querySelector(".mq-panel-body"), turn: 0, isLoaded: false,
  notice: section.querySelector(".mq-panel-notice"), title: section.querySelector("h3").textContent,
}));
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: root.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
let startedAt = 0, loading = null;

/** Load a panel; say whether it came. Of two loads the later one counts. */
async function load(panel) {
  const turn = ++panel.turn;
  panel.section.setAttribute("aria-busy", "true");
  const html = await content(panel.url);
  if (turn !== panel.turn) return false;
  panel.section.removeAttribute("aria-busy");
  if (html === null) {
    tell(panel, panel.isLoaded ? "This could not be refreshed. What stands here is from before." : "This could not be loaded.");
    if (!panel.isLoaded) panel.body.replaceChildren();
    return false;
  }
  show(panel, html);
  return true;
}

async function content(url) {
  const answer = await fetch(url, {
    headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null);
  // Who was signed out is sent to the sign-in page, which is no panel.
  return answer?.ok && !answer.redirected ? answer.text().catch(() => null) : null;
}

function tell(panel, text) {
  panel.notice.hidden = false;
  panel.notice.querySelector("p").textContent = text;
}

/** Put the new content in its place; what was open, scrolled to or focused stays so. */
function show(panel, html) {
  const { body } = panel;
  const open = [...body.querySelectorAll("details[open]")].map((one) => one.id);
  const scrolled = [...body.querySelectorAll(".mq-scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  const focus = focusOf(body, document.activeElement);
  body.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  for (const one of body.querySelectorAll("details")) one.open = open.includes(one.id);
  body.querySelectorAll(".mq-scroll").forEach((one, place) => {
    [one.scrollLeft, one.scrollTop] = scrolled[place] ?? [0, 0];
  });
  if (focus) body.querySelector(focus)?.focus({ preventScroll: true });
  if (panel.notice.contains(document.activeElement)) {
    // Whoever pressed "Try again" goes on from what came of it.
    panel.section.tabIndex = -1;
    panel.section.focus({ preventScroll: true });
  }
  panel.notice.hidden = true;
  panel.notice.querySelector("p").textContent = "";
  panel.isLoaded = true;
}

function focusOf(body, element) {
  if (!body.contains(element)) return null;
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  if (element.localName === "summary") return `#${CSS.escape(element.parentElement.id)} > summary`;
  const label = element.getAttribute("aria-labelledby") ?? element.getAttribute("aria-label");
  return label ? `[aria-labelledby="${CSS.escape(label)}"], [aria-label="${CSS.escape(label)}"]` : null;
}

/** Load all panels; one round at a time. */
function loadAll() {
  loading ??= round().finally(() => { loading = null; });
  return loading;
}

async function round() {
  startedAt = Date.now();
  const came = await Promise.all(panels.map(load));
  const missing = came.filter((one) => !one).length;
  say(missing ? `Updated at ${clock.format(Date.now())}, without ${missing} of ${came.length} parts.` : `Updated at ${clock.format(Date.now())}.`);
}

function say(text) {
  said.textContent = text;
}

/** Have the figures computed, then load them. */
async function refresh() {
  form.setAttribute("aria-busy", "true");
  say("Refreshing...");
  const answer = await fetch(form.action, {
    method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null);
  const told = answer && !answer.redirected ? await answer.json().catch(() => null) : null;
  await loading;
  await loadAll();
  say(`${said.textContent} ${told?.message ?? "Computing could not be asked for."}`);
  form.removeAttribute("aria-busy");
}

for (const panel of panels) {
  panel.notice.querySelector("button").addEventListener("click", () => {
    panel.notice.querySelector("p").textContent = "Loading...";
    load(panel);
  });
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!form.hasAttribute("aria-busy")) refresh();
});
setInterval(() => {
  if (!document.hidden && Date.now() - startedAt >= EVERY_MS) loadAll();
}, LOOK_MS);
for (const name of ["focus", "pageshow"]) {
  addEventListener(name, () => {
    if (Date.now() - startedAt >= COME_BACK_MS) loadAll();
  });
}
if (panels.length) loadAll();
