"""Times that somebody gives: each door refuses by its field what some clock could not tell, and keeps nothing of it.

PostgreSQL knows years that Python does not: a row of the year 10000 is written once and never read again, by nobody.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test import Client
from django.urls import get_resolver, reverse
from graphql import GraphQLInputObjectType, GraphQLInputType, get_named_type
from rest_framework import serializers

from accounts.tests.factories import bearer, make_member
from accounts.types import Role
from ads.models import Ad
from ads.tests.ad_cases import GOOD as AD
from ads.tests.ad_doors import GraphQLAds, RestAds
from ads.tests.ad_factories import make_ad
from ads.tests.staff import FORM as AD_FORM
from ads.tests.staff import add_page as add_ad
from analytics.models import RawEvent
from analytics.tests.factories import make_place, told
from common import clock
from common.errors import Invalid
from common.rest.serializers import Strict
from common.types import Actor
from config.graphql import schema
from config.local_stack.environment import ROOT
from events.models import Event, Session
from events.services import events as event_services
from events.tests.factories import make_event, make_session
from events.tests.test_admin import FORM as EVENT_FORM
from offers.models import Fulfillment, Offer
from offers.services import staff_fulfilment
from offers.tests.doors import GraphQLCatalog, RestCatalog
from offers.tests.factories import make_offer
from offers.tests.test_admin import FORM as OFFER_FORM
from offers.tests.test_admin_fulfilment import APPOINTMENTS, do, owed
from offers.tests.test_catalog import GOOD as OFFER
from tickets.models import TicketScan
from tickets.tests.factories import code_of, make_scanner, make_ticket
from waitlist.models import WaitlistPolicy
from waitlist.tests.factories import make_full_session

pytestmark = pytest.mark.django_db

# Where the calendar ends, as clocks far from Greenwich say it; the third is a year late by its offset alone.
FAR: Final = (
    "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "9998-12-31T23:00:00-12:00", "0001-01-01T00:00:00+14:00",
)  # fmt: skip
NEAR: Final = "9999-01-01T00:00:00+14:00"


def place() -> tuple[Event, Any]:
    """Return an event and somebody who may do everything there."""
    event = make_event()
    return event, make_member(Role.OWNER, organization=event.organization)


@pytest.mark.parametrize("door", [RestCatalog, GraphQLCatalog, RestAds, GraphQLAds])
def test_an_offer_or_ad_ends_in_a_year_that_clocks_can_tell(door: Any) -> None:
    """A new one and a change, at both doors: the field is named, no row or column written. REQ OF-02, AD-01."""
    event, owner = place()
    is_offer = door in {RestCatalog, GraphQLCatalog}
    model, good, end = (Offer, OFFER, "expires_at") if is_offer else (Ad, AD, "ends_at")
    row, asked = (make_offer(event=event) if is_offer else make_ad(event)), door(owner)
    before = list(model._default_manager.values())
    for far in FAR:
        made = asked.create({**good, "event_id": str(event.pk), end: far})
        changed = asked.update(row.pk, {"starts_at": far})
        told = [(one.code, {field for field, _ in one.errors}) for one in (made, changed)]
        assert told == [("invalid", {end}), ("invalid", {"starts_at"})], far
    assert list(model._default_manager.values()) == before
    assert asked.update(row.pk, {"starts_at": NEAR, end: None}).code == ""


@pytest.mark.parametrize("far", FAR[::3])
def test_a_scan_was_of_now(client: Client, far: str) -> None:
    """REST and GraphQL: what a scanner's clock said is bounded by ours. REQ TI-08."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    body = {"event_id": str(ticket.event_id), "code": code_of(ticket, now=clock.now()), "scanned_at": far}
    rest = client.post("/api/v1/checkin/scan", body, content_type="application/json", headers=bearer(scanner))
    assert (rest.status_code, {one["field"] for one in rest.json()["errors"]}) == (400, {"scanned_at"})
    scan = "scanTicket(eventId: $e, code: $c, scannedAt: $t) { result }"
    query = f"mutation($e: ID!, $c: String!, $t: DateTime) {{ {scan} }}"
    said = {"query": query, "variables": {"e": body["event_id"], "c": body["code"], "t": far}}
    answer = client.post("/graphql", said, content_type="application/json", headers=bearer(scanner)).json()
    assert {one["field"] for one in answer["errors"][0]["extensions"]["errors"]} == {"scannedAt"}
    assert not TicketScan.objects.exists()


def test_what_front_ends_tell_was_of_now(client: Client) -> None:
    """A view is not of another age: refused in its place of the batch, nothing kept. REQ AN-10."""
    where = make_place()
    batch = {"events": [{**told(where), "timestamp": far} for far in FAR]}
    answer = client.post("/api/v1/analytics/track", batch, content_type="application/json").json()
    assert [one["index"] for one in answer["rejected"]] == list(range(len(FAR)))
    assert not RawEvent.objects.exists()


