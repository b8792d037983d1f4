"""The two doors to the catalog, so that one table of cases is asked at both."""

from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer

FIELDS = (
    "id eventId title description price originalPrice currency offerType imageUrl placement targetSessions "
    "targetTicketTiers startsAt expiresAt isActive isArchived isAvailable stripePriceId "
    "inventory { total available sold reserved }"
)


class RestCatalog:
    """Creating and changing offers by REST."""

    name = "REST"

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def create(self, body: dict[str, Any]) -> "Outcome":
        """Create an offer."""
        return self._sent(self.client.post("/api/v1/offers", body, content_type="application/json"))

    def update(self, offer_id: object, body: dict[str, Any]) -> "Outcome":
        """Change an offer."""
        return self._sent(
            self.client.patch(f"/api/v1/offers/{offer_id}", body, content_type="application/json")
        )

    def delete(self, offer_id: object) -> "Outcome":
        """Archive an offer."""
        return self._sent(self.client.delete(f"/api/v1/offers/{offer_id}"))

    def _sent(self, response: Any) -> "Outcome":
        if response.status_code == 204:
            return Outcome({}, "", set())
        body = response.json()
        if response.status_code < 300:
            return Outcome(body, "", set())
        return Outcome({}, body["code"], {(error["field"], error["code"]) for error in body["errors"]})


class GraphQLCatalog:
    """Creating and changing offers by GraphQL."""

    name = "GraphQL"

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def create(self, body: dict[str, Any]) -> "Outcome":
        """Create an offer."""
        return self._asked("createOffer", "CreateOfferInput", body)

    def update(self, offer_id: object, body: dict[str, Any]) -> "Outcome":
        """Change an offer."""
        return self._asked("updateOffer", "UpdateOfferInput", {"id": str(offer_id), **body})

    def delete(self, offer_id: object) -> "Outcome":
        """Archive an offer."""
        query = "mutation($id: ID!) { deleteOffer(id: $id) }"
        return self._outcome(self.ask(query, {"id": str(offer_id)}), "deleteOffer")

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """Send one operation."""
        body = {"query": query, "variables": variables or {}}
        return self.client.post("/graphql", body, content_type="application/json").json()

    def _asked(self, name: str, kind: str, body: dict[str, Any]) -> "Outcome":
        query = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {FIELDS} }} }}"
        return self._outcome(self.ask(query, {"input": camel(body)}), name)

    def _outcome(self, answer: dict[str, Any], name: str) -> "Outcome":
        if "errors" in answer:
            extensions = answer["errors"][0]["extensions"]
            errors = {(snake(error["field"]), error["code"]) for error in extensions["errors"]}
            return Outcome({}, extensions["code"], errors)
        data = answer["data"][name]
        return Outcome(snake_keys(data) if isinstance(data, dict) else {}, "", set())


class Outcome:
    """What came of it: the offer in snake_case, or a code with its fields."""

    def __init__(self, offer: dict[str, Any], code: str, errors: set[tuple[str, str]]) -> None:
        self.offer, self.code, self.errors = offer, code, errors


def camel(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with names as GraphQL has them."""
    return {_camel(name): value for name, value in body.items()}


def snake_keys(value: Any) -> Any:
    """Return the answer with names as REST has them."""
    if isinstance(value, dict):
        return {snake(name): snake_keys(inner) for name, inner in value.items()}
    return value


def snake(name: str) -> str:
    """Return one name as REST has it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
