"""What is kept how long, and the command that computes and proves figures."""

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.tests.factories import NOW
from analytics.models import DailyFigure, DirtyDay, LastAnswer, RawEvent, SeenEvent
from analytics.services.known import known
from analytics.services.retention import EVENTS, forget_old
from analytics.services.rollup import refresh
from analytics.tests.factories import ago, keep, make_place, told
from common import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def partitions_with_rows() -> set[str]:
    """Return where raw events are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM analytics_rawevent")
        return {name for (name,) in cursor.fetchall()}


def test_days_are_made_ahead_and_nothing_is_lost_without_them() -> None:
    """REQ AN-01: an event of a day without a partition is kept, and moved when its day is made."""
    place = make_place()
    assert NOW.date() not in EVENTS.existing()
    keep(told(place))
    assert partitions_with_rows() == {"analytics_rawevent_default"}
    made = EVENTS.ensure_ahead(now=NOW)
    assert (len(made), made[0], made[-1]) == (
        16,
        "analytics_rawevent_20961120",
        "analytics_rawevent_20961205",
    )
    assert partitions_with_rows() == {"analytics_rawevent_20961121"}
    assert EVENTS.ensure_ahead(now=NOW) == []
    keep(told(place))
    assert partitions_with_rows() == {"analytics_rawevent_20961121"}
    assert RawEvent.objects.count() == 2


def test_a_migrated_database_has_its_days() -> None:
    """REQ AN-01: two weeks ahead of the real clock, before anything ran."""
    days = EVENTS.existing()
    assert {clock.now().date() + timedelta(days=ahead) for ahead in (-1, 0, 13)} <= days.keys()


def test_figures_outlive_their_events(settings) -> None:
    """REQ AN-10: raw events go by whole days, the figures stay and are not computed from nothing."""
    settings.ANALYTICS_EVENT_RETENTION_DAYS = 3
    place = make_place()
    for days in (5, 4, 3, 1):
        then = NOW - timedelta(days=days)
        keep(told(place, timestamp=then.isoformat()), now=then)
        refresh(now=then)
    EVENTS.ensure_ahead(now=NOW)
    LastAnswer.objects.create(
        event=place.event, part="ads", first=NOW, last=NOW, body={}, computed_at=NOW - timedelta(days=31)
    )
    gone = forget_old(now=NOW)
    assert gone.partitions[-2:] == ("analytics_rawevent_20961116", "analytics_rawevent_20961117")
    assert (gone.seen, gone.answers) == (0, 1)
    assert RawEvent.objects.count() == 2
    keep(told(place, timestamp=ago(days=5)))
    refresh(now=NOW)
    days = DailyFigure.objects.filter(entity_id=None).order_by("day").values_list("day", "count")
    assert list(days) == [(date(2096, 11, day), 1) for day in (16, 17, 18, 20)]
    assert forget_old(now=NOW).partitions == ()


def test_an_event_keeps_its_newest_answers() -> None:
    """REQ AN-03: fifty, however many ranges were looked at; another event's old ones are not counted with them."""
    place, other = make_place(), make_place()
    LastAnswer.objects.bulk_create(
        LastAnswer(
            event=event, part="ads", first=NOW - timedelta(days=number), last=NOW, body={},
            computed_at=NOW - timedelta(minutes=number),
        )
        for event, numbers in ((place.event, range(53)), (other.event, range(100, 102))) for number in numbers
    )  # fmt: skip
    assert forget_old(now=NOW).answers == 3
    assert LastAnswer.objects.filter(event=other.event).count() == 2
    kept = LastAnswer.objects.filter(event=place.event).order_by("computed_at")
    assert (kept.count(), kept[0].computed_at) == (50, NOW - timedelta(minutes=49))
    assert forget_old(now=NOW).answers == 0


def test_ids_are_remembered_longer_than_events_may_be_late() -> None:
    """REQ AN-10: a retry of eight days ago is too late to count, and still known; a day later it is forgotten."""
    place = make_place()
    event = told(place)
    keep(event)
    late = NOW + timedelta(days=7)
    assert keep(event, now=late).duplicates == 1
    assert keep(event, now=late + timedelta(seconds=1)).rejected[0].code == "too_late"
    assert forget_old(now=NOW + timedelta(days=9)).seen == 0
    assert forget_old(now=NOW + timedelta(days=9, seconds=1)).seen == 1
    assert not SeenEvent.objects.exists()


def run(*arguments: str, capsys) -> tuple[int, list[str]]:
    """Run the command and return its exit code and lines."""
    code = 0
    try:
        call_command("refresh_analytics", *arguments)
    except SystemExit as ended:
        code = int(ended.code)
    return code, capsys.readouterr().out.splitlines()


def test_the_command(capsys) -> None:
    """REQ AN-04: what waits is computed; stored figures are proved, repaired, and told by the exit code."""
    place = make_place()
    now = clock.now()
    keep(told(place, timestamp=now.isoformat()), now=now)
    code, lines = run("--dry-run", capsys=capsys)
    assert (code, lines[-1]) == (0, "1 days wait")
    assert DirtyDay.objects.count() == 1
    assert run(capsys=capsys) == (0, ["1 days computed, 0 failed"])
    assert run("--recount", "--event", str(place.event.pk), capsys=capsys)[0] == 0
    DailyFigure.objects.update(count=7)
    code, lines = run("--recount", "--dry-run", capsys=capsys)
    assert (code, lines[-1]) == (1, "1 days compared, 1 off")
    assert DailyFigure.objects.first().count == 7
    code, lines = run("--recount", capsys=capsys)
    assert (code, lines[-1]) == (1, "1 days compared, 1 off")
    assert run("--recount", capsys=capsys)[0] == 0
    with pytest.raises(CommandError) as refused:
        call_command("refresh_analytics", "--event", "00000000-0000-0000-0000-000000000000")
    assert refused.value.returncode == 2


def test_a_day_that_was_never_stored_is_found(capsys) -> None:
    """REQ AN-04: raw events whose mark was lost before anything was stored are told and counted by the recount."""
    now = clock.now()
    keep(told(make_place(), timestamp=now.isoformat()), now=now)
    DirtyDay.objects.all().delete()
    code, lines = run("--recount", "--dry-run", capsys=capsys)
    assert (code, lines[-1]) == (1, "1 days compared, 1 off")
    assert not DailyFigure.objects.exists()
    assert run("--recount", capsys=capsys)[0] == 1
    assert DailyFigure.objects.filter(count=1).exists()
    assert run("--recount", capsys=capsys)[0] == 0
