"""A ``ModelAdmin`` that shows and changes only what the user's roles reach."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest, HttpResponse

from accounts.admin_base.acts import show_refusal
from accounts.admin_base.pages import ActsMixin
from accounts.admin_base.stale import FIELD, refuse_overtaken, shown_by
from accounts.scope import Scope, scope_of
from accounts.types import Capability
from common import clock
from common.admin.lists import HouseLists
from common.audit import changes_between, record
from common.audit.history import AuditHistoryMixin
from common.errors import Failure

_FAILURE = "_marquee_failure"


class ScopedModelAdmin(AuditHistoryMixin, ActsMixin, HouseLists):
    """Rows, choices and deeds of the user's organizations alone; superusers see all.

    ``organization_path`` leads from the model to the organization (``"organization"``, ``"event__organization"``), or
    to its id (``"organization_id"``, None for the house's own); ``""`` for the organization itself. ``None`` as a
    capability means: not by this screen. What is saved goes through ``save_by_service`` where a screen overrides it; a
    ``Failure`` that it raises is shown at its fields.
    """

    organization_path: ClassVar[str] = "organization"
    view_capability: ClassVar[Capability] = Capability.VIEW_ADMIN
    add_capability: ClassVar[Capability | None] = None
    change_capability: ClassVar[Capability | None] = None
    delete_capability: ClassVar[Capability | None] = None

    # What is seen

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the organizations where the user may look."""
        rows: QuerySet[Any] = super().get_queryset(request)
        # Django leaves ``list_select_related`` out where a query selects something along already.
        asked = self.list_select_related if isinstance(self.list_select_related, list | tuple) else ()
        related = [*filter(None, [self.organization_path.rpartition("__")[0]]), *asked]
        if related:
            rows = rows.select_related(*related)
        return rows.filter(**self.scope_filter(request, self.view_capability))

    def scope_filter(self, request: HttpRequest, capability: Capability | None) -> dict[str, Any]:
        """Return the condition that keeps what the capability reaches; nothing for superusers."""
        if capability is None:
            return {"pk__in": []}
        where = scope_of(request).organizations(capability)
        return {} if where is None else {f"{self.organization_path or 'pk'}__in": where}

    def organization_id_of(self, obj: Model) -> UUID | None:
        """Return the organization that an object belongs to, None for what is the house's own."""
        if not self.organization_path:
            found: UUID | None = obj.pk
            return found
        value: Any = obj
        *steps, last = self.organization_path.split("__")
        for step in steps:
            value = getattr(value, step)
        organization_id: UUID | None = getattr(value, last.removesuffix("_id") + "_id")
        return organization_id

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Offer, and accept, only rows that the user's change right reaches (whatever the form sends)."""
        scope = scope_of(request)
        if not scope.is_everywhere and "queryset" not in kwargs:
            kwargs["queryset"] = self._choices(db_field, request)
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field

    def _choices(self, db_field: ForeignKey[Any, Any], request: HttpRequest) -> QuerySet[Any]:
        model: type[Model] = db_field.related_model
        screen = self.admin_site._registry.get(model)
        if not isinstance(screen, ScopedModelAdmin):
            return model._default_manager.none()
        capability = self.change_capability or self.add_capability
        return screen.get_queryset(request).filter(**screen.scope_filter(request, capability))

    # Who may

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may look anywhere."""
        return scope_of(request).has(self.view_capability)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the user may look at the object, or anywhere."""
        return self._may(scope_of(request), self.view_capability, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may add anywhere."""
        return self._may(scope_of(request), self.add_capability, None)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the user may change the object, or anywhere."""
        return self._may(scope_of(request), self.change_capability, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the user may delete; where no capability is named nobody may."""
        return self._may(scope_of(request), self.delete_capability, obj)

    def _may(self, scope: Scope, capability: Capability | None, obj: Model | None) -> bool:
        if capability is None:
            return False
        return scope.has(capability, None if obj is None else self.organization_id_of(obj))

    # What is written

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> Model | None:
        """Override: call the service with ``form.cleaned_data`` and return what it saved.

        The base saves the row itself and writes the audit entry.
        """
        before = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
        obj.save()
        record(
            actor=scope_of(request).actor,
            action=f"{self.opts.app_label}.{'update' if change else 'create'}_{self.opts.model_name}",
            subject=obj,
            organization_id=self.organization_id_of(obj),
            changes=changes_between(before or {}, obj),
            now=clock.now(),
        )
        return None

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """Save through ``save_by_service``; the page goes on with what the service saved."""
        saved = self.save_by_service(request, obj, form, change)
        if saved is not None and saved is not obj:
            obj.__dict__.update(saved.__dict__)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form; a refusal by the service rolls everything back and is shown at its fields."""
        try:
            first: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        except (Failure, ValidationError) as failure:
            setattr(request, _FAILURE, failure)
            again: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
            return again
        return first

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form, which is not valid where it was overtaken, nor once the service refused what it says."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        shown = request.POST.get(FIELD, "") if change else ""
        refusal: Failure | ValidationError | None = getattr(request, _FAILURE, None)

        class Judged(form):
            def _post_clean(self) -> None:
                super()._post_clean()
                refuse_overtaken(self, shown)
                if refusal is not None:
                    show_refusal(self, refusal)

        return Judged

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Say in the page what it shows, so that saving it later is compared with that."""
        obj = kwargs.get("obj")
        if obj is not None and self.has_change_permission(request, obj):
            context["shown"] = shown_by(context["adminform"].form)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    # One history: ours. Django's own log entries would be a second, thinner one.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit history."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit history."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Leave it to the audit history."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Answer as Django does; pop-ups stay inside what the user may see."""
        if IS_POPUP_VAR in request.POST and not self.has_view_permission(request, obj):
            return self._response_post_save(request, obj)  # type: ignore[no-any-return]
        return super().response_add(request, obj, post_url_continue)
