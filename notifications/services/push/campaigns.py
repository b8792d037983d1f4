"""Campaigns: one send to many under one id, written batch by batch as the hour has room (REQ NO-04)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.services import access
from accounts.types import Capability
from common import audit, outbox
from common.db import retrying
from common.errors import FieldError, Invalid
from common.outbox.ids import new_id
from common.types import Actor
from events.models import Event
from notifications import kinds
from notifications.errors import CampaignOver
from notifications.models import PushCampaign, PushMessage, PushStatus
from notifications.push import PushMessage as NewPush
from notifications.services.push import audiences, beginning, queueing
from notifications.services.push.audiences import Audience
from notifications.services.rates import NoRoom

WRITE_KIND: Final = "notifications.write_push_campaign"
BATCH: Final = 200
# How long a batch waits while those before it are not sent yet, in seconds.
_LOOK_AGAIN: Final = 60
CANCELLED: Final = "The campaign was cancelled"
_LONGEST: Final = {"title": 100, "body": 500, "url": 500}


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What a campaign says, and to whom: ``part`` is the part of the audience (a tier), where it has parts."""

    event_id: UUID
    audience: str
    part: UUID | None
    title: str
    body: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """How many people a campaign goes to, and how many of them have a device that is on."""

    people: int
    with_device: int


def preview(actor: Actor, event_id: UUID, audience: str, part: UUID | None) -> Preview:
    """Count an audience as it is now. Raises ``Invalid``, and what ``access.require`` raises."""
    event = _event(actor, event_id)
    people = _people(event, _audience(event, audience, part)[0], part)
    with_device = people.filter(push_devices__is_active=True).distinct()
    return Preview(people.count(), with_device.count())


@retrying
@transaction.atomic
def create(
    new: NewCampaign, *, actor: Actor, reason: str, now: datetime, key: UUID | None = None
) -> PushCampaign:
    """Begin a campaign; its messages are written by jobs and go out as the limits allow.

    ``key`` becomes its id: asked once more with the same key (a double click, a proxy that repeats) it is the campaign
    of the first time, and nothing new goes out. Raises ``Invalid`` naming each field that is wrong (``key``: it is
    another campaign's), and what ``access.require`` raises.
    """
    event = _event(actor, new.event_id)
    _, label = _audience(event, new.audience, new.part)
    campaign, is_new = _insert(new, event, label, by=actor.user_id or UUID(int=0), key=key, now=now)
    if not is_new:
        return campaign
    _go_on(campaign, now=now)
    audit.record(
        actor=actor,
        action="notifications.send_push_campaign",
        subject=campaign,
        organization_id=event.organization_id,
        reason=reason,
        changes={"audience": [None, label], "title": [None, campaign.title]},
        now=now,
    )
    return campaign


@retrying
@transaction.atomic
def cancel(campaign_id: UUID, *, actor: Actor, reason: str, now: datetime) -> int:
    """Stop a campaign and return how many written messages it took back; what was begun goes on.

    Raises ``CampaignOver`` when nothing of it waits, and what ``access.require`` raises.
    """
    campaign = PushCampaign.objects.select_for_update().filter(id=campaign_id).first()
    if campaign is None:
        access.refuse_missing(actor)
    access.require(actor, campaign.organization_id, Capability.MANAGE_EVENTS)
    waiting = list(_waiting(campaign).select_for_update().order_by("id").values_list("id", flat=True))
    if campaign.cancelled_at is not None or (campaign.written_at is not None and not waiting):
        raise CampaignOver
    PushMessage.objects.filter(id__in=waiting).update(status=PushStatus.CANCELLED, status_reason=CANCELLED)
    beginning.end_deliveries(waiting, PushStatus.CANCELLED)
    campaign.cancelled_at = now
    campaign.save(update_fields=["cancelled_at"])
    audit.record(
        actor=actor,
        action="notifications.cancel_push_campaign",
        subject=campaign,
        organization_id=campaign.organization_id,
        reason=reason,
        changes={"cancelled_at": [None, str(now)]},
        now=now,
    )
    return len(waiting)


def write_batch(campaign_id: UUID, *, now: datetime) -> int:
    """Write the messages of the next people and return how many people those were, in the caller's transaction.

    People are taken in the order of their ids, so nobody twice. Raises ``NoRoom`` while an hour's worth of the campaign
    waits already: what waits in the queue stays small however large the audience is.
    """
    campaign = PushCampaign.objects.select_for_update().select_related("event").get(id=campaign_id)
    if campaign.written_at is not None or campaign.cancelled_at is not None:
        return 0
    due = _waiting(campaign).filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
    if due.count() >= settings.PUSH_CAMPAIGN_RATE_PER_HOUR:
        raise NoRoom(_LOOK_AGAIN, "An hour's worth of the campaign waits already")
    audience, _ = _audience(campaign.event, campaign.audience, campaign.audience_id)
    people = _people(campaign.event, audience, campaign.audience_id)
    if campaign.cursor is not None:
        people = people.filter(id__gt=campaign.cursor)
    ids = list(people.order_by("id").values_list("id", flat=True)[:BATCH])
    written = queueing.queue([_message(campaign, one) for one in ids], now=now)
    campaign.people += len(ids)
    campaign.without_device += written.without_device
    campaign.cursor = ids[-1] if ids else campaign.cursor
    campaign.written_at = now if len(ids) < BATCH else None
    campaign.save(update_fields=["people", "without_device", "cursor", "written_at"])
    if campaign.written_at is None:
        _go_on(campaign, now=now)
    return len(ids)


