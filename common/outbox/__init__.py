"""The durable queue: jobs are rows of PostgreSQL, written in the transaction that needs them.

Celery carries wake-ups only. See ``registry`` (handlers), ``queue`` (writing jobs), ``worker`` (the loop),
``dead_letters`` (what is left to people).
"""

from common.outbox.queue import cancel, enqueue, enqueue_many, jobs_of, post, publish, reschedule
from common.outbox.registry import Condition, Gate, job, on_fact, remote_job
from common.outbox.types import Drained, GiveUp, JobContext, JobStatus, Lane, NewJob, Postpone, UnknownKind
from common.outbox.worker import drain

__all__ = [
    "Condition",
    "Drained",
    "Gate",
    "GiveUp",
    "JobContext",
    "JobStatus",
    "Lane",
    "NewJob",
    "Postpone",
    "UnknownKind",
    "cancel",
    "drain",
    "enqueue",
    "enqueue_many",
    "job",
    "jobs_of",
    "on_fact",
    "post",
    "publish",
    "remote_job",
    "reschedule",
]
