"""Signing in with e-mail and password."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate

from accounts.models import User
from accounts.services import tokens
from common.errors import Unauthenticated
from common.operations import observed
from common.ratelimits import RateLimit, hit

_MINUTE = 60
# Many people share an address at a venue; somebody who tries one password on many accounts needs more than
# that.
_ACCOUNTS_PER_ADDRESS = 20


def limit_attempts(email: str, address: str) -> None:
    """Count one attempt to sign in; raises ``RateLimited`` past ``LOGIN_RATE_LIMIT`` a minute for address
    and e-mail.

    One address may make 20 times as many attempts over all e-mails.
    """
    allowed = settings.LOGIN_RATE_LIMIT
    hit(RateLimit("login", allowed, _MINUTE), f"{address}:{email.strip().lower()}")
    hit(RateLimit("login_address", allowed * _ACCOUNTS_PER_ADDRESS, _MINUTE), address)


@observed("sign_in")
def sign_in(*, email: str, password: str, address: str, now: datetime) -> tokens.TokenPair:
    """Return tokens for the right e-mail and password.

    Raises ``RateLimited`` after too many attempts from the address, ``Unauthenticated`` for a wrong pair or
    an
    inactive user, which are not told apart.
    """
    limit_attempts(email, address)
    user = authenticate(request=None, username=email, password=password)
    if not isinstance(user, User):
        raise Unauthenticated("The e-mail or the password is wrong.")
    return tokens.issue(user, now=now)
