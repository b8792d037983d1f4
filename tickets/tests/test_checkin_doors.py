"""Codes and scans at the public doors: REST and GraphQL answer alike."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import NOW, bearer, make_member, make_user
from common import clock, redis
from common.audit.models import AuditEntry
from config.local_stack.valkey import EmbeddedValkey
from tickets.models import CodeKind, Ticket, TicketScan
from tickets.services import codes
from tickets.tests.factories import code_of, make_policy, make_scanner, make_ticket, make_tier, scan

pytestmark = pytest.mark.django_db
ANSWER = "result reason message firstScannedAt firstGate isLate ticket { id number holderName tier { name } }"


class Rest:
    """The doors by REST."""

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def scan(self, ticket: Ticket, code: str, **more: Any) -> dict[str, Any]:
        return self._post("checkin/scan", {"event_id": str(ticket.event_id), "code": code, **more})

    def wrong_scan(self, ticket: Ticket, scanned_at: str) -> list[tuple[str, str]]:
        body = {"event_id": str(ticket.event_id), "code": "x", "scanned_at": scanned_at}
        told = self.client.post("/api/v1/checkin/scan", body, content_type="application/json").json()
        return [(error["field"], error["code"]) for error in told["errors"]]

    def reissue(self, ticket: Ticket) -> dict[str, Any]:
        return self._post(f"tickets/{ticket.pk}/reissue", {})

    def void(self, ticket: Ticket, reason: str) -> dict[str, Any]:
        return self._post(f"tickets/{ticket.pk}/void", {"reason": reason})

    def qr(self, ticket: Ticket, kind: str = "LIVE") -> dict[str, Any]:
        return self._told(self.client.get(f"/api/v1/tickets/{ticket.pk}/qr", {"kind": kind}))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._told(self.client.post(f"/api/v1/{path}", body, content_type="application/json"))

    def _told(self, response: Any) -> dict[str, Any]:
        return response.json() if response.status_code == 200 else {"code": response.json()["code"]}


class GraphQL:
    """The doors by GraphQL, answers in REST's names."""

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers=bearer(user) if user else {})

    def scan(self, ticket: Ticket, code: str, **more: Any) -> dict[str, Any]:
        query = (
            "mutation($e: ID!, $c: String!, $g: String! = \"\", $n: String! = \"\")"
            f"{{ scanTicket(eventId: $e, code: $c, gate: $g, nonce: $n) {{ {ANSWER} }} }}"
        )  # fmt: skip
        names = {"gate": "g", "nonce": "n"}
        given = {names[name]: value for name, value in more.items()}
        return self._ask(query, {"e": str(ticket.event_id), "c": code, **given}, "scanTicket")

    def wrong_scan(self, ticket: Ticket, scanned_at: str) -> list[tuple[str, str]]:
        query = (
            "mutation($e: ID!, $at: DateTime)"
            '{ scanTicket(eventId: $e, code: "x", scannedAt: $at) { result } }'
        )  # fmt: skip
        body = {"query": query, "variables": {"e": str(ticket.event_id), "at": scanned_at}}
        told = self.client.post("/graphql", body, content_type="application/json").json()
        return [(error["field"], error["code"]) for error in told["errors"][0]["extensions"]["errors"]]

    def reissue(self, ticket: Ticket) -> dict[str, Any]:
        query = "mutation($id: ID!) { reissueTicket(id: $id) { id number status generation } }"
        return self._ask(query, {"id": str(ticket.pk)}, "reissueTicket")

    def void(self, ticket: Ticket, reason: str) -> dict[str, Any]:
        query = "mutation($id: ID!, $r: String!) { voidTicket(id: $id, reason: $r) { id number status generation } }"
        return self._ask(query, {"id": str(ticket.pk), "r": reason}, "voidTicket")

    def qr(self, ticket: Ticket, kind: str = "LIVE") -> dict[str, Any]:
        query = (
            "query($id: ID!, $k: TicketCodeKind!) { ticketQr(ticketId: $id, kind: $k)"
            "{ ticketId number kind code manualCode svg issuedAt expiresAt } }"
        )
        return self._ask(query, {"id": str(ticket.pk), "k": kind}, "ticketQr")

    def _ask(self, query: str, variables: dict[str, Any], name: str) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = self.client.post("/graphql", body, content_type="application/json").json()
        if "errors" in answer:
            return {"code": answer["errors"][0]["extensions"]["code"]}
        return _snake(answer["data"][name])


