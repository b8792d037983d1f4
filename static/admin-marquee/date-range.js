// Two date fields of one range that cannot be set wrong: each keeps the other's bounds, and the range its length.
const DAY_MS = 86_400_000;

function moved(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

for (const form of document.querySelectorAll("form[data-range-days]")) {
  const from = form.elements.date_from, to = form.elements.date_to;
  const days = Number(form.dataset.rangeDays), first = from.min, last = to.max;
  const keep = () => {
    if (from.value) to.min = from.value;
    if (from.value) to.max = [moved(from.value, days - 1), last].sort()[0];
    if (to.value) from.max = to.value;
    if (to.value) from.min = [moved(to.value, 1 - days), first].sort()[1];
  };
  from.addEventListener("change", () => {
    if (to.value && from.value > to.value) to.value = from.value;
    keep();
  });
  to.addEventListener("change", () => {
    if (from.value && from.value > to.value) from.value = to.value;
    keep();
  });
  keep();
}
