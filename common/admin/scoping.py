"""Who may see and work dead letters. This floor knows no members: the room of accounts says (``use``)."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from django.http import HttpRequest

from common.types import ANONYMOUS, Actor


class Policy(Protocol):
    """What the screens of this floor ask about a request."""

    def actor(self, request: HttpRequest) -> Actor:
        """Return who asks."""

    def organizations(self, request: HttpRequest) -> set[UUID] | None:
        """Return where they may handle dead letters; None: everywhere, also what belongs to nobody."""

    def names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of organizations, by one query."""


class _Closed:
    """Nobody may anything, until somebody says who may."""

    def actor(self, request: HttpRequest) -> Actor:
        return ANONYMOUS

    def organizations(self, request: HttpRequest) -> set[UUID] | None:
        return set()

    def names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        return {}


class _Holder:
    policy: Policy = _Closed()


def use(policy: Policy) -> None:
    """Let this policy decide from now on; called once, when the process starts."""
    _Holder.policy = policy


def policy() -> Policy:
    """Return the policy in force."""
    return _Holder.policy


def has_access(request: HttpRequest) -> bool:
    """Say whether they may handle dead letters anywhere."""
    where = policy().organizations(request)
    return where is None or bool(where)


def is_operator(request: HttpRequest) -> bool:
    """Say whether they see what belongs to no organization."""
    return policy().organizations(request) is None
