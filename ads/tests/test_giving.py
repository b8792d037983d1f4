"""Giving leads: who may give whom, what a lead must be, and what another one of the same person does. REQ RT-05."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.tests.factories import make_member, make_superuser, make_user
from ads.models import Lead, Sponsor
from ads.tests.factories import Door, lead, make_lead, make_sponsor, refusal_of
from events.tests.factories import make_event, make_registration
from notifications.models import RealtimeEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """Give one of the sponsor's people."""
    return make_user("ada@sponsor.test", name="Ada")


@pytest.fixture
def sponsor(ada: User) -> Sponsor:
    """Give a sponsor whose people are Ada."""
    return make_sponsor(people=[ada])


def nothing_kept() -> bool:
    """Say whether no lead is kept and nothing was announced."""
    return not Lead.objects.exists() and not RealtimeEvent.objects.exists()


def test_the_sponsors_people_give_anybody(sponsor: Sponsor, ada: User) -> None:
    """201 with every field; consent has its time; who gave it, and whose account it is, are kept. REQ RT-05."""
    grace = make_user("grace@example.test")
    body = lead(name=" Grace Hopper ", company="Navy", note="Call in May")
    answer = Door(ada).give(sponsor, body)
    kept = Lead.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "id": str(kept.pk), "sponsor_id": str(sponsor.pk), "name": "Grace Hopper", "email": "grace@example.test",
            "company": "Navy", "source": "BOOTH_SCAN", "note": "Call in May", "consent": True,
            "consent_at": answer.json()["created_at"], "created_at": answer.json()["created_at"],
        },
    )  # fmt: skip
    assert (kept.created_by, kept.user, kept.consent_at) == (ada, grace, kept.created_at)


@pytest.mark.parametrize("role", ["staff", "admin", "owner", "superuser"])
def test_the_organizers_staff_give_anybody(sponsor: Sponsor, role: str) -> None:
    """Who manages ads may do what the sponsor's people do. REQ RT-05, EV-03."""
    organization = sponsor.event.organization
    user = make_superuser() if role == "superuser" else make_member(role, organization=organization)
    assert Door(user).give(sponsor, lead()).status_code == 201
    assert Lead.objects.get().created_by == user


@pytest.mark.parametrize("source", ["FORM", "AD_CLICK"])
def test_an_attendee_gives_themselves(sponsor: Sponsor, source: str) -> None:
    """Name and e-mail are their own if they do not say them; their own written otherwise is their own. REQ RT-05."""
    alan = make_user("alan@example.test", name="Alan")
    answer = Door(alan).give(sponsor, {"source": source, "consent": True})
    assert answer.status_code == 201, answer.content
    kept = Lead.objects.get()
    assert (kept.name, kept.email, kept.user, kept.created_by) == ("Alan", "alan@example.test", alan, alan)
    again = Door(alan).give(sponsor, lead(email="Alan@Example.TEST", source=source))
    assert (again.status_code, again.json()["id"]) == (200, str(kept.pk))


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_an_attendee_gives_nobody_else(sponsor: Sponsor, door: str) -> None:
    """Another's address and a scan are refused at their fields. REQ RT-05, EV-03."""
    alan = Door(make_user("alan@example.test", name="Alan"))
    other = refusal_of(alan, door, sponsor, lead(source="FORM"))
    assert other == ("invalid", {("email", "not_your_own")})
    scan = refusal_of(alan, door, sponsor, {"source": "BOOTH_SCAN", "consent": True})
    assert scan == ("invalid", {("source", "invalid_choice")})
    assert nothing_kept()


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
@pytest.mark.parametrize("role", ["analyst", "scanner"])
def test_a_member_without_the_role_is_told_so(sponsor: Sponsor, role: str, door: str) -> None:
    """403 for anybody else and for a scan; themselves they give as any visitor does. REQ EV-03."""
    member = make_member(role, organization=sponsor.event.organization)
    assert refusal_of(Door(member), door, sponsor, lead(source="FORM"))[0] == "forbidden"
    assert refusal_of(Door(member), door, sponsor, lead(email=member.email))[0] == "forbidden"
    assert nothing_kept()
    body = lead(email=member.email, source="FORM")
    assert refusal_of(Door(member), door, sponsor, body) == ("", set())


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_who_does_not_see_the_event_does_not_find_its_sponsors(door: str) -> None:
    """A private event's sponsor is not there for strangers and rivals; for who is registered it is. REQ EV-03."""
    event, ada = make_event(private=True), make_user()
    sponsor = make_sponsor(event=event, people=[ada])
    stranger, rival, guest = make_user(name="S"), make_member("owner"), make_user(name="G")
    own = {"source": "FORM", "consent": True}
    for user in (stranger, rival):
        assert refusal_of(Door(user), door, sponsor, own)[0] == "not_found"
        assert refusal_of(Door(user), door, sponsor, lead())[0] == "not_found"
    assert refusal_of(Door(), door, sponsor, lead())[0] == "unauthenticated"
    assert nothing_kept()
    make_registration(event, guest)
    assert refusal_of(Door(guest), door, sponsor, own) == ("", set())
    # Its people need no ticket.
    assert refusal_of(Door(ada), door, sponsor, lead()) == ("", set())


