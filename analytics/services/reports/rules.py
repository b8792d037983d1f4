"""What makes a scheduled report one: judged once, for every door."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from accounts.models import User
from accounts.types import Capability, roles_with
from analytics.models import Cadence
from analytics.models.reports import MAXIMUM_NAME
from analytics.types.exports import ReportFormat
from analytics.types.reports import MAXIMUM_RECIPIENTS, ReportInput, Timetable
from common.errors import FieldError, Invalid
from events.models import Event


def judge(given: ReportInput, event: Event) -> ReportInput:
    """Return it tidied: the name trimmed, each format and person once, only the day that its cadence needs.

    Recipients are members of the event's organization who may see analytics: figures are the organization's, and who
    may see them is decided, and taken away, by roles; an address alone has none. Raises ``Invalid`` with every wrong
    field.
    """
    tidy = replace(
        given,
        name=" ".join(given.name.split()),
        timetable=_tidied(given.timetable),
        formats=tuple(one.value for one in ReportFormat if one.value in given.formats),
        recipient_ids=tuple(dict.fromkeys(given.recipient_ids)),
    )
    errors = [*_errors(given, tidy), *_timetable_errors(tidy.timetable), *_recipient_errors(tidy, event)]
    if errors:
        raise Invalid(errors=errors)
    return tidy


def allowed_people(organization_id: UUID) -> dict[UUID, User]:
    """Return who may get an organization's reports now, by id: active members who may see analytics. One statement."""
    members = User.objects.filter(
        is_active=True, memberships__organization_id=organization_id,
        memberships__role__in=roles_with(Capability.VIEW_ANALYTICS),
    )  # fmt: skip
    return {user.pk: user for user in members.order_by("email")}


def _tidied(table: Timetable) -> Timetable:
    return replace(
        table,
        local_time=table.local_time.replace(second=0, microsecond=0),
        weekday=table.weekday if table.cadence == Cadence.WEEKLY else None,
        day_of_month=table.day_of_month if table.cadence == Cadence.MONTHLY else None,
    )


def _errors(given: ReportInput, tidy: ReportInput) -> Iterator[FieldError]:
    if not tidy.name:
        yield FieldError("name", "required", "Give a name.")
    elif len(tidy.name) > MAXIMUM_NAME or not tidy.name.isprintable():
        yield FieldError(
            "name", "too_long", f"A name has at most {MAXIMUM_NAME} characters that can be read."
        )
    if not given.formats:
        yield FieldError("formats", "required", "Choose one or more.")
    elif set(given.formats) - set(ReportFormat.values):
        yield FieldError("formats", "invalid_choice", f"Of {', '.join(ReportFormat.values)}.")


def _timetable_errors(table: Timetable) -> Iterator[FieldError]:
    if table.cadence not in Cadence.values:
        yield FieldError("cadence", "invalid_choice", f"One of {', '.join(Cadence.values)}.")
    if table.local_time.tzinfo is not None:
        yield FieldError("local_time", "invalid", "A time of the event's own clocks has no offset.")
    if table.cadence == Cadence.WEEKLY and (table.weekday is None or not 0 <= table.weekday <= 6):
        yield FieldError("weekday", "required", "Choose a day of the week.")
    if table.cadence == Cadence.MONTHLY and (table.day_of_month is None or not 1 <= table.day_of_month <= 31):
        yield FieldError(
            "day_of_month", "required", "Give a day from 1 to 31; shorter months have it on their last day."
        )


def _recipient_errors(tidy: ReportInput, event: Event) -> Iterator[FieldError]:
    if not tidy.recipient_ids:
        yield FieldError("recipient_ids", "required", "Choose one or more people.")
    elif len(tidy.recipient_ids) > MAXIMUM_RECIPIENTS:
        yield FieldError("recipient_ids", "too_many", f"At most {MAXIMUM_RECIPIENTS} people.")
    elif set(tidy.recipient_ids) - set(allowed_people(event.organization_id)):
        words = "Only members of the organization who may see analytics get its reports."
        yield FieldError("recipient_ids", "invalid_choice", words)
