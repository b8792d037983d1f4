"""The words of the e-mail that brings a scheduled report."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from django.utils.formats import date_format

from accounts.models import User
from analytics.models import Cadence, ReportRun
from analytics.services.monetization import Monetization
from analytics.services.reports.files import Written
from analytics.types.exports import ReportFormat
from analytics.types.figures import AdFigures, OfferFigures, Revenue, WaitlistFigures
from common.money import format_money
from notifications import kinds
from notifications.kinds import Channel, Kind
from notifications.templates import EmailTemplate, register

TEMPLATE: Final = EmailTemplate(
    "scheduled_report",
    ("title", "event_title", "report_name", "days", "figures", "notes", "files", "zone", "data_through"),
    optional=("chosen_by",),
)
KIND: Final = Kind(
    "reports",
    "Scheduled reports",
    "Figures of your organization's events, sent by schedule.",
    is_transactional=False,
    channels=frozenset({Channel.EMAIL}),
)
_TITLES: Final = {
    Cadence.DAILY: "Daily report",
    Cadence.WEEKLY: "Weekly report",
    Cadence.MONTHLY: "Monthly report",
}
_MISSING: Final = "not available at the moment"
_STALE: Final = (
    "Some of these figures are older than the rest, or missing: they could not be computed anew in time. "
    "The attached files say which."
)

Line = tuple[str, str]


def register_templates() -> None:
    """Make the room's message known; called once when the app is ready."""
    kinds.register(KIND, TEMPLATE.name)
    register(TEMPLATE)


def context_of(run: ReportRun, figures: Monetization, written: Written, *, is_stale: bool) -> dict[str, Any]:
    """Return what the e-mail's template is given: every figure in words, all amounts by the one formatter."""
    report, event = run.report, run.report.event
    author = report.created_by
    return {
        "title": f"{_TITLES[Cadence(report.cadence)]} of {event.title}",
        "event_title": event.title,
        "report_name": report.name,
        "days": days_in_words(run.first, run.last),
        "figures": list(_lines(figures)),
        "notes": [*([_STALE] if is_stale else []), *left_out(written.left_out)],
        "files": [one.filename for one in written.files],
        "zone": event.time_zone,
        "data_through": date_format(figures.freshness.data_through.astimezone(event.zone), "j F Y, H:i T"),
        "chosen_by": "" if author is None else author.name or author.email,
    }


def days_in_words(first: date, last: date) -> str:
    """Say the days: ``20 November 2026``, ``14 November to 20 November 2026``."""
    if first == last:
        return date_format(first, "j F Y")
    return (
        f"{date_format(first, 'j F' if first.year == last.year else 'j F Y')} to {date_format(last, 'j F Y')}"
    )


def left_out(formats: Sequence[ReportFormat]) -> list[str]:
    """Say what is not attached, and where it is to be had; nothing left out: nothing to say."""
    if not formats:
        return []
    named = " and ".join(str(one.label) for one in formats)
    return [
        f"Not attached, for it is too large for an e-mail: {named}. The event's dashboard in the admin has it."
    ]


def not_written_to(people: Sequence[User]) -> list[str]:
    """Say whose address is none that mail could be sent to; nobody: nothing to say."""
    if not people:
        return []
    return [f"No e-mail, for the address is none: {', '.join(one.name or one.email for one in people)}."]


def _lines(figures: Monetization) -> Iterator[Line]:
    parts = {name: part.figures for name, part in figures.parts.items()}
    yield from _revenue_lines(parts.get("revenue"))
    yield from _offer_lines(parts.get("offers"))
    yield from _ad_lines(parts.get("ads"))
    yield from _waitlist_lines(parts.get("waitlist"))


def _revenue_lines(revenue: Revenue | None) -> Iterator[Line]:
    if revenue is None:
        yield "Net revenue", _MISSING
        return
    yield "Net revenue", format_money(revenue.net)
    yield "Gross revenue", format_money(revenue.total)
    yield "Refunds", format_money(revenue.refunds)
    for other in revenue.other_currencies:
        yield f"Net revenue in {other.currency}", format_money(other.net)


def _offer_lines(offers: OfferFigures | None) -> Iterator[Line]:
    yield "Purchases", _MISSING if offers is None else f"{offers.total_purchases:,}"


def _ad_lines(ads: AdFigures | None) -> Iterator[Line]:
    yield "Ad impressions", _MISSING if ads is None else f"{ads.total_impressions:,}"


def _waitlist_lines(waitlist: WaitlistFigures | None) -> Iterator[Line]:
    yield "Waitlist joins", _MISSING if waitlist is None else f"{waitlist.total_joins:,}"
