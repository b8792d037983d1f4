"""People of the platform's identity service, made known here on first sight (REQ EV-02).

Which account a person gets (CONTRACT, Socket.IO): their ``sub`` is our id where it is a UUID, else a UUIDv5
of it;
an e-mail already known is that user. The identity service is trusted as far as the shared secret goes,
which also
signs our own tokens. What it cannot be trusted with is an address that it never checked: a token that says
``email_verified: false`` is refused, and an operator's account (superuser, made from the command line) is
matched
by e-mail only when the token says ``email_verified: true``. Every such match is in the audit history.
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
from common.types import SYSTEM

# UUIDv5 of a subject that is no UUID. Never change it: it decides who is who.
SUBJECT_NAMESPACE = uuid.UUID("7d0f4c52-6a86-5c0e-9c3d-1f5a3f6f2b11")
_MAXIMUM_SUBJECT = 255
_MAXIMUM_EMAIL = 254
_MAXIMUM_NAME = 200
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

    Raises ``Unauthenticated`` for an absent or unusable subject or e-mail, an e-mail said to be unverified, and an
    inactive user. One query when the person is known.
    """
    address = _address(subject, email, is_email_verified)
    user = _known(subject) or _match(subject, address, is_email_verified is True, now=now)
    if user is None:
        user = _create(subject, address, name)
    if not user.is_active:
        raise Unauthenticated("This account cannot sign in.")
    return user


def _address(subject: str, email: object, is_email_verified: object) -> str:
    if not subject.strip() or len(subject) > _MAXIMUM_SUBJECT or "\0" in subject:
        raise Unauthenticated("The token names nobody.")
    if not isinstance(email, str) or len(email) > _MAXIMUM_EMAIL or is_email_verified is False:
        raise Unauthenticated("The token has no usable e-mail.")
    address = email.strip().lower()
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
    if user.is_superuser and not is_verified:
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


def _create(subject: str, address: str, name: object) -> User:
    """Insert the person; of two first requests at once one inserts and both read the same row."""
    user = User(
        pk=user_id_of_subject(subject),
        email=address,
        name=name[:_MAXIMUM_NAME].replace("\0", "") if isinstance(name, str) else "",
        external_subject=subject,
    )
    user.set_unusable_password()
    User.objects.bulk_create([user], ignore_conflicts=True)
    stored = _known(subject) or user_by_email(address)
    if stored is None:
        raise Unauthenticated("This account cannot sign in.")
    return stored
