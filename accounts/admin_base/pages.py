"""The page of an act: what it will do and why (GET, or the list's action), then what came of it (POST)."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant

from accounts.admin_base.acts import Act, ActCall, ActForm, ActResult, acts_of
from accounts.scope import scope_of
from common import clock
from common.errors import Failure, Forbidden

MAXIMUM_ROWS = 500
_CONFIRMED = "confirmed"


class ActsMixin(ModelAdmin):
    """Gives a scoped ``ModelAdmin`` its declared acts, in the list and on the object's page."""

    def get_urls(self) -> list[URLPattern]:
        """Add ``act/<name>/``, before the addresses of objects."""
        info = (self.opts.app_label, self.opts.model_name)
        view = self.admin_site.admin_view(self.act_view)
        return [path("act/<slug:name>/", view, name="{}_{}_act".format(*info)), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the acts that the user may do somewhere, and nothing that deletes."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        for name, declared in acts_of(type(self)).items():
            if declared.on_many and scope_of(request).has(declared.capability):
                actions[name] = (_opening(declared), name, declared.label)
        return actions

    def acts_for(self, request: HttpRequest, obj: Model) -> list[Act]:
        """Return the acts that the user may do on this object; override to hide those that do not fit its
        state."""
        organization_id = self.organization_id_of(obj)
        found = acts_of(type(self)).values()
        return [one for one in found if scope_of(request).has(one.capability, organization_id)]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the acts as buttons above the object."""
        obj = kwargs.get("obj")
        if obj is not None:
            buttons = [self._button(one, obj) for one in self.acts_for(request, obj)]
            context["actions_detail"] = [*context.get("actions_detail", []), *buttons]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for the reason, or carry the act out on each named row and show what came of it."""
        declared = acts_of(type(self)).get(name)
        if declared is None:
            raise Http404
        if not scope_of(request).has(declared.capability):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        rows = self._rows(request, given.getlist("ids")[:MAXIMUM_ROWS])
        if not rows:
            raise Http404
        return self.act_page(request, declared, rows)

    def act_page(
        self, request: HttpRequest, declared: Act, rows: list[Model], came_from: str = ""
    ) -> HttpResponse:
        """Show the form, or with a valid and confirmed one what came of it.

        One object: its own page again, or the form with the refusal at its fields. Several: a result each.
        """
        is_confirmed = request.method == "POST" and _CONFIRMED in request.POST
        form = self.act_form(declared, rows, request.POST if is_confirmed else None)
        results = None
        if is_confirmed and form.is_valid():
            results = [self._run(request, declared, row, form.cleaned_data) for row in rows]
        if results is not None and len(results) == 1:
            refusal = results[0].refusal
            if refusal is None:
                return self._ended(request, declared, results[0])
            form.refused(refusal)
            results = None
        back = self._way_back(request, rows, came_from)
        return TemplateResponse(
            request, "admin/act.html", self._told(request, declared, rows, form, results, back)
        )

    def act_form(self, declared: Act, rows: list[Model], given: QueryDict | None) -> ActForm:
        """Return the act's form; override where it asks something of each row."""
        return declared.form(given)

    def _told(
        self,
        request: HttpRequest,
        declared: Act,
        rows: list[Model],
        form: ActForm,
        results: list[ActResult] | None,
        back: str,
    ) -> dict[str, Any]:
        one = rows[0] if len(rows) == 1 else None
        what = str(one) if one else f"{len(rows)} {self.opts.verbose_name_plural}"
        return {
            **self.admin_site.each_context(request),
            "title": f"{declared.label}: {what}",
            "heading": declared.label if one else f"{declared.label}: {what}",
            "kind": self.opts.verbose_name,
            "subject": one,
            "column": self.opts.verbose_name,
            "opts": self.opts,
            "label": declared.label,
            "explain": declared.explain,
            "is_dangerous": declared.is_dangerous,
            "act_url": self._act_url(declared),
            "back_url": back,
            "hidden": [("back", back), *(("ids", row.pk) for row in rows)],
            "rows": () if one else rows,
            "form": form,
            "results": results,
            "done": sum(result.is_done for result in results or ()),
            "total": len(results or ()),
            "object": one,
        }

    def _way_back(self, request: HttpRequest, rows: list[Model], came_from: str) -> str:
        """Return where the user came from: the filtered list or the object's page."""
        back = came_from or request.POST.get("back", "")
        if back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
            return back
        return self._page_of(rows[0]) if len(rows) == 1 else self._list_url()

    def _ended(self, request: HttpRequest, declared: Act, result: ActResult) -> HttpResponse:
        """Say what came of it on the object's own page, or in the list once the object is out of sight."""
        messages.success(request, format_html("{}: {}", declared.label, result.message))
        is_there = self.get_queryset(request).filter(pk=result.subject.pk).exists()
        return HttpResponseRedirect(self._page_of(result.subject) if is_there else self._list_url())

    def _run(self, request: HttpRequest, declared: Act, row: Model, data: dict[str, Any]) -> ActResult:
        scope = scope_of(request)
        reason = data.get("reason", "")
        try:
            if not scope.has(declared.capability, self.organization_id_of(row)):
                raise Forbidden
            message = declared.run(self, ActCall(row, scope.actor, reason, data, clock.now()))
        except (Failure, ValidationError) as error:
            return ActResult.refused(row, error)
        return ActResult(row, message)

    def _rows(self, request: HttpRequest, ids: list[str]) -> list[Model]:
        try:
            return list(self.get_queryset(request).filter(pk__in=ids))
        except (ValidationError, ValueError):
            return []

    def _page_of(self, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def _list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _act_url(self, declared: Act) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_act", args=[declared.name])

    def _button(self, declared: Act, obj: Model) -> dict[str, Any]:
        return {
            "title": declared.label,
            "icon": declared.icon,
            "variant": ActionVariant.DANGER if declared.is_dangerous else ActionVariant.DEFAULT,
            "attrs": {},
            "dialog": None,
            "path": f"{self._act_url(declared)}?ids={obj.pk}",
        }


def _opening(declared: Act) -> Callable[..., HttpResponse]:
    """Return the list's action, which only opens the act's page for the rows that were ticked."""

    def open_page(model_admin: Any, request: HttpRequest, queryset: QuerySet[Model]) -> HttpResponse:
        rows = list(queryset[: MAXIMUM_ROWS + 1])
        if len(rows) > MAXIMUM_ROWS:
            messages.error(request, f"Choose at most {MAXIMUM_ROWS} rows at once.")
            return HttpResponseRedirect(request.get_full_path())
        came_from = request.get_full_path()
        response: HttpResponse = model_admin.act_page(request, declared, rows, came_from)
        return response

    return open_page
