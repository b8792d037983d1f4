"""Addresses: checked before mail is queued, compared as one person's, masked wherever they are logged."""

import hashlib
import re

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.encoding import punycode

from common.errors import FieldError
from notifications.errors import InvalidRecipient

LONGEST = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]*[A-Za-z0-9]")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_validator = EmailValidator(allowlist=["localhost"])


def checked(address: str) -> str:
    """Return the address without surrounding blanks, or raise ``InvalidRecipient``."""
    address = address.strip(" ")
    try:
        _validator(address[: LONGEST + 1])
        is_address = len(address) <= LONGEST
    except ValidationError:
        is_address = False
    if not is_address:
        error = FieldError("to", "invalid", "This is not an e-mail address")
        raise InvalidRecipient(errors=[error])
    return address


def recipient_key(address: str) -> str:
    """Return one name for one person's box, however it is written, that does not show the address.

    Case does not count, nor the quotes around a local part (RFC 5321, 4.1.2), nor whether the domain is written in
    letters or in the ASCII that mail is sent to (RFC 5891). Any text has a name: providers name boxes too.
    """
    local, at, domain = address.strip().rpartition("@")
    box = f"{_unquoted(local)}{at}{_ascii(domain)}".lower()
    return hashlib.sha256(box.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _unquoted(local: str) -> str:
    is_quoted = len(local) > 1 and local[0] == local[-1] == '"'
    return _QUOTED_PAIR.sub(r"\1", local[1:-1]) if is_quoted else local


def _ascii(domain: str) -> str:
    try:
        return punycode(domain)
    except UnicodeError:
        return domain  # no name of a host, so nothing was ever sent there


def masked(address: str) -> str:
    """Return the address as logs may show it: ``a•••@example.com``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def mask_addresses(text: str) -> str:
    """Return the text (an error of a provider) with every address in it masked."""
    return _ADDRESS.sub(lambda found: masked(found.group()), text)
