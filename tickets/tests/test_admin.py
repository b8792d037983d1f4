"""The staff's screens of tickets and doors: acts, audit, figures, and nobody else's rows. REQ TK-03, EV-04."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import NOW
from accounts.tests.screens import enter
from common.audit.models import AuditEntry
from tickets.models import CheckInPolicy, ScanAnomaly, Ticket, TicketScan
from tickets.selectors import scans_by_gate
from tickets.tests.factories import code_of, make_scanner, make_ticket, make_tier, scan

pytestmark = pytest.mark.django_db


def do(client: Client, screen: str, name: str, *rows: Any, **data: Any) -> Any:
    """Confirm an act on rows."""
    body = {"ids": [str(one.pk) for one in rows], "reason": "At the desk", "confirmed": "1", **data}
    return client.post(f"/admin/tickets/{screen}/act/{name}/", body, follow=True)


def test_staff_reissue_and_void_with_a_reason(client: Client) -> None:
    """Several at once, each with its own result; kept in the audit history with the reason. REQ TK-03."""
    tier = make_tier(units=9)
    first, second = make_ticket(tier=tier), make_ticket(tier=tier)
    enter(client, tier.event.organization)
    do(client, "ticket", "reissue", first, second, reason="")
    assert set(Ticket.objects.values_list("generation", flat=True)) == {1}
    do(client, "ticket", "reissue", first, second)
    do(client, "ticket", "void", second)
    first.refresh_from_db()
    second.refresh_from_db()
    tier.refresh_from_db()
    assert (first.generation, first.status, second.status, tier.sold) == (2, "VALID", "VOID", 1)
    acts = AuditEntry.objects.filter(subject_id=str(second.pk)).order_by("at")
    told = [("tickets.reissue", "At the desk"), ("tickets.void", "At the desk")]
    assert list(acts.values_list("action", "reason")) == told
    page = client.get(f"/admin/tickets/ticket/{second.pk}/change/").content.decode()
    assert "act/reissue" not in page
    assert f"/admin/tickets/ticketscan/?q={second.number}" in page
    assert "1 time" in page
    assert second.manual_code not in page


def test_what_staff_may_not(client: Client) -> None:
    """An analyst sees no holder and does nothing; another organization's tickets are not there. REQ EV-03, EV-04."""
    ticket, others = make_ticket(), make_ticket()
    scan(make_scanner(others.event), others.event, code_of(others), gate="Elsewhere")
    scan(make_scanner(ticket.event), ticket.event, "nonsense", gate="Here")
    enter(client, ticket.event.organization, "analyst")
    assert do(client, "ticket", "void", ticket).status_code == 403
    own = (("ticket", ticket.pk), ("ticketscan", TicketScan.objects.get(gate="Here").pk))
    for address in (
        "ticket/", "ticketscan/", "scananomaly/", *(f"{screen}/{pk}/change/" for screen, pk in own)
    ):  # fmt: skip
        refused = client.get(f"/admin/tickets/{address}")
        assert (refused.status_code, ticket.holder.email in refused.content.decode()) == (403, False)
    enter(client, ticket.event.organization)
    assert do(client, "ticket", "reissue", others).status_code == 404
    for screen in ("ticket", "ticketscan", "scananomaly", "checkinpolicy"):
        page = client.get(f"/admin/tickets/{screen}/")
        assert page.status_code == 200
        assert others.number not in page.content.decode()
        assert "Elsewhere" not in page.content.decode()
    assert set(Ticket.objects.values_list("status", "generation")) == {("VALID", 1)}


