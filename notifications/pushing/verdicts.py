"""What each provider's answers mean: switch the device off, raise an alarm, or try again (REQ NO-04).

Pure functions of what was answered, so that the whole table can be tried.
FCM: "ErrorCode" of the HTTP v1 API. Web Push: RFC 8030, 5 and 7, RFC 8292, 4.2.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests

from common.outbox.failures import mask_text
from notifications.pushing.types import Outcome, Verdict

LONGEST_WAIT: Final = 3600.0
# FCM: "wait at least one minute" where a 429 names no time.
_FCM_QUOTA_SECONDS: Final = 60.0
NOT_REACHED_SECONDS: Final = 30.0
_LONGEST_DETAIL: Final = 500
_FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
# Another account's service account or key as well as one device of another sender.
_OF_WHOM_WE_ARE: Final = frozenset({"SENDER_ID_MISMATCH", "THIRD_PARTY_AUTH_ERROR"})
# What names one device: tokens, and the path of a subscription.
_LONG: Final = re.compile(r"[\w:\-+/=%]{40,}")


def of_fcm(status: int, body: Any, headers: Mapping[str, str], *, now: datetime) -> Verdict:
    """Judge an answer of FCM. ``body``: its JSON, None when it had none."""
    if 200 <= status < 300:
        name = str(body.get("name", "")) if isinstance(body, dict) else ""
        return Verdict(Outcome.SENT, provider_message_id=name[:255])
    code, words = _fcm_error(body)
    detail = described(f"HTTP {status}: {code} {words}")
    if status == 404 and code == "UNREGISTERED":
        return Verdict(Outcome.GONE, detail)
    if code in _OF_WHOM_WE_ARE:
        return Verdict(Outcome.DOUBTED, detail)
    if status == 429:
        wait = retry_after(headers, now=now) or _FCM_QUOTA_SECONDS
        return Verdict(Outcome.RETRY, detail, retry_after=wait, for_everybody=True)
    if status >= 500:
        wait_asked = retry_after(headers, now=now)
        return Verdict(Outcome.RETRY, detail, retry_after=wait_asked, for_everybody=wait_asked is not None)
    # Not allowed, no such project, a redirect: nothing that the device did.
    return Verdict(Outcome.PAUSED if status in (401, 403, 404) or status < 400 else Outcome.REFUSED, detail)


def of_webpush(status: int, text: str, headers: Mapping[str, str], *, now: datetime) -> Verdict:
    """Judge an answer of a push service; what it asks to wait is asked for this browser alone."""
    if 200 <= status < 300:
        return Verdict(Outcome.SENT, provider_message_id=headers.get("Location", "")[:255])
    detail = described(f"HTTP {status}: {text}")
    if status in (404, 410):
        return Verdict(Outcome.GONE, detail)
    if status in (401, 403):
        return Verdict(Outcome.DOUBTED, detail)
    if status == 429 or status >= 500:
        return Verdict(Outcome.RETRY, detail, retry_after=retry_after(headers, now=now))
    # 413 is about what we send, everything else about where to.
    return Verdict(Outcome.REFUSED, detail, blames_device=status != 413)


def of_line(error: requests.RequestException, *, one_provider: bool) -> Verdict:
    """Judge a line that broke. ``one_provider``: behind it is a provider that everybody shares, so everybody waits.

    Where no connection came about nothing can have been taken; else nobody knows, and the repetition replaces.
    """
    detail = described(f"{type(error).__name__}: {error}")
    if isinstance(error, requests.ConnectTimeout) or _is_refused(error):
        if one_provider:
            return Verdict(Outcome.PAUSED, detail, retry_after=NOT_REACHED_SECONDS)
        return Verdict(Outcome.RETRY, detail)
    return Verdict(Outcome.UNKNOWN, detail)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (a number or a date; RFC 9110, 10.2.3), an hour at most."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None


def described(text: str) -> str:
    """Return a provider's words in one bounded line without keys, and without what names a device."""
    return _LONG.sub("•••", mask_text(" ".join(text.split())))[:_LONGEST_DETAIL]


def _fcm_error(body: Any) -> tuple[str, str]:
    """Return FCM's own code of the error (else Google's) and its sentence."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    details = error.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and one.get("@type") == _FCM_ERROR:
            return str(one.get("errorCode", "")), str(error.get("message", ""))
    return str(error.get("status", "")), str(error.get("message", ""))


def _is_refused(error: requests.RequestException) -> bool:
    """Say whether no connection came about at all: no such name, or nobody listens there."""
    reasons = [getattr(one, "reason", one) for one in error.args]
    return any(type(one).__name__ in {"NewConnectionError", "NameResolutionError"} for one in reasons)
