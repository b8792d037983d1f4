"""Pausing, resuming, replacing and announcing ads, on REST; and what the clock does."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.tests.factories import NOW, make_member, make_user
from ads.models import Ad, AdIndexVersion, AdPlacement, AdSpend
from ads.services import writing
from ads.tasks import deactivate_ended_ads
from ads.tests.ad_cases import GOOD
from ads.tests.ad_doors import RestAds
from ads.tests.ad_factories import make_ad
from common import clock
from common.audit.models import AuditEntry
from common.outbox.models import Job
from events.models import Event
from events.tests.factories import make_event, make_session
from notifications.models import RealtimeEvent

pytestmark = pytest.mark.django_db


def test_pausing_and_resuming() -> None:
    """Each says why, is audited and told to processes once; twice is as once. REQ AD-01, AD-09, EV-04."""
    event, ads = _event_and_ads()
    ad = make_ad(event)
    version = _version(event)
    for _ in range(2):
        paused = ads.send("post", f"ads/{ad.pk}/pause", {"reason": "Wrong picture"}).data
        assert (paused["is_active"], paused["status"]) == (False, "PAUSED")
    for _ in range(2):
        resumed = ads.send("post", f"ads/{ad.pk}/resume").data
        assert (resumed["is_active"], resumed["status"]) == (True, "LIVE")
    entries = [(one.action, one.reason, one.changes) for one in AuditEntry.objects.order_by("id")]
    assert entries == [
        ("ads.pause", "Wrong picture", {"is_active": [True, False]}),
        ("ads.resume", "", {"is_active": [False, True]}),
    ]
    assert _version(event) == version + 2
    assert Job.objects.filter(kind="ads.publish_version").count() == 1


def test_what_is_over_is_not_resumed() -> None:
    """An ended ad needs a later end first, an archived one stays. REQ AD-01."""
    event, ads = _event_and_ads()
    ended = make_ad(event, is_active=False, ends_at=clock.now())
    archived = make_ad(event, is_active=False, is_archived=True)
    before = list(Ad.objects.values())
    assert ads.send("post", f"ads/{ended.pk}/resume").errors == {("ends_at", "over")}
    for act in ("pause", "resume"):
        assert ads.send("post", f"ads/{archived.pk}/{act}").code == "ad_archived"
    assert list(Ad.objects.values()) == before
    assert not AuditEntry.objects.exists()


def test_replacing_is_of_the_whole_ad() -> None:
    """What a PUT leaves out has its default again; the switch alone stays. REQ AD-01."""
    event, ads = _event_and_ads()
    ad = make_ad(
        event, weight=9, frequency_cap=9, ends_at=NOW, is_active=False, target_sessions=[make_session(event=event).pk],
        price_model="CPM", price_amount=700, budget_total_amount=900, placements=[AdPlacement.SIDEBAR],
    )  # fmt: skip
    told = ads.send("put", f"ads/{ad.pk}", GOOD).data
    made = ads.create({**GOOD, "event_id": str(event.pk)}).data
    own = {"id", "created_at", "updated_at", "is_active", "status"}
    assert {name: told[name] for name in told.keys() - own} == {
        name: made[name] for name in made.keys() - own
    }
    assert (told["is_active"], told["status"]) == (False, "PAUSED")
    assert AdSpend.objects.get(pk=ad.pk).limit_micros is None
    before = Ad.objects.values().get(pk=ad.pk)
    assert ads.send("put", f"ads/{ad.pk}", {"weight": 2}).errors == {
        ("name", "required"), ("content_type", "required"), ("media_url", "required"), ("placements", "required"),
    }  # fmt: skip
    assert Ad.objects.values().get(pk=ad.pk) == before


def test_every_wrong_field_is_told_at_once() -> None:
    """Unknown names, wrong types, what is no id and no time, and what the rules refuse, together. REQ AD-01."""
    event, ads = _event_and_ads()
    ad = make_ad(event)
    before = list(Ad.objects.values())
    said = {
        "name": 5, "colour": "red", "id": str(uuid4()), "spent": 0, "weight": "3", "frequency_cap": True,
        "display_duration_seconds": 1.5, "aspect_ratio": [], "placements": "SIDEBAR", "target_sessions": ["seven"],
        "starts_at": "tomorrow", "is_active": "yes", "price": 1.5, "budget_total": "much", "budget_daily": [],
        "content_type": "POSTER", "price_model": "CPA", "pacing": "SLOW", "media_url": "a\0b", "currency": None,
    }  # fmt: skip
    wrong = {
        ("name", "wrong_type"), ("colour", "unknown_field"), ("id", "unknown_field"), ("spent", "unknown_field"),
        ("weight", "wrong_type"), ("frequency_cap", "wrong_type"), ("display_duration_seconds", "wrong_type"),
        ("aspect_ratio", "wrong_type"), ("placements", "not_a_list"), ("target_sessions[0]", "invalid"),
        ("starts_at", "invalid"), ("is_active", "wrong_type"), ("price", "not_a_price"),
        ("budget_total", "not_a_price"), ("budget_daily", "not_a_price"), ("content_type", "invalid_choice"),
        ("price_model", "invalid_choice"), ("pacing", "invalid_choice"), ("media_url", "unreadable_text"),
        ("currency", "null"),
    }  # fmt: skip
    assert ads.update(ad.pk, said).errors == wrong
    assert ads.create({**said, "event_id": str(event.pk)}).errors == wrong
    assert ads.create(said).errors == {
        *(one for one in wrong if one[0] not in {"budget_total", "content_type", "price_model", "pacing"}),
        ("event_id", "required"),
    }
    assert ads.create(GOOD).errors == {("event_id", "required")}
    assert ads.update(ad.pk, {"event_id": str(make_event().pk)}).errors == {("event_id", "unknown_field")}
    for body in ([GOOD], '"name"', "7"):
        assert ads.send("post", "ads", body).code == "invalid"
    assert list(Ad.objects.values()) == before
    assert not AuditEntry.objects.exists()


def test_a_live_ad_is_announced_to_its_event() -> None:
    """The ad as it is served, without a token, to the event's room; the act is audited. REQ AD-01, RT-02."""
    event, ads = _event_and_ads()
    here, there = make_session(event=event), make_session(event=event)
    ad = make_ad(event, target_sessions=[here.pk])
    assert ads.send("post", f"ads/{ad.pk}/inject").data == {"announced": True}
    assert ads.send("post", f"ads/{ad.pk}/inject", {"session_id": str(here.pk)}).data == {"announced": True}
    first, second = RealtimeEvent.objects.order_by("created_at", "pk")
    assert (first.stream, first.event) == (f"event:{event.pk}", "AD_INJECTED")
    assert first.payload == {
        "ad": {
            "id": str(ad.pk), "name": "Backstage tour", "content_type": "BANNER",
            "media_url": "https://media.test/ad.png", "click_url": "https://shop.test/tour",
            "display_duration_seconds": 30, "aspect_ratio": "16:9", "placements": ["EVENT_HERO"],
            "target_sessions": [str(here.pk)],
        },
        "session_id": None,
    }  # fmt: skip
    assert second.payload["session_id"] == str(here.pk)
    assert AuditEntry.objects.filter(action="ads.inject", subject_id=str(ad.pk)).count() == 2
    for session, code in ((there, "not_targeted"), (make_session(), "not_of_this_event")):
        refused = ads.send("post", f"ads/{ad.pk}/inject", {"session_id": str(session.pk)})
        assert refused.errors == {("session_id", code)}
    assert RealtimeEvent.objects.count() == 2


