"""Object ids with Stripe's prefixes."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def token(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """`prefix_` and 24 random characters; Checkout Sessions are longer, as at Stripe."""
    return f"{prefix}_{token(58 if prefix == 'cs_test' else 24)}"
