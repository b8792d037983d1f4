"""Sponsors and leads for tests: ``make_sponsor(people=[ada])``, and the doors they are reached by."""

import itertools
from collections.abc import Sequence
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tests.factories import NOW, bearer
from ads.models import Lead, Sponsor, SponsorMember
from events.models import Event
from events.tests.factories import make_event
from notifications.addresses import recipient_key

_numbers = itertools.count(1)


def make_sponsor(*, event: Event | None = None, people: Sequence[User] = (), **fields: Any) -> Sponsor:
    """Create an active sponsor of a public event, with its people."""
    given = {"name": f"Sponsor {next(_numbers)}", "created_at": NOW}
    sponsor = Sponsor.objects.create(event=event or make_event(), **{**given, **fields})
    for user in people:
        SponsorMember.objects.create(sponsor=sponsor, user=user, created_at=NOW)
    return sponsor


def make_lead(sponsor: Sponsor, email: str | None = None, **fields: Any) -> Lead:
    """Create a lead of the sponsor, met at its booth."""
    email = email or f"lead{next(_numbers)}@example.test"
    given = {"name": "Grace", "source": "BOOTH_SCAN", "consent_at": NOW, "created_at": NOW}
    return Lead.objects.create(
        sponsor=sponsor, email=email, email_key=recipient_key(email), **{**given, **fields}
    )


def lead(**fields: Any) -> dict[str, Any]:
    """Return a body that is right, with what the test is about."""
    return {
        "name": "Grace", "email": "grace@example.test", "source": "BOOTH_SCAN", "consent": True, **fields
    }  # fmt: skip


class Door:
    """REST and GraphQL as one person uses them, or nobody."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def give(self, sponsor: Sponsor, body: dict[str, Any]) -> Any:
        """Give a lead by REST."""
        address = f"/api/v1/sponsors/{sponsor.pk}/leads"
        return self.client.post(address, body, content_type="application/json")

    def get(self, path: str, **query: Any) -> Any:
        """Read something."""
        return self.client.get(f"/api/v1/{path}", query)

    def ask(self, query: str, **variables: Any) -> Any:
        """Send one operation to GraphQL."""
        body = {"query": query, "variables": variables}
        return self.client.post("/graphql", body, content_type="application/json").json()

    def submit(self, sponsor: Sponsor, body: dict[str, Any]) -> Any:
        """Give a lead by GraphQL."""
        query = (
            "mutation($input: SubmitLeadInput!) { submitLead(input: $input) { isNew lead { id sponsorId name email "
            "company source note consent consentAt createdAt } } }"
        )
        return self.ask(query, input={"sponsorId": str(sponsor.pk), **body})


def refusal_of(
    door: Door, name: str, sponsor: Sponsor, body: dict[str, Any]
) -> tuple[str, set[tuple[str, str]]]:
    """Return the code and the wrong fields that REST or GraphQL answers a lead with; an empty code when it is kept."""
    if name == "REST":
        answer = door.give(sponsor, body)
        problem = answer.json() if answer.status_code >= 400 else {}
    else:
        errors = door.submit(sponsor, body).get("errors")
        problem = errors[0]["extensions"] if errors else {}
    return problem.get("code", ""), {(one["field"], one["code"]) for one in problem.get("errors", [])}