@pytest.mark.parametrize(
    "values",
    [
        {"is_active": False}, {"is_active": False, "is_archived": True}, {"ends_at": NOW - timedelta(365 * 90)},
        {"starts_at": NOW}, {"price_model": "CPC", "price_amount": 200, "budget_total_amount": 100},
    ],
    ids=["paused", "archived", "ended", "not begun", "out of budget"],
)  # fmt: skip
def test_what_is_not_live_is_not_announced(values: dict[str, Any]) -> None:
    """409 with a code of its own, and nobody hears of it. REQ AD-01."""
    event, ads = _event_and_ads()
    ad = make_ad(event, **values)
    assert ads.send("post", f"ads/{ad.pk}/inject").code == "ad_not_live"
    assert not RealtimeEvent.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("act", ["pause", "resume", "inject"])
def test_others_switch_and_announce_nothing(act: str) -> None:
    """401, 404 and 403 as for every write, and nothing changes. REQ EV-03."""
    event, _ = _event_and_ads()
    ad = make_ad(event, is_active=act != "resume")
    before = list(Ad.objects.values())
    for person, code in (
        (None, "unauthenticated"), (make_user(), "not_found"), (make_member("owner"), "not_found"),
        (make_member("analyst", organization=event.organization), "forbidden"),
    ):  # fmt: skip
        assert RestAds(person).send("post", f"ads/{ad.pk}/{act}").code == code
        assert RestAds(person).send("put", f"ads/{ad.pk}", GOOD).code == code
    assert list(Ad.objects.values()) == before
    assert not AuditEntry.objects.exists()
    assert not RealtimeEvent.objects.exists()


def test_ended_ads_are_switched_off() -> None:
    """Those whose end has come, of all events, each audited and told once for an event; no others. REQ AD-06."""
    event, other = make_event(), make_event()
    ended = [
        make_ad(event, ends_at=NOW),
        make_ad(event, ends_at=NOW - timedelta(1)),
        make_ad(other, ends_at=NOW),
    ]
    kept = [make_ad(event, ends_at=NOW + timedelta(microseconds=1)), make_ad(event)]
    make_ad(event, ends_at=NOW, is_active=False)
    versions = _version(event), _version(other)
    assert writing.deactivate_ended(now=NOW) == 3
    assert set(Ad.objects.filter(is_active=True)) == set(kept)
    assert set(AuditEntry.objects.values_list("action", "actor_label", "subject_id")) == {
        ("ads.end", "system", str(ad.pk)) for ad in ended
    }
    assert (_version(event), _version(other)) == (versions[0] + 1, versions[1] + 1)
    assert writing.deactivate_ended(now=NOW) == 0


def test_the_clock_switches_off_what_piled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In short transactions, until none is left. REQ AD-06."""
    monkeypatch.setattr(writing, "SWEEP_BATCH", 2)
    event = make_event()
    for _ in range(5):
        make_ad(event, ends_at=clock.now())
    assert deactivate_ended_ads() == 5


def _event_and_ads() -> tuple[Event, RestAds]:
    event = make_event()
    return event, RestAds(make_member("staff", organization=event.organization))


def _version(event: Event) -> int:
    return AdIndexVersion.objects.get(pk=event.pk).version
