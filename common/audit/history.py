"""The admin's history page of an object, from the audit entries."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.audit.models import AuditEntry
from common.audit.services import history_of

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Model]
else:
    _Base = object

ENTRIES_A_PAGE = 50


class AuditHistoryMixin(_Base):
    """Put before a ``ModelAdmin``: its "History" shows who did what, why, and each field before and after.

    The object is loaded through the admin's own scoped queryset, so another organization's is not found.
    """

    audit_history_template = "admin/audit_history.html"

    def history_entries(self, request: HttpRequest, subject: Model) -> QuerySet[AuditEntry]:
        """Return what may be told of the object: all of it, where the object is one organization's alone."""
        return history_of(subject)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one page of entries, the newest first."""
        subject = self.get_object(request, unquote(object_id))
        if subject is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
                request, self.opts, object_id
            )
            return missing
        if not self.has_view_or_change_permission(request, subject):
            raise PermissionDenied
        pages = self.get_paginator(request, self.history_entries(request, subject), ENTRIES_A_PAGE)
        page = pages.get_page(request.GET.get("p", 1))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History: {subject}",
            "subtitle": None,
            "opts": self.opts,
            "object": subject,
            "page": page,
            "entries": [(entry, _rows(entry.changes)) for entry in page],
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.audit_history_template, context)


def _rows(changes: dict[str, Any]) -> list[tuple[str, object, object]]:
    """Return (field, before, after) of each change, nothing shown as a dash."""
    return [(name, _shown(before), _shown(after)) for name, (before, after) in changes.items()]


def _shown(value: object) -> object:
    return "–" if value in (None, "") else value
