"""One connection a worker thread, kept for a batch of messages."""

import contextlib
import os
import smtplib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.utils import format_datetime, parseaddr
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notifications.kinds import Channel
from notifications.mailer import verdicts
from notifications.mailer.verdicts import Verdict
from notifications.models import AttemptOutcome, EmailFile, EmailMessage
from notifications.services.unsubscribing import link_for
from notifications.services.unwanted import choice_of

BATCH = 50
# Servers end idle connections after some minutes; ours is not kept for a batch that is over.
IDLE_SECONDS = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    connection: BaseEmailBackend
    terms: tuple[object, ...]
    used_at: float
    messages: int = 0


_local = threading.local()


def send(message: EmailMessage, files: Sequence[EmailFile] = ()) -> Verdict:
    """Hand one e-mail, and what goes along, to the provider and judge its answer; never raises for what that does.

    A repetition carries the same ``Message-ID`` and, at Resend, the same idempotency key.
    """
    try:
        held = _connection()
    except Exception as error:  # noqa: BLE001 whatever it was is judged, kept with the attempt, and logged
        return _failed(message, error, verdicts.of_opening(error))
    mail = _mail(message, held.connection)
    for file in files:
        mail.attach(_part(file))
    held.messages += 1
    try:
        count = held.connection.send_messages([mail])
    except Exception as error:  # noqa: BLE001 as above
        close()
        return _failed(message, error, verdicts.of_sending(error))
    held.used_at = time.monotonic()
    if not count:
        return Verdict(AttemptOutcome.RETRY, "The backend took no message")
    return verdicts.sent(_provider_id(mail) or message_id(message))


def close() -> None:
    """End this thread's connection, if there is one."""
    held: _Held | None = getattr(_local, "held", None)
    _local.held = None
    if held is not None:
        _close(held.connection)


def message_id(message: EmailMessage) -> str:
    """Return the ``Message-ID`` of this e-mail, the same at every attempt (RFC 5322, 3.6.4)."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{message.id}@{domain}>"


def idempotency_key(message: EmailMessage) -> str:
    """Return the provider's key of this e-mail, the same at every attempt.

    What the provider took, reported as failed, and staff released again is another sending: under the old key it would
    only be told the old answer.
    """
    key = f"email/{message.id}"
    if message.provider_message_id and message.released_at is not None:
        return f"{key}/{int(message.released_at.timestamp())}"
    return key


def is_resend() -> bool:
    """Say whether the provider is Resend, which knows an e-mail again for a day only."""
    return bool(settings.EMAIL_BACKEND == "notifications.mailer.resend.EmailBackend")


def _mail(message: EmailMessage, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text_body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to],
        connection=connection,
        headers={
            "Message-ID": message_id(message),
            "Date": format_datetime(message.created_at),
            # RFC 3834, 5: nobody's out-of-office answers this.
            "Auto-Submitted": "auto-generated",
            **_unsubscribe_headers(message),
        },
    )
    if message.html_body:
        mail.attach_alternative(message.html_body, "text/html")
    mail.idempotency_key = idempotency_key(message)  # type: ignore[attr-defined]
    mail.email_id = str(message.id)  # type: ignore[attr-defined]
    return mail


def _unsubscribe_headers(message: EmailMessage) -> dict[str, str]:
    """Return what lets a mail program unsubscribe by one click (RFC 8058); nothing for what always comes."""
    link = _link(message) if message.unsubscribe_url is None else message.unsubscribe_url
    if not link:
        return {}
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _link(message: EmailMessage) -> str:
    """Return the link of an e-mail whose own was not kept."""
    choice = choice_of(message.template, message.user_id)
    return "" if choice is None else link_for(*choice, Channel.EMAIL)


def _part(file: EmailFile) -> MIMEBase:
    """Return the file as it was frozen: as text its line ends would be the server's to change."""
    part = MIMEBase(*file.content_type.split("/", 1))
    part.set_payload(bytes(file.content or b""))
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=file.filename)
    return part


def _provider_id(mail: Any) -> str:
    """Return the id under which the provider reports about it later; empty for SMTP."""
    status = getattr(mail, "anymail_status", None)
    return str(getattr(status, "message_id", None) or "")


def _connection() -> _Held:
    held: _Held | None = getattr(_local, "held", None)
    if held is not None and not _is_good(held):
        close()
        held = None
    if held is None:
        connection = get_connection(settings.EMAIL_BACKEND)
        try:
            connection.open()
        except Exception:
            _close(connection)
            raise
        held = _local.held = _Held(connection, _terms(), time.monotonic())
    return held


def _is_good(held: _Held) -> bool:
    if held.terms != _terms() or held.messages >= BATCH or time.monotonic() - held.used_at > IDLE_SECONDS:
        return False
    line = getattr(held.connection, "connection", None)
    if not isinstance(line, smtplib.SMTP):
        return True
    try:
        return line.noop()[0] == 250
    except OSError:
        return False


def _terms() -> tuple[object, ...]:
    """Return what a connection was opened for; a forked process shares no line with its parent."""
    return (
        os.getpid(),
        settings.EMAIL_BACKEND,
        settings.EMAIL_HOST,
        settings.EMAIL_PORT,
        settings.EMAIL_HOST_USER,
    )


def _close(connection: BaseEmailBackend) -> None:
    # What it carried was judged already: how the goodbye goes changes nothing.
    with contextlib.suppress(OSError):
        connection.close()


def _failed(message: EmailMessage, error: Exception, verdict: Verdict) -> Verdict:
    log.warning(
        "email_attempt_failed", email_id=str(message.id), outcome=verdict.outcome.value, error=verdict.detail
    )
    return verdict
