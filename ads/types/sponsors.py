"""Commands and answers of sponsors and leads."""

from dataclasses import dataclass

from ads.models import Lead
from common.errors import FieldError

# Limits of the contract, in characters and people.
MAXIMUM_NAME = 200
MAXIMUM_COMPANY = 200
MAXIMUM_NOTE = 2000
MAXIMUM_DESCRIPTION = 2000
MAXIMUM_URL = 2048
MAXIMUM_PEOPLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorInput:
    """What a sponsor is to be, as a whole; ``people`` are the e-mails of those who see its leads."""

    name: str
    website: str = ""
    description: str = ""
    is_active: bool = True
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadInput:
    """What a caller says about a lead, as it came in at any door: shapes are checked, rules are not.

    None: not said. An attendee who does not say them gives their own name and e-mail. ``unreadable``: what had not
    its shape, so that it is refused together with what the rules refuse.
    """

    source: str = ""
    consent: bool = False
    name: str | None = None
    email: str | None = None
    company: str | None = None
    note: str | None = None
    unreadable: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenLead:
    """The lead that is kept now; ``is_new`` is False when the sponsor had this person already."""

    lead: Lead
    is_new: bool
