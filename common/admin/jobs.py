"""All jobs, whatever became of them. To look at only."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from common.admin.base import QueueAdmin, error_history, pretty
from common.admin.filters import RegisteredKindFilter
from common.outbox.models import Job
from common.outbox.words import kind_words

BADGES = {
    "pending": "info",
    "running": "info",
    "done": "success",
    "dead": "danger",
    "discarded": "warning",
    "expired": "warning",
}


@admin.register(Job)
class JobAdmin(QueueAdmin):
    """The queue as it stands."""

    nothing_here = "Whatever is to be done in the background stands here."
    list_display = (
        "what",
        "kind",
        "lane",
        "shown_status",
        "organization_",
        "run_at",
        "attempts_",
        "finished_at",
    )
    list_filter = ("status", "lane", RegisteredKindFilter)
    list_filter_sheet = True
    search_fields = ("kind", "id", "trace_id", "dedupe_key")
    search_help_text = "Kind, id, trace id or key"
    ordering = ("-id",)
    readonly_fields = fields = (
        "id", "kind", "lane", "status", "organization_", "run_at", "not_after", "attempts_", "lease_until",
        "dedupe_key", "trace_id", "note", "error_group", "errors_", "payload_", "created_at", "finished_at",
    )  # fmt: skip

    @display(description="What", ordering="kind")
    def what(self, job: Job) -> str:
        """Return what it is to do."""
        return kind_words(job.kind)

    @display(description="Status", ordering="status", label=BADGES)
    def shown_status(self, job: Job) -> tuple[str, str]:
        """Return where it stands."""
        return job.status, job.get_status_display()

    @display(description="Organization")
    def organization_(self, job: Any) -> str:
        """Return whose it is."""
        return str(job.organization_name)

    @display(description="Attempts", ordering="attempts")
    def attempts_(self, job: Job) -> str:
        """Return how many of its attempts it used."""
        return f"{job.attempts} of {job.max_attempts}"

    @display(description="Payload")
    def payload_(self, job: Job) -> SafeString:
        """Return what it is about, without secrets."""
        return pretty(job.payload)

    @display(description="Errors")
    def errors_(self, job: Job) -> SafeString:
        """Return every failed attempt."""
        return error_history(job)
