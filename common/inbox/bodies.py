"""What the body of a webhook may look like, whoever signed it: what could not be worked or shown is not stored."""

import re
from itertools import accumulate
from typing import Final

from django.http import HttpRequest

# Stripe's and Resend's events are some ten deep. Readers in Python give up at about a thousand, wherever they stand.
DEEPEST: Final = 100
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET: Final = re.compile(rb"[^\[\]{}]+")


def is_too_deep(body: bytes) -> bool:
    """Say whether JSON is nested more than ``DEEPEST`` lists and objects deep. It was decoded before: it is whole."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    brackets = _NO_BRACKET.sub(b"", _STRING.sub(b"", body))
    return max(accumulate(1 if one in b"[{" else -1 for one in brackets), default=0) > DEEPEST


def read_body(request: HttpRequest, *, most: int) -> bytes | None:
    """Return the raw body, None for one of more than ``most`` bytes; never more than one byte beyond is read."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0  # no number, or one of thousands of digits: what comes is counted
    if length > most:
        return None
    body = request.read(most + 1)
    return body if len(body) <= most else None
