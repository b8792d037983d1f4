"""Telling the mirror what an act changed, once it is committed."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from common.redis import client, guarded
from waitlist.mirror import keys
from waitlist.mirror.scripts import CHANGE, script
from waitlist.mirror.types import LARGEST_DELTA, Change, Put, member_of, score_of

# Two commits in a row may be told in the other order; the later one waits so long for the earlier.
_PARKED_SECONDS: Final = 60
# What comes in while a long queue is rebuilt, at several hundred changes a second.
_MOST_PARKED: Final = 2_000


def changed(session_id: UUID, version: int, changes: Sequence[Change] | None) -> None:
    """Have the mirror follow an act that raised the session's ``queue_version`` by one, to ``version``.

    Called in the act's transaction; nothing happens before it commits, or if it does not. None, or more than
    ``LARGEST_DELTA``: the mirror is put out of use until it is rebuilt. A mirror that misses a change is not
    read and is healed; so Redis being away is no error here, and nothing is raised into the caller.
    """
    if changes is None or len(changes) > LARGEST_DELTA:
        act = partial(_put_out_of_use, session_id)
    else:
        act = partial(_send, session_id, version, encoded(changes))
    transaction.on_commit(partial(guarded, act, lambda: None), robust=True)


def encoded(changes: Sequence[Change]) -> str:
    """Return the changes as the script reads them: ``[rank, member, score]`` to put, ``[rank, member]`` to drop."""
    rows = []
    for change in changes:
        row: list[int | str] = [change.rank, member_of(change.user_id).decode()]
        if isinstance(change, Put):
            # As text: Lua would print so long a number with an exponent.
            row.append(str(score_of(change.queue_at)))
        rows.append(row)
    return json.dumps(rows, separators=(",", ":"))


def _send(session_id: UUID, version: int, changes: str) -> None:
    script(CHANGE)(keys=keys.all_of(session_id), args=[version, changes, _PARKED_SECONDS, _MOST_PARKED])


def _put_out_of_use(session_id: UUID) -> None:
    client().delete(keys.own(session_id, "version"), keys.public(session_id, "version"))
