"""An evening as its guest, its doors and its staff live it, from the purchase to the last message."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import make_user
from common.outbox.testing import run_due
from config.local_stack.pushcatcher.testing import PushCatcher
from config.local_stack.testing.race import Race
from notifications.models import EmailMessage, PushDevice, PushMessage
from notifications.tests.resend import Provider, deliver, event, provider, settings_for
from offers.tests.factories import Door, settle
from sandbox.testing import SandboxProcess
from tickets.tests.factories import make_scanner, make_tier

PERSON = reverse("admin:notifications_emailmessage_person")


def _letter(template: str) -> EmailMessage:
    """Return the newest e-mail of this sort."""
    return EmailMessage.objects.filter(template=template).latest("created_at", "id")


def _offered(resend: Provider, message: EmailMessage) -> int:
    """Count how often the provider was handed an e-mail."""
    return [body["tags"][0]["value"] for _, body in resend.requests].count(str(message.pk))


def _tell(client: Client, what: str, message: EmailMessage, **more: Any) -> None:
    """Have the provider tell what became of an e-mail, twice as it may, and work it."""
    body = event(what, message.pk, to=[message.to], **more)
    for _ in range(2):
        assert deliver(client, body).status_code == 200
    run_due()
    message.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_bought_scanned_written_to_and_told(
    client: Client, settings: Any, stripe_sandbox: SandboxProcess, push_catcher: PushCatcher, race: Race
) -> None:
    """A ticket is bought, its living code scanned at two doors at once and one gets in; its e-mail is tracked to
    delivered, a bounce stops further mail, a push reaches the device once, and staff see each message's story.
    REQ TK-01, TK-02, NO-02, NO-04, EV-04."""
    tier = make_tier(units=4, price_amount=1500)
    guest = Door(make_user("guest@example.com"))
    staff = make_scanner(tier.event, "staff")
    with provider() as resend:
        for name, value in settings_for(resend).items():
            setattr(settings, name, value)

        # They buy, and show what they bought at two doors.
        bought = guest.send(
            "post", f"events/{tier.event_id}/checkout", {"tier_id": str(tier.pk), "quantity": 1}
        ).json()
        settle(stripe_sandbox, bought, guest)
        [ticket] = guest.get("me/tickets").json()["results"]
        code = guest.get(f"tickets/{ticket['id']}/qr").json()["code"]
        doors = [Door(make_scanner(tier.event)) for _ in range(2)]
        scan = {"event_id": str(tier.event_id), "code": code}
        answers: list[Any] = race(
            2, lambda n: doors[n].send("post", "checkin/scan", {**scan, "gate": f"Door {n}"}).json()
        )
        [inside] = [one for one in answers if one["result"] == "accepted"]
        [refused] = [one for one in answers if one["result"] == "duplicate"]
        assert inside["ticket"]["id"] == ticket["id"]
        assert refused["first_gate"] in {"Door 0", "Door 1"}

        # Their ticket's e-mail arrives; the next one comes back, and after it nothing is sent any more.
        run_due()
        issued = _letter("tickets_issued")
        _tell(client, "delivered", issued)
        assert (issued.status, _offered(resend, issued)) == ("delivered", 1)
        for fate in ("sent", "suppressed"):
            assert Door(staff).send("post", f"tickets/{ticket['id']}/reissue").status_code == 200
            run_due()
            run_due()
            reissued = _letter("tickets_reissued")
            assert (reissued.status, _offered(resend, reissued)) == (fate, int(fate == "sent"))
            if fate == "sent":
                _tell(
                    client,
                    "bounced",
                    reissued,
                    bounce={"type": "Permanent", "subType": "General", "message": "Gone"},
                )
                assert reissued.status == "bounced"

        # A push reaches the device that they registered, once.
        browser = push_catcher.subscribe("Their browser")
        body = {"provider": "webpush", "platform": "web", "token": browser.endpoint, "keys": browser.keys}
        assert guest.send("post", "me/devices", body).status_code in {200, 201}
        client.force_login(staff)
        device = PushDevice.objects.get()
        act = f"{reverse('admin:notifications_pushdevice_changelist')}act/test_push/"
        sent = client.post(
            act, {"ids": [str(device.pk)], "confirmed": "1", "reason": "They asked"}, follow=True
        )
        shown = sent.content.decode()
        assert "A test message is on its way." in shown
        address = reverse("admin:notifications_pushmessage_change", args=[PushMessage.objects.get().pk])
        assert f'<a href="{address}" class="underline">Its story</a>' in shown
        run_due()
        run_due()
        assert [(one.title, one.times) for one in push_catcher.pushes()] == [("A test message", 1)]

        # Staff see it all in one place, and behind each line its story.
        rows = client.get(PERSON, {"who": "guest@example.com"}).context["page"].rows
        told = [(one.channel, one.status) for one in rows]
        assert told[:3] == [("Push", "Sent"), ("E-mail", "Suppressed"), ("E-mail", "Bounced")]
        assert ("E-mail", "Delivered") in told[3:]
        story = client.get(
            reverse("admin:notifications_emailmessage_change", args=[issued.pk])
        ).content.decode()
        assert "Delivered" in story
        assert "Attempt 1: accepted" in story
