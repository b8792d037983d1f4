"""What front ends told counts, and counts once: tracked events, and ads that were shown, seen and clicked."""

from collections import Counter
from collections.abc import Iterator

from chaos.proofs.books import Books, Breach, breaches

_TOLD = """
SELECT told.id, count(r.id) FROM unnest(%(ids)s::uuid[]) AS told (id)
LEFT JOIN analytics_rawevent r ON r.id = told.id GROUP BY told.id HAVING count(r.id) <> 1
"""
_TWICE = """
SELECT told.id, count(*) FROM unnest(%(ids)s::uuid[]) AS told (id)
JOIN analytics_rawevent r ON r.id = told.id GROUP BY told.id HAVING count(*) > 1
"""
_FIGURES = """
SELECT coalesce(r.event_id, f.event_id), coalesce(r.day, f.day), coalesce(r.type, f.type), r.count, f.count
FROM (
    SELECT raw.event_id, (raw.occurred_at AT TIME ZONE e.time_zone)::date AS day, raw.type, count(*)
    FROM analytics_rawevent raw JOIN events_event e ON e.id = raw.event_id WHERE raw.received_at >= %(began)s
    GROUP BY 1, 2, 3
) r LEFT JOIN analytics_dailyfigure f
    ON (f.event_id, f.day, f.type) = (r.event_id, r.day, r.type) AND f.entity_id IS NULL
WHERE coalesce(f.count, 0) < r.count
"""
_ADS = """
SELECT told.decision, told.kind, count(e.decision_id)
FROM unnest(%(decisions)s::uuid[], %(kinds)s::text[]) AS told (decision, kind)
LEFT JOIN ads_adevent e ON e.decision_id = told.decision AND e.kind = told.kind
GROUP BY 1, 2 HAVING count(e.decision_id) <> 1
"""
_STRANGE_ADS = """
SELECT e.decision_id, e.kind, count(*) FROM ads_adevent e
WHERE e.decision_id = ANY(%(decisions)s::uuid[]) GROUP BY 1, 2 HAVING count(*) > 1
"""


def prove(books: Books) -> Iterator[Breach]:
    """Look for each event that was accepted."""
    told = [one for claim in books.claims.of("tracked") for one in claim["ids"]]
    yield from books.none_of("no accepted event is lost or doubled", _TOLD, ids=told)
    untold = [one for claim in books.claims.of("untold") for one in claim["ids"]]
    yield from books.none_of("what was not answered counts once at most", _TWICE, ids=untold)
    yield from books.command("figures can be computed", "refresh_analytics")
    yield from books.command("figures are their raw events", "refresh_analytics", "--recount", "--dry-run")
    yield from books.none_of("figures have every raw event", _FIGURES)
    yield from _ads(books)


def _ads(books: Books) -> Iterator[Breach]:
    counted = Counter(
        (claim["decision"], claim["kind"]) for claim in books.claims.of("ad") if claim["outcome"] == "counted"
    )
    yield from breaches(
        "nothing of an ad is counted twice", [one for one, times in counted.items() if times > 1]
    )
    every = sorted({(claim["decision"], claim["kind"]) for claim in books.claims.of("ad")})
    decisions, kinds = [one[0] for one in every], [one[1] for one in every]
    yield from books.none_of(
        "no accepted impression or click is lost", _ADS, decisions=decisions, kinds=kinds
    )
    decided = books.claims.all("decision", "id")
    yield from books.none_of("nothing of an ad is kept twice", _STRANGE_ADS, decisions=decided)
    yield from books.command("the days of ads are their raw events", "recount_ads", "--dry-run")