def _snake(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in name): _snake(inner)
        for name, inner in value.items()
    }


both = pytest.mark.parametrize("door", [Rest, GraphQL])


@both
def test_a_holder_shows_a_code_that_opens_the_door_once(door: type[Rest | GraphQL]) -> None:
    """From the code to the answer at the gate, at each door alike. REQ TK-01, TK-02."""
    ticket = make_ticket(tier=make_tier(name="Balcony"))
    shown = door(ticket.holder).qr(ticket)
    assert (shown["kind"], len(shown["manual_code"]), shown["svg"][:4]) == ("LIVE", 9, "<svg")
    gate = door(make_scanner(ticket.event))
    first = gate.scan(ticket, shown["code"], gate="North", nonce="1")
    assert (first["result"], first["first_gate"], first["message"]) == ("accepted", "North", "Welcome.")
    assert first["ticket"]["number"] == ticket.number
    assert (first["ticket"]["holder_name"], first["ticket"]["tier"]["name"]) == (
        ticket.holder.name,
        "Balcony",
    )
    again = gate.scan(ticket, shown["manual_code"].lower(), gate="South", nonce="2")
    assert (again["result"], again["first_gate"]) == ("duplicate", "North")
    assert again["first_scanned_at"] == first["first_scanned_at"]
    assert gate.scan(ticket, shown["code"], gate="North", nonce="1") == first


@both
def test_who_may_not_is_refused_and_nothing_happens(door: type[Rest | GraphQL]) -> None:
    """Codes are the holder's and staff's, scans the scanners', re-issuing the staff's. REQ EV-03, TK-03."""
    ticket = make_ticket()
    code, rival, scanner = code_of(ticket, now=clock.now()), make_member("owner"), make_scanner(ticket.event)
    for user, expected in ((None, "unauthenticated"), (rival, "not_found"), (make_user(), "not_found")):
        at = door(user)
        told = {at.scan(ticket, code)["code"], at.qr(ticket)["code"], at.reissue(ticket)["code"]}
        assert told | {at.void(ticket, "Why not")["code"]} == {expected}
    at = door(scanner)
    assert {at.qr(ticket)["code"], at.reissue(ticket)["code"], at.void(ticket, "No")["code"]} == {"forbidden"}
    assert door(make_scanner(ticket.event, "analyst")).scan(ticket, code) == {"code": "forbidden"}
    assert not TicketScan.objects.exists()
    ticket.refresh_from_db()
    assert (ticket.generation, ticket.status) == (1, "VALID")


@both
def test_staff_reissue_and_void(door: type[Rest | GraphQL]) -> None:
    """The old code is dead, the holder's next one lives; a void ticket shows none. Audited. REQ TK-03."""
    ticket = make_ticket()
    staff, holder = door(make_scanner(ticket.event, "staff")), door(ticket.holder)
    old = holder.qr(ticket)["code"]
    assert staff.reissue(ticket)["generation"] == 2
    assert staff.scan(ticket, old)["result"] == "void"
    assert staff.scan(ticket, holder.qr(ticket)["code"])["result"] == "accepted"
    assert staff.void(ticket, " ")["code"] == "invalid"
    assert staff.void(ticket, "Refunded by hand")["status"] == "VOID"
    refused = {staff.void(ticket, "Again")["code"], staff.reissue(ticket)["code"], holder.qr(ticket)["code"]}
    assert refused == {"ticket_void"}
    acts = AuditEntry.objects.filter(subject_id=str(ticket.pk)).order_by("at")
    assert list(acts.values_list("action", "reason")) == [
        ("tickets.reissue", ""),
        ("tickets.void", "Refunded by hand"),
    ]


