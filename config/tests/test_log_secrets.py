"""What people are given, type and hold at a door stands in no line of the log."""

import pytest
import structlog
from django.test import Client

from accounts.tests.factories import PASSWORD, bearer, make_superuser
from common import clock
from common.logging import MASK
from common.outbox.testing import run_due
from common.tests.logs import written
from events.tests.factories import make_session
from offers.models import Offer
from offers.tests.factories import Door, make_offer, settle
from sandbox.testing import SandboxProcess
from tickets.letters import shown_manual_code
from tickets.models import CodeKind
from tickets.tests.factories import code_of, make_scanner, make_ticket, make_tier
from waitlist.services.filling import fill_free_seats
from waitlist.tests.factories import free_up, join, make_full_session, token_of

# Libraries that tell at this level what they send, and tests' own; no product runs with them.
_NOT_OURS = ("urllib3", "asyncio", "faker", "factory")


def _sign_in(client: Client) -> dict[str, str]:
    """Sign in at both doors, rightly and wrongly, and return what must stay unsaid, by what it would be called."""
    user, wrong = make_superuser("operator@example.test", password=PASSWORD), "wr0ng-Secret"
    answers = [
        client.post(
            "/api/v1/auth/token", {"email": user.email, "password": each}, content_type="application/json"
        )
        for each in (wrong, PASSWORD)
    ]
    for each in (wrong, PASSWORD):
        client.post("/admin/login/", {"username": user.email, "password": each})
    pair: dict[str, str] = answers[1].json()
    client.post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]}, content_type="application/json")
    client.get(f"/api/v1/me?token={pair['access']}", headers=bearer(user))
    passwords = {"wrong_password": wrong, "password": PASSWORD}
    return passwords | pair | {"session_cookie": client.cookies["sessionid"].value}


def _buy(sandbox: SandboxProcess) -> dict[str, str]:
    """Buy what is behind an address, pay, and read the code; a stranger signs a webhook badly."""
    offer: Offer = make_offer(units=5, content_url="https://content.test/hidden")
    door = Door()
    settle(sandbox, (answer := door.buy(offer, key="k").json()), door)
    order = door.get(f"orders/{answer['order']['id']}").json()
    given = order["items"][0]["fulfillment"]
    headers = {"Stripe-Signature": "t=1,v1=5ecretsignature"}
    Client().post("/api/v1/webhooks/stripe/offers", b"{}", content_type="application/json", headers=headers)
    assert given["access_url"] == "https://content.test/hidden"
    given = {name: given[name] for name in ("access_code", "access_url")}
    return given | {"signature": "5ecretsignature", "webhook_secret": sandbox.webhook_secret}


def _scan() -> dict[str, str]:
    """Show a ticket and scan it: its live code, its printed one, the one for typing, and a wrong one."""
    ticket = make_ticket(tier=make_tier())
    shown = Door(ticket.holder).get(f"tickets/{ticket.pk}/qr").json()
    scanner = Door(make_scanner(ticket.event))
    live, printed = (code_of(ticket, kind, now=clock.now()) for kind in (CodeKind.LIVE, CodeKind.PRINTED))
    typed = {"manual_code": ticket.manual_code, "read_manual_code": shown_manual_code(ticket.manual_code)}
    codes = {"shown": shown["code"], "live": live, "printed": printed, "forged": live[:-4] + "AAAA", **typed}
    for code in codes.values():
        body = {"event_id": str(ticket.event_id), "code": code}
        assert scanner.send("post", "checkin/scan", body).status_code == 200, code
    return codes


def _wait() -> dict[str, str]:
    """Take a seat by the token of an offer, after a try with a wrong one."""
    session = make_full_session(event=make_session().event)
    entry = join(session, now=clock.now())
    free_up(session)
    fill_free_seats(session_id=session.pk, now=clock.now())
    token, wrong = token_of(entry), "wr0ng-token"
    run_due()
    door = Door(entry.user)
    statuses = [
        door.send("post", f"sessions/{session.pk}/waitlist/accept", {"join_token": each}).status_code
        for each in (wrong, token)
    ]
    assert statuses == [400, 200]
    return {"wrong_token": wrong, "join_token": token}


@pytest.mark.django_db(transaction=True)
def test_no_secret_is_in_the_log(stripe_sandbox: SandboxProcess) -> None:
    """Passwords, tokens, signatures and codes of goods, tickets and seats, on their whole way, nor e-mails; and where
    somebody logs them by their name or look after all, the line is masked. REQ OP-01.
    """
    with written({"": "DEBUG"}) as lines:
        secrets = _sign_in(Client()) | _buy(stripe_sandbox) | _scan() | _wait()
        structlog.stdlib.get_logger("probe").warning("said", **secrets)
        told = [line for line in lines() if not line["logger"].startswith(_NOT_OURS)]
    assert len(secrets) == 17
    assert {"sign_in", "order_status", "job_ended", "request"} <= {line["event"] for line in told}
    assert [line for line in told if any(secret in str(line) for secret in secrets.values())] == []
    assert [line for line in told if "@example.test" in str(line)] == []
    (probe,) = (line for line in told if line["logger"] == "probe")
    assert {probe[name] for name in secrets} == {MASK}
