"""Bearer tokens: JWT, HS256 with one shared secret (REQ EV-02).

Two issuers share the secret. Ours (``iss: marquee``) name a user that we have; those of the platform's
identity
service have no ``iss`` of ours, name a person by ``sub`` and ``email``, and provision that person on first
sight.

A refresh token is good for one use (``accounts.services.rotation``) and carries a fingerprint of the password it
was issued under: changing the password ends it, and so does deactivating the user. Access tokens end by their
age; a deactivated user's are refused at once.
"""

import hmac
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from accounts.models import User
from accounts.services import rotation
from accounts.services.identities import user_of_identity
from common import statements
from common.errors import Unauthenticated
from common.types import UNSET

ISSUER = "marquee"
ALGORITHM = "HS256"
ACCESS, REFRESH = "access", "refresh"
# Far above any token of ours or of the identity service.
MAXIMUM_LENGTH = 4096
# Two machines' clocks may differ by so much in what "not before" and "issued at" say.
SKEW_SECONDS = 60
_FINGERPRINT_LENGTH = 32
INACTIVE = "This account cannot sign in."

_FIELDS = [field.attname for field in User._meta.concrete_fields]
# Every signed-in call asks this: the ORM would write it anew each time.
_ACTIVE_USER = f"SELECT {', '.join(_FIELDS)} FROM {User._meta.db_table} WHERE id = %s AND is_active"  # noqa: S608 constant

