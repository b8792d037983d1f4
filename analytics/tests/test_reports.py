"""Who schedules reports, and what one has to be."""

from typing import Any

import pytest

from accounts.services.access import actor_of
from accounts.tests.factories import NOW, make_member, make_superuser
from analytics.models import ReportRun, ScheduledReport
from analytics.services.reports.asking import run_now
from analytics.services.reports.defining import archive_report, create_report, pause_report, update_report
from analytics.tests.reports import given, make_report, member
from common.audit.models import AuditEntry
from common.errors import Conflict, Failure, Forbidden, Invalid, NotFound, Unauthenticated
from common.types import ANONYMOUS, SYSTEM, Actor
from events.models import Event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    """Give an event."""
    return make_event()


def nobody(_: Event) -> Actor:
    return ANONYMOUS


def analyst(event: Event) -> Actor:
    return actor_of(member(event))


def stranger(_: Event) -> Actor:
    return actor_of(make_member("owner"))


@pytest.mark.parametrize(
    ("who", "refusal"), [(nobody, Unauthenticated), (analyst, Forbidden), (stranger, NotFound)]
)
def test_only_staff_schedule(event: Event, who: Any, refusal: type[Failure]) -> None:
    """REQ AN-07, EV-03: analysts look; others do not even learn that it is there; nothing changes."""
    report, reader, actor = make_report(event), member(event), who(event)
    before = ScheduledReport.objects.values().get()
    acts = [
        lambda: create_report(actor=actor, event_id=event.pk, given=given(reader), now=NOW),
        lambda: update_report(actor=actor, report_id=report.pk, given=given(reader, name="X"), now=NOW),
        lambda: pause_report(actor=actor, report_id=report.pk, now=NOW),
        lambda: archive_report(actor=actor, report_id=report.pk, now=NOW),
        lambda: run_now(actor=actor, report_id=report.pk, now=NOW),
    ]
    for act in acts:
        with pytest.raises(refusal):
            act()
    assert ScheduledReport.objects.values().get() == before
    assert not ReportRun.objects.exists()


def test_what_is_wrong_is_told_field_by_field(event: Event) -> None:
    """REQ AN-07: outsiders and members without analytics are no recipients; a cadence needs its day."""
    reader = member(event)
    for people, fields, wrong in (
        ([reader], {"name": "  "}, ["name"]),
        ([reader], {"formats": ()}, ["formats"]),
        ([reader], {"formats": ("csv", "doc")}, ["formats"]),
        ([reader], {"cadence": "weekly", "weekday": 7}, ["weekday"]),
        ([reader], {"cadence": "monthly", "day_of_month": 0}, ["day_of_month"]),
        ([reader], {"cadence": "yearly"}, ["cadence"]),
        ([], {}, ["recipient_ids"]),
        ([member(event, "scanner")], {}, ["recipient_ids"]),
        ([reader, make_member("owner")], {}, ["recipient_ids"]),
        ([make_superuser()], {"name": ""}, ["name", "recipient_ids"]),
    ):
        with pytest.raises(Invalid) as refused:
            create_report(actor=SYSTEM, event_id=event.pk, given=given(*people, **fields), now=NOW)  # type: ignore[arg-type]
        assert [one.field for one in refused.value.errors] == wrong
    assert not ScheduledReport.objects.exists()


def test_a_change_over_somebody_elses_change_is_refused(event: Event) -> None:
    """REQ AN-07: what was looked at is what is changed; every change is in the audit history."""
    reader, other = member(event), member(event)
    report = make_report(event, reader)
    changed = update_report(
        actor=SYSTEM, report_id=report.pk, given=given(other, name="Board"), version=1, now=NOW
    )
    assert changed.version == 2
    with pytest.raises(Conflict):
        update_report(actor=SYSTEM, report_id=report.pk, given=given(reader), version=1, now=NOW)
    assert list(report.recipients.values_list("user_id", flat=True)) == [other.pk]
    entry = AuditEntry.objects.filter(action="analytics.update_report").get()
    assert set(entry.changes) == {"name", "recipients"}
