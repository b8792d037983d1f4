"""The staff's queues of parcels and appointments, through their pages. REQ OF-11."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization
from accounts.tests.factories import make_organization, make_user
from accounts.tests.screens import enter
from common import clock
from common.audit.models import AuditEntry
from events.tests.factories import make_event
from notifications.models import EmailMessage
from offers.models import Fulfillment, FulfillmentStatus
from offers.tests.factories import give, make_offer
from offers.tests.owed import owe

pytestmark = pytest.mark.django_db

PARCELS, APPOINTMENTS, ALL = "merchandisefulfillment", "servicefulfillment", "fulfillment"


def owed(organization: Organization, kind: str = "MERCHANDISE", **fields: Any) -> Fulfillment:
    """Create something that a new buyer waits for."""
    event = make_event(organization=organization, time_zone="Europe/Berlin")
    return owe(give(make_offer(event=event, kind=kind), make_user()), **fields)


def do(client: Client, screen: str, name: str, *rows: Fulfillment, **data: Any) -> Any:
    """Confirm an act on rows."""
    body = {"ids": [str(one.pk) for one in rows], "reason": "Shelf 4", "confirmed": "1", **data}
    return client.post(f"/admin/offers/{screen}/act/{name}/", body, follow=True)


def shown(client: Client, screen: str, **query: str) -> list[Any]:
    """Return the ids in a list, in its order."""
    answer = client.get(reverse(f"admin:offers_{screen}_changelist"), query)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_each_queue_has_its_own_and_what_waits_longest_first(client: Client) -> None:
    """Parcels and appointments apart, the oldest on top; done ones only when one asks for them. REQ OF-11."""
    house = make_organization()
    done = owed(house, status=FulfillmentStatus.FULFILLED, fulfilled_at=clock.now(), age=timedelta(days=9))
    young, old = owed(house), owed(house, age=timedelta(days=3))
    service = owed(house, "SERVICE")
    enter(client, house)
    assert shown(client, PARCELS) == [old.pk, young.pk]
    assert shown(client, PARCELS, queue="done") == [done.pk]
    assert shown(client, PARCELS, queue="all") == [old.pk, young.pk, done.pk]
    assert shown(client, PARCELS, queue="failed") == []
    assert shown(client, APPOINTMENTS) == [service.pk]
    assert set(shown(client, ALL)) == {done.pk, young.pk, old.pk, service.pk}
    assert shown(client, ALL, q=old.purchase.user.email) == [old.pk]
    page = client.get(f"/admin/offers/{PARCELS}/").content.decode()
    assert "3\xa0days" in page
    assert old.purchase.user.email in page


def test_an_empty_queue_says_so_and_where_the_done_ones_are(client: Client) -> None:
    """Nothing to do is told as such, not as a search without results. REQ OF-11."""
    house = make_organization()
    owed(house, status=FulfillmentStatus.FULFILLED, fulfilled_at=clock.now())
    enter(client, house)
    page = client.get(f"/admin/offers/{PARCELS}/").content.decode()
    assert "No parcel waits to be sent." in page
    assert "Nothing matches" not in page
    assert "Nothing matches" in client.get(f"/admin/offers/{PARCELS}/", {"q": "nobody"}).content.decode()


def test_goods_that_came_back_do_not_read_as_fulfilled(client: Client) -> None:
    """A delivery whose goods were taken back says so in every list. REQ OF-11, OF-12."""
    house = make_organization()
    now = clock.now()
    row = owed(house, status=FulfillmentStatus.FULFILLED, fulfilled_at=now, revoked_at=now)
    enter(client, house)
    for screen in (ALL, "purchase"):
        page = client.get(reverse(f"admin:offers_{screen}_changelist")).content.decode()
        assert "Taken back" in page
    assert (
        "Taken back" in client.get(reverse("admin:offers_fulfillment_change", args=[row.pk])).content.decode()
    )


def test_parcels_are_sent_with_a_number_each(client: Client) -> None:
    """One carrier, a number a row, results a row, the reason kept, the buyers told. REQ OF-11."""
    house = make_organization()
    first, second = owed(house), owed(house)
    gone = owed(house, status=FulfillmentStatus.FULFILLED, fulfilled_at=clock.now())
    enter(client, house)
    numbers = {f"tracking_number_{row.pk}": f"TRACK-{n}" for n, row in enumerate((first, second, gone))}
    page = do(client, PARCELS, "ship", first, second, gone, carrier="DHL", **numbers).content.decode()
    assert "2 of 3 done" in page
    assert "not waiting" in page
    sent = Fulfillment.objects.exclude(pk=gone.pk).values_list("pk", "status", "carrier", "tracking_number")
    assert {*sent} == {(first.pk, "FULFILLED", "DHL", "TRACK-0"), (second.pk, "FULFILLED", "DHL", "TRACK-1")}
    gone.refresh_from_db()
    assert gone.carrier == ""
    assert [*AuditEntry.objects.values_list("action", "reason")] == [
        ("offers.fulfilment.ship", "Shelf 4")
    ] * 2
    told = set(EmailMessage.objects.values_list("to", flat=True))
    assert told == {first.purchase.user.email, second.purchase.user.email}


def test_a_parcel_without_carrier_number_or_reason_is_not_sent(client: Client) -> None:
    """Each missing field is named, by GET nothing happens, and nothing changes. REQ OF-11."""
    row = owed(make_organization())
    enter(client, row.offer.event.organization)
    name = f"tracking_number_{row.pk}"
    whole = {"carrier": "DHL", name: "TRACK-1", "reason": "Shelf 4"}
    for field in whole:
        answer = do(client, PARCELS, "ship", row, **{**whole, field: " "})
        assert list(answer.context["form"].errors) == [field]
    query = {"ids": str(row.pk), "confirmed": "1", **whole}
    assert client.get(f"/admin/offers/{PARCELS}/act/ship/", query).status_code == 200
    row.refresh_from_db()
    assert (row.status, AuditEntry.objects.count()) == (FulfillmentStatus.PENDING_MANUAL, 0)


def test_an_appointment_is_in_the_future_by_the_events_clocks(client: Client) -> None:
    """The past is refused at the field; a time is read where the event is. REQ OF-11."""
    row = owed(make_organization(), "SERVICE")
    enter(client, row.offer.event.organization)
    name = f"appointment_at_{row.pk}"
    for wrong in ("2020-01-01T10:00", "soon", ""):
        answer = do(client, APPOINTMENTS, "set_appointment", row, **{name: wrong})
        assert list(answer.context["form"].errors) == [name]
    row.refresh_from_db()
    assert (row.appointment_at, AuditEntry.objects.count()) == (None, 0)
    page = do(client, APPOINTMENTS, "set_appointment", row, **{name: "2099-07-01T10:00"}).content.decode()
    assert "1 Jul 2099, 10:00 CEST" in page
    row.refresh_from_db()
    assert row.appointment_at == datetime.fromisoformat("2099-07-01T08:00:00+00:00")
    assert AuditEntry.objects.get().reason == "Shelf 4"


def test_a_failed_one_is_taken_up_again(client: Client) -> None:
    """It waits for staff once more; one that waits already is refused. REQ OF-11."""
    house = make_organization()
    failed, waiting = owed(house, status=FulfillmentStatus.FAILED, failure="No stock"), owed(house)
    enter(client, house)
    assert "1 of 2 done" in do(client, ALL, "retry", failed, waiting).content.decode()
    failed.refresh_from_db()
    assert (failed.status, failed.failure) == (FulfillmentStatus.PENDING_MANUAL, "")
    assert AuditEntry.objects.get().subject_id == str(failed.pk)


@pytest.mark.parametrize(("kind", "screen"), [("MERCHANDISE", PARCELS), ("SERVICE", APPOINTMENTS)])
def test_the_rival_neither_sees_nor_touches(client: Client, kind: str, screen: str) -> None:
    """Not listed, not shown, not acted on beside an own row. REQ EV-04."""
    mine, theirs = owed(make_organization(), kind), owed(make_organization(), kind)
    enter(client, mine.offer.event.organization, "owner")
    assert shown(client, screen) == [mine.pk]
    for wanted in (screen, ALL):
        answer = client.get(reverse(f"admin:offers_{wanted}_change", args=[theirs.pk]))
        assert (answer.status_code, theirs.offer.title.encode() in answer.content) == (302, False)
    assert do(client, screen, "start_work", theirs).status_code == 404
    assert "Take in hand: In hand." in do(client, screen, "start_work", mine, theirs).content.decode()
    theirs.refresh_from_db()
    assert (theirs.status, AuditEntry.objects.count()) == (FulfillmentStatus.PENDING_MANUAL, 1)


def test_an_analyst_has_neither_the_queues_nor_the_acts(client: Client) -> None:
    """Analysts read figures, not orders: every screen and act is refused and nothing changes. REQ EV-04."""
    row = owed(make_organization(), access_code="SECRET-CODE")
    enter(client, row.offer.event.organization, "analyst")
    for name in (PARCELS, ALL):
        assert client.get(reverse(f"admin:offers_{name}_changelist")).status_code == 403
        assert client.get(reverse(f"admin:offers_{name}_change", args=[row.pk])).status_code in {302, 403}
    for name in ("ship", "start_work", "retry"):
        assert do(client, PARCELS, name, row, carrier="DHL").status_code == 403
    row.refresh_from_db()
    assert (row.status, AuditEntry.objects.count()) == (FulfillmentStatus.PENDING_MANUAL, 0)


def test_purchases_say_who_has_what_and_end_at_the_organization(client: Client) -> None:
    """Buyer, order and fulfilment of one's own; found by buyer and order number; never written. REQ EV-04."""
    mine, theirs = owed(make_organization()), owed(make_organization())
    enter(client, mine.offer.event.organization, "owner")
    purchase = mine.purchase
    for wanted in (purchase.user.email, purchase.order.number):
        assert shown(client, "purchase", q=wanted) == [purchase.pk]
    assert shown(client, "purchase", q=theirs.purchase.order.number) == []
    page = client.get("/admin/offers/purchase/").content.decode()
    assert "Waiting for staff" in page
    assert reverse("admin:payments_order_change", args=[purchase.order_id]) in page
    assert client.post(reverse("admin:offers_purchase_change", args=[purchase.pk]), {}).status_code == 403
    assert client.get(reverse("admin:offers_purchase_change", args=[theirs.purchase.pk])).status_code == 302
