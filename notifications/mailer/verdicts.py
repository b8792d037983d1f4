"""What each provider's errors mean: to be tried again, final, or a trouble of the whole channel.

REQ NO-01: HTTP 5xx, 429 and network errors are tried again, other 4xx are not; 429 is no attempt, for it speaks of all
requests together. Of SMTP the 4xx are the temporary
ones (RFC 5321, 4.2.1) and the 5xx final. A provider that was not reached answered nothing: no e-mail was offered to it,
so none loses an attempt.
"""

import re
import smtplib
from dataclasses import dataclass, replace

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from urllib3.exceptions import ConnectTimeoutError

from common.outbox.failures import mask_text
from notifications.addresses import mask_addresses
from notifications.models import AttemptOutcome

_LONGEST_DETAIL = 500
_LONGEST_WAIT = 3600
# Resend counts by the second.
_FULL_SECONDS = 1.0
# Somebody who starts a mail server anew does not wait long for a code; an hour of it is 120 tries of the whole channel.
NOT_REACHED_SECONDS = 30.0
# The message itself is at fault, here already: no server would take it.
_FAULTS_OF_THE_MESSAGE = (
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
    AnymailSerializationError,
    # An address or a body that this server cannot carry.
    smtplib.SMTPNotSupportedError,
    UnicodeError,
    ValueError,
)
# SMTP: authentication needed, mechanism too weak, encryption needed, credentials refused (RFC 4954, 6).
_SMTP_NOT_ALLOWED = frozenset({530, 534, 535, 538})
# There is no such mailbox: by the extended code where a server gives one (RFC 3463, 3.2, 3.3), else by the plain one.
_EXTENDED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_BOX_UNKNOWN_EXTENDED = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_BOX_UNKNOWN = frozenset({550, 551, 553})
# Resend: an account's allowance for a day or a month is used up.
_RESEND_QUOTAS = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})
_RESEND_SAME_KEY_NOW = "concurrent_idempotent_requests"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one attempt ended. ``retry_after``: seconds that everybody is to wait, or None: as the outcome has it.

    ``is_box_unknown``: the recipient's server said that there is no such box, so none may be written to it again.
    ``is_rate``: the provider had too many requests in too little time, and nothing else is wrong.
    """

    outcome: AttemptOutcome
    detail: str = ""
    provider_message_id: str = ""
    retry_after: float | None = None
    is_box_unknown: bool = False
    is_rate: bool = False


def sent(provider_message_id: str) -> Verdict:
    """Return the verdict of an e-mail that the provider took."""
    return Verdict(AttemptOutcome.SENT, provider_message_id=provider_message_id[:255])


def of_opening(error: Exception) -> Verdict:
    """Judge an error met before any message was offered: it says nothing about the message, so the channel pauses."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return _verdict(AttemptOutcome.PAUSED, error)
    if isinstance(error, smtplib.SMTPNotSupportedError | AnymailConfigurationError):
        return _verdict(AttemptOutcome.PAUSED, error)
    return _not_reached(described(error))


def of_sending(error: Exception) -> Verdict:
    """Judge an error met while a message was handed over."""
    if isinstance(error, AnymailConfigurationError):
        return _verdict(AttemptOutcome.PAUSED, error)
    if isinstance(error, AnymailAPIError):
        return _of_http(error)
    # The library's errors are OSErrors as well: first what the server answered, then a line that broke.
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()))
        verdict = _of_reply(code, error, answer)
        return replace(verdict, is_box_unknown=_is_box_unknown(code, verdict.detail))
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_reply(error.smtp_code, error, error.smtp_error)
    if isinstance(error, _FAULTS_OF_THE_MESSAGE):
        return _verdict(AttemptOutcome.FINAL, error)
    # Cut or silent: whether the message was taken is not known.
    return _verdict(AttemptOutcome.UNKNOWN, error)


def described(error: Exception, text: str = "") -> str:
    """Return the error in one bounded line, without addresses and keys."""
    line = " ".join((text or str(error)).split())
    return f"{type(error).__name__}: {mask_text(mask_addresses(line))}"[:_LONGEST_DETAIL]


def _of_reply(code: int, error: Exception, answer: bytes | str) -> Verdict:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    detail = described(error, f"{code} {text}")
    if code in _SMTP_NOT_ALLOWED:
        return Verdict(AttemptOutcome.PAUSED, detail)
    # smtplib answers -1 for what is no reply at all.
    return Verdict(AttemptOutcome.FINAL if code >= 500 else AttemptOutcome.RETRY, detail)


def _is_box_unknown(code: int, text: str) -> bool:
    extended = _EXTENDED.search(text)
    if code < 500:
        return False
    return code in _BOX_UNKNOWN if extended is None else extended.group() in _BOX_UNKNOWN_EXTENDED


def _of_http(error: AnymailAPIError) -> Verdict:
    status: int | None = error.status_code
    name, message = _of_body(error)
    detail = (
        described(error, f"HTTP {status}: {name} {message}") if status else described(error, _cause(error))
    )
    if status is None:
        return _not_reached(detail) if _is_not_reached(error) else Verdict(AttemptOutcome.UNKNOWN, detail)
    if status in (401, 403) or (status == 429 and name in _RESEND_QUOTAS):
        return Verdict(AttemptOutcome.PAUSED, detail)
    if status == 429:
        # It is about how many, not about this one: nobody's attempt, and nobody asks again before there is room.
        wait = _wait_asked(error, "retry-after") or _wait_asked(error, "ratelimit-reset") or _FULL_SECONDS
        return Verdict(AttemptOutcome.PAUSED, detail, retry_after=wait, is_rate=True)
    if status >= 500 or (status == 409 and name == _RESEND_SAME_KEY_NOW):
        return Verdict(AttemptOutcome.UNKNOWN, detail)
    # A success whose body makes no sense: it was most likely taken, so the same key is asked again.
    return Verdict(AttemptOutcome.UNKNOWN if status < 400 else AttemptOutcome.FINAL, detail)


def _of_body(error: AnymailAPIError) -> tuple[str, str]:
    """Return Resend's name of the error and its sentence."""
    try:
        body = error.response.json()
    except (AttributeError, ValueError):
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("name", "")), str(body.get("message", ""))


def _wait_asked(error: AnymailAPIError, header: str) -> float | None:
    try:
        seconds = float(error.response.headers.get(header, ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else None


def _is_not_reached(error: AnymailAPIError) -> bool:
    """Say whether no connection came about (no name, refused, no answer), so that nothing can have been taken."""
    cause = error.__cause__
    return any(
        isinstance(getattr(one, "reason", None), ConnectTimeoutError) for one in getattr(cause, "args", ())
    )


def _not_reached(detail: str) -> Verdict:
    return Verdict(AttemptOutcome.PAUSED, detail, retry_after=NOT_REACHED_SECONDS)


def _cause(error: Exception) -> str:
    cause = error.__cause__
    return f"{type(cause).__name__}: {cause}" if cause is not None else str(error)


def _verdict(outcome: AttemptOutcome, error: Exception) -> Verdict:
    return Verdict(outcome, described(error))