def test_nobody_and_nothing(ada: User) -> None:
    """401 without a token, for a sponsor that is not there too; 404 for one that is not there. REQ EV-03."""
    missing = make_sponsor()
    Sponsor.objects.filter(pk=missing.pk).delete()
    assert Door().give(missing, lead()).status_code == 401
    assert Door(ada).give(missing, lead()).status_code == 404
    assert Door(ada).get(f"sponsors/{missing.pk}/leads").status_code == 404


def test_one_of_another_sponsors_people_is_a_visitor_here(sponsor: Sponsor) -> None:
    """Being somebody's does not count elsewhere, at the same event neither. REQ EV-03."""
    bob = make_user("bob@other.test", name="Bob")
    make_sponsor(event=sponsor.event, people=[bob])
    answer = Door(bob).give(sponsor, lead(source="FORM"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not_your_own")
    assert nothing_kept()


def test_a_sponsor_that_was_taken_off_takes_no_leads(ada: User) -> None:
    """Its people are told why; for visitors it is not there any more. REQ RT-05."""
    sponsor = make_sponsor(people=[ada], is_active=False)
    told = Door(ada).give(sponsor, lead())
    assert (told.status_code, told.json()["code"]) == (409, "sponsor_inactive")
    own = {"source": "FORM", "consent": True}
    assert Door(make_user(name="V")).give(sponsor, own).status_code == 404
    assert nothing_kept()


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_the_same_address_again_is_the_same_lead(sponsor: Sponsor, ada: User, door: str) -> None:
    """However it is written: the same id, 200; what is said changes, the rest stays, and nobody is told. REQ RT-05."""
    first = Door(ada).give(sponsor, lead(company="Navy", note="Call in May")).json()
    body = lead(email="Grace@EXAMPLE.test", name="Grace H.", note="Call in June", source="FORM")
    if door == "REST":
        answer = Door(ada).give(sponsor, body)
        assert answer.status_code == 200
        again = answer.json()
        consent_at = again["consent_at"]
    else:
        said = Door(ada).submit(sponsor, body)["data"]["submitLead"]
        assert said["isNew"] is False
        again, consent_at = said["lead"], said["lead"]["consentAt"]
    assert {name: again[name] for name in ("id", "name", "email", "company", "source", "note")} == {
        "id": first["id"], "name": "Grace", "email": "grace@example.test", "company": "Navy", "source": "BOOTH_SCAN",
        "note": "Call in June",
    }  # fmt: skip
    assert consent_at > first["consent_at"]
    assert (Lead.objects.count(), RealtimeEvent.objects.count()) == (1, 1)


def test_without_consent_what_is_kept_stays_as_it_was(sponsor: Sponsor, ada: User) -> None:
    """A refused repetition changes nothing. REQ RT-05."""
    kept = make_lead(sponsor, "grace@example.test", note="Call in May")
    answer = Door(ada).give(sponsor, lead(note="Other", consent=False))
    assert answer.status_code == 400
    after = Lead.objects.get()
    assert (after.note, after.consent_at) == (kept.note, kept.consent_at)


def test_another_sponsor_has_a_lead_of_its_own(sponsor: Sponsor, ada: User) -> None:
    """One row for each sponsor and address. REQ RT-05."""
    make_lead(make_sponsor(event=sponsor.event), "grace@example.test")
    assert Door(ada).give(sponsor, lead()).status_code == 201
    assert Lead.objects.count() == 2


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_an_attendee_is_not_told_what_the_sponsor_wrote_of_them(sponsor: Sponsor, door: str) -> None:
    """The answer has their own words alone; the sponsor's stay where they said none. REQ RT-05."""
    alan = make_user("alan@example.test", name="Alan")
    make_lead(sponsor, alan.email, note="Talks too much", company="Bletchley")
    own = {"source": "FORM", "consent": True}
    if door == "REST":
        told = Door(alan).give(sponsor, own).json()
    else:
        told = Door(alan).submit(sponsor, own)["data"]["submitLead"]["lead"]
    assert (told["note"], told["company"]) == ("", "")
    kept = Lead.objects.get()
    assert (kept.note, kept.company, kept.user) == ("Talks too much", "Bletchley", alan)


def test_so_many_a_minute(sponsor: Sponsor, ada: User, settings: Settings) -> None:
    """429 with a time to wait, an attendee's limit apart from that of the sponsor's people. REQ RT-05."""
    settings.LEAD_RATE_LIMIT, settings.LEAD_PEOPLE_RATE_LIMIT = 1, 2
    alan = Door(make_user(name="Alan"))
    own = {"source": "FORM", "consent": True}
    assert [alan.give(sponsor, own).status_code for _ in range(2)] == [201, 429]
    refused = alan.give(sponsor, own)
    assert (refused.json()["code"], int(refused["Retry-After"]) >= 1) == ("rate_limited", True)
    people = Door(ada)
    emails = ["a@example.test", "b@example.test", "c@example.test"]
    assert [people.give(sponsor, lead(email=email)).status_code for email in emails] == [201, 201, 429]
    assert Lead.objects.count() == 3


def test_giving_costs_a_fixed_number_of_statements(sponsor: Sponsor, ada: User) -> None:
    """As many with a thousand leads as with none, by either kind of giver. REQ RT-05."""
    own = {"source": "FORM", "consent": True}
    costs = []
    for number in (0, 1000):
        Lead.objects.bulk_create(
            Lead(
                sponsor=sponsor, name="L", email=f"l{one}@x.test", email_key=str(one), source="FORM",
                consent_at=sponsor.created_at, created_at=sponsor.created_at,
            )
            for one in range(number)
        )  # fmt: skip
        people, alan = Door(ada), Door(make_user(name="Alan"))
        with CaptureQueriesContext(connection) as by_people:
            assert people.give(sponsor, lead(email=f"new{number}@example.test")).status_code == 201
        with CaptureQueriesContext(connection) as by_attendee:
            assert alan.give(sponsor, own).status_code == 201
        costs.append((len(by_people), len(by_attendee)))
    assert costs[0] == costs[1]
    # The caller, sponsor, account, lead inside its savepoints, announcement; an attendee's role and event besides.
    assert costs[0][0] <= 10
    assert costs[0][1] <= 12


def test_an_attendee_takes_nothing_away_that_others_wrote(sponsor: Sponsor) -> None:
    """What the sponsor's people noted stays when the person gives themselves again; what is missing is added.
    REQ RT-05."""
    alan = make_user("alan@example.test", name="Alan")
    kept = make_lead(sponsor, alan.email, note="Wants a demo")
    answer = Door(alan).give(sponsor, {"source": "FORM", "consent": True, "note": "", "company": "Bletchley"})
    assert answer.status_code == 200
    kept.refresh_from_db()
    assert (kept.note, kept.company) == ("Wants a demo", "Bletchley")
