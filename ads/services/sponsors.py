"""Making and changing sponsors, and saying who their people are. Every change is in the audit history."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import access
from accounts.types import Capability
from ads.models import Sponsor, SponsorMember
from ads.services.mailboxes import readable
from ads.types.sponsors import (
    MAXIMUM_DESCRIPTION,
    MAXIMUM_NAME,
    MAXIMUM_PEOPLE,
    MAXIMUM_URL,
    SponsorInput,
)
from common import audit
from common.db import retrying
from common.errors import FieldError, Invalid, NotFound, Unauthenticated
from common.plain_text import plain_name
from common.types import Actor
from common.web_addresses import is_web_address
from events.models import Event

_FIELDS = ("name", "website", "description", "is_active")


@retrying
@transaction.atomic
def create_sponsor(*, actor: Actor, event_id: UUID, sponsor: SponsorInput, now: datetime) -> Sponsor:
    """Create a sponsor of an event. People whom nobody knows yet get an account, to sign in by the identity service.

    Raises ``Unauthenticated``, ``NotFound``, ``Forbidden`` as ``access.require``, ``Invalid`` with every wrong field.
    """
    _require_somebody(actor)
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound
    access.require(actor, event.organization_id, Capability.MANAGE_ADS)
    given = _judged(sponsor)
    created = Sponsor(event=event, created_at=now, **{name: getattr(given, name) for name in _FIELDS})
    created.save(force_insert=True)
    people = _set_people(created, given.people, now=now)
    said = {name: [None, getattr(given, name)] for name in _FIELDS if getattr(given, name) != ""}
    _record(actor, "ads.create_sponsor", created, said | people, now=now)
    return created


@retrying
@transaction.atomic
def update_sponsor(*, actor: Actor, sponsor_id: UUID, sponsor: SponsorInput, now: datetime) -> Sponsor:
    """Make a sponsor what is given, as a whole; what is as before leaves no entry. Raises as ``create_sponsor``.

    Who is no longer among the people may not read the leads from then on.
    """
    _require_somebody(actor)
    locked = Sponsor.objects.select_for_update(of=("self",)).select_related("event").filter(pk=sponsor_id)
    existing = locked.first()
    if existing is None:
        raise NotFound
    access.require(actor, existing.event.organization_id, Capability.MANAGE_ADS)
    given = _judged(sponsor)
    before = audit.snapshot(existing)
    for name in _FIELDS:
        setattr(existing, name, getattr(given, name))
    changes = audit.changes_between(before, existing)
    if changes:
        existing.save(update_fields=list(changes))
    people = _set_people(existing, given.people, now=now)
    if changes or people:
        _record(actor, "ads.update_sponsor", existing, changes | people, now=now)
    return existing


def _require_somebody(actor: Actor) -> None:
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated


def _judged(given: SponsorInput) -> SponsorInput:
    """Return it with its texts trimmed and each address once. Raises ``Invalid`` with every wrong field."""
    people = dict.fromkeys(address.strip().lower() for address in given.people if address.strip())
    tidy = replace(
        given,
        name=plain_name(given.name),
        website=given.website.strip(),
        description=given.description.strip(),
        people=tuple(people),
    )
    errors = list(_errors(tidy))
    if errors:
        raise Invalid(errors=errors)
    return tidy


def _errors(given: SponsorInput) -> Iterator[FieldError]:
    if not given.name:
        yield FieldError("name", "required", "Give a name.")
    elif len(given.name) > MAXIMUM_NAME:
        yield FieldError("name", "too_long", f"A name has at most {MAXIMUM_NAME} characters.")
    if len(given.description) > MAXIMUM_DESCRIPTION:
        yield FieldError("description", "too_long", f"At most {MAXIMUM_DESCRIPTION} characters.")
    if given.website and not is_web_address(given.website, longest=MAXIMUM_URL):
        yield FieldError(
            "website", "not_https", f"Give an https address of at most {MAXIMUM_URL} characters."
        )
    if len(given.people) > MAXIMUM_PEOPLE:
        yield FieldError("people", "too_many", f"At most {MAXIMUM_PEOPLE} people.")
        return
    for address in given.people:
        if readable(address) is None:
            yield FieldError("people", "invalid", f"{address[:100]} is not an e-mail address.")


def _set_people(sponsor: Sponsor, wanted: tuple[str, ...], *, now: datetime) -> audit.Changes:
    """Make these the sponsor's people; return the change, empty when there is none."""
    members = SponsorMember.objects.filter(sponsor=sponsor)
    before = set(members.values_list("user__email", flat=True))
    if before == set(wanted):
        return {}
    members.filter(user__email__in=before.difference(wanted)).delete()
    joining = [address for address in wanted if address not in before]
    known = {user.email: user for user in User.objects.filter(email__in=joining)}
    SponsorMember.objects.bulk_create(
        SponsorMember(
            sponsor=sponsor, user=known.get(address) or User.objects.create_user(address), created_at=now
        )
        for address in joining
    )
    return {"people": [sorted(before), sorted(wanted)]}


def _record(actor: Actor, action: str, sponsor: Sponsor, changes: audit.Changes, *, now: datetime) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=sponsor,
        organization_id=sponsor.event.organization_id,
        changes=changes,
        now=now,
    )
