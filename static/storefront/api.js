// The API as the pages use it: tokens, problem documents, one refresh when a token has run out.

const TOKENS = "marquee.tokens";
const ROOT = "/api/v1";

/** A refusal of the API (RFC 9457), or a network that did not answer (`code` "network"). */
export class Problem extends Error {
  constructor(document) {
    super(document.detail || document.title || "Something went wrong.");
    this.status = document.status ?? 0;
    this.code = document.code ?? "unknown";
    this.errors = document.errors ?? [];
    this.retryable = document.retryable ?? false;
    this.requestId = document.request_id;
    // Seconds, where the server said how long to wait.
    this.retryAfter = document.retry_after ?? null;
  }
}

export function tokens() {
  try {
    return JSON.parse(localStorage.getItem(TOKENS));
  } catch {
    return null;
  }
}

export function keepTokens(value) {
  if (value) localStorage.setItem(TOKENS, JSON.stringify(value));
  else localStorage.removeItem(TOKENS);
}

/** The signed-in user's id, or null; only a hint for the page: the server decides. */
export function userId() {
  const access = tokens()?.access;
  if (!access) return null;
  try {
    return JSON.parse(atob(access.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return null;
  }
}

async function send(method, path, { body, headers } = {}, access) {
  const all = { Accept: "application/json", ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (access) all.Authorization = `Bearer ${access}`;
  try {
    return await fetch(path.startsWith("/") ? path : `${ROOT}/${path}`, {
      method, headers: all, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem({ code: "network", detail: "The connection was interrupted. Please try again.", retryable: true });
  }
}

async function refreshed() {
  const held = tokens();
  if (!held?.refresh) return null;
  const answer = await send("POST", "auth/token/refresh", { body: { refresh: held.refresh } });
  if (!answer.ok) {
    keepTokens(null);
    return null;
  }
  const fresh = { ...held, ...(await answer.json()) };
  keepTokens(fresh);
  return fresh.access;
}

/** An access token that is good for a while yet, for what is no request: a socket's sign-in. */
export async function freshToken() {
  const access = tokens()?.access;
  if (!access) throw new Problem({ status: 401, code: "unauthenticated" });
  const { exp } = JSON.parse(atob(access.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  if (exp * 1000 > Date.now() + 60_000) return access;
  const fresh = await refreshed();
  if (!fresh) throw new Problem({ status: 401, code: "unauthenticated" });
  return fresh;
}

async function answered(method, path, options) {
  const answer = await send(method, path, options, tokens()?.access);
  return answer.status === 401 && tokens() ? send(method, path, options, await refreshed()) : answer;
}

/** Call the API. Resolves to the JSON answer (null for 204), rejects with a `Problem`. */
export async function api(method, path, options = {}) {
  const answer = await answered(method, path, options);
  if (answer.status === 204) return null;
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem({ status: answer.status, ...document });
  return document;
}

/** Fetch a file of the API, which a plain link cannot: it sends no token. Rejects with a `Problem`. */
export async function file(path, type) {
  const answer = await answered("GET", path, { headers: { Accept: type } });
  if (!answer.ok) throw new Problem({ status: answer.status, ...(await answer.json().catch(() => ({}))) });
  return answer.blob();
}

export const get = (path) => api("GET", path);

/** Every result of a list, page after page. */
export async function getAll(path) {
  const found = [];
  for (let next = path; next;) {
    const page = await get(next);
    found.push(...page.results);
    const address = page.next && new URL(page.next);
    next = address && address.pathname + address.search;
  }
  return found;
}

export const post = (path, body, headers) => api("POST", path, { body, headers });

/** Send the reader to sign in, and back here afterwards. */
export function signIn() {
  location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
}
