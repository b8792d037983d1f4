"""Named filters of ads."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import BigIntegerField, Case, CharField, Count, F, Q, Value, When, Window
from django.db.models.functions import Cast

from ads.types.ads import AdStatus
from common.money import THREE_DECIMAL, ZERO_DECIMAL

if TYPE_CHECKING:
    from ads.models.ads import Ad  # noqa: F401


# What ``micros.micros_per_impression`` multiplies by; a click at the same price costs a thousand times as much.
_UNIT = Case(
    When(currency__in=sorted(ZERO_DECIMAL), then=Value(1_000)),
    When(currency__in=sorted(THREE_DECIMAL), then=Value(1)),
    default=Value(10),
    output_field=BigIntegerField(),
)
_PRICE = Cast("price_amount", BigIntegerField()) * _UNIT
# What the next thing that is billed costs, in micro-units; a flat fee is billed once, whatever is shown after it.
_NEXT = Case(
    When(price_model="CPM", then=_PRICE),
    When(price_model="CPC", then=_PRICE * 1_000),
    default=Value(0),
    output_field=BigIntegerField(),
)


class AdQuerySet(models.QuerySet["Ad"]):
    """Ads, by what may be shown."""

    def kept(self) -> Self:
        """Ads that are not archived."""
        return self.filter(is_archived=False)

    def switched_on(self) -> Self:
        """Ads that nobody paused or archived."""
        return self.kept().filter(is_active=True)

    def shown_at(self, now: datetime) -> Self:
        """Ads that are switched on and whose schedule holds ``now``: ``[starts_at, ends_at)``."""
        return self.switched_on().filter(
            Q(starts_at__isnull=True) | Q(starts_at__lte=now), Q(ends_at__isnull=True) | Q(ends_at__gt=now)
        )

    def with_status(self, now: datetime) -> Self:
        """Add ``status`` (an ``AdStatus``) at ``now``, and load what was billed.

        Out of budget: what is left of the total budget does not pay for one more of what is billed. A daily budget
        that is spent is no status: the next day begins anew.
        """
        spent = Q(next_micros__gt=0) & Q(spend__limit_micros__lt=F("spend__billed_micros") + F("next_micros"))
        status = Case(
            When(is_archived=True, then=Value(AdStatus.ARCHIVED)),
            When(ends_at__lte=now, then=Value(AdStatus.ENDED)),
            When(is_active=False, then=Value(AdStatus.PAUSED)),
            When(starts_at__gt=now, then=Value(AdStatus.SCHEDULED)),
            When(spent, then=Value(AdStatus.OUT_OF_BUDGET)),
            default=Value(AdStatus.LIVE),
            output_field=CharField(),
        )
        return self.select_related("spend").alias(next_micros=_NEXT).annotate(status=status)

    def standing_as(self, status: str) -> Self:
        """Keep those with a status, after ``with_status``."""
        return self.filter(Q(status=status))

    def counted(self) -> Self:
        """Add ``listed``, how many rows there are before a page is cut out of them."""
        return self.annotate(listed=Window(Count("pk")))
