"""Who may keep what the API answers (REQ OP-05); every door of REST is asked in ``test_rest_strangers``."""

from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import PASSWORD, bearer, make_user
from events.tests.factories import make_event
from offers.tests.factories import make_offer

pytestmark = pytest.mark.django_db


def _kept(answer: Any) -> tuple[str | None, bool]:
    """Return an answer's rule, and whether it is told apart by the sign-in."""
    return answer.get("Cache-Control"), "authorization" in answer.get("Vary", "").lower()


def test_signing_in_and_graphql_leave_nothing_behind() -> None:
    """A pair of tokens, a new one, and what GraphQL answers. REQ OP-05."""
    user, client = make_user("ida@example.test", password=PASSWORD), Client()

    def told(path: str, body: dict[str, str]) -> Any:
        answer = client.post(path, body, content_type="application/json", headers=bearer(user))
        assert (answer.status_code, _kept(answer)[0]) == (200, "no-store")
        return answer.json()

    pair = told("/api/v1/auth/token", {"email": user.email, "password": PASSWORD})
    told("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
    told("/graphql", {"query": "{ me { id } }"})


def test_what_is_public_may_be_kept_for_those_without_a_sign_in() -> None:
    """Public answers to nobody have no rule, as before, and are told apart from those to somebody, which may be
    others; the API's description and the site's pages are the same for all. REQ OP-05."""
    event = make_event()
    offer = make_offer(event=event)
    client, user = Client(), bearer(make_user())
    for path in ("events", f"events/{event.pk}", f"events/{event.pk}/offers", f"offers/{offer.pk}"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, *_kept(answer)) == (200, None, True), path
        assert _kept(client.head(f"/api/v1/{path}")) == (None, True)
        assert _kept(client.get(f"/api/v1/{path}", headers=user))[0] == "no-store", path
    for path in ("/api/schema", "/api/docs", "/"):
        before, after = (_kept(client.get(path, headers=headers)) for headers in ({}, user))
        assert before == after
        assert "no-store" not in str(before)
