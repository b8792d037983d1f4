"""Who sees an ad, by a keyed hash: caps and unique viewers need to tell people apart, not to name them.

A signed-in person is their user id on every device; others are the session token that their front end keeps. Who
gives neither is a new viewer each time: no cap holds for them, so a decision gives them one ad at most, as it does
when caps cannot be asked. With a new ``SECRET_KEY`` everybody is a new viewer; whose an open token is, the keys of
``SECRET_KEY_FALLBACKS`` still tell.
"""

from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings

from common.errors import Invalid

LONGEST_SESSION_TOKEN: Final = 128
# RFC 9562, UUID version 8: bits of our own making. Version 4, random, tells who gave nothing. The last bit is set for
# somebody who was signed in.
_VERSION_8: Final = 8 << 76
_VARIANT: Final = 2 << 62
_FREE_BITS: Final = ((1 << 128) - 1) & ~(0xF << 76) & ~(3 << 62) & ~1
_PERSON: Final = 1
_UNNAMED: Final = 4


def viewer_of(user_id: UUID | None, session_token: str | None) -> UUID:
    """Return who somebody is for ads: by the user's id, else by the session token, else nobody in particular.

    An empty session token is none. Raises ``Invalid`` for one of more than 128 characters or with a NUL.
    """
    if session_token and (len(session_token) > LONGEST_SESSION_TOKEN or "\0" in session_token):
        raise Invalid.field("session_token", "invalid", "Give at most 128 characters.")
    if user_id is not None:
        return _person(user_id, settings.SECRET_KEY)
    if session_token:
        return _hashed(b"session:" + session_token.encode("utf-8", "backslashreplace"), settings.SECRET_KEY)
    return uuid4()


def viewers_of(user_id: UUID) -> frozenset[UUID]:
    """Return all viewers that a user may be in tokens that are open: one for each key that is still read."""
    return frozenset(
        _person(user_id, key) for key in (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    )


def is_unnamed(viewer: UUID) -> bool:
    """Say whether the viewer gave neither user nor session token, and so is somebody else the next time."""
    return viewer.version == _UNNAMED


def is_person(viewer: UUID) -> bool:
    """Say whether the viewer was signed in."""
    return not is_unnamed(viewer) and bool(viewer.int & _PERSON)


def _person(user_id: UUID, secret: str) -> UUID:
    return UUID(int=_hashed(b"user:" + user_id.bytes, secret).int | _PERSON)


def _hashed(text: bytes, secret: str) -> UUID:
    digest = blake2b(text, digest_size=16, key=_key(secret)).digest()
    return UUID(int=int.from_bytes(digest) & _FREE_BITS | _VERSION_8 | _VARIANT)


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(b"ads.decision.viewers:" + secret.encode()).digest()
