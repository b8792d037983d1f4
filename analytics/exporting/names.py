"""What a report's file is called."""

import re

from analytics.types.exports import ReportFormat
from analytics.types.figures import Range
from events.models import Event


def file_name(event: Event, wanted: Range, report_format: ReportFormat) -> str:
    """Return a name of letters, digits and dashes alone, whatever the event is called."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", event.slug).strip("-") or "event"
    return f"report-{slug}-{wanted.first}-{wanted.last}.{report_format.value}"
