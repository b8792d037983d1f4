"""How a change of an event's ads reaches every process."""

from dataclasses import fields

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.tests.factories import NOW
from ads.decision import keys
from ads.decision.registry import Registry
from ads.models import Ad, AdIndexVersion
from ads.services import versions
from ads.tests.ad_factories import make_ad
from ads.tests.deciding import decide_at, ids, shown
from common import redis
from common.errors import NotFound
from common.outbox.models import Job
from common.outbox.testing import run_due
from common.types import SYSTEM
from config.local_stack.valkey import EmbeddedValkey
from events.models import Event
from events.services.events import EventInput, update_event
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db


def told(event: Event) -> int:
    """Return the version that Redis was told of."""
    return int(redis.client().hget(keys.book(event.pk), "version") or 0)


def test_a_change_reaches_every_process_at_its_next_decision(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Two processes with an index each: what is paused in neither's memory is shown by neither (REQ AD-02)."""
    event = make_event()
    paused = make_ad(event)
    processes = Registry(), Registry()
    for number, indexes in enumerate(processes):
        assert shown(decide_at(event, viewer=f"tab-{number}", indexes=indexes)) == ids(paused)
    with django_capture_on_commit_callbacks(execute=True):
        Ad.objects.filter(pk=paused.pk).update(is_active=False)
        versions.bump(event.pk, now=NOW)
    for indexes in processes:
        assert shown(decide_at(event, indexes=indexes)) == []
    with django_capture_on_commit_callbacks(execute=True):
        Ad.objects.filter(pk=paused.pk).update(is_active=True, name="Edited")
        versions.bump(event.pk, now=NOW)
    for indexes in processes:
        [served] = decide_at(event, indexes=indexes).ads
        assert served.candidate.name == "Edited"


@pytest.mark.parametrize("changed", [{"visibility": "private"}, {"time_zone": "Asia/Tokyo"}])
def test_a_change_of_the_event_reaches_every_process(
    changed: dict[str, str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """Private at once means private: the next decision knows (REQ AD-02)."""
    event = make_event()
    make_ad(event)
    indexes = Registry()
    decide_at(event, indexes=indexes)
    given = {field.name: getattr(event, field.name) for field in fields(EventInput)} | changed
    with django_capture_on_commit_callbacks(execute=True):
        update_event(actor=SYSTEM, event_id=event.pk, event=EventInput(**given), now=NOW)
    if "visibility" in changed:
        with pytest.raises(NotFound):
            decide_at(event, indexes=indexes)
    else:
        decide_at(event, indexes=indexes)
        assert indexes.of(event.pk).zone.key == "Asia/Tokyo"


def test_a_change_that_redis_was_not_told_of_is_told_by_the_job(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, valkey: EmbeddedValkey
) -> None:
    """Redis away at the commit: one job, however many changes, tells it each second until it is told (REQ AD-02)."""
    event = make_event()
    paused = make_ad(event)
    indexes = Registry()
    decide_at(event, indexes=indexes)
    valkey.stop()
    with django_capture_on_commit_callbacks(execute=True):
        Ad.objects.filter(pk=paused.pk).update(is_active=False)
        versions.bump(event.pk, now=NOW)
        versions.bump(event.pk, now=NOW)
    [job] = Job.objects.filter(kind=versions.PUBLISH)
    run_due(NOW)
    job.refresh_from_db()
    assert (job.status, (job.run_at - NOW).total_seconds()) == ("pending", 1.0)
    valkey.start()
    redis.breaker.reset()
    run_due(job.run_at)
    assert told(event) == AdIndexVersion.objects.get(pk=event.pk).version == 4
    assert shown(decide_at(event, indexes=indexes)) == []


def test_who_knows_a_later_version_tells_it() -> None:
    """A process that read a later version than Redis was told of passes it on (REQ AD-02)."""
    event = make_event()
    make_ad(event)
    behind, ahead = Registry(), Registry()
    decide_at(event, indexes=behind)
    Ad.objects.filter(event=event).update(is_active=False)
    AdIndexVersion.objects.filter(pk=event.pk).update(version=5)
    decide_at(event, indexes=ahead)
    assert told(event) == 5
    assert shown(decide_at(event, indexes=behind)) == []


def test_a_change_that_is_not_committed_is_not_told(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Rolled back: no version, no job, nothing told (REQ AD-02)."""
    event = make_ad().event
    decide_at(event)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        versions.bump(event.pk, now=NOW)
        transaction.set_rollback(True)
    assert AdIndexVersion.objects.get(pk=event.pk).version == told(event) == 2
    assert not Job.objects.filter(kind=versions.PUBLISH).exists()


def test_the_first_version_of_an_event() -> None:
    """An event without one begins at 1; telling none is no error (REQ AD-02)."""
    event = make_event()
    assert versions.publish(event.pk)
    versions.bump(event.pk, now=NOW)
    assert AdIndexVersion.objects.get(pk=event.pk).version == 1


def test_a_change_of_the_event_itself_is_known_within_a_minute() -> None:
    """Its time zone and who may see it have no version: they are compared each minute (REQ AD-02)."""
    seconds = [0.0]
    indexes = Registry(clock=lambda: seconds[0])
    ad = make_ad()
    decide_at(ad.event, indexes=indexes)
    Event.objects.filter(pk=ad.event_id).update(time_zone="Asia/Tokyo")
    seconds[0] = 60.0
    assert str(indexes.of(ad.event_id).zone) == "UTC"
    seconds[0] = 60.1
    assert str(indexes.of(ad.event_id).zone) == "Asia/Tokyo"


def test_the_indexes_of_a_process_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was read first goes, and is read again when it is asked for (REQ AD-02)."""
    monkeypatch.setattr("ads.decision.registry._EVENTS_KEPT", 2)
    indexes = Registry()
    events = [make_ad().event for _ in range(3)]
    first = indexes.of(events[0].pk)
    for event in events[1:]:
        indexes.of(event.pk)
    assert indexes.of(events[2].pk) is indexes.of(events[2].pk)
    assert indexes.of(events[0].pk) is not first