def typed(name: str, text: str) -> dict[str, str]:
    """Return a time in the two fields of Django's forms."""
    day, _, hour = text.partition("T")
    return {f"{name}_0": day, f"{name}_1": hour}


def test_staff_are_told_at_the_field(client: Client) -> None:
    """Events, sessions, offers, ads, terms of queues and appointments, by any event's clocks. REQ EV-04."""
    session = make_full_session()
    event = session.event
    client.force_login(make_member(Role.OWNER, organization=event.organization))
    row = owed(event.organization, "SERVICE")
    tables: tuple[type[Model], ...] = (Event, Session, Offer, Ad, WaitlistPolicy, Fulfillment)
    for zone, text in (
        ("Etc/GMT+12", "9999-12-31T23:59:59"),
        ("Pacific/Kiritimati", "0001-01-01T00:00:00"),
    ):
        Event.objects.update(time_zone=zone)
        before = [list(table._default_manager.values()) for table in tables]
        forms: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
            "starts_at": ("events/event", EVENT_FORM, {"organization": event.organization_id, "time_zone": zone}),
            "ends_at": ("events/session", EVENT_FORM, {"event": event.pk, "maximum_capacity": ""}),
            "expires_at": ("offers/offer", OFFER_FORM, {"event": event.pk}),
        }  # fmt: skip
        for name, (screen, form, given) in forms.items():
            answer = client.post(f"/admin/{screen}/add/", {**form, **given, **typed(name, text)})
            assert name in answer.context["adminform"].form.errors, name
        answer = client.post(add_ad(event), {**AD_FORM, "ends_at": text})
        assert "ends_at" in answer.context["adminform"].form.errors
        terms = {"group_rule": "wait", "closes_at": text}
        answer = client.post(reverse("admin:waitlist_act", args=[session.pk, "terms"]), terms)
        assert "closes_at" in answer.context["form"].errors
        answer = do(client, APPOINTMENTS, "set_appointment", row, **{f"appointment_at_{row.pk}": text})
        assert f"appointment_at_{row.pk}" in answer.context["form"].errors
        assert [list(table._default_manager.values()) for table in tables] == before


def test_services_keep_to_the_years_without_a_form() -> None:
    """Whoever calls them: events, sessions and appointments name the field. REQ EV-01, OF-11."""
    event, owner = place()
    session, now = make_session(event=event), clock.now()
    far = datetime(9999, 1, 1, tzinfo=UTC)
    given: dict[str, Any] = {name: getattr(event, name) for name in ("slug", "title", "description")}
    window: dict[str, Any] = {"starts_at": far, "ends_at": far + timedelta(days=1)}
    of_event = event_services.EventInput(
        **given, **window, time_zone="UTC", currency="USD", visibility="public"
    )
    of_session = event_services.SessionInput(**given, **window)
    row, actor = owed(event.organization, "SERVICE"), Actor(owner.pk, "owner")
    refused: list[tuple[Callable[[], object], set[str]]] = [
        (lambda: event_services.update_event(actor=actor, event_id=event.pk, event=of_event, now=now),
         {"starts_at", "ends_at"}),
        (lambda: event_services.update_session(actor=actor, session_id=session.pk, session=of_session, now=now),
         {"starts_at", "ends_at"}),
        (lambda: staff_fulfilment.set_appointment(actor, row.purchase_id, appointment_at=far, now=now),
         {"appointment_at"}),
    ]  # fmt: skip
    for act, fields in refused:
        with pytest.raises(Invalid) as error:
            act()
        assert {(one.field, one.code) for one in error.value.errors} == {
            (name, "out_of_range") for name in fields
        }


def read_by_rest() -> set[str]:
    """Return each time that a body or query of REST may carry, by its serializer."""
    assert get_resolver().url_patterns  # all doors are there
    kinds, found = [Strict], set()
    while kinds:
        kinds += (kind := kinds.pop()).__subclasses__()
        if ".tests." in kind.__module__:
            continue
        fields = getattr(kind, "_declared_fields", {})
        times = [name for name, one in fields.items() if isinstance(one, serializers.DateTimeField)]
        found |= {f"{kind.__name__}.{name}" for name in times if not fields[name].read_only}
    return found


