"""Everything that one person was told, by each channel, as far as the one who asks may see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.fields import CharField

from accounts.models import User
from accounts.selectors import user_by_email
from notifications import addresses
from notifications.models import EmailMessage, PushMessage

PAGE_SIZE: Final = 50
_EMAIL: Final = "E-mail"
_PUSH: Final = "Push"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a search means: the box of the address, and the account, where there is one."""

    recipient_key: str
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class ToldOnce:
    """One message to the person."""

    id: UUID
    channel: str
    at: datetime
    title: str
    status: str
    detail: str

    @property
    def is_email(self) -> bool:
        """Say whether it is an e-mail; else it is a push."""
        return self.channel == _EMAIL


@dataclass(frozen=True, slots=True)
class ToldPage:
    """A page of messages, the newest first."""

    rows: tuple[ToldOnce, ...]
    number: int
    has_next: bool

    @property
    def next_number(self) -> int:
        """Return the page of older ones."""
        return self.number + 1

    @property
    def previous_number(self) -> int:
        """Return the page of newer ones."""
        return self.number - 1


def person_of(text: str) -> Person | None:
    """Return whom an e-mail address or a user's id means; None for what is neither. One statement."""
    text = text.strip()
    try:
        user = User.objects.filter(pk=UUID(text)).first()
    except ValueError:
        if "@" not in text:
            return None
        user = user_by_email(text)
        return Person(addresses.recipient_key(text), None if user is None else user.pk)
    return None if user is None else Person(addresses.recipient_key(user.email), user.pk)


def messages_to(person: Person, *, organization_ids: set[UUID] | None, page: int = 1) -> ToldPage:
    """Return a page of what a person was told by these organizations, or (None) by everybody. Three statements."""
    parts = [
        _keys(EmailMessage.objects.filter(recipient_key=person.recipient_key), _EMAIL, organization_ids),
    ]
    if person.user_id is not None:
        parts += [
            _keys(EmailMessage.objects.filter(user_id=person.user_id), _EMAIL, organization_ids),
            _keys(PushMessage.objects.filter(user_id=person.user_id), _PUSH, organization_ids),
        ]
    first = PAGE_SIZE * (page - 1)
    # The same e-mail by address and by account is one row.
    ordered = parts[0].union(*parts[1:]).order_by("-created_at", "-id") if parts[1:] else parts[0]
    keys = list(ordered[first : first + PAGE_SIZE + 1])
    shown = _rows(keys[:PAGE_SIZE])
    return ToldPage(shown, page, has_next=len(keys) > PAGE_SIZE)


def _keys(rows: QuerySet[Any], channel: str, organization_ids: set[UUID] | None) -> QuerySet[Any]:
    where = Q() if organization_ids is None else Q(organization_id__in=organization_ids)
    named: QuerySet[Any] = rows.filter(where).annotate(channel=Value(channel, CharField()))
    return named.values_list("id", "created_at", "channel").order_by("-created_at", "-id")


def _rows(keys: list[tuple[UUID, datetime, str]]) -> tuple[ToldOnce, ...]:
    emails = EmailMessage.objects.defer("text_body", "html_body").in_bulk(_ids(keys, _EMAIL))
    pushes = PushMessage.objects.in_bulk(_ids(keys, _PUSH))
    found: list[ToldOnce] = []
    for pk, at, channel in keys:
        if channel == _EMAIL and (email := emails.get(pk)) is not None:
            status = email.get_status_display()
            found.append(ToldOnce(pk, channel, at, email.subject, status, email.last_error))
        elif (push := pushes.get(pk)) is not None:
            found.append(ToldOnce(pk, channel, at, push.title, push.get_status_display(), push.status_reason))
    return tuple(found)


def _ids(keys: list[tuple[UUID, datetime, str]], channel: str) -> list[UUID]:
    return [pk for pk, _, one in keys if one == channel]
