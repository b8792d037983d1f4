"""The tables of this room."""

from analytics.models.answers import LastAnswer
from analytics.models.console import EventConsole
from analytics.models.experiments import (
    Experiment,
    ExperimentRefusal,
    ExperimentRefusalReason,
    ExperimentStatus,
    ExperimentTally,
    Exposure,
    Metric,
    Variant,
)
from analytics.models.figures import DailyFigure, DirtyDay, Refresh
from analytics.models.reports import (
    Cadence,
    DeliveryOutcome,
    ReportDelivery,
    ReportRecipient,
    ReportRun,
    RunKind,
    RunState,
    ScheduledReport,
    Weekday,
)
from analytics.models.tracking import RawEvent, RefusalReason, RefusedCount, SeenEvent, TrackedType

__all__ = [
    "Cadence",
    "DailyFigure",
    "DeliveryOutcome",
    "DirtyDay",
    "EventConsole",
    "Experiment",
    "ExperimentRefusal",
    "ExperimentRefusalReason",
    "ExperimentStatus",
    "ExperimentTally",
    "Exposure",
    "LastAnswer",
    "Metric",
    "RawEvent",
    "Refresh",
    "RefusalReason",
    "RefusedCount",
    "ReportDelivery",
    "ReportRecipient",
    "ReportRun",
    "RunKind",
    "RunState",
    "ScheduledReport",
    "SeenEvent",
    "TrackedType",
    "Variant",
    "Weekday",
]
