"""The two doors to ads, so that one table of cases is asked at both."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer
from offers.tests.doors import camel, snake, snake_keys

FIELDS = (
    "id eventId name contentType mediaUrl clickUrl displayDuration aspectRatio placements targetSessions weight "
    "frequencyCap startsAt endsAt isActive isArchived status priceModel price currency budgetTotal budgetDaily pacing "
    "spent { amount currency } createdAt updatedAt"
)
_SECONDS = {"display_duration_seconds": "display_duration"}
_SECONDS_BACK = {theirs: ours for ours, theirs in _SECONDS.items()}


@dataclass
class Outcome:
    """What came of it: the answer with REST's names, or a code with its wrong fields."""

    data: Any = None
    code: str = ""
    errors: set[tuple[str, str]] = field(default_factory=set)


class RestAds:
    """Ads by REST."""

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def create(self, body: dict[str, Any]) -> Outcome:
        """Create an ad."""
        return self.send("post", "ads", body)

    def update(self, ad_id: object, body: dict[str, Any]) -> Outcome:
        """Change an ad."""
        return self.send("patch", f"ads/{ad_id}", body)

    def delete(self, ad_id: object) -> Outcome:
        """Archive an ad."""
        return self.send("delete", f"ads/{ad_id}")

    def get(self, ad_id: object) -> Outcome:
        """Read an ad."""
        return self.send("get", f"ads/{ad_id}")

    def all_of(self, event_id: object, **asked: Any) -> Outcome:
        """List an event's ads."""
        found = self.send("get", f"events/{event_id}/ads", asked)
        return Outcome(found.data and found.data["results"], found.code, found.errors)

    def send(self, method: str, path: str, body: Any = None) -> Outcome:
        """Send anything."""
        kind = {} if method == "get" else {"content_type": "application/json"}
        response = getattr(self.client, method)(f"/api/v1/{path}", body or {}, **kind)
        if response.status_code == 204:
            return Outcome()
        answer = response.json()
        if response.status_code < 300:
            return Outcome(answer)
        return Outcome(None, answer["code"], {(one["field"], one["code"]) for one in answer["errors"]})


class GraphQLAds:
    """Ads by GraphQL."""

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def create(self, body: dict[str, Any]) -> Outcome:
        """Create an ad."""
        return self._changed("createAd", "CreateAdInput", body)

    def update(self, ad_id: object, body: dict[str, Any]) -> Outcome:
        """Change an ad."""
        return self._changed("updateAd", "UpdateAdInput", {"id": str(ad_id), **body})

    def delete(self, ad_id: object) -> Outcome:
        """Archive an ad."""
        found = self.ask("mutation($id: ID!) { answer: deleteAd(id: $id) }", {"id": str(ad_id)})
        return Outcome(None, found.code, found.errors)

    def get(self, ad_id: object) -> Outcome:
        """Read an ad."""
        return self.ask(f"query($id: ID!) {{ answer: ad(id: $id) {{ {FIELDS} }} }}", {"id": str(ad_id)})

    def all_of(self, event_id: object, **asked: Any) -> Outcome:
        """List an event's ads."""
        kinds = {
            "status": "AdStatusEnum", "placement": "AdPlacementEnum", "search": "String", "limit": "Int",
            "offset": "Int",
        }  # fmt: skip
        named = "".join(f", ${name}: {kinds[name]}" for name in asked)
        given = "".join(f", {name}: ${name}" for name in asked)
        query = f"query($event: ID!{named}) {{ answer: eventAds(eventId: $event{given}) {{ {FIELDS} }} }}"
        return self.ask(query, {"event": str(event_id), **asked})

    def ask(self, query: str, variables: dict[str, Any]) -> Outcome:
        """Send an operation whose one answer is called ``answer``."""
        body = {"query": query, "variables": variables}
        answer = self.client.post("/graphql", body, content_type="application/json").json()
        if "errors" in answer:
            told = answer["errors"][0]["extensions"]
            errors = {(_ours(snake(one["field"])), one["code"]) for one in told["errors"]}
            return Outcome(None, told["code"], errors)
        found = answer["data"]["answer"]
        return Outcome([_row(one) for one in found] if isinstance(found, list) else _row(found))

    def _changed(self, name: str, kind: str, body: dict[str, Any]) -> Outcome:
        theirs = camel({_SECONDS.get(name, name): value for name, value in body.items()})
        query = f"mutation($input: {kind}!) {{ answer: {name}(input: $input) {{ {FIELDS} }} }}"
        return self.ask(query, {"input": theirs})


Ads = RestAds | GraphQLAds


def _ours(name: str) -> str:
    return _SECONDS_BACK.get(name, name)


def _row(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {_ours(name): value for name, value in snake_keys(found).items()}
