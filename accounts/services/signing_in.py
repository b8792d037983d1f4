"""Signing in with e-mail and password."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.selectors import user_by_email
from accounts.services import tokens
from common.errors import Unauthenticated
from common.operations import Call, observed
from common.ratelimits import RateLimit, hit
from common.rest.networks import shortened

_MINUTE = 60
# Many people share an address at a venue; somebody who tries one password on many accounts needs more than that.
_ACCOUNTS_PER_ADDRESS = 20

_log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Attempt:
    """A sign-in under way; whoever looks at the password says whose it is."""

    user: User | None = None


@contextmanager
def attempting(*, email: str, address: str) -> Iterator[Attempt]:
    """Limit, count and log one sign-in, by whichever door, that is decided in the block.

    ``address`` is the caller's, or their network. Raises ``RateLimited`` past ``LOGIN_RATE_LIMIT`` a minute for
    address and e-mail, or past 20 times as many of the address. What the block refuses (a ``Failure``, a
    ``ValidationError``) counts as refused. The line in the log names the account that was opened or tried and the
    shortened network, never what was typed: it may be a password in the wrong field.
    """
    attempt, call = Attempt(), Call()
    try:
        with observed("sign_in", refusals=(ValidationError,)) as call:
            _limit(email, address)
            try:
                yield attempt
            except (Unauthenticated, ValidationError):
                attempt.user = attempt.user or user_by_email(email)
                raise
    finally:
        network = shortened(address.partition("/")[0])
        user_id = str(attempt.user.pk) if attempt.user else None
        _log.info("sign_in", outcome=call.ended.value, network=network, user_id=user_id)


def sign_in(*, email: str, password: str, address: str, now: datetime) -> tokens.TokenPair:
    """Return tokens for the right e-mail and password.

    Raises ``RateLimited`` as ``attempting`` does, ``Unauthenticated`` for a wrong pair or an inactive user, which are
    not told apart.
    """
    with attempting(email=email, address=address) as attempt:
        user = authenticate(request=None, username=email, password=password)
        if not isinstance(user, User):
            raise Unauthenticated("The e-mail or the password is wrong.")
        attempt.user = user
        return tokens.issue(user, now=now)


def _limit(email: str, address: str) -> None:
    allowed = settings.LOGIN_RATE_LIMIT
    hit(RateLimit("login", allowed, _MINUTE), f"{address}:{email.strip().lower()}")
    hit(RateLimit("login_address", allowed * _ACCOUNTS_PER_ADDRESS, _MINUTE), address)
