"""Roles, and what each may do (CONTRACT: "Who may do what")."""

from enum import Enum

from django.db.models import TextChoices


class Role(TextChoices):
    """A member's role in an organization, from most to least."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    STAFF = "staff", "Staff"
    ANALYST = "analyst", "Analyst"
    SCANNER = "scanner", "Scanner"


class Capability(Enum):
    """One thing that a role may do in its organization."""

    SCAN = "scan"
    VIEW_ADMIN = "view_admin"
    VIEW_ANALYTICS = "view_analytics"
    VIEW_ORDERS = "view_orders"
    MANAGE_EVENTS = "manage_events"
    MANAGE_OFFERS = "manage_offers"
    MANAGE_WAITLIST = "manage_waitlist"
    MANAGE_ADS = "manage_ads"
    FULFIL = "fulfil"
    DEAD_LETTERS = "dead_letters"
    REISSUE = "reissue"
    REFUND = "refund"
    MANAGE_MEMBERS = "manage_members"
    RUN_EXPERIMENTS = "run_experiments"


_SCANNER = frozenset({Capability.SCAN})
_ANALYST = frozenset({Capability.VIEW_ADMIN, Capability.VIEW_ANALYTICS})
_STAFF = (
    _SCANNER
    | _ANALYST
    | {
        Capability.VIEW_ORDERS,
        Capability.MANAGE_EVENTS,
        Capability.MANAGE_OFFERS,
        Capability.MANAGE_WAITLIST,
        Capability.MANAGE_ADS,
        Capability.FULFIL,
        Capability.DEAD_LETTERS,
        Capability.REISSUE,
    }
)
_ADMIN = _STAFF | {Capability.REFUND, Capability.MANAGE_MEMBERS, Capability.RUN_EXPERIMENTS}

ROLE_CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.OWNER: _ADMIN,
    Role.ADMIN: _ADMIN,
    Role.STAFF: _STAFF,
    Role.ANALYST: _ANALYST,
    Role.SCANNER: _SCANNER,
}


def roles_with(capability: Capability) -> frozenset[str]:
    """Return the roles that have the capability."""
    return frozenset(role for role, held in ROLE_CAPABILITIES.items() if capability in held)
