"""Reading sponsors, and who may do what with one's leads."""

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.services import access
from accounts.types import Capability
from ads.errors import SponsorInactive
from ads.models import Sponsor, SponsorMember
from common.errors import NotFound, Unauthenticated
from common.types import Actor
from events.selectors import visible_event


def sponsors_of(actor: Actor, event_id: UUID) -> QuerySet[Sponsor]:
    """Return an event's active sponsors, by name, for whoever sees the event. Raises ``NotFound``."""
    event = visible_event(actor, event_id)
    return Sponsor.objects.filter(event_id=event.pk, is_active=True).order_by("name", "id")


def sponsor_with_leads(actor: Actor, sponsor_id: UUID) -> Sponsor:
    """Return the sponsor, with its event, for its people and the organizer's staff. At most 2 statements.

    Raises ``Unauthenticated``, ``NotFound`` for those who are neither, ``Forbidden`` for members of the organization
    without the role.
    """
    sponsor, is_one_of_its_people = _found(actor, sponsor_id)
    if not is_one_of_its_people:
        access.require(actor, sponsor.event.organization_id, Capability.MANAGE_ADS)
    return sponsor


def sponsor_to_give_to(actor: Actor, sponsor_id: UUID) -> tuple[Sponsor, bool]:
    """Return the sponsor and whether the actor may give it leads for anybody: its people and the organizer's staff.

    Everybody else who sees the event gives their own. At most 3 statements. Raises ``Unauthenticated``,
    ``NotFound``, and ``SponsorInactive`` to those who know of it.
    """
    sponsor, is_one_of_its_people = _found(actor, sponsor_id)
    organization_id = sponsor.event.organization_id
    if is_one_of_its_people or access.allowed(actor, organization_id, Capability.MANAGE_ADS):
        if not sponsor.is_active:
            raise SponsorInactive
        return sponsor, True
    visible_event(actor, sponsor.event_id)
    if not sponsor.is_active:
        raise NotFound
    return sponsor, False


def _found(actor: Actor, sponsor_id: UUID) -> tuple[Sponsor, bool]:
    """Return the sponsor with its event, and whether the actor is one of its people. One statement."""
    if not (actor.is_authenticated or actor.is_system):
        raise Unauthenticated
    mine = SponsorMember.objects.filter(sponsor=OuterRef("pk"))
    mine = mine.none() if actor.user_id is None else mine.filter(user_id=actor.user_id)
    sponsors = Sponsor.objects.select_related("event").annotate(is_mine=Exists(mine))
    sponsor = sponsors.filter(pk=sponsor_id).first()
    if sponsor is None:
        raise NotFound
    return sponsor, sponsor.is_mine
