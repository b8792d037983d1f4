"""The staff's screens of what is written to people."""

from notifications.admin.campaigns import PushCampaignAdmin
from notifications.admin.devices import PushDeviceAdmin
from notifications.admin.email import EmailMessageAdmin
from notifications.admin.preferences import NotificationPreferencesAdmin
from notifications.admin.push import PushMessageAdmin
from notifications.admin.suppressions import EmailSuppressionAdmin

__all__ = [
    "EmailMessageAdmin",
    "EmailSuppressionAdmin",
    "NotificationPreferencesAdmin",
    "PushCampaignAdmin",
    "PushDeviceAdmin",
    "PushMessageAdmin",
]
