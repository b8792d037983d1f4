"""Making, changing and archiving ads: the same rules by REST and GraphQL."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils.dateparse import parse_datetime

from accounts.tests.factories import NOW, make_member, make_superuser, make_user
from ads.models import Ad, AdIndexVersion, AdSpend
from ads.tests.ad_cases import GOOD, REFUSED
from ads.tests.ad_doors import Ads, GraphQLAds, RestAds
from ads.tests.ad_factories import make_ad
from common.audit.models import AuditEntry
from events.models import Event
from events.tests.factories import make_event, make_session

pytestmark = pytest.mark.django_db

both_doors = pytest.mark.parametrize("door", [RestAds, GraphQLAds], ids=["REST", "GraphQL"])


@both_doors
def test_staff_create_an_ad(door: type[Ads]) -> None:
    """Every field comes back as it was said; the act is audited, and processes are told. REQ AD-01, AD-05, EV-04."""
    event, staff = _event_and_staff(currency="EUR")
    session = make_session(event=event)
    said = {
        **GOOD, "content_type": "VIDEO", "click_url": "HTTP://Shop.test/tour?a=1#b", "display_duration_seconds": 15,
        "aspect_ratio": "4:3", "placements": ["SIDEBAR", "CHECKOUT"], "target_sessions": [str(session.pk)],
        "weight": 3, "frequency_cap": 5, "starts_at": "2090-01-01T00:00:00+00:00",
        "ends_at": "2090-02-01T00:00:00+01:00",
        "is_active": False, "price_model": "CPM", "price": "12.5", "budget_total": "100", "budget_daily": "10.00",
        "pacing": "ASAP",
    }  # fmt: skip
    made = door(staff).create({**said, "event_id": str(event.pk)})
    assert made.code == "", made.errors
    ad = made.data
    assert parse_datetime(ad.pop("ends_at")) == parse_datetime(said.pop("ends_at"))
    assert parse_datetime(ad.pop("starts_at")) == parse_datetime(said.pop("starts_at"))
    told = {
        "price": "12.50",
        "budget_total": "100.00",
        "currency": "EUR",
        "spent": {"amount": 0, "currency": "EUR"},
    }
    told |= {
        "click_url": "http://Shop.test/tour?a=1#b",
        "event_id": str(event.pk),
        "is_archived": False,
        "status": "PAUSED",
    }
    assert {name: ad[name] for name in said | told} == said | told
    assert AdSpend.objects.get(pk=ad["id"]).limit_micros == 100_000_000
    assert Ad.objects.get(pk=ad["id"]).created_by == staff
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject_id, entry.organization_id) == (
        "ads.create",
        ad["id"],
        event.organization_id,
    )
    assert AdIndexVersion.objects.get(pk=event.pk).version == 1


@both_doors
def test_what_is_not_said_has_its_default(door: type[Ads]) -> None:
    """REQ AD-01: weight 1, cap 3, 30 seconds, 16:9, always, everywhere, free, no limits; live at once."""
    event, staff = _event_and_staff()
    ad = door(staff).create({**GOOD, "event_id": str(event.pk)}).data
    defaults = {
        "weight": 1, "frequency_cap": 3, "display_duration_seconds": 30, "aspect_ratio": "16:9", "click_url": "",
        "starts_at": None, "ends_at": None, "target_sessions": [], "price_model": "FLAT", "price": "0.00",
        "currency": "USD", "budget_total": None, "budget_daily": None, "pacing": "EVEN", "status": "LIVE",
    }  # fmt: skip
    assert {name: ad[name] for name in defaults} == defaults


@both_doors
def test_a_wrong_ad_is_refused_by_field(door: type[Ads]) -> None:
    """Each rule names its field, all at once, the same at both doors, and nothing is written. REQ AD-01, AD-05."""
    event, staff = _event_and_staff()
    ads = door(staff)
    told = {case: ads.create({**GOOD, "event_id": str(event.pk), **said}) for case, said, _ in REFUSED}
    assert {case: one.errors for case, one in told.items()} == {case: errors for case, _, errors in REFUSED}
    assert {one.code for one in told.values()} == {"invalid"}
    assert not Ad.objects.exists()
    assert not _traces()


@both_doors
def test_a_wrong_change_is_refused_by_field(door: type[Ads]) -> None:
    """The same rules on what is there merged with what is changed, and nothing is written. REQ AD-01, AD-05."""
    event, staff = _event_and_staff()
    ad, ads = make_ad(event), door(staff)
    before = _all_of(ad)
    told = {case: ads.update(ad.pk, said) for case, said, _ in REFUSED}
    assert {case: one.errors for case, one in told.items()} == {case: errors for case, _, errors in REFUSED}
    assert {one.code for one in told.values()} == {"invalid"}
    assert _all_of(ad) == before
    assert not AuditEntry.objects.exists()


@both_doors
def test_a_change_is_judged_with_what_is_there(door: type[Ads]) -> None:
    """A start after the end, and a fee above the budget, that are there already. REQ AD-01, AD-05."""
    event, staff = _event_and_staff()
    ad = make_ad(event, ends_at=NOW, budget_total_amount=500)
    ads = door(staff)
    assert ads.update(ad.pk, {"starts_at": NOW.isoformat()}).errors == {("ends_at", "not_after_start")}
    assert ads.update(ad.pk, {"price": "5.01"}).errors == {("budget_total", "below_price")}
    changed = ads.update(ad.pk, {"price": "5.00", "starts_at": (NOW - timedelta(1)).isoformat()})
    assert changed.data["price"] == "5.00"
    opened = ads.update(ad.pk, {"ends_at": None, "budget_total": None}).data
    assert (opened["ends_at"], opened["budget_total"]) == (None, None)


@both_doors
def test_a_change_changes_what_it_names(door: type[Ads]) -> None:
    """The rest stays, the entry tells before and after, processes are told; the same again changes nothing.

    REQ AD-01, AD-09, EV-04.
    """
    event, staff = _event_and_staff()
    ad = make_ad(event, weight=2)
    version, before = AdIndexVersion.objects.get(pk=event.pk).version, Ad.objects.values().get(pk=ad.pk)
    said = {"name": " Tour ", "weight": 7, "budget_total": "3.5"}
    assert door(staff).update(ad.pk, said).data["name"] == "Tour"
    after = Ad.objects.values().get(pk=ad.pk)
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    assert changed.pop("updated_at")
    assert changed == {
        "name": ["Backstage tour", "Tour"],
        "weight": [2, 7],
        "budget_total_amount": [None, 350],
    }
    assert AuditEntry.objects.get(action="ads.update").changes == changed
    assert AdSpend.objects.get(pk=ad.pk).limit_micros == 3_500_000
    assert AdIndexVersion.objects.get(pk=event.pk).version == version + 1
    assert door(staff).update(ad.pk, said).data["weight"] == 7
    assert AuditEntry.objects.count() == 1
    assert AdIndexVersion.objects.get(pk=event.pk).version == version + 1


@both_doors
def test_a_budget_does_not_go_below_what_was_billed(door: type[Ads]) -> None:
    """A millionth below is refused by field; to exactly what was billed it is allowed. REQ AD-05."""
    event, staff = _event_and_staff()
    ad = make_ad(event, price_model="CPM", price_amount=100, budget_total_amount=1_000)
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=7_000_001)
    before = _all_of(ad)
    assert door(staff).update(ad.pk, {"budget_total": "7.00"}).errors == {("budget_total", "below_billed")}
    assert _all_of(ad) == before
    AdSpend.objects.filter(pk=ad.pk).update(billed_micros=7_000_000)
    lowered = door(staff).update(ad.pk, {"budget_total": "7.00"}).data
    assert (lowered["budget_total"], lowered["status"]) == ("7.00", "OUT_OF_BUDGET")
    assert lowered["spent"] == {"amount": 700, "currency": "USD"}
    assert AdSpend.objects.get(pk=ad.pk).limit_micros == 7_000_000


@both_doors
def test_what_was_billed_settles_currency_and_fee(door: type[Ads]) -> None:
    """Once billed the currency stays, and so does a flat fee; what is left has to pay a new one. REQ AD-05."""
    event, staff = _event_and_staff()
    ad = make_ad(event, price_amount=500, budget_total_amount=900)
    spend = AdSpend.objects.filter(pk=ad.pk)
    spend.update(billed_micros=5_000_000, flat_billed_at=NOW)
    ads = door(staff)
    assert ads.update(ad.pk, {"currency": "EUR"}).errors == {("currency", "immutable")}
    assert ads.update(ad.pk, {"price": "4"}).errors == {("price", "immutable")}
    assert ads.update(ad.pk, {"price": "5.00", "budget_total": "5"}).data["budget_total"] == "5.00"
    spend.update(flat_billed_at=None)
    assert ads.update(ad.pk, {"price": "4"}).errors == {("budget_total", "below_price")}
    assert ads.update(ad.pk, {"price": "4", "budget_total": "9"}).data["price"] == "4.00"


@both_doors
def test_another_currency_needs_its_own_amounts(door: type[Ads]) -> None:
    """Amounts are never read in another currency than they were said in. REQ AD-05."""
    event, staff = _event_and_staff()
    ad = make_ad(event, price_amount=500, budget_total_amount=900)
    ads = door(staff)
    assert ads.update(ad.pk, {"currency": "JPY"}).errors == {
        ("price", "required"),
        ("budget_total", "required"),
    }
    yen = {"currency": "JPY", "price": "700", "budget_total": "900"}
    assert ads.update(ad.pk, yen | {"price": "7.5"}).errors == {("price", "not_a_price")}
    assert ads.update(ad.pk, yen).data | yen == ads.get(ad.pk).data
    assert AdSpend.objects.get(pk=ad.pk).limit_micros == 900_000_000


@both_doors
def test_deleting_archives(door: type[Ads]) -> None:
    """The row stays, is not shown and not changed any more; twice is as once. REQ AD-01."""
    event, staff = _event_and_staff()
    ad = make_ad(event)
    assert door(staff).delete(ad.pk).code == ""
    assert door(staff).delete(ad.pk).code == ""
    told = door(staff).get(ad.pk).data
    assert (told["is_archived"], told["is_active"], told["status"]) == (True, False, "ARCHIVED")
    assert AuditEntry.objects.filter(action="ads.archive").count() == 1
    before = _all_of(ad)
    assert door(staff).update(ad.pk, {"name": "Again"}).code == "ad_archived"
    assert _all_of(ad) == before


@both_doors
@pytest.mark.parametrize(
    ("who", "code"),
    [("nobody", "unauthenticated"), ("attendee", "not_found"), ("rival", "not_found"), ("analyst", "forbidden"),
     ("scanner", "forbidden")],
)  # fmt: skip
def test_others_change_nothing(door: type[Ads], who: str, code: str) -> None:
    """Each write refuses who has not the role, whatever they say, and nothing changes. REQ EV-03, AD-01."""
    event, _ = _event_and_staff()
    ad = make_ad(event)
    before = _all_of(ad)
    person = {
        "nobody": lambda: None,
        "attendee": make_user,
        "rival": lambda: make_member("owner"),
        "analyst": lambda: make_member("analyst", organization=event.organization),
        "scanner": lambda: make_member("scanner", organization=event.organization),
    }[who]()
    ads = door(person)
    for said in (GOOD, {**GOOD, "weight": 0}):
        assert ads.create({**said, "event_id": str(event.pk)}).code == code
        assert ads.update(ad.pk, said).code == code
    assert ads.delete(ad.pk).code == code
    assert Ad.objects.count() == 1
    assert _all_of(ad) == before
    assert not AuditEntry.objects.exists()


@both_doors
def test_what_is_not_there_is_not_found(door: type[Ads]) -> None:
    """Unknown ids answer not found, for operators too. REQ EV-03."""
    ads = door(make_superuser())
    assert ads.create({**GOOD, "event_id": str(uuid4())}).code == "not_found"
    for outcome in (ads.update(uuid4(), {"name": "Mine"}), ads.delete(uuid4()), ads.get(uuid4())):
        assert outcome.code == "not_found"


def _event_and_staff(**fields: Any) -> tuple[Event, Any]:
    event = make_event(**fields)
    return event, make_member("staff", organization=event.organization)


def _all_of(ad: Ad) -> tuple[Any, ...]:
    """Return everything that a change could change."""
    rows = (
        Ad.objects.filter(pk=ad.pk),
        AdSpend.objects.filter(pk=ad.pk),
        AdIndexVersion.objects.filter(pk=ad.event_id),
    )
    return tuple(row.values().get() for row in rows)


def _traces() -> bool:
    return AuditEntry.objects.exists() or AdIndexVersion.objects.exists() or AdSpend.objects.exists()
