"""Screens of what belongs to a person, and so to no organization."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin_base import Act, ScopedModelAdmin
from accounts.scope import scope_of
from accounts.types import Capability
from common.audit.models import AuditEntry
from events.models import Registration


class PersonScopedAdmin(ScopedModelAdmin):
    """Rows of people who are registered for one's events; operators see everybody's.

    Whoever stands at an organization's desk may ask why nothing arrives, so its staff look; nobody else's people are
    there for them. What changes how *all* organizations reach the person is in ``operators_acts``.
    """

    organization_path = ""
    view_capability = Capability.VIEW_ORDERS
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    search_help_text = "Person"
    operators_acts: ClassVar[frozenset[str]] = frozenset()

    def scope_filter(self, request: HttpRequest, capability: Capability | None) -> dict[str, Any]:
        """Return the condition that keeps people who belong to events of these organizations."""
        if capability is None:
            return {"pk__in": []}
        where = scope_of(request).organizations(capability)
        if where is None:
            return {}
        known = Registration.objects.order_by().filter(event__organization_id__in=where)
        return {"user_id__in": known.values("user_id")}

    def history_entries(self, request: HttpRequest, subject: Model) -> QuerySet[AuditEntry]:
        """Return what one's own organizations did; what the others and the house did the operators see alone."""
        entries = super().history_entries(request, subject)
        where = scope_of(request).organizations(self.view_capability)
        return entries if where is None else entries.filter(organization_id__in=where)

    def organization_id_of(self, obj: Model) -> None:
        """A person belongs to no organization; which rows there are the query says."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer what is the operators' to them alone."""
        actions = super().get_actions(request)
        hidden = frozenset() if scope_of(request).is_everywhere else self.operators_acts
        return {name: one for name, one in actions.items() if name not in hidden}

    def acts_for(self, request: HttpRequest, obj: Model) -> list[Act]:
        """Offer what is the operators' to them alone."""
        hidden = frozenset() if scope_of(request).is_everywhere else self.operators_acts
        return [one for one in super().acts_for(request, obj) if one.name not in hidden]
