"""The partitions of raw ad events: one for each UTC day on which tokens were issued."""

from typing import Final

from common.partitions import DayPartitions, patiently

EVENTS: Final = DayPartitions(table="ads_adevent", column="issue_day")

ensure_ahead = EVENTS.ensure_ahead
existing = EVENTS.existing
is_there = EVENTS.is_there

__all__ = ["EVENTS", "ensure_ahead", "existing", "is_there", "patiently"]
