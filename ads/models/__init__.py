"""The tables of this room."""

from ads.models.ads import Ad, AdIndexVersion, AdPlacement, ContentType, Pacing, PriceModel
from ads.models.events import (
    AdDaily,
    AdDirtyDay,
    AdEvent,
    EventKind,
    InvalidCount,
    InvalidReason,
    InvalidSample,
)
from ads.models.figures import AdCalendar, AdFigures, AdRun
from ads.models.spend import AdSpend, AdSpendDay
from ads.models.sponsors import Lead, LeadSource, Sponsor, SponsorMember

__all__ = [
    "Ad",
    "AdCalendar",
    "AdDaily",
    "AdDirtyDay",
    "AdEvent",
    "AdFigures",
    "AdIndexVersion",
    "AdPlacement",
    "AdRun",
    "AdSpend",
    "AdSpendDay",
    "ContentType",
    "EventKind",
    "InvalidCount",
    "InvalidReason",
    "InvalidSample",
    "Lead",
    "LeadSource",
    "Pacing",
    "PriceModel",
    "Sponsor",
    "SponsorMember",
]
