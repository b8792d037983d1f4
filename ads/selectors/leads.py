"""Reading leads. They are personal data: the sponsor's people and the organizer's staff alone."""

from uuid import UUID

from django.db.models import Q, QuerySet

from ads.models import Lead, LeadSource
from ads.selectors.sponsors import sponsor_with_leads
from common.errors import Invalid
from common.types import Actor


def leads_of(actor: Actor, sponsor_id: UUID, *, search: str = "", source: str = "") -> QuerySet[Lead]:
    """Return a sponsor's leads, the newest first; ``search`` looks in names, e-mails and companies.

    Raises what ``sponsor_with_leads`` raises, and ``Invalid`` for a source that there is not.
    """
    sponsor = sponsor_with_leads(actor, sponsor_id)
    if source and source not in LeadSource.values:
        raise Invalid.field("source", "invalid_choice", f"One of {', '.join(LeadSource.values)}.")
    leads = Lead.objects.filter(sponsor=sponsor)
    if source:
        leads = leads.filter(source=source)
    if search:
        leads = leads.filter(
            Q(name__icontains=search) | Q(email__icontains=search) | Q(company__icontains=search)
        )
    return leads.order_by("-created_at", "-id")