def read_by_graphql() -> set[str]:
    """Return each time that a variable of GraphQL may carry, by its input or field."""
    known = schema.graphql_schema
    kinds = [kind for kind in known.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
    found = {
        f"{kind.name}.{name}" for kind in kinds for name, one in kind.fields.items() if is_time(one.type)
    }
    for root in (known.query_type, known.mutation_type):
        fields = root.fields.items() if root is not None else ()
        found |= {
            f"{name}.{each}" for name, one in fields for each, arg in one.args.items() if is_time(arg.type)
        }
    return found


def is_time(kind: GraphQLInputType) -> bool:
    """Say whether it is an instant, wanted or not."""
    return get_named_type(kind).name == "DateTime"


def test_every_time_that_is_read_is_known_here() -> None:
    """Whoever reads another one from outside proves above what its ends are. REQ OP-05."""
    assert read_by_rest() == {
        *(
            f"Offer{kind}Serializer.{end}"
            for kind in ("Create", "Write")
            for end in ("starts_at", "expires_at")
        ),
        *(f"Ad{kind}Serializer.{end}" for kind in ("Create", "Write") for end in ("starts_at", "ends_at")),
        "ScanSerializer.scanned_at",
        "EventsQuery.ends_after",  # compared, never kept
    }
    assert read_by_graphql() == {
        *(f"{name}.{end}" for name in ("CreateOfferInput", "UpdateOfferInput") for end in ("startsAt", "expiresAt")),
        *(f"{name}.{end}" for name in ("CreateAdInput", "UpdateAdInput") for end in ("startsAt", "endsAt")),
        "scanTicket.scannedAt",
    }  # fmt: skip


# The column of each table that ends last.
_LAST_OF: Final = {
    "offers_offer": "expires_at", "ads_ad": "ends_at", "events_event": "ends_at", "events_session": "ends_at",
    "offers_fulfillment": "appointment_at",
}  # fmt: skip


def test_the_database_says_it_again() -> None:
    """No door that is yet to be made can write what the others cannot read. REQ OF-02, AD-01, EV-01."""
    event = make_session().event
    make_ad(owed(event.organization, "SERVICE").offer.event)
    starts = {table: "starts_at" for table in _LAST_OF if table != "offers_fulfillment"}
    late, early = ("9999-01-01T00:00Z", "10000-01-01T00:00Z", "infinity"), ("1969-12-31T23:59Z", "-infinity")
    for columns, instants in ((_LAST_OF, late), (starts, early)):
        for table, column in columns.items():
            for instant in instants:
                with (
                    connection.cursor() as cursor,
                    pytest.raises(IntegrityError, match="_is_tellable"),
                    transaction.atomic(),
                ):
                    cursor.execute(f"UPDATE {table} SET {column} = %s", [instant])  # noqa: S608 named above


def test_the_look_up_before_an_upgrade_finds_what_would_stop_it() -> None:
    """Rows that a release without the rule kept, each of the five kinds, and no other. REQ OP-06."""
    page = (ROOT / "docs/running.md").read_text()
    [look_up] = re.findall(r"<<'SQL'\n(SELECT.*?);\nSQL$", page, re.MULTILINE | re.DOTALL)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conname LIKE '%_is_tellable'"
        )
        rules = dict(cursor.fetchall())
        for table, rule in rules.items():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {rule}")

        def found() -> set[str]:
            cursor.execute(f"SELECT found_in FROM ({look_up}) AS told")  # noqa: S608 the page's own
            return {str(row[0]) for row in cursor.fetchall()}

        make_ad(owed(make_session().event.organization, "SERVICE").offer.event)
        assert found() == set()
        for table in rules:
            column = "appointment_at" if table == "offers_fulfillment" else "starts_at"
            for instant in ("1026-11-20T00:00Z", "1969-12-31T23:59Z", "-infinity"):
                cursor.execute(f"UPDATE {table} SET {column} = %s", [instant])  # noqa: S608 named above
                assert found() == {table}
            cursor.execute(f"UPDATE {table} SET {column} = '1970-01-01Z'")  # noqa: S608 named above
            assert found() == set()
            column = _LAST_OF[table]
            for instant in ("9999-01-01T00:00Z", "10000-01-01T00:00Z", "infinity"):
                cursor.execute(f"UPDATE {table} SET {column} = %s", [instant])  # noqa: S608 named above
                assert found() == {table}
            cursor.execute(f"UPDATE {table} SET {column} = '9998-12-31T23:59Z'")  # noqa: S608 named above
        assert found() == set()


def test_each_rule_of_the_database_has_read_the_rows_of_before() -> None:
    """None is left unproved: what is there can be read. REQ OP-06."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname, convalidated FROM pg_constraint WHERE conname LIKE '%_is_tellable'")
        assert sorted(cursor.fetchall()) == [
            (f"{name}_is_tellable", True)
            for name in (
                "ad_window",
                "event_window",
                "fulfillment_appointment",
                "offer_window",
                "session_window",
            )
        ]
