"""Reading sponsors and leads, and taking leads home as a file. REQ RT-05."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import NOW, make_member, make_superuser, make_user
from ads.models import Lead, Sponsor
from ads.tests.factories import Door, make_lead, make_sponsor
from common.audit.models import AuditEntry
from events.tests.factories import make_event, make_registration

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """Give one of the sponsor's people."""
    return make_user("ada@sponsor.test")


@pytest.fixture
def sponsor(ada: User) -> Sponsor:
    """Give a sponsor whose people are Ada."""
    return make_sponsor(people=[ada], name="Acme")


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Return the rows of a file that was answered."""
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def callers(sponsor: Sponsor) -> dict[str, tuple[User | None, int]]:
    """Return who asks for a sponsor's leads, and the status they meet."""
    organization = sponsor.event.organization
    registered = make_user()
    make_registration(sponsor.event, registered)
    elsewhere = make_user()
    make_sponsor(event=sponsor.event, people=[elsewhere])
    found = {
        role: (make_member(role, organization=organization), 200) for role in ("staff", "admin", "owner")
    }
    refused = {role: (make_member(role, organization=organization), 403) for role in ("analyst", "scanner")}
    return {
        **found, **refused, "operator": (make_superuser(), 200), "attendee": (registered, 404),
        "rival": (make_member("owner"), 404), "another sponsor's": (elsewhere, 404), "nobody": (None, 401),
    }  # fmt: skip


@pytest.mark.parametrize("path", ["leads", "leads/export"])
def test_who_reads_leads(sponsor: Sponsor, ada: User, path: str) -> None:
    """Its people and the organizer's staff; others are refused as the contract says, and learn nothing. REQ EV-03."""
    make_lead(sponsor, "secret@example.test")
    for who, (user, status) in {**callers(sponsor), "its people": (ada, 200)}.items():
        answer = Door(user).get(f"sponsors/{sponsor.pk}/{path}")
        assert answer.status_code == status, who
        content = answer.getvalue()
        assert (b"secret@example.test" in content) == (status == 200), who
    exports = AuditEntry.objects.filter(action="ads.export_leads").count()
    assert exports == (5 if path.endswith("export") else 0)


def test_leads_are_listed_the_newest_first_by_pages(sponsor: Sponsor, ada: User) -> None:
    """Count, pages, order; another sponsor's leads are not among them. REQ RT-05."""
    made = [make_lead(sponsor, created_at=NOW + timedelta(minutes=number)) for number in range(5)]
    make_lead(make_sponsor(event=sponsor.event))
    page = Door(ada).get(f"sponsors/{sponsor.pk}/leads", limit=2, offset=1).json()
    assert page["count"] == 5
    assert [row["id"] for row in page["results"]] == [str(made[3].pk), str(made[2].pk)]
    assert page["next"] is not None
    assert set(page["results"][0]) == {
        "id", "sponsor_id", "name", "email", "company", "source", "note", "consent", "consent_at", "created_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"search": "hop"}, {"Grace Hopper"}),
        ({"search": "BLETCHLEY"}, {"Alan"}),
        ({"search": "@navy"}, {"Grace Hopper"}),
        ({"search": " alan "}, {"Alan"}),
        ({"source": "FORM"}, {"Alan"}),
        ({"source": "BOOTH_SCAN", "search": "a"}, {"Grace Hopper"}),
        ({"search": "nobody"}, set()),
        ({"search": "%"}, set()),
    ],
)
def test_leads_are_searched_and_filtered(
    sponsor: Sponsor, ada: User, query: dict[str, str], names: set[str]
) -> None:
    """Part of a name, e-mail or company in any case; a source; the file is filtered as the list is. REQ RT-05."""
    make_lead(sponsor, "g@navy.test", name="Grace Hopper", company="Yale")
    make_lead(sponsor, "t@example.test", name="Alan", company="Bletchley", source="FORM")
    listed = Door(ada).get(f"sponsors/{sponsor.pk}/leads", **query).json()
    assert {row["name"] for row in listed["results"]} == names
    exported = Door(ada).get(f"sponsors/{sponsor.pk}/leads/export", **query)
    assert {row["name"] for row in rows_of(exported)} == names


@pytest.mark.parametrize("path", ["leads", "leads/export"])
def test_a_wrong_filter_is_told(sponsor: Sponsor, ada: User, path: str) -> None:
    """An unknown source and a misspelt filter are field errors, not everything. REQ RT-05."""
    for query, wrong in (
        ({"source": "PIGEON"}, ("source", "invalid_choice")),
        ({"serach": "x"}, ("serach", "unknown_field")),
    ):
        answer = Door(ada).get(f"sponsors/{sponsor.pk}/{path}", **query)
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [wrong]
    assert not AuditEntry.objects.exists()


def test_the_file_is_inert_streamed_and_audited(sponsor: Sponsor, ada: User) -> None:
    """No cell begins a formula, nothing else is lost, quotes and line breaks stay in their cell. REQ RT-05."""
    wild = {"=1+1": "=1+1", "+49 30": "+49", "-2": "-2", "@SUM(A1)": "@x", "\tTab": "\tx", " =2": " =2"}
    for number, (name, note) in enumerate(wild.items()):
        make_lead(sponsor, name=name, note=note, created_at=NOW + timedelta(minutes=number))
    make_lead(
        sponsor, name='Quo"te, Inc', note="two\nlines", company="Ünïted", created_at=NOW - timedelta(days=1)
    )
    answer = Door(ada).get(f"sponsors/{sponsor.pk}/leads/export")
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert (answer["Content-Disposition"], answer["Cache-Control"]) == (
        'attachment; filename="leads.csv"', "no-store",
    )  # fmt: skip
    rows = rows_of(answer)
    assert {row["name"] for row in rows} == {f"'{name}" for name in wild} | {'Quo"te, Inc'}
    assert {row["note"] for row in rows} == {f"'{note}" for note in wild.values()} | {"two\nlines"}
    assert (rows[-1]["company"], rows[-1]["sponsor"]) == ("Ünïted", "Acme")
    assert rows[0]["created_at"] == (NOW + timedelta(minutes=5)).isoformat()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id, entry.subject_id) == ("ads.export_leads", ada.pk, str(sponsor.pk))
    assert (entry.organization_id, entry.changes) == (sponsor.event.organization_id, {"leads": [None, 7]})


