"""Making, changing, pausing and archiving ads. Every change is in the audit history and in the index's version."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.services import access
from accounts.types import Capability
from ads.errors import AdArchived
from ads.micros import micros_of
from ads.models import Ad, AdSpend
from ads.services import versions
from ads.services.ad_rules import judge
from ads.types.ads import AdInput
from common import audit
from common.db import in_batches, retrying
from common.errors import Invalid
from common.types import SYSTEM, Actor
from events.models import Event

# One round of the sweep of ended ads: short transactions, whatever has piled up.
SWEEP_BATCH: Final = 200


@retrying
@transaction.atomic
def create_ad(*, actor: Actor, event_id: UUID, given: AdInput, now: datetime) -> Ad:
    """Create an ad of an event, with the row that holds what it is billed.

    Raises ``Unauthenticated``, ``NotFound`` (also for another organization's event), ``Forbidden``, and
    ``Invalid`` with every wrong field.
    """
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.MANAGE_ADS)
    values = judge(given, event=event)
    ad = Ad(event=event, created_by_id=actor.user_id, created_at=now, updated_at=now, **values)
    ad.save(force_insert=True)
    AdSpend(ad=ad, limit_micros=_limit_of(ad)).save(force_insert=True)
    audit.record(
        actor=actor, action="ads.create", subject=ad, organization_id=event.organization_id,
        changes={name: [None, value] for name, value in values.items() if value not in (None, "", [])},
        now=now,
    )  # fmt: skip
    versions.bump(event.pk, now=now)
    return ad


@retrying
@transaction.atomic
def update_ad(
    *, actor: Actor, ad_id: UUID, changes: AdInput, now: datetime, is_whole: bool = False, reason: str = ""
) -> Ad:
    """Change the named fields of an ad; the result is judged as a whole, under the lock that billing takes.

    ``is_whole``: what is not named gets its default, but for ``is_active``. Redemptions in flight are waited for,
    so that a budget is compared with what they billed. Raises as ``create_ad``, and ``AdArchived``.
    """
    spend = _locked(actor, ad_id)
    ad = spend.ad
    values = judge(changes, event=ad.event, spend=spend, is_whole=is_whole)
    before = audit.snapshot(ad)
    for name, value in values.items():
        setattr(ad, name, value)
    _keep_limit(spend)
    return _changed(ad, before, actor=actor, action="ads.update", reason=reason, now=now)


@retrying
@transaction.atomic
def pause_ad(*, actor: Actor, ad_id: UUID, now: datetime, reason: str = "") -> Ad:
    """Take an ad off until it is resumed; doing so twice changes nothing. Raises as ``update_ad``."""
    return _switched(actor, ad_id, is_active=False, action="ads.pause", reason=reason, now=now)


@retrying
@transaction.atomic
def resume_ad(*, actor: Actor, ad_id: UUID, now: datetime, reason: str = "") -> Ad:
    """Let a paused ad be shown again; raises as ``update_ad``, ``Invalid`` when its time is over."""
    return _switched(actor, ad_id, is_active=True, action="ads.resume", reason=reason, now=now)


@retrying
@transaction.atomic
def archive_ad(*, actor: Actor, ad_id: UUID, now: datetime, reason: str = "") -> Ad:
    """Take an ad away for good, keeping its row for what it delivered; doing so twice changes nothing.

    Tokens that were given out still count. Raises as ``update_ad``, but not for an archived one.
    """
    ad = _locked(actor, ad_id, archived_too=True).ad
    if ad.is_archived:
        return ad
    before = audit.snapshot(ad)
    ad.is_archived, ad.is_active = True, False
    return _changed(ad, before, actor=actor, action="ads.archive", reason=reason, now=now)


def deactivate_ended(*, now: datetime) -> int:
    """Switch off ads whose end has come, in short batches; returns how many (REQUIREMENTS AD-06).

    They are not shown from their end on even before this ran. Safe beside itself: rows that another run or a writer
    holds are left to it.
    """
    return in_batches(lambda: _deactivate_batch(now))


@transaction.atomic
def _deactivate_batch(now: datetime) -> int:
    ended = list(
        Ad.objects.switched_on().filter(ends_at__lte=now)
        .select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("event")
        .order_by("pk")[:SWEEP_BATCH]
    )  # fmt: skip
    Ad.objects.filter(pk__in=[ad.pk for ad in ended]).update(is_active=False, updated_at=now)
    entries = [
        audit.entry_of(
            actor=SYSTEM, action="ads.end", subject=ad, organization_id=ad.event.organization_id,
            changes={"is_active": [True, False]}, now=now,
        )
        for ad in ended
    ]  # fmt: skip
    audit.record_many(entries)
    # In one order, so that two who raise the versions of several events do not wait for each other.
    for event_id in sorted({ad.event_id for ad in ended}):
        versions.bump(event_id, now=now)
    return len(ended)


def _locked(actor: Actor, ad_id: UUID, *, archived_too: bool = False) -> AdSpend:
    """Lock what was billed of an ad that the actor may manage, and the ad, by one statement.

    Without the key: a redemption that holds the first may still write rows that point to the second.
    """
    rows = AdSpend.objects.select_for_update(of=("self", "ad"), no_key=True).select_related("ad__event")
    spend = rows.filter(pk=ad_id).first()
    if spend is None:
        access.refuse_missing(actor)
    access.require(actor, spend.ad.event.organization_id, Capability.MANAGE_ADS)
    if spend.ad.is_archived and not archived_too:
        raise AdArchived
    return spend


def _switched(actor: Actor, ad_id: UUID, *, is_active: bool, action: str, reason: str, now: datetime) -> Ad:
    ad = _locked(actor, ad_id).ad
    if is_active and ad.ends_at is not None and ad.ends_at <= now:
        raise Invalid.field("ends_at", "over", "Its end has passed; give it a later one first.")
    before = audit.snapshot(ad)
    ad.is_active = is_active
    return _changed(ad, before, actor=actor, action=action, reason=reason, now=now)


def _limit_of(ad: Ad) -> int | None:
    return micros_of(ad.budget_total_amount, ad.currency)


def _keep_limit(spend: AdSpend) -> None:
    """Let the database bound what is billed by the budget as it is now."""
    limit = _limit_of(spend.ad)
    if limit != spend.limit_micros:
        spend.limit_micros = limit
        spend.save(update_fields=["limit_micros"])


def _changed(
    ad: Ad, before: dict[str, object], *, actor: Actor, action: str, reason: str, now: datetime
) -> Ad:
    organization_id = ad.event.organization_id
    if audit.save_changes(
        ad, before, actor=actor, action=action, organization_id=organization_id, reason=reason, now=now
    ):
        versions.bump(ad.event_id, now=now)
    return ad
