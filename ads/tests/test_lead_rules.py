"""What a lead must be, the same at every door, and refused by the database too. REQ RT-05."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.tests.factories import make_user
from ads.models import Lead, Sponsor
from ads.tests.factories import Door, lead, make_lead, make_sponsor, refusal_of
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


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (lead(consent=False), {("consent", "consent_required")}),
        (lead(source="FORM", consent=False), {("consent", "consent_required")}),
        (lead(name=""), {("name", "required")}),
        (lead(name="  "), {("name", "required")}),
        (lead(name="\u202e\u200b"), {("name", "required")}),
        (lead(name="x" * 201), {("name", "too_long")}),
        ({"email": "grace@example.test", "source": "FORM", "consent": True}, {("name", "required")}),
        ({"name": "Grace", "source": "FORM", "consent": True}, {("email", "required")}),
        (lead(email=""), {("email", "required")}),
        (lead(email="grace"), {("email", "invalid")}),
        (lead(email="grace@"), {("email", "invalid")}),
        (lead(email="a b@example.test"), {("email", "invalid")}),
        (lead(email="grace@example.test\nBcc: x@example.test"), {("email", "invalid")}),
        (lead(email=f"{'x' * 250}@example.test"), {("email", "invalid")}),
        (lead(company="x" * 201), {("company", "too_long")}),
        (lead(note="x" * 2001), {("note", "too_long")}),
        (
            lead(name="", email="no", note="x" * 2001, consent=False),
            {("name", "required"), ("email", "invalid"), ("note", "too_long"), ("consent", "consent_required")},
        ),
    ],
)  # fmt: skip
def test_what_a_lead_must_be(
    sponsor: Sponsor, ada: User, door: str, body: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    """Each wrong field is named, all at once, at both doors alike; nothing is kept. REQ RT-05."""
    code, wrong = refusal_of(Door(ada), door, sponsor, body)
    assert code == "invalid"
    assert wrong == errors
    assert nothing_kept()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (lead(source="CARRIER_PIGEON"), {("source", "invalid_choice")}),
        ({"name": "Grace", "email": "g@example.test", "consent": True}, {("source", "required")}),
        ({"name": "Grace", "email": "g@example.test", "source": "FORM"}, {("consent", "required")}),
        (lead(consent="yes"), {("consent", "wrong_type")}),
        (lead(note="a\0b"), {("note", "unreadable_text")}),
        (lead(score=5), {("score", "unknown_field")}),
        (lead(created_by="me"), {("created_by", "unknown_field")}),
        (
            lead(name="", email=5, note="x" * 2001, consent="yes", source="OWL", score=5),
            {
                ("name", "required"), ("email", "wrong_type"), ("note", "too_long"), ("consent", "wrong_type"),
                ("source", "invalid_choice"), ("score", "unknown_field"),
            },
        ),
    ],
)  # fmt: skip
def test_the_shape_of_the_body(
    sponsor: Sponsor, ada: User, body: dict[str, Any], errors: set[tuple[str, str]]
) -> None:
    """What GraphQL refuses as a document REST refuses by the field. REQ RT-05."""
    assert refusal_of(Door(ada), "REST", sponsor, body) == ("invalid", errors)
    assert nothing_kept()


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_the_longest_that_fits(sponsor: Sponsor, ada: User, door: str) -> None:
    """The limits themselves are inside, counted without the blanks around. REQ RT-05."""
    body = lead(name=f" {'n' * 200} ", company="c" * 200, note="n" * 2000)
    assert refusal_of(Door(ada), door, sponsor, body) == ("", set())
    kept = Lead.objects.get()
    assert (len(kept.name), len(kept.company), len(kept.note)) == (200, 200, 2000)


@pytest.mark.parametrize("door", ["REST", "GraphQL"])
def test_names_are_kept_as_one_plain_line(sponsor: Sponsor, ada: User, door: str) -> None:
    """A person's and a company's: no breaks, nothing that turns a line around; a note keeps its lines. REQ RT-05."""
    body = lead(name="Grace\r\nBcc: z@z.z", company="\u202eKiln\t& Co", note="Call\nin May")
    assert refusal_of(Door(ada), door, sponsor, body) == ("", set())
    kept = Lead.objects.get()
    assert (kept.name, kept.company, kept.note) == ("Grace Bcc: z@z.z", "Kiln & Co", "Call\nin May")


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"consent": False}, "lead_has_consent"),
        ({"name": ""}, "lead_is_somebody"),
        ({"source": "PIGEON"}, "lead_source_known"),
        ({"email": "taken@example.test"}, "lead_once_per_sponsor"),
    ],
)
def test_the_database_refuses_it_by_itself(sponsor: Sponsor, fields: dict[str, Any], constraint: str) -> None:
    """Whatever the code does, no lead is without consent, without a name, or there twice. REQ RT-05."""
    make_lead(sponsor, "taken@example.test")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_lead(sponsor, **fields)
    assert Lead.objects.count() == 1
