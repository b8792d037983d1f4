// The one currency formatter and the one percentage formatter of the pages.
// Amounts are integers of minor units; prices come from the API as decimal strings and are shown as they are.

const ZERO_DECIMAL = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THREE_DECIMAL = new Set("BHD JOD KWD OMR TND".split(" "));

/** How many decimals the currency has: 0, 2 or 3. */
export function exponent(currency) {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}

/** The decimal string of minor units, exact: 1999 USD is "19.99". */
export function decimalString(amount, currency) {
  const places = exponent(currency);
  const sign = amount < 0 ? "-" : "";
  const digits = String(Math.abs(amount)).padStart(places + 1, "0");
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** A price as people read it, from the API's decimal string: "$19.99", "¥500". */
export function formatPrice(decimal, currency) {
  const places = exponent(currency);
  const format = new Intl.NumberFormat("en-US", {
    style: "currency", currency, minimumFractionDigits: places, maximumFractionDigits: places,
  });
  return format.format(decimal);
}

/** An amount as people read it, from {amount, currency} in minor units. */
export function formatMoney({ amount, currency }) {
  return formatPrice(decimalString(amount, currency), currency);
}

/** A rate in 0..1 as a percentage, "N/A" where there is none. */
export function formatRate(fraction) {
  if (fraction === null || fraction === undefined) return "N/A";
  return new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 }).format(fraction);
}
