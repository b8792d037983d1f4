"""Ending a job, always ``WHERE id AND claim = mine``: when no row answers, another worker has it."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError

from common import statements
from common.outbox.claim import Claimed
from common.outbox.failures import KEPT_ERRORS

_MINE = "WHERE id = %s AND claim = %s AND status = 'running' RETURNING id"
_APPEND = f"errors = CASE WHEN jsonb_array_length(errors) >= {KEPT_ERRORS} THEN errors - 0 ELSE errors END || %s::jsonb"

# Wanted again while it ran: it goes back to the queue as if new.
# Nobody's job is a division by zero: its COMMIT goes along in the same packet, so it has to fail by itself.
DONE = f"""
WITH ended AS (UPDATE common_job SET status = CASE WHEN again THEN 'pending' ELSE 'done' END,
    attempts = CASE WHEN again THEN 0 ELSE attempts END, run_at = CASE WHEN again THEN %s ELSE run_at END,
    finished_at = CASE WHEN again THEN NULL ELSE %s::timestamptz END, lease_until = NULL, again = false,
    note = ''
{_MINE})
SELECT 1 / count(*) FROM ended
"""  # noqa: S608 - constants
_FAILED = f"""
UPDATE common_job SET status = 'pending', run_at = %s, lease_until = NULL, error_group = %s, {_APPEND} {_MINE}
"""  # noqa: S608 - constants
_DEAD = f"""
UPDATE common_job SET status = 'dead', finished_at = %s, lease_until = NULL, again = false,
    attempts = least(attempts, max_attempts), error_group = %s, {_APPEND} {_MINE}
"""  # noqa: S608 - constants
_POSTPONED = f"""
UPDATE common_job SET status = 'pending', run_at = %s, lease_until = NULL, attempts = attempts - 1,
    note = left(%s, 500) {_MINE}
"""  # noqa: S608 - constants
_EXPIRED = f"""
UPDATE common_job SET status = 'expired', finished_at = %s, lease_until = NULL, again = false,
    attempts = attempts - 1, note = %s {_MINE}
"""  # noqa: S608 - constants


class TakenOver(Exception):
    """Another worker has this job now; whatever this one wrote must be rolled back."""


def done(job: Claimed, now: datetime) -> None:
    """Mark the job done, or pending again if it was wanted once more while it ran, and commit.

    It is the last act of the transaction that the job's effects were written in.
    """
    try:
        with statements.together(commits=True):
            statements.run(DONE, [now, now, job.id, job.claim])
    except DataError as error:
        raise _taken_over(job) from error


def failed(job: Claimed, now: datetime, error: str, group: str, wait: float) -> None:
    """Record a failed attempt; the next is in ``wait`` seconds."""
    _end(_FAILED, [now + timedelta(seconds=wait), group, _entry(job, now, error)], job)


def dead(job: Claimed, now: datetime, error: str, group: str) -> None:
    """Record the last failure and put the job with the dead letters."""
    _end(_DEAD, [now, group, _entry(job, now, error)], job)


def postponed(job: Claimed, now: datetime, seconds: float, reason: str) -> None:
    """Put the job off; it was no attempt."""
    _end(_POSTPONED, [now + timedelta(seconds=seconds), reason], job)


def expired(job: Claimed, now: datetime) -> None:
    """Finish a job unrun whose time has passed."""
    note = f"Not run: it was of use until {job.not_after:%Y-%m-%d %H:%M:%S} UTC only"
    _end(_EXPIRED, [now, note], job)


def _entry(job: Claimed, now: datetime, error: str) -> str:
    return json.dumps(
        [{"at": now.isoformat(), "attempt": min(job.attempts, job.max_attempts), "error": error}]
    )


def _end(sql: str, params: list[Any], job: Claimed) -> None:
    if statements.run(sql, [*params, job.id, job.claim]).fetchone() is None:
        raise _taken_over(job)


def _taken_over(job: Claimed) -> TakenOver:
    return TakenOver(f"{job.kind} {job.id} was taken over")
