"""Reading ads: who may, what the filters keep, and what it costs to ask."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import NOW, make_member, make_superuser, make_user
from ads.models import Ad, AdPlacement, AdSpend
from ads.tests.ad_cases import GOOD
from ads.tests.ad_doors import Ads, GraphQLAds, RestAds
from ads.tests.ad_factories import make_ad
from events.models import Event
from events.tests.factories import make_event, make_registration

pytestmark = pytest.mark.django_db

both_doors = pytest.mark.parametrize("door", [RestAds, GraphQLAds], ids=["REST", "GraphQL"])


@both_doors
def test_who_may_read_ads(door: type[Ads]) -> None:
    """Analysts and up of the organization; visitors get ads by being served alone. REQ AD-01, EV-03."""
    event = make_event()
    ad, organization = make_ad(event), event.organization
    people: list[tuple[User | None, str]] = [
        (None, "unauthenticated"), (make_user(), "not_found"), (make_registration(event).user, "not_found"),
        (make_member("owner"), "not_found"), (make_member("scanner", organization=organization), "forbidden"),
        (make_superuser(), ""),
        *((make_member(role, organization=organization), "") for role in ("analyst", "staff", "admin", "owner")),
    ]  # fmt: skip
    elsewhere = make_event(private=True)
    for person, code in people:
        ads = door(person)
        assert ads.get(ad.pk).code == code
        assert ads.all_of(event.pk).code == code
        is_known = person is None or person.is_superuser
        assert ads.all_of(elsewhere.pk).code == (code if is_known else "not_found")


@both_doors
def test_filters_keep_what_they_name(door: type[Ads]) -> None:
    """Status, placement and a part of a name; together they narrow. Other events' ads are not there. REQ AD-01."""
    event, staff = _event_and_staff()
    past, later = NOW - timedelta(365 * 90), NOW + timedelta(1)
    of = {
        "LIVE": make_ad(event, name="Night Bazaar", placements=[AdPlacement.SIDEBAR, AdPlacement.IN_FEED]),
        "SCHEDULED": make_ad(event, starts_at=later),
        "PAUSED": make_ad(event, is_active=False),
        "ENDED": make_ad(event, ends_at=past),
        "ARCHIVED": make_ad(event, is_active=False, is_archived=True, placements=[AdPlacement.SIDEBAR]),
        "OUT_OF_BUDGET": make_ad(event, price_model="CPC", price_amount=200, budget_total_amount=300),
    }
    AdSpend.objects.filter(pk=of["OUT_OF_BUDGET"].pk).update(billed_micros=2_000_000)
    make_ad(name="Night Bazaar")
    ads = door(staff)
    for status, ad in of.items():
        (found,) = ads.all_of(event.pk, status=status).data
        assert (found["id"], found["status"]) == (str(ad.pk), status)
    assert _ids(ads.all_of(event.pk, placement="SIDEBAR")) == {str(of["LIVE"].pk), str(of["ARCHIVED"].pk)}
    assert _ids(ads.all_of(event.pk, placement="SIDEBAR", status="LIVE")) == {str(of["LIVE"].pk)}
    assert _ids(ads.all_of(event.pk, search=" bazAAR ")) == {str(of["LIVE"].pk)}
    assert _ids(ads.all_of(event.pk, search="%")) == set()
    assert len(ads.all_of(event.pk).data) == len(of)


def test_what_is_no_filter_is_refused() -> None:
    """Both wrong ones are named; so is a parameter that there is not, and a page beyond the bounds. REQ AD-01."""
    event, staff = _event_and_staff()
    ads = RestAds(staff)
    assert ads.all_of(event.pk, status="HAPPY", placement="WALL").errors == {
        ("status", "invalid_choice"), ("placement", "invalid_choice"),
    }  # fmt: skip
    assert ads.all_of(event.pk, search="a\0b").code == "malformed"
    assert ads.all_of(event.pk, state="LIVE").errors == {("state", "unknown_field")}
    for limit in ("0", "201", "-1", "many"):
        assert ads.all_of(event.pk, limit=limit).errors == {("limit", "invalid_page")}
    assert ads.all_of(event.pk, offset="-1").errors == {("offset", "invalid_page")}


@both_doors
def test_pages_begin_with_the_newest(door: type[Ads]) -> None:
    """A page holds what it is asked for; past the end there is nothing. REQ AD-01."""
    event, staff = _event_and_staff()
    newest = [str(make_ad(event, created_at=NOW + timedelta(minutes=i)).pk) for i in range(5)][::-1]
    ads = door(staff)
    assert [one["id"] for one in ads.all_of(event.pk, limit=2).data] == newest[:2]
    assert [one["id"] for one in ads.all_of(event.pk, limit=2, offset=4).data] == newest[4:]
    assert ads.all_of(event.pk, limit=2, offset=9).data == []


def test_a_page_says_how_many_there_are() -> None:
    """On every page, also past the end, with the address of the next. REQ AD-01."""
    event, staff = _event_and_staff()
    for _ in range(3):
        make_ad(event)
    ads = RestAds(staff)
    first = ads.send("get", f"events/{event.pk}/ads", {"limit": 2}).data
    assert (first["count"], len(first["results"]), first["previous"]) == (3, 2, None)
    second = ads.client.get(first["next"]).json()
    assert (second["count"], len(second["results"]), second["next"]) == (3, 1, None)
    beyond = ads.send("get", f"events/{event.pk}/ads", {"offset": 7}).data
    assert (beyond["count"], beyond["results"]) == (3, [])


@both_doors
@pytest.mark.parametrize("count", [1, 60])
def test_a_list_costs_four_statements(
    door: type[Ads], count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Of any length, with every field: who calls, whose event, which role, the page. REQ AD-01 (query budget)."""
    event, staff = _event_and_staff()
    one = make_ad(event)
    rows = [Ad(**{**Ad.objects.values().get(pk=one.pk), "id": None}) for _ in range(count - 1)]
    for row in rows:
        row.pk = Ad._meta.pk.get_default()
    AdSpend.objects.bulk_create(AdSpend(ad=row) for row in Ad.objects.bulk_create(rows))
    ads = door(staff)
    with django_assert_num_queries(4):
        assert len(ads.all_of(event.pk, limit=200).data) == count


@both_doors
def test_one_ad_costs_three_statements(
    door: type[Ads], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Who calls, the ad with all that is told of it, which role. REQ AD-01 (query budget)."""
    event, staff = _event_and_staff()
    ad, ads = make_ad(event), door(staff)
    with django_assert_num_queries(3):
        assert ads.get(ad.pk).data["id"] == str(ad.pk)


@both_doors
def test_writing_costs_no_more_than_it_has_to(
    door: type[Ads], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Who calls, the role, the rows, the entry, the version and its job, and the answer. REQ AD-01 (query budget)."""
    event, staff = _event_and_staff()
    ads = door(staff)
    with django_assert_num_queries(12):
        ad = ads.create({**GOOD, "event_id": str(event.pk)}).data
    with django_assert_num_queries(12):
        assert ads.update(ad["id"], {"name": "Tour", "budget_total": "5"}).data["name"] == "Tour"


def _event_and_staff() -> tuple[Event, User]:
    event = make_event()
    return event, make_member("staff", organization=event.organization)


def _ids(outcome: Any) -> set[str]:
    return {one["id"] for one in outcome.data}
