"""Making, changing and archiving offers: the same rules by REST and GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.tests.factories import make_member, make_superuser, make_user
from common.audit.models import AuditEntry
from events.tests.factories import make_event, make_session
from offers.models import Offer
from offers.tests.doors import GraphQLCatalog, RestCatalog
from offers.tests.factories import give, make_offer
from tickets.tests.factories import make_tier

pytestmark = pytest.mark.django_db

Catalog = RestCatalog | GraphQLCatalog
both_doors = pytest.mark.parametrize("door", [RestCatalog, GraphQLCatalog], ids=["REST", "GraphQL"])

GOOD: dict[str, Any] = {
    "title": "Backstage video", "offer_type": "EXCLUSIVE_CONTENT", "price": "19.99", "placement": "IN_EVENT",
}  # fmt: skip

# (case, what is said instead of or beside GOOD, the field errors it gets)
REFUSED: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("two points", {"price": "1.5.5"}, {("price", "not_a_price")}),
    ("exponent", {"price": "1e3"}, {("price", "not_a_price")}),
    ("negative", {"price": "-1"}, {("price", "not_a_price")}),
    ("not a number", {"price": "NaN"}, {("price", "not_a_price")}),
    ("three decimals", {"price": "1.999"}, {("price", "not_a_price")}),
    ("over the range", {"price": "1000000.00"}, {("price", "out_of_range")}),
    ("under Stripe's minimum", {"price": "0.49"}, {("price", "amount_too_small")}),
    ("original below price", {"original_price": "19.98"}, {("original_price", "below_price")}),
    ("original no price", {"original_price": "cheap"}, {("original_price", "not_a_price")}),
    ("another currency", {"currency": "EUR"}, {("currency", "not_the_events")}),
    ("empty title", {"title": "  "}, {("title", "required")}),
    ("long title", {"title": "x" * 201}, {("title", "too_long")}),
    ("long description", {"description": "x" * 5001}, {("description", "too_long")}),
    ("http picture", {"image_url": "http://pictures.test/a.png"}, {("image_url", "not_https")}),
    ("script picture", {"image_url": "javascript:alert(1)"}, {("image_url", "not_https")}),
    ("picture without host", {"image_url": "https://"}, {("image_url", "not_https")}),
    ("picture with a user", {"image_url": "https://user@pictures.test/a.png"}, {("image_url", "not_https")}),
    ("long picture", {"image_url": f"https://pictures.test/{'x' * 2048}"}, {("image_url", "not_https")}),
    ("http content", {"content_url": "http://content.test/"}, {("content_url", "not_https")}),
    ("no units", {"inventory_total": 0}, {("inventory_total", "out_of_range")}),
    ("negative units", {"inventory_total": -1}, {("inventory_total", "out_of_range")}),
    ("no limit at all", {"per_user_limit": 0}, {("per_user_limit", "out_of_range")}),
    (
        "ends before it starts",
        {"starts_at": "2026-12-02T10:00:00Z", "expires_at": "2026-12-02T10:00:00Z"},
        {("expires_at", "not_after_start")},
    ),
    ("a time of nowhere", {"starts_at": "2026-12-02T10:00:00"}, {("starts_at", "naive_time")}),
    ("foreign session", {"target_sessions": [str(uuid4())]}, {("target_sessions", "not_of_this_event")}),
    ("foreign tier", {"target_ticket_tiers": [str(uuid4())]}, {("target_ticket_tiers", "not_of_this_event")}),
    ("upgrade to nowhere", {"offer_type": "TICKET_UPGRADE"}, {("upgrade_to_tier_id", "required")}),
    (
        "upgrade to a foreign tier",
        {"offer_type": "TICKET_UPGRADE", "upgrade_to_tier_id": str(uuid4())},
        {("upgrade_to_tier_id", "not_of_this_event")},
    ),
    ("tier of no upgrade", {"upgrade_to_tier_id": str(uuid4())}, {("upgrade_to_tier_id", "not_an_upgrade")}),
    (
        "content of merchandise",
        {"offer_type": "MERCHANDISE", "content_url": "https://content.test/"},
        {("content_url", "not_content")},
    ),
    (
        "foreign requirement",
        {"requires_offer_id": str(uuid4())},
        {("requires_offer_id", "not_of_this_event")},
    ),
    ("foreign exclusion", {"excludes_offer_id": str(uuid4())}, {("excludes_offer_id", "not_of_this_event")}),
    ("no id", {"requires_offer_id": "seven"}, {("requires_offer_id", "invalid")}),
    (
        "several at once",
        {"price": "free", "title": "", "inventory_total": 0},
        {("price", "not_a_price"), ("title", "required"), ("inventory_total", "out_of_range")},
    ),
]


@both_doors
def test_staff_create_an_offer(door: type[Catalog]) -> None:
    """What was said comes back, prices as decimals, and the act is audited. REQ OF-01, OF-02, EV-04."""
    event, staff = _event_and_staff()
    session, tier = make_session(event=event), make_tier(event=event)
    said = {
        **GOOD, "event_id": str(event.pk), "original_price": "25", "inventory_total": 5,
        "target_sessions": [str(session.pk)], "target_ticket_tiers": [str(tier.pk)],
        "image_url": "https://pictures.test/a.png", "expires_at": "2030-01-01T00:00:00+00:00",
    }  # fmt: skip
    made = door(staff).create(said)
    assert made.code == "", made.errors
    assert made.offer["price"] == "19.99"
    assert made.offer["original_price"] == "25.00"
    assert made.offer["currency"] == "USD"
    assert made.offer["inventory"] == {"total": 5, "available": 5, "sold": 0, "reserved": 0}
    assert made.offer["target_sessions"] == [str(session.pk)]
    assert made.offer["is_available"] is True
    assert AuditEntry.objects.get(action="offers.create").subject_id == made.offer["id"]


@both_doors
@pytest.mark.parametrize(
    ("said", "errors"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_wrong_offer_is_refused_by_field(
    door: type[Catalog], said: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    """Each rule names its field, the same at both doors, and nothing is written. REQ OF-02."""
    event, staff = _event_and_staff()
    outcome = door(staff).create({**GOOD, "event_id": str(event.pk), **said})
    assert outcome.code == "invalid"
    if ("requires_offer_id", "invalid") in errors:
        assert {field for field, _ in outcome.errors} == {"requires_offer_id"}
    else:
        assert outcome.errors == errors
    assert not Offer.objects.exists()
    assert not AuditEntry.objects.exists()


@both_doors
@pytest.mark.parametrize(
    ("said", "errors"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_wrong_change_is_refused_by_field(
    door: type[Catalog], said: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    """A partial update is judged merged with what is there, by the same rules. REQ OF-02."""
    event, staff = _event_and_staff()
    offer = make_offer(event=event)
    before = Offer.objects.values().get(pk=offer.pk)
    outcome = door(staff).update(offer.pk, said)
    assert outcome.code == "invalid"
    assert {field for field, _ in outcome.errors} == {field for field, _ in errors}
    assert Offer.objects.values().get(pk=offer.pk) == before
    assert not AuditEntry.objects.exists()


@both_doors
def test_a_partial_update_is_judged_as_a_whole(door: type[Catalog]) -> None:
    """A price above the original one that is already there is refused, though the request names the price
    alone.

    REQ OF-02.
    """
    event, staff = _event_and_staff()
    offer = make_offer(event=event, price=1000, original_price_amount=2000)
    assert door(staff).update(offer.pk, {"price": "20.01"}).errors == {("original_price", "below_price")}
    assert door(staff).update(offer.pk, {"price": "20.00"}).offer["price"] == "20.00"
    assert door(staff).update(offer.pk, {"original_price": None}).offer["original_price"] is None


@both_doors
def test_a_partial_update_of_the_window_is_judged_as_a_whole(door: type[Catalog]) -> None:
    """One end of the window is judged by the other one that is there; what is refused changes nothing. REQ OF-02."""
    event, staff = _event_and_staff()
    starts, ends = datetime(2030, 1, 2, tzinfo=UTC), datetime(2030, 1, 3, tzinfo=UTC)
    offer = make_offer(event=event, starts_at=starts, expires_at=ends)
    before = Offer.objects.values().get(pk=offer.pk)
    for name, said in (("expires_at", starts), ("starts_at", ends), ("starts_at", ends + timedelta(days=1))):
        refused = door(staff).update(offer.pk, {name: said.isoformat()})
        assert (refused.code, refused.errors) == ("invalid", {("expires_at", "not_after_start")})
        assert Offer.objects.values().get(pk=offer.pk) == before
    assert not AuditEntry.objects.exists()
    assert (
        door(staff).update(offer.pk, {"expires_at": (starts + timedelta(seconds=1)).isoformat()}).code == ""
    )


@both_doors
def test_the_total_does_not_go_below_what_is_taken(door: type[Catalog]) -> None:
    """Lowering the total below sold and reserved is a field error; to exactly that it is allowed. REQ
    OF-02.
    """
    event, staff = _event_and_staff()
    offer = make_offer(event=event, units=10)
    give(offer, make_user(), quantity=3)
    give(offer, make_user(), quantity=2, held=True)
    assert door(staff).update(offer.pk, {"inventory_total": 4}).errors == {("inventory_total", "below_taken")}
    assert door(staff).update(offer.pk, {"inventory_total": 5}).offer["inventory"] == {
        "total": 5, "available": 0, "sold": 3, "reserved": 2,
    }  # fmt: skip
    assert door(staff).update(offer.pk, {"inventory_total": None}).offer["inventory"]["available"] is None


@both_doors
def test_the_type_is_settled_by_the_first_sale(door: type[Catalog]) -> None:
    """The type changes freely until somebody bought it; the price always. REQ OF-02."""
    event, staff = _event_and_staff()
    offer = make_offer(event=event)
    assert door(staff).update(offer.pk, {"offer_type": "SERVICE"}).offer["offer_type"] == "SERVICE"
    give(offer, make_user())
    assert door(staff).update(offer.pk, {"offer_type": "MERCHANDISE"}).errors == {
        ("offer_type", "already_sold")
    }
    assert door(staff).update(offer.pk, {"price": "5.00"}).offer["price"] == "5.00"


@both_doors
def test_an_offer_does_not_name_itself(door: type[Catalog]) -> None:
    """An offer cannot require or exclude itself. REQ OF-14."""
    event, staff = _event_and_staff()
    offer = make_offer(event=event)
    for name in ("requires_offer_id", "excludes_offer_id"):
        assert door(staff).update(offer.pk, {name: str(offer.pk)}).errors == {(name, "itself")}


@both_doors
def test_deleting_archives(door: type[Catalog]) -> None:
    """The row stays, is not sold and not changed any more; twice is as once. REQ OF-01."""
    event, staff = _event_and_staff()
    offer = make_offer(event=event)
    assert door(staff).delete(offer.pk).code == ""
    assert door(staff).delete(offer.pk).code == ""
    offer.refresh_from_db()
    assert (offer.is_archived, offer.is_active) == (True, False)
    assert AuditEntry.objects.filter(action="offers.archive").count() == 1
    assert door(staff).update(offer.pk, {"title": "Again"}).code == "offer_archived"


@both_doors
@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("nobody", "unauthenticated"), ("attendee", "not_found"), ("rival", "not_found"),
        ("analyst", "forbidden"), ("scanner", "forbidden"),
    ],
)  # fmt: skip
def test_others_change_nothing(door: type[Catalog], who: str, code: str) -> None:
    """Each write refuses who has not the role, and nothing changes; another organization's offer is not
    there.

    REQ EV-03, OF-01.
    """
    event, _ = _event_and_staff()
    offer = make_offer(event=event)
    before = Offer.objects.values().get(pk=offer.pk)
    person = {
        "nobody": lambda: None,
        "attendee": make_user,
        "rival": lambda: make_member("owner"),
        "analyst": lambda: make_member("analyst", organization=event.organization),
        "scanner": lambda: make_member("scanner", organization=event.organization),
    }[who]()
    catalog = door(person)
    assert catalog.create({**GOOD, "event_id": str(event.pk)}).code == code
    assert catalog.update(offer.pk, {"title": "Mine"}).code == code
    assert catalog.delete(offer.pk).code == code
    assert list(Offer.objects.values()) == [before]
    assert not AuditEntry.objects.exists()


@both_doors
def test_what_is_not_there_is_not_found(door: type[Catalog]) -> None:
    """Unknown ids answer not found, for operators too. REQ EV-03."""
    operator = make_superuser()
    assert door(operator).create({**GOOD, "event_id": str(uuid4())}).code == "not_found"
    assert door(operator).update(uuid4(), {"title": "Mine"}).code == "not_found"
    assert door(operator).delete(uuid4()).code == "not_found"


def test_zero_and_three_decimal_currencies() -> None:
    """Yen have no decimals, dinars three of which Stripe takes two. REQ PA-11."""
    yen, staff = _event_and_staff(currency="JPY")
    assert (
        RestCatalog(staff).create({**GOOD, "event_id": str(yen.pk), "price": "1999"}).offer["price"] == "1999"
    )
    refused = RestCatalog(staff).create({**GOOD, "event_id": str(yen.pk), "price": "19.99"})
    assert refused.errors == {("price", "not_a_price")}
    dinar, other = _event_and_staff(currency="KWD")
    assert (
        RestCatalog(other).create({**GOOD, "event_id": str(dinar.pk), "price": "1.990"}).offer["price"]
        == "1.990"
    )
    refused = RestCatalog(other).create({**GOOD, "event_id": str(dinar.pk), "price": "1.999"})
    assert refused.errors == {("price", "amount_not_payable")}


def _event_and_staff(**fields: Any) -> tuple[Any, Any]:
    event = make_event(**fields)
    return event, make_member("staff", organization=event.organization)
