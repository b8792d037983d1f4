"""The four parts of the console, what each shows, and the screens that each leads to."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.scope import Scope
from accounts.types import Capability
from analytics.admin.console_live import LIVE
from analytics.admin.console_panels import FIGURES, Panel
from events.models import Event

PANELS: Final = {panel.name: panel for panel in (*FIGURES, *LIVE)}


@dataclass(frozen=True, slots=True)
class Link:
    """A screen that a part leads to, for those who may open it. ``query`` takes the event's id.

    ``is_of_days``: its address takes the event itself, and the chosen days.
    """

    label: str
    address: str
    capability: Capability
    query: str = "event__id__exact={}"
    is_of_days: bool = False

    def to(self, event: Event, days: str) -> str:
        """Return where it is for an event."""
        if self.is_of_days:
            return reverse(self.address, args=[event.pk]) + (f"?{days}" if days else "")
        return f"{reverse(self.address)}?{self.query.format(event.pk)}"


@dataclass(frozen=True, slots=True)
class ConsolePart:
    """A part: its name in addresses, its title, its panels by name, its links."""

    name: str
    title: str
    icon: str
    shown: tuple[str, ...]
    links: tuple[Link, ...]

    @property
    def panels(self) -> list[Panel]:
        """The panels, in their order."""
        return [PANELS[name] for name in self.shown]

    def links_for(self, scope: Scope, event: Event, days: str) -> list[tuple[str, str]]:
        """Return labels and addresses of the screens that the member may open at this event.

        ``days`` is the query of the chosen days, if there is one.
        """
        return [
            (link.label, link.to(event, days))
            for link in self.links
            if scope.has(link.capability, event.organization_id)
        ]


_SEE, _FIGURES, _ORDERS = Capability.VIEW_ADMIN, Capability.VIEW_ANALYTICS, Capability.VIEW_ORDERS
PARTS: Final = (
    ConsolePart(
        "insights", "Insights", "insights", ("revenue", "funnel", "offers", "ads", "waitlist", "experiments"),
        (
            Link("Download", "admin:analytics_event_export", _FIGURES, is_of_days=True),
            Link("Scheduled reports", "admin:analytics_scheduledreport_changelist", _FIGURES),
            Link("Experiments", "admin:analytics_experiment_changelist", _FIGURES),
        ),
    ),
    ConsolePart(
        "ads", "Ads", "ads_click", ("ads_now", "ads"),
        (
            Link("Ads of this event", "admin:ads_ad_changelist", _FIGURES),
            Link("Performance of each ad", "admin:ads_ad_performance", _FIGURES, "event={}"),
            Link("Why an ad shows", "admin:ads_ad_explain", _FIGURES, "event={}"),
            Link("Invalid traffic", "admin:ads_invalidsample_changelist", _FIGURES, "event={}"),
            Link("Add an ad", "admin:ads_ad_add", Capability.MANAGE_ADS, "event={}"),
        ),
    ),
    ConsolePart(
        "upsells", "Upsells", "sell", ("offers_now", "offers", "funnel"),
        (
            Link("Offers of this event", "admin:offers_offer_changelist", _SEE),
            Link("Purchases", "admin:offers_purchase_changelist", _ORDERS),
            Link("Orders", "admin:payments_order_changelist", _ORDERS),
            Link("Add an offer", "admin:offers_offer_add", Capability.MANAGE_OFFERS, "event={}"),
        ),
    ),
    ConsolePart(
        "waitlist", "Waitlist", "format_list_numbered", ("queues_now", "waitlist"),
        (
            Link("Queues of this event", "admin:waitlist_sessionwaitlist_changelist", Capability.MANAGE_WAITLIST,
                 "event__id__exact={}&queue=all"),
            Link("Sessions", "admin:events_session_changelist", _SEE),
        ),
    ),
)  # fmt: skip
