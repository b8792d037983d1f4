"""What is written to people, by each channel, and how far it got."""

from notifications.models.email import (
    MAXIMUM_ATTACHED,
    MAXIMUM_FILENAME,
    AttemptOutcome,
    EmailAttachment,
    EmailAttempt,
    EmailChannel,
    EmailFile,
    EmailMessage,
    EmailStatus,
)
from notifications.models.preferences import MutedBy, MutedKind, NotificationPreferences
from notifications.models.push import (
    PushDelivery,
    PushDevice,
    PushMessage,
    PushPlatform,
    PushProvider,
    PushStatus,
)
from notifications.models.push_campaigns import PushAudience, PushCampaign
from notifications.models.push_channels import PushChannel, PushPart
from notifications.models.realtime import RealtimeEvent, RealtimeState, RealtimeStream
from notifications.models.tracking import (
    EmailEvent,
    EmailEventKind,
    EmailSuppression,
    SuppressionReason,
)

__all__ = [
    "MAXIMUM_ATTACHED",
    "MAXIMUM_FILENAME",
    "AttemptOutcome",
    "EmailAttachment",
    "EmailAttempt",
    "EmailChannel",
    "EmailEvent",
    "EmailEventKind",
    "EmailFile",
    "EmailMessage",
    "EmailStatus",
    "EmailSuppression",
    "MutedBy",
    "MutedKind",
    "NotificationPreferences",
    "PushAudience",
    "PushCampaign",
    "PushChannel",
    "PushDelivery",
    "PushDevice",
    "PushMessage",
    "PushPart",
    "PushPlatform",
    "PushProvider",
    "PushStatus",
    "RealtimeEvent",
    "RealtimeState",
    "RealtimeStream",
    "SuppressionReason",
]
