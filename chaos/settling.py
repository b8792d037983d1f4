"""After the last accident: until nothing due is left unworked, and until everything that waits has come to its end."""

import time
from collections.abc import Callable, Iterator

import psycopg

from chaos.stack import Stack
from config.local_stack import processes

# "Nothing due left unworked 2 minutes after the last fault."
LIMIT_SECONDS = 120.0
_LOOK_SECONDS = 0.5
_LOOKS_IN_A_ROW = 2
_TELL_SECONDS = 5.0
_LOST_AFTER_SECONDS = 3.0

# What should be happening now and is not over. Each finds the number of rows that are left.
_DUE = {
    "jobs that are due": "SELECT count(*) FROM common_job WHERE status = 'pending' AND run_at <= now()",
    "jobs that run": "SELECT count(*) FROM common_job WHERE status = 'running'",
    # One whose attempt failed waits for the next, as every job: that one is not due.
    "webhooks unworked": """SELECT count(*) FROM common_inboxevent e WHERE status IN ('received', 'processing')
        AND NOT EXISTS (SELECT FROM common_job WHERE status = 'pending' AND run_at > now()
        AND payload->>'inbox_id' = e.id::text)""",
    "announcements not told": "SELECT count(*) FROM notifications_realtimeevent WHERE state IN ('new', 'numbered')",
    "seat offers past their end": """SELECT count(*) FROM waitlist_entry WHERE status = 'OFFERED'
        AND offer_expires_at < now() - interval '2 seconds'""",
}
# The clock's: figures are computed each minute.
_DUE_BY_THE_CLOCK = {
    "days of tracked events to compute": "SELECT count(*) FROM analytics_dirtyday",
    "days of ad events to compute": "SELECT count(*) FROM ads_addirtyday",
}
# Not due yet: waits for its time, or for another attempt after a failure.
_OPEN = {
    "orders that hold goods": """SELECT count(*) FROM payments_order WHERE quarantine_reason = ''
        AND state IN ('reserved', 'session_pending', 'open', 'expiring', 'processing')""",
    "jobs that failed and wait": "SELECT count(*) FROM common_job WHERE status = 'pending' AND attempts > 0",
    "refunds under way": "SELECT count(*) FROM payments_refund WHERE status IN ('requested', 'pending')",
    "e-mails queued": "SELECT count(*) FROM notifications_emailmessage WHERE status = 'queued'",
}
# As if the lease had run out of what a lost worker holds. Who still works at it finds that it is another's now.
_HELD = "SELECT id, claim FROM common_job WHERE status = 'running'"
_END_LEASES = """UPDATE common_job j SET lease_until = now()
    FROM unnest(%(ids)s::uuid[], %(claims)s::int[]) AS held (id, claim)
    WHERE j.id = held.id AND j.claim = held.claim AND j.status = 'running' RETURNING j.id"""
# As if the time had passed that a job waits after a failure, which may be a day.
_HURRY = """UPDATE common_job SET run_at = now()
    WHERE status = 'pending' AND attempts > 0 AND run_at > now() RETURNING id"""


class NeverQuiet(Exception):
    """Something is left after the limit; the message names it."""


def quiet(stack: Stack, *, since: float, with_clock: bool, say: Callable[[str], None]) -> float:
    """Wait until nothing due is left and return how many seconds after ``since`` (monotonic) that was.

    ``with_clock`` waits for what takes minutes: for leases of lost workers, and for figures. Without it those leases
    are ended, and figures are left to the next round. Raises ``NeverQuiet`` past the limit.
    """
    wanted = {**_DUE, **(_DUE_BY_THE_CLOCK if with_clock else {})}
    if not with_clock:
        _end_leases(stack)
    _wait(stack, wanted, deadline=since + LIMIT_SECONDS, say=say)
    return time.monotonic() - since


def _end_leases(stack: Stack) -> None:
    """End what nobody got on with for some seconds."""
    if not processes.wait_until(stack.is_ready, seconds=LIMIT_SECONDS):
        return
    held = stack.rows(_HELD)
    time.sleep(_LOST_AFTER_SECONDS if held else 0.0)
    stack.rows(_END_LEASES, ids=[row[0] for row in held], claims=[row[1] for row in held])


def finish(stack: Stack, *, say: Callable[[str], None]) -> int:
    """Have everything that waits come to its end now, and return how many attempts were brought forward.

    Raises ``NeverQuiet`` when something is left two minutes later.
    """
    hurried = 0

    def hurry() -> None:
        nonlocal hurried
        hurried += len(stack.rows(_HURRY))

    deadline = time.monotonic() + LIMIT_SECONDS
    _wait(stack, {**_DUE, **_OPEN}, deadline=deadline, say=say, each_look=hurry)
    return hurried


def _wait(
    stack: Stack,
    wanted: dict[str, str],
    *,
    deadline: float,
    say: Callable[[str], None],
    each_look: Callable[[], None] = lambda: None,
) -> None:
    """Look until nothing is left, several times in a row; past the deadline a look that finds something is the last."""
    in_a_row, tell_at = 0, 0.0
    while in_a_row < _LOOKS_IN_A_ROW:
        try:
            each_look()
            left = list(_left(stack, wanted))
        except psycopg.Error as error:
            left = [f"the database is away: {error}"]
        in_a_row = 0 if left else in_a_row + 1
        if left and time.monotonic() > deadline:
            raise NeverQuiet("; ".join(left))
        if left and time.monotonic() >= tell_at:
            say(f"  .. {'; '.join(left)}")
            tell_at = time.monotonic() + _TELL_SECONDS
        time.sleep(_LOOK_SECONDS)


def _left(stack: Stack, wanted: dict[str, str]) -> Iterator[str]:
    if not stack.is_ready():
        yield "the web is not ready"
        return
    query = " UNION ALL ".join(f"SELECT '{name}', ({one})" for name, one in wanted.items())
    yield from (f"{count} {name}" for name, count in stack.rows(query) if count)
