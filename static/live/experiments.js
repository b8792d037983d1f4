// Which variant of a test a browser sees: worked out here, and the same way by the server, so that nobody has to ask.
import { sessionToken } from "./session.js";

const PARTS = 10_000;

/** D. J. Bernstein's hash over UTF-16 code units: h = h * 33 + c, an unsigned 32-bit number. */
export function djb2(text) {
  let hash = 5381;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 33) + text.charCodeAt(i)) >>> 0;
  return hash;
}

/**
 * The place of the variant for a session, in the stored order. Equal weights: the hash modulo their number; else the
 * cumulative weights over the hash modulo 10,000.
 */
export function assigned(token, slug, weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || Math.min(...weights) < 0) throw new RangeError("a test needs a variant with a weight");
  const hash = djb2(token + slug);
  if (new Set(weights).size === 1) return hash % weights.length;
  const part = hash % PARTS;
  let until = 0;
  return weights.findIndex((weight) => part * total < (until += weight) * PARTS);
}

/** This browser's variant: `variants` as the API lists them, each with `id` and `weight`. */
export function variantOf(slug, variants) {
  return variants[assigned(sessionToken(), slug, variants.map(({ weight }) => weight))].id;
}
