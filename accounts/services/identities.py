"""People of the platform's identity service, made known here on first sight (REQ EV-02).

Which account a person gets (CONTRACT, Socket.IO): their ``sub`` is our id where it is a UUID, else a UUIDv5 of it;
an e-mail already known is that user. The identity service is trusted as far as the shared secret goes, which also
signs our own tokens. What it cannot be trusted with is an address that it never checked. ``email_verified`` is not
among the claims that it must send: a service that leaves it out vouches for its addresses. Where it says anything,
that must be true (``true`` or ``"true"``), and an operator's account (superuser, made from the command line) is matched
by e-mail only where it does. What links an account to its subject, the first such match, is in the audit history.
"""

import uuid
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.selectors import user_by_email
from common.audit import record
from common.errors import Unauthenticated
from common.plain_text import is_storable, plain_name
from common.types import SYSTEM, UNSET

# UUIDv5 of a subject that is no UUID. Never change it: it decides who is who.
SUBJECT_NAMESPACE = uuid.UUID("7d0f4c52-6a86-5c0e-9c3d-1f5a3f6f2b11")
_MAXIMUM_SUBJECT = 255
_MAXIMUM_EMAIL = 254
MAXIMUM_NAME = 200
_is_email = EmailValidator()


def user_id_of_subject(subject: str) -> UUID:
    """Return the id that a person of the identity service has here."""
    try:
        return UUID(subject)
    except ValueError:
        return uuid.uuid5(SUBJECT_NAMESPACE, subject)


def user_of_identity(
    *, subject: str, email: object, is_email_verified: object, name: object, now: datetime
) -> User:
    """Return the active user of a checked identity token, creating them on first sight; safe under races.

    ``is_email_verified`` is what the token says, ``UNSET`` where it says nothing. Raises ``Unauthenticated`` for an
    absent or unusable subject or e-mail, an e-mail that it says is anything but verified, one that only a verified
    e-mail may match, and an inactive user. One query when the person is known.
    """
    is_verified = is_email_verified is True or is_email_verified == "true"
    if not is_verified and is_email_verified is not UNSET:
        raise Unauthenticated("The token has no verified e-mail.")
    address = _address(subject, email)
    user = _known(subject) or _match(subject, address, is_verified, now=now)
    if user is None:
        _create(subject, address, name)
        # Of two first requests at once one inserts, and both read the same row.
        user = _known(subject) or _match(subject, address, is_verified, now=now)
    if user is None:
        raise Unauthenticated("This account cannot sign in.")
    if not user.is_active:
        raise Unauthenticated("This account cannot sign in.")
    return user


def _address(subject: str, email: object) -> str:
    if not subject.strip() or len(subject) > _MAXIMUM_SUBJECT or not is_storable(subject):
        raise Unauthenticated("The token names nobody.")
    if not isinstance(email, str) or len(email) > _MAXIMUM_EMAIL:
        raise Unauthenticated("The token has no usable e-mail.")
    address = email.strip()
    # Signs that cannot be seen, or that become others in lower case, would make an address look like another's.
    if plain_name(address) != address or not address.rpartition("@")[0].isascii():
        raise Unauthenticated("The token has no usable e-mail.")
    address = address.lower()
    try:
        _is_email(address)
    except ValidationError:
        raise Unauthenticated("The token has no usable e-mail.") from None
    return address


def _known(subject: str) -> User | None:
    """Find by subject, or by the id that the subject means; the recorded subject wins."""
    found = User.objects.filter(Q(external_subject=subject) | Q(pk=user_id_of_subject(subject)))
    return min(found, key=lambda user: user.external_subject != subject, default=None)


@transaction.atomic
def _match(subject: str, address: str, is_verified: bool, *, now: datetime) -> User | None:
    user = user_by_email(address)
    if user is None:
        return None
    if not is_verified and user.is_superuser:
        raise Unauthenticated("This account cannot sign in by an unverified e-mail.")
    linked = User.objects.filter(pk=user.pk, external_subject=None).update(external_subject=subject)
    if linked:
        record(
            actor=SYSTEM,
            action="accounts.identity_linked",
            subject=user,
            organization_id=None,
            changes={"external_subject": [None, subject]},
            now=now,
        )
    return user


def _create(subject: str, address: str, name: object) -> None:
    """Insert the person, unless their id, subject or e-mail is taken by now."""
    user = User(
        pk=user_id_of_subject(subject),
        email=address,
        name=plain_name(name, longest=MAXIMUM_NAME) if isinstance(name, str) else "",
        external_subject=subject,
    )
    user.set_unusable_password()
    User.objects.bulk_create([user], ignore_conflicts=True)
