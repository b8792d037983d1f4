"""Tokens and calls for tests of counting: ``redeem(shows(ad, 3))``."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from django.db.models import Count, Sum

from accounts.tests.factories import NOW
from ads.decision import tokens
from ads.decision.tokens import Claims
from ads.decision.viewers import viewer_of
from ads.models import Ad, AdDirtyDay, AdEvent, AdSpend, AdSpendDay, InvalidCount
from ads.services import redeeming
from ads.types.redeeming import ClickResult, Result, Seen, Visitor

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_tabs = count()


def somebody(user_id: UUID | None = None, *, agent: str = BROWSER, network: str = "198.51.100.7") -> Visitor:
    """Return who tells it: a browser, unless said."""
    return Visitor(user_id=user_id, network=network, shown_network="198.51.100.0", user_agent=agent)


def show(
    ad: Ad, *, viewer: UUID | None = None, at: datetime = NOW, life: timedelta = timedelta(hours=1)
) -> str:
    """Return the token of one decision on an ad, each for a viewer of its own unless said."""
    claims = Claims(
        decision_id=uuid.uuid4(), ad_id=ad.pk, event_id=ad.event_id, placement="EVENT_HERO", session_id=None,
        viewer=viewer or viewer_of(None, f"tab-{next(_tabs)}"), issued_at=at, expires_at=at + life,
    )  # fmt: skip
    return tokens.issue(claims)


def shows(ad: Ad, number: int, *, at: datetime = NOW) -> list[str]:
    """Return the tokens of so many decisions."""
    return [show(ad, at=at) for _ in range(number)]


def redeem(
    given: Sequence[str], *, viewable: bool = False, who: Visitor | None = None, now: datetime = NOW
) -> tuple[Result, ...]:
    """Tell that these were shown."""
    seen = [Seen(token, viewable) for token in given]
    return redeeming.redeem_impressions(seen=seen, who=who or somebody(), now=now)


def reasons(results: Sequence[Result]) -> list[str]:
    """Return what became of each item: its reason, or ``counted``."""
    return [one.reason or "counted" for one in results]


def click(ad: Ad, token: str, *, who: Visitor | None = None, now: datetime = NOW) -> ClickResult:
    """Click on an ad."""
    return redeeming.click(ad_id=ad.pk, token=token, who=who or somebody(), now=now)


def kinds(ad: Ad | None = None) -> dict[str, int]:
    """Return how many events of each kind there are."""
    events = AdEvent.objects.all() if ad is None else AdEvent.objects.filter(ad=ad)
    return dict(events.order_by("kind").values_list("kind").annotate(Count("kind")))


def buckets() -> dict[str, int]:
    """Return how many were refused for each reason."""
    return dict(InvalidCount.objects.order_by("reason").values_list("reason").annotate(Sum("count")))


def nothing_counted() -> bool:
    """Say whether no event, bucket, bill or mark is there."""
    tables = (AdEvent, InvalidCount, AdSpendDay, AdDirtyDay)
    is_billed = AdSpend.objects.filter(billed_micros__gt=0).exists()
    return not is_billed and not any(table.objects.exists() for table in tables)


def billed(ad: Ad) -> int:
    """Return what an ad was billed in micro-units, when all three books agree; the test fails if they do not."""
    by_day: Counter[object] = Counter()
    for event in AdEvent.objects.filter(ad=ad):
        by_day[event.occurred_at.astimezone(ad.event.zone).date()] += event.billed_micros
    days = dict(AdSpendDay.objects.filter(ad=ad).values_list("day", "billed_micros"))
    total = AdSpend.objects.get(pk=ad.pk).billed_micros
    assert +by_day == days
    assert sum(days.values()) == total
    return total


def unbilled(ad: Ad) -> int:
    """Return an ad's over-delivery in micro-units."""
    return AdEvent.objects.filter(ad=ad).aggregate(sum=Sum("unbilled_micros"))["sum"] or 0
