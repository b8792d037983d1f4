"""Who calls: the bearer token of a request, for REST and GraphQL."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from accounts.services import tokens
from accounts.services.access import actor_of
from common import clock
from common.errors import Unauthenticated
from common.types import ANONYMOUS, Actor

SCHEME = "Bearer"


def bearer_token(header: str) -> str | None:
    """Return the token of an ``Authorization`` header; None when the header is empty or of another scheme.

    Raises ``Unauthenticated`` for the scheme without exactly one token.
    """
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != SCHEME.lower():
        return None
    token = token.strip()
    if not token or " " in token:
        raise Unauthenticated("Give one token after Bearer.")
    return token


def user_of_header(header: str) -> User | None:
    """Return the user of an ``Authorization`` header, None without one; raises ``Unauthenticated``."""
    token = bearer_token(header)
    return None if token is None else tokens.authenticate(token, now=clock.now())


class BearerAuthentication(BaseAuthentication):
    """DRF's door: no token is nobody, a token that is not valid is 401, on public addresses too."""

    def authenticate(self, request: HttpRequest | Request) -> tuple[User, None] | None:
        """Return the token's user."""
        try:
            user = user_of_header(request.headers.get("Authorization", ""))
        except Unauthenticated as failure:
            raise AuthenticationFailed(failure.detail) from failure
        return None if user is None else (user, None)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in a 401."""
        return SCHEME


def actor_of_request(request: HttpRequest | Request) -> Actor:
    """Return who calls; ``ANONYMOUS`` is allowed."""
    user = request.user
    return actor_of(user) if isinstance(user, User) else ANONYMOUS


def require_user(request: Request) -> User:
    """Return the signed-in user; raises ``Unauthenticated`` when nobody is."""
    user = request.user
    if not isinstance(user, User):
        raise Unauthenticated
    return user


def resolve_graphql_actor(request: HttpRequest) -> tuple[Actor, User | None]:
    """Return who calls ``/graphql``, by the bearer token alone (``common.graphql.view``).

    A browser session of the admin does not count, so another site's page cannot use it. Raises
    ``Unauthenticated`` for a token that is not valid.
    """
    user = user_of_header(request.headers.get("Authorization", ""))
    return (ANONYMOUS if user is None else actor_of(user), user)
