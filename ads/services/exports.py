"""Leads as a file. Personal data leaves the house: each export is in the audit history of its sponsor."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet

from ads import sheets
from ads.models import Lead, Sponsor
from common import audit
from common.types import Actor

FILE_NAME: Final = "leads.csv"
CONTENT_TYPE: Final = "text/csv; charset=utf-8"
COLUMNS: Final = ("sponsor", "name", "email", "company", "source", "note", "consent_at", "created_at", "id")
_ROWS_AT_ONCE = 500


@transaction.atomic
def export_leads(actor: Actor, leads: QuerySet[Lead], *, reason: str = "", now: datetime) -> Iterator[str]:
    """Record who exports how many leads of which sponsors, and return the lines of the file, read as they are sent.

    The caller answers for who may see these leads. Two statements, and one for the rows, which are read through a
    cursor outside of any transaction.
    """
    counted = leads.order_by().values("sponsor").annotate(number=Count("pk"))
    numbers = {row["sponsor"]: row["number"] for row in counted}
    sponsors = Sponsor.objects.select_related("event").filter(pk__in=numbers).order_by("pk")
    audit.record_many(
        [
            audit.entry_of(
                actor=actor,
                action="ads.export_leads",
                subject=sponsor,
                organization_id=sponsor.event.organization_id,
                reason=reason,
                changes={"leads": [None, numbers[sponsor.pk]]},
                now=now,
            )
            for sponsor in sponsors
        ]
    )
    return sheets.lines(COLUMNS, _rows(leads))


def _rows(leads: QuerySet[Lead]) -> Iterator[list[str]]:
    for lead in leads.select_related("sponsor").iterator(chunk_size=_ROWS_AT_ONCE):
        yield [
            lead.sponsor.name, lead.name, lead.email, lead.company, lead.source, lead.note,
            lead.consent_at.isoformat(), lead.created_at.isoformat(), str(lead.pk),
        ]  # fmt: skip
