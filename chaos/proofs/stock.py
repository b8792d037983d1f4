"""No unit is sold twice: every counter is the sum of the rows behind it, and no sum is above its total."""

from collections.abc import Iterator

from chaos.proofs.books import Books, Breach

_OFFERS = """
SELECT o.title, o.inventory_total, o.sold, o.reserved, sum(p.sold_units), sum(p.reserved_units)
FROM offers_offer o LEFT JOIN offers_purchase p ON p.offer_id = o.id GROUP BY o.id
HAVING o.sold <> coalesce(sum(p.sold_units), 0) OR o.reserved <> coalesce(sum(p.reserved_units), 0)
    OR coalesce(sum(p.sold_units + p.reserved_units), 0) > o.inventory_total
"""
_TIERS = """
SELECT t.name, t.inventory_total, t.sold, t.reserved, held.units, valid.count FROM tickets_tickettier t
CROSS JOIN LATERAL (
    SELECT count(*) FROM tickets_ticket k WHERE k.tier_id = t.id AND k.status = 'VALID'
) valid
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT sum(s.reserved_units) FROM tickets_ticketsale s WHERE s.tier_id = t.id), 0)
        + (SELECT count(*) FROM tickets_tierchange c WHERE c.to_tier_id = t.id AND c.status = 'RESERVED') AS units
) held
WHERE t.sold <> valid.count OR t.reserved <> held.units OR valid.count + held.units > t.inventory_total
"""
_LEFT = "SELECT title, reserved FROM offers_offer WHERE reserved <> 0"


def prove(books: Books) -> Iterator[Breach]:
    """Recount offers and tiers, and have the product's own command do so."""
    yield from books.none_of("no unit of an offer is sold twice", _OFFERS)
    yield from books.none_of("no place of a tier is sold twice", _TIERS)
    yield from books.none_of("nothing stays reserved when nobody buys", _LEFT)
    yield from books.command("stock agrees with its rows", "reconcile_inventory", "--dry-run")