def test_scans_by_gate_and_hour_stand_above_every_scan(client: Client) -> None:
    """The chart's numbers are the rows', in words beside each bar; filtered by event. REQ TK-03."""
    ticket, more = make_ticket(), make_ticket()
    scanner = make_scanner(ticket.event)
    for gate in ("North", "South", "South"):
        scan(scanner, ticket.event, code_of(ticket), gate=gate)
    scan(scanner, ticket.event, "nonsense", gate="South")
    enter(client, ticket.event.organization)
    answer = client.get("/admin/tickets/ticketscan/")
    bars = [
        (bar.gate, bar.told.accepted, bar.told.duplicate, bar.told.refused) for bar in answer.context["bars"]
    ]
    assert bars == [("North", 1, 0, 0), ("South", 0, 2, 1)]
    assert [bar.accepted + bar.duplicate + bar.refused for bar in answer.context["bars"]] == [33.33, 100.0]
    page = answer.content.decode()
    for words in (
        "by gate and hour",
        "Invalid: not a code",
        "Duplicate: already used",
        f"/ticket/{ticket.pk}/change/",
    ):
        assert words in page
    chosen = client.get("/admin/tickets/ticketscan/", {"event__id__exact": str(ticket.event_id)})
    assert len(chosen.context["bars"]) == 2
    assert (
        client.get("/admin/tickets/ticketscan/", {"event__id__exact": str(more.event_id)}).status_code == 200
    )
    one = TicketScan.objects.get(reason="unreadable")
    page = client.get(f"/admin/tickets/ticketscan/{one.pk}/change/").content.decode()
    assert "This is not a ticket&#x27;s code." in page


def test_the_chart_keeps_the_latest_rows() -> None:
    """Of more gates and hours than are asked for, the latest, in their order. REQ TK-03."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    for hour, gate in ((0, "A"), (1, "B"), (1, "C")):
        scan(scanner, ticket.event, "nonsense", gate=gate, now=NOW + timedelta(hours=hour))
    rows = scans_by_gate(ticket.event, start=NOW, end=NOW + timedelta(hours=2), limit=2)
    assert [(row.gate, row.refused) for row in rows] == [("B", 1), ("C", 1)]


def test_an_anomaly_is_cleared_once_and_counts_anew(client: Client) -> None:
    """With a reason; a second time it is refused; the next scan opens another. REQ TK-03."""
    ticket = make_ticket()
    scanner = make_scanner(ticket.event)
    for gate in ("North", "South"):
        scan(scanner, ticket.event, code_of(ticket), gate=gate)
    anomaly = ScanAnomaly.objects.get()
    enter(client, ticket.event.organization)
    assert (
        "Let in at North, also shown at South." in client.get("/admin/tickets/scananomaly/").content.decode()
    )
    assert "Not yet" in client.get(f"/admin/tickets/scananomaly/{anomaly.pk}/change/").content.decode()
    assert "Cleared." in do(client, "scananomaly", "clear", anomaly).content.decode()
    assert "looked at already" in do(client, "scananomaly", "clear", anomaly).content.decode()
    scan(scanner, ticket.event, code_of(ticket), gate="South")
    assert ScanAnomaly.objects.filter(kind="TWO_DOORS", cleared_at=None).count() == 1
    assert AuditEntry.objects.filter(action="tickets.clear_anomaly").count() == 1


def test_a_policy_is_kept_with_its_event(client: Client) -> None:
    """Made and changed by staff through the service; audited; the door follows at once. REQ TK-02."""
    ticket = make_ticket()
    enter(client, ticket.event.organization)
    url = "/admin/tickets/checkinpolicy/"
    client.post(f"{url}add/", {"event": str(ticket.event_id), "allows_reentry": "on"})
    policy = CheckInPolicy.objects.get()
    assert (policy.accepts_printed, policy.allows_reentry) == (False, True)
    client.post(f"{url}{ticket.event_id}/change/", {"accepts_printed": "on"})
    policy.refresh_from_db()
    assert (policy.accepts_printed, policy.allows_reentry) == (True, False)
    assert AuditEntry.objects.filter(action="tickets.set_checkin_policy").count() == 2
    foreign = make_ticket()
    client.post(f"{url}add/", {"event": str(foreign.event_id), "allows_reentry": "on"})
    assert CheckInPolicy.objects.count() == 1
    assert policy.updated_at < NOW
