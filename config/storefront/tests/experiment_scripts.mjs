// Plays what a page does with experiments, and prints what it told. Usage: node experiment_scripts.mjs
const kept = new Map([["marquee.session", "a-browser"]]);
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
const told = [];
const hear = (by, text) => told.push({ by, ...JSON.parse(text) });
Object.assign(globalThis, {
  document: page,
  addEventListener() {},
  localStorage: {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  },
  fetch: async (url, { body }) => {
    hear(url, body);
    return { status: 202 };
  },
});
Object.defineProperty(globalThis, "navigator", { value: { sendBeacon: (url, body) => hear("beacon", body) > 0 } });

const { Experiments } = await import(new URL("../../../static/live/experiments.js", import.meta.url));
const running = [{ test_id: "color", variants: [{ id: "control", weight: 1 }, { id: "green", weight: 1 }] }];
const experiments = new Experiments({ eventId: "e", running });
experiments.see("color");
experiments.see("color");
experiments.see("nothing");
experiments.reach("nothing", { value: 5 });
await experiments.flush();
experiments.reach("color", { value: 1999 });
experiments.reach("color", { value: 1 });
experiments.also("color");
page.visibilityState = "hidden";
page.dispatchEvent(new Event("visibilitychange"));
process.stdout.write(JSON.stringify({
  variants: [experiments.variant("color"), experiments.variant("nothing")],
  told: told.map(({ by, events, sent_at: sentAt }) => ({ by, events: events.map(({ timestamp, ...event }) => event), isTimed: Boolean(sentAt && events.every(({ timestamp }) => timestamp)) })),
}));
