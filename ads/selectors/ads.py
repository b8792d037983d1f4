"""Reading ads: one, and lists of an event, for the organizer's people. Visitors get ads by being served."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from accounts.services import access
from accounts.types import Capability
from ads.micros import minor_units_of
from ads.models import Ad, AdPlacement
from ads.querysets import AdQuerySet
from ads.types.ads import AdFilters, AdStatus, Page
from common.errors import Failure, FieldError, Invalid, Unauthenticated
from common.money import Money, decimal_string
from common.types import Actor
from events.models import Event


def ads_of(actor: Actor, event_id: UUID, *, filters: AdFilters, now: datetime) -> AdQuerySet:
    """Return an event's ads with their status, archived ones too, the newest first. For analysts and up.

    Two statements beside the list's own. Raises ``Unauthenticated``, ``NotFound``, ``Forbidden`` as
    ``access.require``, and ``Invalid`` for a filter that is none of the choices.
    """
    organization_id = Event.objects.filter(pk=event_id).values_list("organization_id", flat=True).first()
    if organization_id is None:
        access.refuse_missing(actor)
    access.require(actor, organization_id, Capability.VIEW_ANALYTICS)
    _check(filters)
    ads = Ad.objects.filter(event_id=event_id).with_status(now)
    if filters.placement:
        ads = ads.filter(placements__contains=[filters.placement])
    if filters.status:
        ads = ads.standing_as(filters.status)
    if filters.search:
        ads = ads.filter(name__icontains=filters.search)
    return ads.order_by("-created_at", "-pk")


def page_of_ads(
    actor: Actor, event_id: UUID, *, filters: AdFilters, page: Page, now: datetime
) -> tuple[Sequence[Ad], int]:
    """Return a page of ``ads_of`` and how many there are in all. Three statements, one more past the end."""
    ads = ads_of(actor, event_id, filters=filters, now=now)
    shown = list(ads.counted()[page.offset : page.offset + page.limit])
    if shown:
        return shown, shown[0].listed
    return [], ads.count() if page.offset else 0


def ad_of(
    actor: Actor, ad_id: UUID, *, now: datetime, capability: Capability = Capability.VIEW_ANALYTICS
) -> Ad:
    """Return one ad with its status, its event and what was billed, for analysts and up. Two statements.

    Raises as ``access.require``; a missing one is as another organization's.
    """
    ad = Ad.objects.with_status(now).select_related("event").filter(pk=ad_id).first()
    if ad is None:
        access.refuse_missing(actor)
    access.require(actor, ad.event.organization_id, capability)
    return ad


def ads_by_id(actor: Actor, ad_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Ad | Failure]:
    """Return the ads that ``ad_of`` would return to analysts and up, and why it would refuse others; those that are
    not there are left out. Two queries. Raises ``Unauthenticated``.
    """
    if not actor.is_authenticated and not actor.is_system:
        raise Unauthenticated
    ads = list(Ad.objects.with_status(now).select_related("event").filter(pk__in=ad_ids))
    owners = {ad.event.organization_id for ad in ads}
    refused = access.refusals(actor, owners, Capability.VIEW_ANALYTICS)
    return {ad.pk: refused.get(ad.event.organization_id, ad) for ad in ads}


def spent_of(ad: Ad) -> Money:
    """Return what the ad was billed, rounded to minor units."""
    return Money(minor_units_of(ad.spend.billed_micros, ad.currency), ad.currency)


def budget_of(amount: int | None, currency: str) -> str | None:
    """Return a budget, given in minor units, as a decimal of its currency; None has no limit."""
    return None if amount is None else decimal_string(Money(amount, currency))


def _check(filters: AdFilters) -> None:
    wrong = [
        FieldError(name, "invalid_choice", f"One of {', '.join(choices)}.")
        for name, given, choices in (
            ("status", filters.status, AdStatus.values), ("placement", filters.placement, AdPlacement.values),
        )
        if given and given not in choices
    ]  # fmt: skip
    if wrong:
        raise Invalid(errors=wrong)
