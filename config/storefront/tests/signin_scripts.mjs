// Signs in on the sign-in page once for each `next`, and tells where the browser is led.
// Usage: node signin_scripts.mjs <origin> <JSON list of next>
const [origin, wanted] = process.argv.slice(2);
const script = new URL("../../../static/storefront/signin.js", import.meta.url);

globalThis.localStorage = { getItem: () => null, setItem() {}, removeItem() {} };
globalThis.fetch = async () => ({ ok: true, status: 200, json: async () => ({ access: "a", refresh: "r" }) });

async function signIn(next, number) {
  let led = null;
  const page = new URL(`/signin?${new URLSearchParams({ next })}`, origin);
  globalThis.location = { origin, search: page.search, assign: (address) => { led = new URL(address, page).href; } };
  let submit;
  const field = { value: "x", focus() {}, setAttribute() {} };
  const form = { querySelector: () => ({}), addEventListener: (_, act) => { submit = act; } };
  globalThis.document = { querySelector: (name) => (name === "#signin" ? form : field) };
  // Each time anew, as each page does.
  await import(`${script}?${number}`);
  await submit({ preventDefault() {}, target: form });
  return led;
}

const told = [];
for (const [number, next] of JSON.parse(wanted).entries()) told.push(await signIn(next, number));
process.stdout.write(JSON.stringify(told));