def test_the_file_comes_whatever_the_caller_accepts(sponsor: Sponsor, ada: User) -> None:
    """A browser, a script, or one that asks for CSV: there is one form of it; a refusal is a problem. REQ RT-05."""
    for accepted in ("text/csv", "*/*", "application/json"):
        answer = Door(ada).client.get(
            f"/api/v1/sponsors/{sponsor.pk}/leads/export", headers={"Accept": accepted}
        )
        assert (answer.status_code, rows_of(answer)) == (200, []), accepted
    refused = Door(make_user()).client.get(
        f"/api/v1/sponsors/{sponsor.pk}/leads/export", headers={"Accept": "text/csv"}
    )
    assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_an_events_sponsors_are_listed_to_whoever_sees_it(door: str) -> None:
    """Active ones by name, to nobody in particular; a private event's to who is registered. REQ RT-05, EV-03."""
    event, guest = make_event(), make_user()
    for name in ("Zeta", "Acme"):
        make_sponsor(event=event, name=name, website="https://acme.test/", description="Anvils")
    make_sponsor(event=event, name="Gone", is_active=False)
    make_sponsor(name="Elsewhere")
    hidden = make_event(private=True)
    make_sponsor(event=hidden, name="Hidden")
    make_registration(hidden, guest)

    def listed(user: User | None, event_id: object) -> Any:
        if door == "REST":
            answer = Door(user).get(f"events/{event_id}/sponsors")
            return (
                [row["name"] for row in answer.json()["results"]]
                if answer.status_code == 200
                else "not_found"
            )
        query = "query($id: ID!) { eventSponsors(eventId: $id) { id name website description eventId } }"
        said = Door(user).ask(query, id=str(event_id))
        if "errors" in said:
            return said["errors"][0]["extensions"]["code"]
        return [row["name"] for row in said["data"]["eventSponsors"]]

    assert listed(None, event.pk) == ["Acme", "Zeta"]
    assert listed(guest, hidden.pk) == ["Hidden"]
    assert listed(None, hidden.pk) == listed(make_user(), hidden.pk) == listed(None, uuid4()) == "not_found"


def test_a_sponsor_says_nothing_of_its_people_or_leads(sponsor: Sponsor) -> None:
    """What everybody sees is the sponsor's own showing. REQ RT-05."""
    page = Door().get(f"events/{sponsor.event_id}/sponsors", limit=1).json()
    assert page["count"] == 1
    assert page["results"] == [
        {
            "id": str(sponsor.pk), "event_id": str(sponsor.event_id), "name": "Acme", "website": "",
            "description": "",
        }
    ]  # fmt: skip


def test_lists_cost_a_fixed_number_of_statements(sponsor: Sponsor, ada: User) -> None:
    """As many for fifty rows as for two, on both lists and for the file. REQ RT-05."""
    door = Door(ada)
    budgets = {f"events/{sponsor.event_id}/sponsors": 4, f"sponsors/{sponsor.pk}/leads": 4,
               f"sponsors/{sponsor.pk}/leads/export": 9}  # fmt: skip
    costs: dict[str, list[int]] = {path: [] for path in budgets}
    for more in (2, 48):
        for _ in range(more):
            make_lead(sponsor)
            make_sponsor(event=sponsor.event)
        for path in budgets:
            with CaptureQueriesContext(connection) as statements:
                answer = door.get(path)
                answer.getvalue()
            costs[path].append(len(statements))
    for path, budget in budgets.items():
        assert costs[path][0] == costs[path][1] <= budget, (path, costs)


@pytest.mark.django_db
def test_each_list_has_its_index(sponsor: Sponsor) -> None:
    """The newest leads of a sponsor, one by its address, and an event's sponsors beside 10,000 others. REQ OP-07."""
    others = [make_sponsor(event=sponsor.event if number % 9 else None) for number in range(100)]
    Lead.objects.bulk_create(
        Lead(
            sponsor=others[number % 100], name="L", email=f"l{number}@x.test", email_key=f"{number:032}",
            source="FORM", consent_at=NOW, created_at=NOW - timedelta(minutes=number),
        )
        for number in range(10_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ads_lead")
        cursor.execute("ANALYZE ads_sponsor")
    leads = Lead.objects.filter(sponsor=others[7])
    assert "lead_newest" in leads.order_by("-created_at", "-id")[:50].explain()
    assert "lead_newest_of_all" in Lead.objects.order_by("-created_at", "-id")[:50].explain()
    assert (
        "lead_once_per_sponsor" in Lead.objects.filter(sponsor=others[7], email_key="7").order_by().explain()
    )
    with connection.cursor() as cursor:
        # A hundred sponsors fit into a page or two: ask for the plan of a large table.
        cursor.execute("SET LOCAL enable_seqscan = off")
    active = Sponsor.objects.filter(event=sponsor.event, is_active=True).order_by("name", "id")[:50]
    assert "sponsor_event_active" in active.explain()
