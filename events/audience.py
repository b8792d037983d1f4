"""Many people and many events or sessions at once: who of them may see what.

The rules are those of ``selectors``, which ask for one person; here one statement answers for thousands of pairs.
"""

from collections.abc import Collection
from uuid import UUID

from accounts.types import Capability, roles_with
from common import statements

# A person's id and the id of what they want to see or hear of: an event, a session, what stands in a room's name.
Pair = tuple[UUID, UUID]


def who_see_events(pairs: Collection[Pair]) -> set[Pair]:
    """Return those pairs of a person and an event that ``visible_event`` lets pass. One statement."""
    return _found(_SEE_EVENTS, pairs)


def who_see_sessions(pairs: Collection[Pair]) -> set[Pair]:
    """Return those pairs of a person and a session that ``visible_session`` lets pass. One statement."""
    return _found(_SEE_SESSIONS, pairs)


def with_capability(pairs: Collection[Pair], capability: Capability) -> set[Pair]:
    """Return those pairs of a person and an event in whose organization they have the capability. One statement."""
    return _found(_WITH_ROLE, pairs, roles=sorted(roles_with(capability)))


def _found(sql: str, pairs: Collection[Pair], **terms: object) -> set[Pair]:
    asked = {"users": [user for user, _ in pairs], "ids": [id_ for _, id_ in pairs]}
    return {(user, id_) for user, id_ in statements.run(sql, asked | terms).fetchall()}


_ASKED = """
SELECT asked.user_id, asked.id FROM unnest(%(users)s::uuid[], %(ids)s::uuid[]) AS asked (user_id, id)
JOIN accounts_user AS person ON person.id = asked.user_id
"""
_SEES = """
WHERE person.is_superuser OR event.visibility = 'public'
    OR EXISTS (SELECT FROM events_registration AS r WHERE r.event_id = event.id AND r.user_id = person.id)
    OR EXISTS (SELECT FROM accounts_membership AS m
        WHERE m.organization_id = event.organization_id AND m.user_id = person.id)
"""
_SEE_EVENTS = statements.one_line(f"{_ASKED} JOIN events_event AS event ON event.id = asked.id {_SEES}")
_SEE_SESSIONS = statements.one_line(f"""{_ASKED} JOIN events_session AS session ON session.id = asked.id
JOIN events_event AS event ON event.id = session.event_id {_SEES}""")
_WITH_ROLE = statements.one_line(f"""{_ASKED} JOIN events_event AS event ON event.id = asked.id
WHERE person.is_superuser OR EXISTS (SELECT FROM accounts_membership AS m
    WHERE m.organization_id = event.organization_id AND m.user_id = person.id AND m.role = ANY(%(roles)s))""")
