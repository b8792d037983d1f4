"""What a lead must be, the same at every door."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from accounts.models import User
from ads.services.mailboxes import readable
from ads.types.sponsors import MAXIMUM_COMPANY, MAXIMUM_NAME, MAXIMUM_NOTE, LeadInput
from common.errors import FieldError, Invalid, besides
from common.plain_text import plain_name
from notifications.addresses import recipient_key


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead whose fields are right. None: not said."""

    name: str
    email: str
    company: str | None
    source: str
    note: str | None


def judge(given: LeadInput, *, sources: Collection[str], own: User | None) -> Candidate:
    """Return what is to be kept. ``own``: the attendee who gives themselves, whose name and e-mail are the defaults.

    Raises ``Invalid`` with every wrong field; without consent there is no lead.
    """
    name = plain_name(own.name if own and given.name is None else given.name or "")
    email = own.email if own and given.email is None else given.email or ""
    company = None if given.company is None else plain_name(given.company)
    note = None if given.note is None else given.note.strip()
    found = [
        *_name_errors(name),
        *_email_errors(email, own),
        *_length_errors("company", company, MAXIMUM_COMPANY),
        *_length_errors("note", note, MAXIMUM_NOTE),
    ]
    if given.source not in sources:
        found.append(FieldError("source", "invalid_choice", f"One of {', '.join(sources)}."))
    if not given.consent:
        found.append(
            FieldError("consent", "consent_required", "They must agree that the sponsor keeps this.")
        )
    if errors := besides(given.unreadable, found):
        raise Invalid(errors=errors)
    return Candidate(name, email.strip(" "), company, given.source, note)


def _name_errors(name: str) -> Iterator[FieldError]:
    if not name:
        yield FieldError("name", "required", "Give a name.")
    yield from _length_errors("name", name, MAXIMUM_NAME)


def _email_errors(email: str, own: User | None) -> Iterator[FieldError]:
    address = readable(email)
    if not email.strip():
        yield FieldError("email", "required", "Give an e-mail address.")
    elif address is None:
        yield FieldError("email", "invalid", "This is not an e-mail address.")
    elif own is not None and recipient_key(address) != recipient_key(own.email):
        yield FieldError("email", "not_your_own", "Give your own e-mail address, or none.")


def _length_errors(name: str, text: str | None, longest: int) -> Iterator[FieldError]:
    if text is not None and len(text) > longest:
        yield FieldError(name, "too_long", f"At most {longest} characters.")
