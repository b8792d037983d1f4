"""Telling the mirror what an act changed, once it is committed."""

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from waitlist.mirror import contents, keys
from waitlist.mirror.scripts import CHANGE, ask, script
from waitlist.mirror.types import LARGEST_DELTA, Change, MirrorAway, Put, member_of, score_of

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
        act = partial(contents.put_out_of_use, session_id)
    else:
        act = partial(send, session_id, version, encoded(changes))
    transaction.on_commit(partial(_unless_away, act), robust=True)


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


def send(session_id: UUID, version: int, changes: str) -> None:
    """Have the mirror apply encoded changes, or keep them until those before them came. Raises ``MirrorAway``."""
    change = script(CHANGE)
    args: list[int | str] = [version, changes, _PARKED_SECONDS, _MOST_PARKED]
    ask(lambda: change(keys=keys.all_of(session_id), args=args))


def _unless_away(act: Callable[[], None]) -> None:
    # The breaker has said so in the log, and the mirror's version says that it misses something.
    with contextlib.suppress(MirrorAway):
        act()
