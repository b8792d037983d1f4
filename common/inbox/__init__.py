"""Webhooks of providers: verified by the room that speaks with the provider, stored once, worked by a job.

That room calls ``accept`` with the verified bytes; the job's handler reads the event, acts, and calls ``mark``
in the same transaction.
"""

from common.inbox.models import InboxEvent, InboxStatus
from common.inbox.store import Accepted, accept, mark, run_again

__all__ = ["Accepted", "InboxEvent", "InboxStatus", "accept", "mark", "run_again"]
