"""The screen of tickets: who holds which, what the doors saw, and the two deeds of staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET

from accounts.admin_base import Act, ActCall, ScopedModelAdmin, act
from accounts.admin_base.acts import sentence
from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.base import button
from common.admin.links import link_to
from common.admin.times import time_column, time_words
from common.errors import Failure
from tickets.files import pdf_answer
from tickets.models import Ticket, TicketStatus
from tickets.services import reissuing
from tickets.services.printing import print_ticket
from tickets.services.showing import is_printable


class CameFilter(admin.SimpleListFilter):
    """Whether a door let the ticket in."""

    title = "at the door"
    parameter_name = "came"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the choices."""
        return [("yes", "Came"), ("no", "Not yet"), ("inside", "Inside now")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was chosen."""
        if self.value() == "inside":
            return queryset.filter(is_inside=True)
        if self.value() in {"yes", "no"}:
            return queryset.filter(first_scanned_at__isnull=self.value() == "no")
        return queryset


@admin.register(Ticket)
class TicketAdmin(ScopedModelAdmin):
    """Who holds which ticket. Nothing is edited, and codes are shown only in what is downloaded for printing."""

    organization_path = "event__organization"
    # Holders are people: who may see orders may see them.
    view_capability = Capability.VIEW_ORDERS
    nothing_here = "Tickets stand here as they are issued."
    list_display = ("number", "holder", "event", "tier", "status", "issued", "came")
    list_filter = ("status", CameFilter, ("event", admin.RelatedOnlyFieldListFilter))
    search_fields = ("number", "holder__email", "holder__name")
    search_help_text = "Number, name or e-mail"
    fields = readonly_fields = (
        "number", "holder_name", "holder", "event", "tier", "status", "issued", "bought_by", "stopped", "reissued",
        "came", "admissions", "is_inside", "scanned",
    )  # fmt: skip

    issued = time_column("issued_at", "Issued", "event.zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch people and tiers along with the rows."""
        return (
            super()
            .get_queryset(request)
            .select_related("event__checkin_policy", "tier", "holder", "sale__order")
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the page for printing."""
        view = self.admin_site.admin_view(self.print_view)
        page: URLPattern = path("<uuid:ticket_id>/pdf/", view, name="tickets_ticket_pdf")
        return [page, *super().get_urls()]

    @method_decorator(require_GET)
    def print_view(self, request: HttpRequest, ticket_id: UUID) -> HttpResponse:
        """Download the ticket as its holder may print it; refused, say why on the ticket's own page."""
        if not self.get_queryset(request).filter(pk=ticket_id).exists():
            raise Http404
        try:
            return pdf_answer(print_ticket(scope_of(request).actor, ticket_id, now=clock.now()))
        except Failure as refusal:
            messages.error(request, sentence(refusal))
            return HttpResponseRedirect(reverse("admin:tickets_ticket_change", args=[ticket_id]))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer the page for printing where there is one."""
        ticket: Ticket | None = kwargs.get("obj")
        may = ticket and scope_of(request).has(Capability.REISSUE, ticket.event.organization_id)
        if ticket is not None and may and is_printable(ticket):
            where = reverse("admin:tickets_ticket_pdf", args=[ticket.pk])
            pdf = button("Ticket as PDF", "print", where)
            context["actions_detail"] = [pdf, *context.get("actions_detail", [])]
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def acts_for(self, request: HttpRequest, obj: Model) -> list[Act]:
        """Offer nothing on a void ticket."""
        is_valid = isinstance(obj, Ticket) and obj.status == TicketStatus.VALID
        return super().acts_for(request, obj) if is_valid else []

    @admin.display(description="First let in", ordering="first_scanned_at")
    def came(self, ticket: Ticket) -> str:
        """Say when and where a door first let it in."""
        if ticket.first_scanned_at is None:
            return "-"
        return f"{time_words(ticket.first_scanned_at, ticket.event.zone)}, {ticket.first_gate or 'a door'}"

    @admin.display(description="Name")
    def holder_name(self, ticket: Ticket) -> str:
        """Say what the holder is called."""
        return ticket.holder.name or "-"

    @admin.display(description="Order")
    def bought_by(self, ticket: Ticket) -> str:
        """Lead to the order that paid for it."""
        if ticket.sale is None:
            return "Issued without an order"
        order = ticket.sale.order
        return link_to(reverse("admin:payments_order_change", args=[order.pk]), order.number)

    @admin.display(description="Opens no door because")
    def stopped(self, ticket: Ticket) -> str:
        """Say why its codes are refused although it is valid."""
        return ticket.stopped_reason or "-"

    @admin.display(description="Re-issued")
    def reissued(self, ticket: Ticket) -> str:
        """Say how often it got new codes."""
        times = ticket.generation - 1
        return f"{times} {'time' if times == 1 else 'times'}" if times else "Never"

    @admin.display(description="At the doors")
    def scanned(self, ticket: Ticket) -> str:
        """Lead to what the doors saw of it."""
        return link_to(f"{reverse('admin:tickets_ticketscan_changelist')}?q={ticket.number}", "All its scans")

    @act(
        "Re-issue",
        capability=Capability.REISSUE,
        explain="All codes of the ticket from before stop working at once: live, printed and typed.",
        icon="autorenew",
    )
    def reissue(self, call: ActCall[Ticket]) -> str:
        """Give the ticket new codes."""
        reissuing.reissue_ticket(
            actor=call.actor, ticket_id=call.subject.pk, reason=call.reason, now=call.now
        )
        return "It has new codes; its holder's page shows them."

    @act(
        "Void",
        capability=Capability.MANAGE_EVENTS,
        explain="The ticket opens no door any more and its place is on sale again. No money goes back by this.",
        icon="block",
        is_dangerous=True,
    )
    def void(self, call: ActCall[Ticket]) -> str:
        """End the ticket."""
        reissuing.void_ticket(actor=call.actor, ticket_id=call.subject.pk, reason=call.reason, now=call.now)
        return "It is void; its place is on sale again."
