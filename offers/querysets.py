"""Named filters of offers, all of them answered by SQL."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, Q, Value, When, Window
from django.db.models.functions import Least

if TYPE_CHECKING:
    from offers.models import Offer  # noqa: F401


def on_sale(now: datetime) -> Q:
    """Say of a row whether it is on sale at ``now``, whatever is left: active, not archived, window open, and no
    upgrade of tickets to an event that is over."""
    return (
        Q(is_active=True, is_archived=False)
        & (Q(starts_at__isnull=True) | Q(starts_at__lte=now))
        & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        & (~Q(offer_type="TICKET_UPGRADE") | Q(event__ends_at__gt=now))
    )


def is_over(now: datetime) -> Q:
    """Say of a row whether its end has come: its own, or of an upgrade the event's."""
    return Q(expires_at__lte=now) | Q(offer_type="TICKET_UPGRADE", event__ends_at__lte=now)


def with_room() -> Q:
    """Say of a row whether a unit may still be taken, and of an upgrade whether its tier has a place for it."""
    return _has_one("") & _has_one("upgrade_to_tier__")


class OfferQuerySet(models.QuerySet["Offer"]):
    """Offers, by what callers ask of them."""

    def with_availability(self, now: datetime) -> Self:
        """Add ``available`` (units left, None when unlimited) and ``is_available`` (on sale, a unit left).

        Of an upgrade no more are left than its tier has places.
        """
        return self.annotate(
            # PostgreSQL leaves what is unlimited, NULL, out of account.
            available=Least(_left(""), _left("upgrade_to_tier__")),
            is_available=_flag(on_sale(now) & with_room()),
        )

    def counted(self) -> Self:
        """Add ``listed``, how many rows there are before a page is cut out of them."""
        return self.annotate(listed=Window(Count("pk")))

    def active(self, now: datetime) -> Self:
        """Keep what may be bought now: on sale, with a unit left."""
        return self.filter(on_sale(now), with_room())

    def not_active(self, now: datetime) -> Self:
        """Keep the others: paused, archived, outside of their window, or sold out."""
        return self.exclude(on_sale(now) & with_room())

    def shown_at(self, placement: str | None, session_id: UUID | None) -> Self:
        """Keep what is meant for a placement and a session; where a caller names none, all are kept."""
        rows = self
        if placement is not None:
            rows = rows.filter(placement=placement)
        if session_id is not None:
            rows = rows.filter(Q(target_sessions=[]) | Q(target_sessions__contains=[session_id]))
        return rows

    def meant_for(self, tier_ids: Any) -> Self:
        """Keep what targets everybody or one of these ticket tiers (a list, or a subquery that makes an
        array).
        """
        return self.filter(Q(target_ticket_tiers=[]) | Q(target_ticket_tiers__overlap=tier_ids))

    def past_their_end(self, now: datetime) -> Self:
        """Keep active ones whose own end has come; an upgrade whose event is over stays active, and is not on sale."""
        return self.filter(is_active=True, expires_at__lte=now)


def _left(path: str) -> Any:
    return F(f"{path}inventory_total") - F(f"{path}sold") - F(f"{path}reserved")


def _has_one(path: str) -> Q:
    taken = F(f"{path}sold") + F(f"{path}reserved")
    return Q(**{f"{path}inventory_total__isnull": True}) | Q(**{f"{path}inventory_total__gt": taken})


def _flag(condition: Q) -> Any:
    # CASE, not the bare condition: a window without bounds makes parts of it NULL.
    return ExpressionWrapper(
        Case(When(condition, then=Value(True)), default=Value(False)), output_field=BooleanField()
    )
