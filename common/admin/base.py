"""Screens that only show: nothing is typed into a job or a webhook."""

import json
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from common.admin.lists import HouseList, HouseLists
from common.admin.scoping import has_access, policy
from common.admin.times import time_words
from common.audit.history import AuditHistoryMixin
from common.logging import masked
from common.outbox.models import Job

_LONGEST_SHOWN = 20_000
_PRE = "overflow-x-auto text-xs break-words"


class NamingChangeList(HouseList):
    """Names the organizations of a page's rows, by one query for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Load the page, then the names."""
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        add_names(page)
        self.result_list = page


class ReadOnlyAdmin(AuditHistoryMixin, HouseLists):
    """Nobody adds, changes or deletes here, operators neither."""

    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether they may look anywhere."""
        return self.has_view_permission(request)

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Return the buttons above an object (``button``)."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the buttons above the object."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["actions_detail"] = [
                *(context.get("actions_detail") or []),
                *self.buttons(request, obj),
            ]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response


class QueueAdmin(ReadOnlyAdmin):
    """Jobs of the organizations where the user may handle dead letters."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether they may look; which rows, the query says."""
        return has_access(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the jobs that they may see."""
        jobs: QuerySet[Any] = super().get_queryset(request)
        where = policy().organizations(request)
        return jobs if where is None else jobs.filter(organization_id__in=where)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Name organizations."""
        return NamingChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the job with its organization's name."""
        job = super().get_object(request, object_id, from_field)
        if job is not None:
            add_names([job])
        return job


def add_names(jobs: list[Any]) -> None:
    """Put ``organization_name`` on each job."""
    names = policy().names({job.organization_id for job in jobs if job.organization_id is not None})
    for job in jobs:
        job.organization_name = names.get(job.organization_id, job.organization_id or "–")


def button(title: str, icon: str, path: str, *, is_dangerous: bool = False) -> dict[str, Any]:
    """Return a button in the shape that unfold's templates take."""
    return {
        "title": title,
        "icon": icon,
        "variant": ActionVariant.DANGER if is_dangerous else ActionVariant.DEFAULT,
        "attrs": {},
        "dialog": None,
        "path": path,
    }


def pretty(value: Any) -> SafeString:
    """Return JSON for reading: indented, secrets masked, bounded."""
    text = json.dumps(masked(value), indent=2, ensure_ascii=False, default=str)
    return preformatted(text)


def preformatted(text: str) -> SafeString:
    """Return text as it is, escaped and bounded."""
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}\n… ({len(text)} characters)"
    return format_html('<pre class="{}">{}</pre>', _PRE, shown)


def _when(text: str) -> str:
    """Say the time of an attempt, which is kept as text."""
    try:
        return time_words(datetime.fromisoformat(text))
    except ValueError:
        return text


def error_history(job: Job) -> SafeString:
    """Return each failed attempt with its time and error, the latest first."""
    if not job.errors:
        return mark_safe("–")
    rows = format_html_join(
        "",
        '<li class="mb-2"><span class="font-medium">{} · attempt {}</span><br>{}</li>',
        (
            (_when(one.get("at", "")), one.get("attempt", ""), masked(one.get("error", "")))
            for one in job.errors[::-1]
        ),
    )
    return format_html('<ol class="break-words">{}</ol>', rows)