@pytest.mark.parametrize(
    ("accept", "kind", "starts"),
    [
        ("image/png", "image/png", b"\x89PNG"),
        ("image/svg+xml", "image/svg+xml", b"<svg"),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "image/png", b"\x89PNG"),
        ("application/json", "application/json", b"{"),
        ("*/*", "application/json", b"{"),
    ],
)
def test_the_code_comes_as_it_is_accepted(client: Client, accept: str, kind: str, starts: bytes) -> None:
    """PNG, SVG or JSON by ``Accept``; never kept by a cache. REQ TK-01."""
    ticket = make_ticket()
    headers = {**bearer(ticket.holder), "Accept": accept}
    answer = client.get(f"/api/v1/tickets/{ticket.pk}/qr", headers=headers)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, kind, "no-store")
    assert answer.content.startswith(starts)


@both
def test_printed_codes_by_policy(door: type[Rest | GraphQL]) -> None:
    """Refused unless the event takes paper; then good until it ends. REQ TK-02."""
    ticket = make_ticket()
    holder = door(ticket.holder)
    assert holder.qr(ticket, "PRINTED") == {"code": "printed_codes_off"}
    make_policy(ticket.event, accepts_printed=True)
    shown = holder.qr(ticket, "PRINTED")
    assert codes.read(shown["code"]).kind == CodeKind.PRINTED
    assert shown["expires_at"].startswith(ticket.event.ends_at.isoformat()[:19])


def test_the_door_tells_its_policy_and_how_many_came(client: Client) -> None:
    """For scanners of the organization alone. REQ TK-03."""
    tier = make_tier()
    tickets = [make_ticket(tier=tier) for _ in range(3)]
    scanner = make_scanner(tier.event)
    scan(scanner, tier.event, code_of(tickets[0]))
    address = f"/api/v1/events/{tier.event_id}/checkin"
    assert client.get(address, headers=bearer(scanner)).json() == {
        "event_id": str(tier.event_id), "accepts_printed": False, "allows_reentry": False,
        "tickets": 3, "admitted": 1, "inside": 1,
    }  # fmt: skip
    assert client.get(address).status_code == 401
    assert client.get(address, headers=bearer(make_member("owner"))).status_code == 404


def test_the_doors_figures_are_counted_once_in_five_seconds(client: Client, valkey: EmbeddedValkey) -> None:
    """However many doors ask; after that, and without Redis, they are counted anew. REQ TK-03."""
    ticket = make_ticket()
    scanner, address = make_scanner(ticket.event), f"/api/v1/events/{ticket.event_id}/checkin"

    def admitted() -> int:
        found: int = client.get(address, headers=bearer(scanner)).json()["admitted"]
        return found

    assert admitted() == 0
    scan(scanner, ticket.event, code_of(ticket))
    assert admitted() == 0
    key = f"marquee:door:{ticket.event_id}"
    assert 0 < int(redis.client().pttl(key)) <= 5000
    redis.client().delete(key)
    assert admitted() == 1
    valkey.stop()
    Ticket.objects.update(first_scanned_at=None)
    assert admitted() == 0


@both
@pytest.mark.parametrize(
    ("at", "code"), [("2096-11-21T12:00:00", "naive_time"), ("1996-11-21T12:00:00Z", "out_of_range")]
)
def test_a_scan_has_a_time_with_its_offset(door: type[Rest | GraphQL], at: str, code: str) -> None:
    """A time of nowhere, or of long ago, is that field's error at each door, and nothing is kept. REQ TK-02."""
    ticket = make_ticket()
    [(field, told)] = door(make_scanner(ticket.event)).wrong_scan(ticket, at)
    assert (field.replace("edA", "ed_a"), told) == ("scanned_at", code)
    assert not TicketScan.objects.exists()


def test_what_a_scan_may_not_say(client: Client) -> None:
    """Wrong fields are named, and nothing is kept. REQ TK-02."""
    ticket = make_ticket()
    body = {
        "event_id": str(ticket.event_id), "code": " ", "gate": "g" * 51, "nonce": "n" * 65,
        "scanned_at": (NOW - timedelta(days=40_000)).isoformat(),
    }  # fmt: skip
    headers = bearer(make_scanner(ticket.event))
    url = "/api/v1/checkin/scan"
    for more in ({}, {"code": "x"}, {"colour": "red"}):
        answer = client.post(url, {**body, **more}, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    told = client.post(url, {**body, "code": "x"}, content_type="application/json", headers=headers).json()
    assert [error["field"] for error in told["errors"]] == ["gate", "nonce", "scanned_at"]
    assert not TicketScan.objects.exists()
