"""The staff's screens of sponsors and leads, through their pages. REQ RT-05, EV-04."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import NOW, make_superuser, make_user
from accounts.tests.screens import enter
from ads.models import Lead, Sponsor
from ads.tests.factories import make_lead, make_sponsor
from common.audit.models import AuditEntry
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

SPONSORS, LEADS = "/admin/ads/sponsor/", "/admin/ads/lead/"
FORM = {
    "name": "Acme",
    "website": "https://acme.test/",
    "description": "Anvils",
    "is_active": "on",
    "people": "",
}


def people_of(sponsor: Sponsor) -> list[str]:
    """Return the e-mails of the sponsor's people."""
    return list(sponsor.members.order_by("user__email").values_list("user__email", flat=True))


def export(client: Client, *leads: Lead, query: str = "", **data: Any) -> Any:
    """Choose leads in the list and export them; with a reason and ``confirmed`` the file comes."""
    chosen = {"_selected_action": [str(one.pk) for one in leads]}
    return client.post(f"{LEADS}{query}", {"action": "export_csv", "select_across": "0", **chosen, **data})


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Return the rows of a file that was answered."""
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_sponsor_is_made_with_its_people(client: Client) -> None:
    """People are named by e-mail, once each; an address nobody knows gets an account; one entry. REQ RT-05, EV-04."""
    event, ada = make_event(), make_user("ada@acme.test")
    staff = enter(client, event.organization)
    people = "Ada@acme.test\n\n new@acme.test , ada@acme.test\n"
    answer = client.post(f"{SPONSORS}add/", {**FORM, "event": event.pk, "people": people})
    assert answer.status_code == 302, answer.content
    sponsor = Sponsor.objects.get()
    assert (sponsor.name, sponsor.website, sponsor.event, sponsor.is_active) == (
        "Acme", "https://acme.test/", event, True,
    )  # fmt: skip
    assert people_of(sponsor) == ["ada@acme.test", "new@acme.test"]
    assert sponsor.members.filter(user=ada).exists()
    assert not User.objects.get(email="new@acme.test").has_usable_password()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id) == ("ads.create_sponsor", staff.pk)
    assert entry.changes["people"] == [[], ["ada@acme.test", "new@acme.test"]]


def test_a_sponsor_is_changed_and_stays_at_its_event(client: Client) -> None:
    """People come and go, the rest is kept; saving it again leaves no entry. REQ RT-05, EV-04."""
    event, ada, bob = make_event(), make_user("ada@acme.test"), make_user("bob@acme.test")
    sponsor = make_sponsor(event=event, people=[ada, bob])
    kept = sponsor.members.get(user=bob).pk
    enter(client, event.organization)
    page = f"{SPONSORS}{sponsor.pk}/change/"
    assert "ada@acme.test\nbob@acme.test" in client.get(page).content.decode()
    body = {**FORM, "event": make_event().pk, "people": "bob@acme.test\r\neve@acme.test"}
    del body["is_active"]
    for _ in range(2):
        assert client.post(page, body).status_code == 302
    sponsor.refresh_from_db()
    assert (sponsor.name, sponsor.event, sponsor.is_active) == ("Acme", event, False)
    assert people_of(sponsor) == ["bob@acme.test", "eve@acme.test"]
    assert sponsor.members.get(user=bob).pk == kept
    entry = AuditEntry.objects.get()
    assert entry.action == "ads.update_sponsor"
    assert entry.changes["people"] == [["ada@acme.test", "bob@acme.test"], ["bob@acme.test", "eve@acme.test"]]
    assert entry.changes["is_active"] == [True, False]
    assert b"ads.update_sponsor" in client.get(f"{SPONSORS}{sponsor.pk}/history/").content


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""), ("name", "   "), ("name", "x" * 201), ("website", "http://acme.test/"),
        ("website", "javascript:alert(1)"), ("website", "https://user:pw@acme.test/"), ("website", "https://"),
        ("website", "acme.test"), ("website", f"https://acme.test/{'x' * 2048}"), ("description", "x" * 2001),
        ("people", "ada"), ("people", "ada@acme.test\nnot an address"),
        ("people", "\n".join(f"p{number}@acme.test" for number in range(101))),
    ],
)  # fmt: skip
def test_what_a_sponsor_must_be(client: Client, field: str, wrong: str) -> None:
    """The error stands at its field, and nothing is saved, no account is made. REQ RT-05."""
    event = make_event()
    sponsor = make_sponsor(event=event, name="Before")
    enter(client, event.organization)
    accounts = User.objects.count()
    for page in (f"{SPONSORS}add/", f"{SPONSORS}{sponsor.pk}/change/"):
        answer = client.post(page, {**FORM, "event": event.pk, field: wrong})
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors
    sponsor.refresh_from_db()
    assert (sponsor.name, people_of(sponsor), Sponsor.objects.count()) == ("Before", [], 1)
    assert (User.objects.count(), AuditEntry.objects.count()) == (accounts, 0)


def test_lists_show_what_staff_look_for(client: Client) -> None:
    """A sponsor with its counts, and its leads by one click; leads by source, search and day. REQ RT-05."""
    event = make_event()
    sponsor = make_sponsor(event=event, name="Acme", people=[make_user(), make_user()])
    other = make_sponsor(event=event, name="Zeta", is_active=False)
    for number in range(3):
        make_lead(sponsor, f"lead{number}@example.test", created_at=NOW + timedelta(days=number))
    form = make_lead(
        other, "alan@example.test", name="Alan", company="Bletchley", source="FORM", note="Secret"
    )
    enter(client, event.organization)
    page = client.get(SPONSORS)
    rows = {row.name: (row.people_count, row.lead_count) for row in page.context["cl"].result_list}
    assert rows == {"Acme": (2, 3), "Zeta": (0, 1)}
    for words in (b"Shown", b"Taken off", f"sponsor__id__exact={sponsor.pk}".encode()):
        assert words in page.content

    def listed(**query: Any) -> set[str]:
        return {row.email for row in client.get(LEADS, query).context["cl"].result_list}

    scanned = {f"lead{number}@example.test" for number in range(3)}
    assert listed(sponsor__id__exact=sponsor.pk) == listed(source__exact="BOOTH_SCAN") == scanned
    assert listed(q="bletchley") == listed(source__exact="FORM") == {"alan@example.test"}
    day = NOW + timedelta(days=2)
    by_day = {"created_at__year": day.year, "created_at__month": day.month, "created_at__day": day.day}
    assert listed(**by_day) == {"lead2@example.test"}
    assert b"Secret" in client.get(f"{LEADS}{form.pk}/change/").content


def test_nobody_writes_leads_here(client: Client) -> None:
    """No adding, changing or deleting, for operators neither. REQ EV-04."""
    lead = make_lead(make_sponsor(), name="Grace")
    client.force_login(make_superuser())
    assert client.get(f"{LEADS}add/").status_code == 403
    assert client.post(f"{LEADS}{lead.pk}/change/", {"name": "Other"}).status_code == 403
    assert client.post(f"{LEADS}{lead.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Lead.objects.get().name == "Grace"


@pytest.mark.parametrize(
    ("role", "status"), [("staff", 200), ("owner", 200), ("analyst", 403), ("scanner", 302)]
)
def test_the_least_privilege(client: Client, role: str, status: int) -> None:
    """Leads and the sponsors' people are personal data: figures are the analysts', these are not. REQ EV-04."""
    sponsor = make_sponsor(people=[make_user("ada@acme.test")])
    lead = make_lead(sponsor, "secret@example.test")
    enter(client, sponsor.event.organization, role)
    for page in (SPONSORS, LEADS, f"{SPONSORS}{sponsor.pk}/change/", f"{LEADS}{lead.pk}/change/"):
        answer = client.get(page)
        assert answer.status_code == status, page
        assert (b"secret@example.test" in answer.content) == (status == 200 and page.startswith(LEADS))
    answer = export(client, lead, reason="Mail", confirmed="1")
    assert answer.status_code == status
    assert AuditEntry.objects.count() == (1 if status == 200 else 0)


def test_another_organizations_are_not_there(client: Client) -> None:
    """Neither listed, nor shown, nor exported by a foreign id, nor made at a foreign event. REQ EV-04."""
    mine, theirs = make_sponsor(name="Mine"), make_sponsor(name="Theirs")
    lead = make_lead(theirs, "secret@example.test")
    enter(client, mine.event.organization, "owner")
    for page in (SPONSORS, LEADS):
        content = client.get(page).content
        assert b"Theirs" not in content
        assert b"secret" not in content
    for page in (
        f"{SPONSORS}{theirs.pk}/change/",
        f"{LEADS}{lead.pk}/change/",
        f"{SPONSORS}{theirs.pk}/history/",
    ):
        assert client.get(page).status_code == 302
    assert client.post(f"{SPONSORS}{theirs.pk}/change/", FORM).status_code == 302
    refused = client.post(f"{SPONSORS}add/", {**FORM, "event": theirs.event_id})
    assert "event" in refused.context["adminform"].form.errors
    exported = export(client, lead, reason="Mischief", confirmed="1")
    assert rows_of(exported) == []
    theirs.refresh_from_db()
    assert (theirs.name, Sponsor.objects.count(), AuditEntry.objects.count()) == ("Theirs", 2, 0)


def test_leads_are_exported_by_post_with_a_reason(client: Client) -> None:
    """First it asks why; then the file, inert, and an entry in each sponsor's history. REQ RT-05, EV-04."""
    event = make_event()
    acme, zeta = make_sponsor(event=event, name="Acme"), make_sponsor(event=event, name="Zeta")
    leads = [make_lead(acme, name="=cmd()"), make_lead(acme), make_lead(zeta)]
    left_out = make_lead(zeta, "left@example.test")
    staff = enter(client, event.organization)
    asked = export(client, *leads)
    assert b"Kept in the audit history" in asked.content
    unreasoned = export(client, *leads, confirmed="1", reason=" ")
    assert unreasoned.context["form"].errors.keys() == {"reason"}
    assert not AuditEntry.objects.exists()
    answer = export(client, *leads, confirmed="1", reason="For the sponsors")
    assert (answer.streaming, answer["Content-Type"]) == (True, "text/csv; charset=utf-8")
    rows = rows_of(answer)
    assert {row["id"] for row in rows} == {str(one.pk) for one in leads}
    assert "'=cmd()" in {row["name"] for row in rows}
    assert left_out.email not in {row["email"] for row in rows}
    entries = AuditEntry.objects.order_by("subject_label").values_list(
        "action", "actor_id", "subject_label", "reason", "changes"
    )
    assert list(entries) == [
        ("ads.export_leads", staff.pk, "Acme", "For the sponsors", {"leads": [None, 2]}),
        ("ads.export_leads", staff.pk, "Zeta", "For the sponsors", {"leads": [None, 1]}),
    ]


def test_everything_under_the_filters_is_exported_at_once(client: Client) -> None:
    """More than one page of the list, and nothing that the filters leave out. REQ RT-05."""
    sponsor = make_sponsor()
    for number in range(60):
        make_lead(sponsor, f"scan{number}@example.test")
    chosen = make_lead(sponsor, source="BOOTH_SCAN")
    make_lead(sponsor, "form@example.test", source="FORM")
    enter(client, sponsor.event.organization)
    query = "?source__exact=BOOTH_SCAN"
    asked = export(client, chosen, query=query, select_across="1")
    assert b'name="select_across" value="1"' in asked.content
    answer = export(client, chosen, query=query, select_across="1", confirmed="1", reason="All")
    rows = rows_of(answer)
    assert (len(rows), {row["source"] for row in rows}) == (61, {"BOOTH_SCAN"})


def test_looking_exports_nothing(client: Client) -> None:
    """The export is no address that a link could open. REQ EV-04."""
    lead = make_lead(make_sponsor())
    enter(client, lead.sponsor.event.organization)
    answer = client.get(LEADS, {"action": "export_csv", "confirmed": "1", "reason": "x"})
    assert answer["Content-Type"].startswith("text/html")
    assert not AuditEntry.objects.exists()
