"""Who calls the doors that many use at once: told apart, not looked up."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from accounts.rest.authentication import bearer_token
from accounts.services import tokens
from ads.types.redeeming import Visitor
from common import clock
from common.bots import is_bot
from common.errors import Unauthenticated
from common.rest import client_address, client_network
from common.rest.networks import shortened


def user_id_of(header: str, now: datetime) -> UUID | None:
    """Return whom an ``Authorization`` header names, by its signature: that they are active nobody asks for an ad.

    None without a token. Raises ``AuthenticationFailed`` for one that is not valid.
    """
    try:
        raw = bearer_token(header)
        return None if raw is None else tokens.own_user_id(raw, now=now) or _of_identity(raw)
    except Unauthenticated as failure:
        raise AuthenticationFailed(failure.detail) from failure


def visitor_of(request: HttpRequest, user_id: UUID | None) -> Visitor:
    """Return who tells of ads."""
    return Visitor(
        user_id=user_id,
        network=client_network(request),
        shown_network=shortened(client_address(request)),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
    )


def network_of(request: HttpRequest) -> str:
    """Return what a limit counts of a caller's address, as ``client_network``; read once for each address."""
    told = request.META
    return _network(
        told.get("REMOTE_ADDR", ""), told.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXY_COUNT
    )


def is_program(request: HttpRequest) -> bool:
    """Say whether a client says that it is no person's browser, or says nothing of itself."""
    return is_bot(request.META.get("HTTP_USER_AGENT", ""))


@lru_cache(maxsize=4096)
def _network(peer: str, forwarded: str, proxies: int) -> str:
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    return client_network(request)


@lru_cache(maxsize=2048)
def _of_identity(raw: str) -> UUID:
    """Return whom a token of the identity service names: looked up once, for it never names somebody else."""
    return tokens.authenticate(raw, now=clock.now()).pk
