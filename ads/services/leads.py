"""Giving a sponsor a lead: by its people or the organizer's staff for anybody, by an attendee for themselves."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.selectors import user_by_email
from accounts.services.access import role_of
from ads.models import Lead, LeadSource, Sponsor
from ads.selectors.sponsors import sponsor_to_give_to
from ads.services.lead_rules import Candidate, judge
from ads.types.sponsors import GivenLead, LeadInput
from common.db import retrying, violated
from common.errors import Forbidden, Unauthenticated
from common.ratelimits import RateLimit, hit
from common.types import Actor
from notifications.addresses import recipient_key
from notifications.realtime.constants import SPONSOR_LEAD, sponsor_room
from notifications.realtime.streams import announce

_A_MINUTE = 60
# What an attendee says of how they were met; a scan is the sponsor's to make.
OWN_SOURCES = (LeadSource.FORM, LeadSource.AD_CLICK)


def give_lead(*, actor: Actor, sponsor_id: UUID, given: LeadInput, now: datetime) -> GivenLead:
    """Keep a person as a lead of a sponsor, once for each address, and announce a new one to the sponsor's room.

    An address that the sponsor has already keeps its row: company and note change where they are said, the consent
    is of now. An attendee is not told what others wrote about them. Raises ``Unauthenticated``, ``NotFound``,
    ``SponsorInactive``, ``RateLimited``, ``Forbidden`` to members without the role who give somebody else,
    ``Invalid`` with every wrong field (without consent nothing is kept), ``Busy``.
    """
    sponsor, is_for_anybody = sponsor_to_give_to(actor, sponsor_id)
    _limit(actor, is_for_anybody=is_for_anybody)
    if is_for_anybody:
        wanted = judge(given, sources=tuple(LeadSource), own=None)
        return _keep(sponsor, actor, wanted, user_by_email(wanted.email), is_own=False, now=now)
    if actor.user_id is None:
        raise Unauthenticated
    giver = User.objects.get(pk=actor.user_id)
    _refuse_members_without_role(actor, sponsor, given, giver)
    wanted = judge(given, sources=OWN_SOURCES, own=giver)
    kept = _keep(sponsor, actor, wanted, giver, is_own=True, now=now)
    # Notes of the sponsor's people about them are not theirs to read.
    kept.lead.company, kept.lead.note = wanted.company or "", wanted.note or ""
    return kept


def _limit(actor: Actor, *, is_for_anybody: bool) -> None:
    key = str(actor.user_id)
    if is_for_anybody:
        hit(RateLimit("leads.people", settings.LEAD_PEOPLE_RATE_LIMIT, _A_MINUTE), key)
    else:
        hit(RateLimit("leads.own", settings.LEAD_RATE_LIMIT, _A_MINUTE), key)


def _refuse_members_without_role(actor: Actor, sponsor: Sponsor, given: LeadInput, giver: User) -> None:
    """Tell a member who may not give leads so, instead of finding fault with the fields."""
    is_own = given.email is None or recipient_key(given.email.strip()) == recipient_key(giver.email)
    if is_own and given.source != LeadSource.BOOTH_SCAN:
        return
    if role_of(actor, sponsor.event.organization_id) is not None:
        raise Forbidden


@retrying
@transaction.atomic
def _keep(
    sponsor: Sponsor, actor: Actor, wanted: Candidate, user: User | None, *, is_own: bool, now: datetime
) -> GivenLead:
    """Insert the lead, or change the one that is there: who was first is the constraint's to say."""
    lead = Lead(
        sponsor=sponsor, name=wanted.name, email=wanted.email, email_key=recipient_key(wanted.email),
        company=wanted.company or "", source=wanted.source, note=wanted.note or "", consent=True, consent_at=now,
        user=user, created_by_id=actor.user_id, created_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            lead.save(force_insert=True)
    except IntegrityError as error:
        if not violated(error, "lead_once_per_sponsor"):
            raise
        return GivenLead(_changed(lead, wanted, is_own=is_own, now=now), is_new=False)
    announce(sponsor_room(sponsor.pk), SPONSOR_LEAD, _told(lead), now=now)
    return GivenLead(lead, is_new=True)


def _changed(given: Lead, wanted: Candidate, *, is_own: bool, now: datetime) -> Lead:
    """Change the lead that is there. An attendee adds what is missing; what others wrote they cannot take away."""
    kept = Lead.objects.select_for_update(of=("self",)).get(
        sponsor_id=given.sponsor_id, email_key=given.email_key
    )
    kept.company = _text(kept.company, wanted.company, is_own=is_own)
    kept.note = _text(kept.note, wanted.note, is_own=is_own)
    kept.consent_at = max(kept.consent_at, now)
    kept.user_id = kept.user_id or given.user_id
    kept.save(update_fields=["company", "note", "consent_at", "user"])
    return kept


def _text(stood: str, wanted: str | None, *, is_own: bool) -> str:
    if wanted is None or (is_own and stood):
        return stood
    return wanted


def _told(lead: Lead) -> dict[str, object]:
    return {
        "sponsor_id": str(lead.sponsor_id),
        "lead_id": str(lead.pk),
        "name": lead.name,
        "company": lead.company,
        "source": str(lead.source),
        "created_at": lead.created_at.isoformat(),
    }
