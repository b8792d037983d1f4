"""People and organizations for tests: ``make_member(role="staff")``."""

import itertools
from datetime import UTC, datetime
from typing import Any

from accounts.models import Membership, Organization, User
from accounts.services import tokens
from accounts.types import ROLE_CAPABILITIES, Capability
from common import clock

# An instant for tests that state their own time. Far ahead, so that what begins after it is never over by the
# real clock, which the doors read.
NOW = datetime(2096, 11, 21, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)


def make_user(email: str | None = None, *, password: str | None = None, **fields: Any) -> User:
    """Create a person; without a password they sign in by the identity service only."""
    return User.objects.create_user(email or f"person{next(_numbers)}@example.test", password, **fields)


def make_superuser(email: str | None = None, *, password: str | None = None) -> User:
    """Create an operator."""
    return User.objects.create_superuser(email or f"operator{next(_numbers)}@example.test", password)


def make_organization(slug: str | None = None, *, name: str | None = None) -> Organization:
    """Create an organization without members."""
    slug = slug or f"organization-{next(_numbers)}"
    return Organization.objects.create(slug=slug, name=name or slug.replace("-", " ").title())


def make_membership(
    role: str = "staff", *, organization: Organization | None = None, user: User | None = None
) -> Membership:
    """Give somebody a role, in a new organization unless one is named; ``is_staff`` follows."""
    membership = Membership.objects.create(
        organization=organization or make_organization(), user=user or make_user(), role=role
    )
    if Capability.VIEW_ADMIN in ROLE_CAPABILITIES[role] and not membership.user.is_staff:
        membership.user.is_staff = True
        membership.user.save(update_fields=["is_staff"])
    return membership


def make_member(
    role: str = "staff", *, organization: Organization | None = None, email: str | None = None
) -> User:
    """Create a person with a role, in a new organization unless one is named."""
    return make_membership(role, organization=organization, user=make_user(email)).user


def bearer(user: User, *, now: datetime | None = None) -> dict[str, str]:
    """Return the header of Django's test client for a signed-in user: ``client.get(url,
    headers=bearer(user))``."""
    return {"Authorization": f"Bearer {tokens.access_token(user, now=now or clock.now())}"}
