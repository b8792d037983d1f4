"""The demo's accounts. Every password is ``demo``."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Organization, User
from accounts.types import ROLE_CAPABILITIES, Capability, Role

PASSWORD = "demo"  # noqa: S105  (the demo's password, printed on its sign-in page)
STANDARD_ATTENDEES = 40

_MEMBERS = {
    "owner@demo.test": ("demo", Role.OWNER, "Olivia Owner"),
    "staff@demo.test": ("demo", Role.STAFF, "Sam Staff"),
    "analyst@demo.test": ("demo", Role.ANALYST, "Ana Analyst"),
    "scanner@demo.test": ("demo", Role.SCANNER, "Sid Scanner"),
    "rival@demo.test": ("rival", Role.OWNER, "Rita Rival"),
}
_ATTENDEES = {
    "vip@demo.test": "Vera Vip",
    "premium@demo.test": "Paul Premium",
    "noticket@demo.test": "Nora Noticket",
    **{f"standard{n}@demo.test": f"Attendee {n}" for n in range(1, STANDARD_ATTENDEES + 1)},
    **{f"speaker{n}@demo.test": f"Speaker {n}" for n in range(1, 4)},
}


@dataclass(frozen=True, slots=True)
class People:
    """Who is there: organizations by slug, users by the part of the e-mail before the @."""

    organizations: dict[str, Organization]
    users: dict[str, User]


def seed_people() -> People:
    """Create the organizations, members and attendees that are missing."""
    organizations = {
        slug: Organization.objects.get_or_create(slug=slug, defaults={"name": name})[0]
        for slug, name in (("demo", "Demo Events"), ("rival", "Rival Events"))
    }
    # One hash for all: hashing fifty passwords would take longer than the rest of the seeding.
    password = make_password(PASSWORD)
    users = {"admin": _user("admin@demo.test", "Ada Admin", password, is_staff=True, is_superuser=True)}
    for email, (slug, role, name) in _MEMBERS.items():
        enters_admin = Capability.VIEW_ADMIN in ROLE_CAPABILITIES[role]
        user = _user(email, name, password, is_staff=enters_admin)
        Membership.objects.get_or_create(organization=organizations[slug], user=user, defaults={"role": role})
        users[email.partition("@")[0]] = user
    for email, name in _ATTENDEES.items():
        users[email.partition("@")[0]] = _user(email, name, password)
    return People(organizations, users)


def _user(email: str, name: str, password: str, **flags: bool) -> User:
    user, _ = User.objects.get_or_create(email=email, defaults={"name": name, "password": password, **flags})
    return user
