"""The tables of this room."""

from analytics.models.answers import LastAnswer
from analytics.models.figures import DailyFigure, DirtyDay, Refresh
from analytics.models.tracking import RawEvent, RefusalReason, RefusedCount, SeenEvent, TrackedType

__all__ = [
    "DailyFigure",
    "DirtyDay",
    "LastAnswer",
    "RawEvent",
    "Refresh",
    "RefusalReason",
    "RefusedCount",
    "SeenEvent",
    "TrackedType",
]
