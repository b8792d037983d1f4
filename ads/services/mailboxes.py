"""Addresses of people, by the same rule as the house's e-mail."""

from notifications import addresses
from notifications.errors import InvalidRecipient


def readable(text: str) -> str | None:
    """Return the address without surrounding blanks; None when it is no address."""
    try:
        return addresses.checked(text)
    except InvalidRecipient:
        return None