def _insert(
    new: NewCampaign, event: Event, label: str, *, by: UUID, key: UUID | None, now: datetime
) -> tuple[PushCampaign, bool]:
    title, body, url = _words(new)
    said = {
        "event_id": event.pk,
        "audience": new.audience,
        "audience_id": new.part,
        "title": title,
        "body": body,
        "url": url,
        "created_by": by,
    }
    rest = {
        "organization_id": event.organization_id,
        "audience_label": label,
        "kind": kinds.ANNOUNCEMENTS.name,
        "created_at": now,
    }
    campaign, is_new = PushCampaign.objects.get_or_create(id=key or new_id(), defaults={**said, **rest})
    if not is_new and any(getattr(campaign, name) != value for name, value in said.items()):
        raise Invalid.field(
            "key", "taken", "Another campaign was sent from this page: preview this one again."
        )
    return campaign, is_new


def _go_on(campaign: PushCampaign, *, now: datetime) -> None:
    outbox.enqueue(
        WRITE_KIND,
        {"campaign_id": str(campaign.id)},
        now=now,
        dedupe_key=f"push-campaign:{campaign.id}:{campaign.cursor}",
        organization_id=campaign.organization_id,
    )


def _message(campaign: PushCampaign, user_id: UUID) -> NewPush:
    return NewPush(
        user_id=user_id,
        kind=campaign.kind,
        title=campaign.title,
        body=campaign.body,
        dedupe_key=f"campaign:{campaign.id}:{user_id}",
        organization_id=campaign.organization_id,
        data={"url": campaign.url} if campaign.url else {},
        campaign_id=campaign.id,
    )


def _waiting(campaign: PushCampaign) -> QuerySet[PushMessage]:
    return PushMessage.objects.filter(
        campaign=campaign, status__in=[PushStatus.QUEUED, PushStatus.HELD], begun_at__isnull=True
    )


def _event(actor: Actor, event_id: UUID) -> Event:
    event = Event.objects.filter(id=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.MANAGE_EVENTS)
    return event


def _audience(event: Event, name: str, part: UUID | None) -> tuple[Audience, str]:
    """Return the audience and its name for people; raises ``Invalid`` for one that this event does not have."""
    found = audiences.find(name)
    if found is None:
        raise Invalid.field("audience", "unknown_choice", "Choose one of the audiences.")
    if found.parts is None:
        if part is not None:
            raise Invalid.field("part", "unknown_choice", "This audience has no parts.")
        return found, found.title
    label = dict(found.parts(event.pk)).get(part) if part is not None else None
    if label is None:
        raise Invalid.field("part", "unknown_choice", "Choose one of this event.")
    return found, f"{found.title}: {label}"[:200]


def _people(event: Event, audience: Audience, part: UUID | None) -> QuerySet[User]:
    ids = audience.people(event.pk, part).values("user_id")
    return User.objects.filter(id__in=ids, is_active=True)


def _words(new: NewCampaign) -> tuple[str, str, str]:
    """Return title, text and address without surrounding blanks, or raise ``Invalid`` naming what is wrong."""
    given = {"title": " ".join(new.title.split()), "body": new.body.strip(), "url": new.url.strip()}
    errors = [
        FieldError(name, "too_long", f"{_LONGEST[name]} characters at most.")
        for name, text in given.items()
        if len(text) > _LONGEST[name]
    ]
    errors += [
        FieldError(name, "required", "Write something.") for name in ("title", "body") if not given[name]
    ]
    if given["url"] and not _leads_somewhere(given["url"]):
        errors.append(FieldError("url", "not_https", "Give an https address, or one of our own pages."))
    if errors:
        raise Invalid(errors=errors)
    return given["title"], given["body"], given["url"]


def _leads_somewhere(url: str) -> bool:
    try:
        parts, ours = urlsplit(url), urlsplit(settings.FRONTEND_URL)
    except ValueError:
        return False
    if "@" in parts.netloc or any(character.isspace() or character == "\\" for character in url):
        return False
    is_ours = bool(ours.netloc) and (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
    return bool(parts.hostname) and (parts.scheme == "https" or is_ours)
