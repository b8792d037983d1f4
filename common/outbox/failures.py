"""What is kept of a failure: bounded, without secrets, and grouped with its like."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

KEPT_ERRORS = 20
_LONGEST_MESSAGE = 500
_LONGEST_NORMAL = 200
MASK = "•••"

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|authorization|credential|signature|private_?key|cookie"
    r"|access_?code|(^|_)(card|cvc|cvv|iban|pin)($|_)|card_?number",
    re.IGNORECASE,
)
_SECRET_TEXTS = (
    # Stripe: secret, restricted and webhook keys, client secrets. Resend: re_. JSON Web Tokens. Bearer and Basic.
    (re.compile(r"\b(?:sk|rk|whsec|re)_[A-Za-z0-9_\-]{6,}"), MASK),
    (re.compile(r"\b(?:pi|seti|cs)_[A-Za-z0-9_]+_secret_[A-Za-z0-9]+"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/\-]+=*"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(://[^\s:/@]+:)[^\s@/]+(@)"), rf"\1{MASK}\2"),
    (
        re.compile(
            r"(?i)([\"']?\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|access_code|cvc)\b[\"']?"
            r"\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)"
        ),
        rf"\1{MASK}",
    ),
)
_CARD_LIKE = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_WITH_DIGIT = re.compile(r"\b\w*\d[\w.:+-]*")


def mask_text(text: str) -> str:
    """Return the text with keys, tokens, passwords and card-like numbers blacked out."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return _CARD_LIKE.sub(lambda found: MASK if _is_card(found.group()) else found.group(), text)


def mask_payload(value: Any) -> Any:
    """Return the payload with what is secret by its name or its looks blacked out, at any depth."""
    if isinstance(value, Mapping):
        return {
            name: MASK if _SECRET_NAME.search(str(name)) and held not in (None, "") else mask_payload(held)
            for name, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_payload(item) for item in value]
    if isinstance(value, str):
        return mask_text(value)
    return value


def describe(error: BaseException) -> str:
    """Return ``Type: message`` in one bounded line without secrets."""
    message = mask_text(" ".join(str(error).split()))
    name = type(error).__name__
    return f"{name}: {message}"[:_LONGEST_MESSAGE] if message else name


def fingerprint(kind: str, described: str) -> str:
    """Return the group of a described failure: the same kind, type and message but for ids, numbers and names."""
    normal = _QUOTED.sub("?", described)
    normal = _WITH_DIGIT.sub("#", _UUID.sub("#", normal))[:_LONGEST_NORMAL]
    return hashlib.sha256(f"{kind}\n{normal}".encode()).hexdigest()[:16]


def _is_card(digits: str) -> bool:
    """Say whether the digits pass the check that card numbers pass (ISO/IEC 7812-1, Luhn)."""
    values = [int(character) for character in digits if character.isdigit()]
    doubled = [value * 2 - 9 * (value > 4) for value in values[-2::-2]]
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0
