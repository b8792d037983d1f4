"""The two doors to the waitlist, so that one table of cases is asked at both."""

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer

_PLACE = (
    "id sessionId status quantity position total priorityTier estimatedWaitMinutes joinedAt "
    "offer { joinToken expiresAt }"
)
_ENTRY = "id user { id name email } status quantity priorityTier position endReason"
_STANDING = (
    "maximumCapacity currentAttendance freeSeats capacity attending held free waiting offered offersPaused groupRule "
    "whyNot { code message }"
)
_ROWS = "id ok code message"


@dataclass(frozen=True)
class Outcome:
    """What came of it: the answer with REST's names, or a code with the fields that are wrong."""

    data: Any
    code: str = ""
    fields: tuple[str, ...] = ()


class RestDoor:
    """The waitlist by REST."""

    def __init__(self, user: User | None, **headers: str) -> None:
        self.client = Client(headers={**(bearer(user) if user else {}), **headers})

    def join(self, session: object, **body: Any) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist", body)

    def place(self, session: object) -> Outcome:
        return self._send("get", f"sessions/{session}/waitlist")

    def leave(self, session: object) -> Outcome:
        return self._send("delete", f"sessions/{session}/waitlist")

    def accept(self, session: object, token: str) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist/accept", {"join_token": token})

    def decline(self, session: object, token: str) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist/decline", {"join_token": token})

    def entries(self, session: object, **query: str) -> Outcome:
        found = self._send("get", f"sessions/{session}/waitlist/entries", query)
        return Outcome((found.data or {}).get("results"), found.code, found.fields)

    def standing(self, session: object) -> Outcome:
        return self._send("get", f"sessions/{session}/waitlist/standing")

    def offer(self, session: object, user_id: object) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist/offers", {"user_id": str(user_id)})

    def bulk_offer(self, session: object, count: Any) -> Outcome:
        sent = self._send("post", f"sessions/{session}/waitlist/bulk-offers", {"count": count})
        return Outcome((sent.data or {}).get("results"), sent.code, sent.fields)

    def remove(self, session: object, entry_id: object, reason: str = "x") -> Outcome:
        return self._send("delete", f"sessions/{session}/waitlist/entries/{entry_id}", {"reason": reason})

    def bulk_remove(self, session: object, entry_ids: list[Any], reason: str = "x") -> Outcome:
        body = {"entry_ids": [str(one) for one in entry_ids], "reason": reason}
        sent = self._send("post", f"sessions/{session}/waitlist/bulk-remove", body)
        return Outcome((sent.data or {}).get("results"), sent.code, sent.fields)

    def move(self, session: object, entry_id: object, position: int, reason: str = "x") -> Outcome:
        body = {"position": position, "reason": reason}
        return self._send("post", f"sessions/{session}/waitlist/entries/{entry_id}/move", body)

    def pause(self, session: object) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist/pause", {})

    def resume(self, session: object) -> Outcome:
        return self._send("post", f"sessions/{session}/waitlist/resume", {})

    def capacity(self, session: object, seats: int | None) -> Outcome:
        return self._send("put", f"sessions/{session}/capacity", {"maximum_capacity": seats})

    def analytics(self, event: object) -> Outcome:
        return self._send("get", f"events/{event}/waitlist/analytics")

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Outcome:
        call = getattr(self.client, method)
        if method == "get":
            answer = call(f"/api/v1/{path}", body)
        else:
            answer = call(f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json")
        if answer.status_code == 204:
            return Outcome(True)
        document = answer.json()
        if answer.status_code < 300:
            return Outcome(document)
        return Outcome(None, document["code"], tuple(sorted(one["field"] for one in document["errors"])))


class GraphQLDoor:
    """The waitlist by GraphQL."""

    def __init__(self, user: User | None, **headers: str) -> None:
        self.client = Client(headers={**(bearer(user) if user else {}), **headers})

    def join(self, session: object, **body: Any) -> Outcome:
        return self._change("joinWaitlist", _PLACE, sessionId=("ID!", str(session)), **_typed("Int", body))

    def place(self, session: object) -> Outcome:
        return self._ask("query", "waitlistPosition", _PLACE, sessionId=("ID!", str(session)))

    def leave(self, session: object) -> Outcome:
        return self._change("leaveWaitlist", "", sessionId=("ID!", str(session)))

    def accept(self, session: object, token: str) -> Outcome:
        given = {"sessionId": ("ID!", str(session)), "joinToken": ("String!", token)}
        return self._change("acceptWaitlistOffer", "status attendanceId", **given)

    def decline(self, session: object, token: str) -> Outcome:
        given = {"sessionId": ("ID!", str(session)), "joinToken": ("String!", token)}
        return self._change("declineWaitlistOffer", "", **given)

    def entries(self, session: object, **query: str) -> Outcome:
        kinds = {"status": "WaitlistStatusEnum", "tier": "PriorityTierEnum", "search": "String"}
        given = {name: (kinds[name], value) for name, value in query.items()}
        fields = f"entries {{ {_ENTRY} }}"
        found = self._ask("query", "sessionWaitlist", fields, sessionId=("ID!", str(session)), **given)
        return Outcome((found.data or {}).get("entries"), found.code, found.fields)

    def standing(self, session: object) -> Outcome:
        fields = f"standing {{ {_STANDING} }}"
        found = self._ask("query", "sessionWaitlist", fields, sessionId=("ID!", str(session)))
        return Outcome((found.data or {}).get("standing"), found.code, found.fields)

    def offer(self, session: object, user_id: object) -> Outcome:
        given = {"sessionId": ("ID!", str(session)), "userId": ("ID!", str(user_id))}
        return self._change("sendWaitlistOffer", _ENTRY, **given)

    def bulk_offer(self, session: object, count: Any) -> Outcome:
        given = {"sessionId": ("ID!", str(session)), "count": ("Int!", count)}
        return self._change("bulkSendWaitlistOffers", _ROWS, **given)

    def remove(self, session: object, entry_id: object, reason: str = "x") -> Outcome:
        return self._change("removeWaitlistEntry", "", **self._entry(session, entry_id, reason))

    def bulk_remove(self, session: object, entry_ids: list[Any], reason: str = "x") -> Outcome:
        given = {
            "sessionId": ("ID!", str(session)),
            "entryIds": ("[ID!]!", [str(one) for one in entry_ids]),
            "reason": ("String!", reason),
        }
        return self._change("bulkRemoveWaitlistEntries", _ROWS, **given)

    def move(self, session: object, entry_id: object, position: int, reason: str = "x") -> Outcome:
        given = {**self._entry(session, entry_id, reason), "position": ("Int!", position)}
        return self._change("moveWaitlistEntry", _ENTRY, **given)

    def pause(self, session: object) -> Outcome:
        return self._change("pauseWaitlist", _STANDING, sessionId=("ID!", str(session)))

    def resume(self, session: object) -> Outcome:
        return self._change("resumeWaitlist", _STANDING, sessionId=("ID!", str(session)))

    def capacity(self, session: object, seats: int | None) -> Outcome:
        given = {"sessionId": ("ID!", str(session)), "maximumCapacity": ("Int", seats)}
        return self._change("updateSessionCapacity", _STANDING, **given)

    def analytics(self, event: object) -> Outcome:
        figures = "joins offersIssued accepted acceptanceRate expiryRate averageWaitMinutes"
        fields = (
            f"eventId total {{ {figures} }} bySession {{ sessionId title figures {{ {figures} }} }} "
            f"byTier {{ tier figures {{ {figures} }} }}"
        )
        return self._ask("query", "waitlistAnalytics", fields, eventId=("ID!", str(event)))

    def _entry(self, session: object, entry_id: object, reason: str) -> dict[str, tuple[str, Any]]:
        return {
            "sessionId": ("ID!", str(session)),
            "entryId": ("ID!", str(entry_id)),
            "reason": ("String!", reason),
        }

    def _change(self, name: str, fields: str, **given: tuple[str, Any]) -> Outcome:
        return self._ask("mutation", name, fields, **given)

    def _ask(self, kind: str, name: str, fields: str, **given: tuple[str, Any]) -> Outcome:
        types = ", ".join(f"${one}: {type_}" for one, (type_, _) in given.items())
        passed = ", ".join(f"{one}: ${one}" for one in given)
        shape = f" {{ {fields} }}" if fields else ""
        body = {
            "query": f"{kind}({types}) {{ {name}({passed}){shape} }}",
            "variables": {one: value for one, (_, value) in given.items()},
        }
        answer = self.client.post("/graphql", body, content_type="application/json").json()
        if "errors" in answer:
            extensions = answer["errors"][0]["extensions"]
            fields_wrong = tuple(sorted(_snake(one["field"]) for one in extensions.get("errors", [])))
            return Outcome(None, extensions["code"], fields_wrong)
        return Outcome(snake_keys(answer["data"][name]))


def _typed(kind: str, body: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    return {name: (kind, value) for name, value in body.items()}


def snake_keys(value: Any) -> Any:
    """Return the answer with names as REST has them."""
    if isinstance(value, dict):
        return {_snake(name): snake_keys(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [snake_keys(one) for one in value]
    return value


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
