"""The demo's mail catcher tells the product what became of a message. REQ NO-02."""

import smtplib
from pathlib import Path
from typing import Any

import httpx
import pytest

from common import clock
from common.outbox import enqueue_many
from common.outbox.testing import run_due
from config.local_stack.mailcatcher.server import MailCatcher
from config.local_stack.mailcatcher.telling import Teller
from notifications import mailer
from notifications.addresses import recipient_key
from notifications.models import EmailMessage, EmailSuppression
from notifications.services.email import sending_job

SECRET = "whsec_dGVzdC13ZWJob29rLXNlY3JldA=="


def sent(to: str) -> EmailMessage:
    """Send an e-mail to the catcher."""
    now = clock.now()
    message = EmailMessage.objects.create(
        template="test",
        to=to,
        recipient_key=recipient_key(to),
        subject="Your code",
        text_body="AB-12",
        dedupe_key=to,
        created_at=now,
    )
    enqueue_many([sending_job(message.id, to, is_urgent=True, organization_id=None)], now=now)
    run_due()
    mailer.close()
    return message


@pytest.mark.django_db(transaction=True)
def test_a_button_of_the_demo_moves_the_status(live_server: Any, tmp_path: Path, settings: Any) -> None:
    """Sent by SMTP, told by a signed webhook: delivered; then a bounce, and the box is suppressed."""
    teller = Teller(f"{live_server.url}/api/v1/webhooks/resend", SECRET)
    with MailCatcher(tmp_path, teller=teller) as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.smtp_port
        message = sent("ada@example.com")
        address = f"{catcher.url}/messages/{catcher.messages()[0]['id']}"
        page = httpx.post(f"{address}/tell/delivered", follow_redirects=True).text
        assert "Told: Delivered." in page
        run_due()
        message.refresh_from_db()
        assert message.status == "delivered"
        httpx.post(f"{address}/tell/bounced")
        run_due()
        message.refresh_from_db()
        assert (message.status, EmailSuppression.objects.get().message_id) == ("bounced", message.pk)
        assert httpx.post(f"{address}/tell/nonsense").status_code == 404
        foreign = httpx.post(f"{address}/tell/bounced", headers={"Origin": "http://evil.test"})
        assert foreign.status_code == 403


def test_without_a_webhook_there_are_no_buttons(tmp_path: Path) -> None:
    """A catcher that was told of no product offers none, and one whose product is away says so."""
    with MailCatcher(tmp_path) as catcher:
        _catch(catcher)
        address = f"{catcher.url}/messages/1"
        assert "Tell the shop" not in httpx.get(address).text
        assert httpx.post(f"{address}/tell/delivered").status_code == 404
    with MailCatcher(tmp_path, teller=Teller("http://127.0.0.1:9/", SECRET)) as catcher:
        page = httpx.post(f"{catcher.url}/messages/1/tell/delivered", follow_redirects=True).text
        assert "Not told: Delivered. The shop does not answer." in page


def _catch(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as smtp:
        smtp.sendmail("shop@demo.test", ["vip@demo.test"], b"Subject: Hello\r\n\r\nHello")
