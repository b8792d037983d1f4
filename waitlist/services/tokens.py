"""Join tokens: signed, for one entry and one offer of it. What they are worth stands in the database alone."""

from uuid import UUID

from django.core import signing

from waitlist.errors import TokenInvalid
from waitlist.models import Entry

_SALT = "waitlist.offer"
_LONGEST = 200


def token_of(entry: Entry) -> str:
    """Return the token that answers the entry's current offer."""
    return token_for(entry.pk, entry.offer_number)


def token_for(entry_id: UUID, offer_number: int) -> str:
    """Return the token of one offer of an entry. The same each time: nothing of it is stored."""
    return signing.Signer(salt=_SALT).sign(f"{entry_id.hex}.{offer_number}")


def read(token: str) -> tuple[UUID, int]:
    """Return the entry's id and the offer's number. Raises ``TokenInvalid``; the comparison takes constant time."""
    try:
        if len(token) > _LONGEST:
            raise TokenInvalid
        entry_id, number = signing.Signer(salt=_SALT).unsign(token).split(".")
        return UUID(hex=entry_id), int(number)
    except (signing.BadSignature, ValueError) as error:
        raise TokenInvalid from error
