"""Who may listen to a sponsor's leads."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services.access import actor_of
from accounts.types import Capability, roles_with
from ads.selectors.sponsors import sponsor_with_leads
from common import statements
from events.audience import Pair


def may_listen(user: User, sponsor_id: UUID, _now: datetime) -> None:
    """Allow the sponsor's people and the organizer's staff. Raises ``NotFound``, ``Forbidden``."""
    sponsor_with_leads(actor_of(user), sponsor_id)


def may_listen_still(pairs: Collection[Pair]) -> set[Pair]:
    """Return those pairs of a person and a sponsor that ``may_listen`` lets pass. One statement."""
    asked = {
        "users": [user for user, _ in pairs],
        "sponsors": [sponsor for _, sponsor in pairs],
        "roles": sorted(roles_with(Capability.MANAGE_ADS)),
    }
    return {(user, sponsor) for user, sponsor in statements.run(_STILL, asked).fetchall()}


_STILL = statements.one_line("""
SELECT asked.user_id, asked.sponsor_id
FROM unnest(%(users)s::uuid[], %(sponsors)s::uuid[]) AS asked (user_id, sponsor_id)
JOIN accounts_user AS person ON person.id = asked.user_id
JOIN ads_sponsor AS sponsor ON sponsor.id = asked.sponsor_id
JOIN events_event AS event ON event.id = sponsor.event_id
WHERE person.is_superuser
    OR EXISTS (SELECT FROM ads_sponsormember AS m WHERE m.sponsor_id = sponsor.id AND m.user_id = person.id)
    OR EXISTS (SELECT FROM accounts_membership AS m
        WHERE m.organization_id = event.organization_id AND m.user_id = person.id AND m.role = ANY(%(roles)s))
""")