# Times are checked here, against the caller's clock; ``aud`` belongs to the identity service.
_DECODE_OPTIONS: Any = {
    "require": ["exp", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What signing in gives."""

    access: str
    refresh: str


def issue(user: User, *, now: datetime) -> TokenPair:
    """Return a new pair of tokens for the user, who just signed in."""
    family = rotation.begin(user, now=now)
    return _pair(user, family.pk, family.current, now=now)


def access_token(user: User, *, now: datetime) -> str:
    """Return an access token alone, for somebody who is known by other means (a page's session)."""
    return _encode(user, ACCESS, settings.ACCESS_TOKEN_LIFETIME, now=now)


def refresh(raw: str, *, now: datetime) -> TokenPair:
    """Use a refresh token of ours up and return a new pair. Call it outside of a transaction.

    Raises ``Unauthenticated`` when it is none, too old, used before, issued under another password, or its user
    is inactive.
    """
    claims = _claims(raw, now=now)
    if claims.get("iss") != ISSUER or claims.get("type") != REFRESH:
        raise Unauthenticated("This is not a refresh token.")
    user = _own_user(claims)
    fingerprint = claims.get("pwd")
    if not isinstance(fingerprint, str) or not hmac.compare_digest(
        fingerprint.encode(), _fingerprint(user).encode()
    ):
        raise Unauthenticated("The password was changed, please sign in again.")
    family_id, token_id = _id_of(claims, "fam"), _id_of(claims, "jti")
    token_id = rotation.rotate(user, family_id=family_id, token_id=token_id, now=now)
    return _pair(user, family_id, token_id, now=now)


def authenticate(raw: str, *, now: datetime) -> User:
    """Return the user whom an access token names; the identity service's people are provisioned on first sight.

    Raises ``Unauthenticated`` for everything else: unsigned, ``alg: none``, another secret, expired, without an
    end, a refresh token, no such user, an inactive one. One query for a user who is known.
    """
    claims = _access_claims(raw, now=now)
    if claims.get("iss") == ISSUER:
        return _own_user(claims)
    return user_of_identity(
        subject=claims["sub"],
        email=claims.get("email"),
        is_email_verified=claims.get("email_verified", UNSET),
        name=claims.get("name"),
        now=now,
    )


def own_user_id(raw: str, *, now: datetime) -> UUID | None:
    """Return whom an access token of ours names; None for one of the identity service.

    Asks nothing: whoever calls must still see that there is such a user, and that they are active. Raises
    ``Unauthenticated`` for every other token.
    """
    claims = _access_claims(raw, now=now)
    return _user_id(claims) if claims.get("iss") == ISSUER else None


def ends_at(raw: str, *, now: datetime) -> datetime:
    """Return when a token that is valid at ``now`` ends, a year from now at most. Raises ``Unauthenticated``."""
    seconds = _instant(_claims(raw, now=now)["exp"]) or 0.0
    latest = now + timedelta(days=365)
    return min(datetime.fromtimestamp(min(seconds, latest.timestamp()), UTC), latest)


def _pair(user: User, family_id: UUID, token_id: UUID, *, now: datetime) -> TokenPair:
    more = {"pwd": _fingerprint(user), "fam": family_id.hex, "jti": token_id.hex}
    return TokenPair(
        access=access_token(user, now=now),
        refresh=_encode(user, REFRESH, settings.REFRESH_TOKEN_LIFETIME, now=now, **more),
    )


def _id_of(claims: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(claims[name])
    except (KeyError, ValueError, AttributeError, TypeError):
        raise Unauthenticated("The token is not valid.") from None


def _encode(user: User, kind: str, lifetime: timedelta, *, now: datetime, **extra: str) -> str:
    claims = {
        "iss": ISSUER,
        "type": kind,
        "sub": str(user.pk),
        "email": user.email,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode({**claims, **extra}, settings.JWT_SECRET, algorithm=ALGORITHM)


def _fingerprint(user: User) -> str:
    """Return what changes with the password and tells nothing about it (Django: session auth hash)."""
    return user.get_session_auth_hash()[:_FINGERPRINT_LENGTH]


def _access_claims(raw: str, *, now: datetime) -> Mapping[str, Any]:
    claims = _claims(raw, now=now)
    is_own = claims.get("iss") == ISSUER
    # Ours say what they are; the identity service's may leave it out.
    if claims.get("type", None if is_own else ACCESS) != ACCESS:
        raise Unauthenticated("This is not an access token.")
    return claims


def _claims(raw: str, *, now: datetime) -> Mapping[str, Any]:
    """Return the claims of a token that is signed by the shared secret and valid at ``now``."""
    if not raw or len(raw) > MAXIMUM_LENGTH or not raw.isascii():
        raise Unauthenticated("The token is not valid.")
    try:
        claims = _verified(raw, settings.JWT_SECRET)
    except (jwt.PyJWTError, RecursionError, ValueError) as error:
        # RecursionError, ValueError: a header or body whose JSON Python itself gives up on.
        raise Unauthenticated("The token is not valid.") from error
    _check_times(claims, now.timestamp())
    return claims


@lru_cache(maxsize=2048)
def _verified(raw: str, secret: str) -> Mapping[str, Any]:
    """Return what the secret has signed. That never changes, and people call again and again with one token; its
    times and its user are looked at each time. Raises what ``jwt`` raises."""
    return MappingProxyType(jwt.decode(raw, secret, algorithms=[ALGORITHM], options=_DECODE_OPTIONS))


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires = _instant(claims["exp"])
    if expires is None or expires <= now:
        raise Unauthenticated("The token has expired.")
    for name in ("nbf", "iat"):
        if name in claims:
            begins = _instant(claims[name])
            if begins is None or begins > now + SKEW_SECONDS:
                raise Unauthenticated("The token is not valid yet.")


def _instant(value: object) -> float | None:
    """Read a NumericDate (RFC 7519); anything that is no finite number is None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _user_id(claims: Mapping[str, Any]) -> UUID:
    try:
        return UUID(claims["sub"])
    except ValueError:
        raise Unauthenticated("The token is not valid.") from None


def _own_user(claims: Mapping[str, Any]) -> User:
    row = statements.run(_ACTIVE_USER, [_user_id(claims)]).fetchone()
    if row is None:
        raise Unauthenticated(INACTIVE)
    return User.from_db(DEFAULT_DB_ALIAS, _FIELDS, row)
