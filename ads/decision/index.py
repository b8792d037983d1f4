"""The index of an event's ads: immutable, of one version, in the memory of each process."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from ads.decision.pool import Pool, pool_at
from ads.decision.types import Candidate
from ads.micros import micros_of, micros_per_impression
from ads.models import Ad, Pacing, PriceModel
from common import statements
from common.errors import NotFound
from common.windows import local_day
from events.models import Visibility

_EVENT: Final = statements.one_line("""
    SELECT e.organization_id, e.time_zone, e.visibility, coalesce(v.version, 0)
      FROM events_event e LEFT JOIN ads_adindexversion v ON v.event_id = e.id WHERE e.id = %s
""")
COLUMNS: Final = (
    "id", "name", "content_type", "media_url", "click_url", "display_duration_seconds", "aspect_ratio", "weight",
    "frequency_cap", "starts_at", "ends_at", "created_at", "price_model", "price_amount", "currency",
    "budget_total_amount", "budget_daily_amount", "pacing", "placements", "target_sessions",
)  # fmt: skip

Terms = tuple[UUID, str, str, int]


class EventIndex:
    """What decisions know of an event: who may see it, its days, and its ads that are switched on.

    Its pools are made when they are first asked for, and again when an ad begins or ends or the local day changes.
    """

    __slots__ = ("_by_placement", "_pools", "_sessions", "candidates", "event_id", "terms", "zone")

    def __init__(self, event_id: UUID, terms: Terms, candidates: Sequence[Candidate]) -> None:
        self.event_id = event_id
        self.terms = terms
        self.zone = ZoneInfo(terms[1])
        self.candidates = tuple(candidates)
        self._by_placement: dict[str, list[Candidate]] = defaultdict(list)
        self._sessions: dict[str, set[UUID]] = defaultdict(set)
        for ad in self.candidates:
            for placement in ad.placements:
                self._by_placement[placement].append(ad)
                self._sessions[placement] |= ad.target_sessions
        self._pools: dict[tuple[str, UUID | None], Pool] = {}

    @property
    def is_public(self) -> bool:
        """Say whether everybody may see it."""
        return self.terms[2] == Visibility.PUBLIC

    @property
    def version(self) -> int:
        """The version of the ads: read before they were, so they are at least as new."""
        return self.terms[3]

    def pool(self, placement: str, session_id: UUID | None, now: datetime) -> Pool:
        """Return the ads that may be shown there now. A session that no ad names is as none."""
        if session_id is not None and session_id not in self._sessions.get(placement, ()):
            session_id = None
        pool = self._pools.get((placement, session_id))
        if pool is None or not pool.valid.contains(now):
            day = now.astimezone(self.zone).date()
            ads = [ad for ad in self._by_placement.get(placement, ()) if is_aimed_at(ad, session_id)]
            pool = pool_at(ads, day, local_day(day, self.zone), now)
            self._pools[(placement, session_id)] = pool
        return pool


def is_aimed_at(ad: Candidate, session_id: UUID | None) -> bool:
    """Say whether the ad is for a session: those for everywhere are, and those that name it."""
    return not ad.target_sessions or session_id in ad.target_sessions


def terms_of(event_id: UUID) -> Terms:
    """Return whose event it is, its zone, who may see it and the version of its ads, by one statement.

    Raises ``NotFound``.
    """
    row = statements.run(_EVENT, [event_id]).fetchone()
    if row is None:
        raise NotFound
    terms: Terms = tuple(row)
    return terms


def load(event_id: UUID, terms: Terms | None = None) -> EventIndex:
    """Read an event's ads; ``terms`` were read before. Two statements. Raises ``NotFound``."""
    terms = terms or terms_of(event_id)
    rows = Ad.objects.filter(event_id=event_id).switched_on().order_by("id").values(*COLUMNS)
    return EventIndex(event_id, terms, [candidate_of(row) for row in rows])


def candidate_of(row: dict[str, Any]) -> Candidate:
    """Return an ad, given as the values of its columns, as decisions know it."""
    price, currency = row["price_amount"], row["currency"]
    is_cpm, is_cpc = row["price_model"] == PriceModel.CPM, row["price_model"] == PriceModel.CPC
    cost = micros_per_impression(price, currency) if is_cpm else 0
    click = micros_of(price, currency) or 0
    # A flat fee is billed once, whatever is shown afterwards.
    is_metered = is_cpm or is_cpc
    return Candidate(
        id=row["id"], name=row["name"], content_type=row["content_type"], media_url=row["media_url"],
        click_url=row["click_url"], duration=row["display_duration_seconds"], aspect_ratio=row["aspect_ratio"],
        weight=row["weight"], cap=row["frequency_cap"], starts_at=row["starts_at"], ends_at=row["ends_at"],
        runs_from=row["starts_at"] or row["created_at"], price_model=row["price_model"], currency=currency,
        cost_micros=cost, need_micros=cost if is_cpm else click if is_cpc else 0,
        total_micros=micros_of(row["budget_total_amount"], currency) if is_metered else None,
        daily_micros=micros_of(row["budget_daily_amount"], currency) if is_metered else None,
        is_paced=row["pacing"] == Pacing.EVEN, placements=frozenset(row["placements"]),
        target_sessions=frozenset(row["target_sessions"]),
    )  # fmt: skip
