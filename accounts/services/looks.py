"""A look of somebody's own: the caller and what they look at are asked for together.

What many people read again and again costs waiting more than work, so it waits once. The rules for tokens are
those of ``accounts.services.tokens``; the statement finds nobody's things but an active user's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import User
from accounts.services import tokens
from common import statements
from common.errors import Unauthenticated


class Seen(NamedTuple):
    """Who looked, and the row that they found: None when there was none."""

    user_id: UUID
    row: tuple[Any, ...] | None


def own(statement: str) -> str:
    """Return a statement of constant text for ``look``, made of one that finds at most one row of ``%(user)s``.

    The first column of that one must not be null.
    """
    return statements.one_line(f"""
        SELECT caller.id, seen.* FROM {User._meta.db_table} AS caller LEFT JOIN LATERAL ({statement}) AS seen ON TRUE
        WHERE caller.id = %(user)s AND caller.is_active
    """)  # noqa: S608 constant


def look(raw: str, statement: str, of: Mapping[str, Any], *, now: datetime) -> Seen:
    """Return what a statement made by ``own`` finds for the user of an access token. One statement for a user of
    ours, more for one of the identity service.

    Raises ``Unauthenticated`` as ``tokens.authenticate`` does.
    """
    user_id = tokens.own_user_id(raw, now=now) or tokens.authenticate(raw, now=now).pk
    found = statements.run(statement, {**of, "user": user_id}).fetchone()
    if found is None:
        raise Unauthenticated(tokens.INACTIVE)
    return Seen(user_id, found[1:] if found[1] is not None else None)
