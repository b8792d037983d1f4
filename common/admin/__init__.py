"""Staff's screens of the durable queue, the webhooks and the schedules."""

from common.admin.beat import ScheduledTaskAdmin
from common.admin.dead_letters import DeadLetterAdmin
from common.admin.inbox import InboxEventAdmin
from common.admin.jobs import JobAdmin

__all__ = ["DeadLetterAdmin", "InboxEventAdmin", "JobAdmin", "ScheduledTaskAdmin"]
