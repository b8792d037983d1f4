"""The tables of this floor, gathered where Django looks for them."""

from common.audit.models import AuditEntry
from common.idempotency.models import IdempotencyRecord
from common.inbox.models import InboxEvent
from common.outbox.models import DeadLetter, Job
from common.schedules.models import ScheduledRun

__all__ = ["AuditEntry", "DeadLetter", "IdempotencyRecord", "InboxEvent", "Job", "ScheduledRun"]
