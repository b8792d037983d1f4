"""Ads: list, form, and the acts that pause them, take them away, or show one now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from unfold.decorators import display
from unfold.views import ChangeList

from accounts.admin_base import Act, ActCall, ActForm, act
from accounts.scope import scope_of
from accounts.types import Capability
from ads.admin import words
from ads.admin.ad_filters import PlacementFilter, StatusFilter
from ads.admin.ad_forms import AdForm, ShowNowForm
from ads.admin.billed import billed_panel
from ads.admin.explaining import ExplainingPages
from ads.admin.performance import PerformancePages
from ads.admin.sparks import daily_impressions
from ads.models import Ad
from ads.selectors.audience import listening
from ads.services import injecting, writing
from ads.types.ads import AdStatus
from common import clock
from common.admin.lists import HouseList
from common.admin.times import time_column
from events.admin_choosing import EventFirst
from events.models import Session

_SHOWN = (
    "event",
    "state",
    "name",
    "content_type",
    "media_url",
    "aspect_ratio",
    "preview",
    "click_url",
    "display_duration_seconds",
)
_OFTEN = ("How often", {"fields": ("weight", "frequency_cap")})
_LOOKED_AT: Any = (
    (None, {"fields": _SHOWN}),
    ("Where", {"fields": ("shown_placements", "shown_sessions")}),
    _OFTEN,
    ("When", {"fields": ("starts", "ends")}),
    ("Price and budget", {"fields": ("shown_price", "spent", "pacing", "billed")}),
)
_CHANGED: Any = (
    (None, {"fields": _SHOWN}),
    ("Where", {"fields": ("placements", "target_sessions")}),
    _OFTEN,
    ("When", {"fields": ("starts_at", "ends_at")}),
    ("Price and budget", {"fields": ("price_model", "price", "budget_total", "budget_daily", "pacing")}),
)


class SparkList(HouseList):
    """Puts each ad's last two weeks beside it, by one statement for the page."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Load the page, then the daily impressions of its ads."""
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        counts = daily_impressions(page, now=clock.now())
        for ad in page:
            ad.daily_impressions = counts.get(ad.pk, ())
        self.result_list = page


@admin.register(Ad)
class AdAdmin(EventFirst, PerformancePages, ExplainingPages):
    """Ads of one's organizations. Money is billed by what viewers do, never typed in here."""

    organization_path = "event__organization"
    view_capability = Capability.VIEW_ANALYTICS
    add_capability = change_capability = Capability.MANAGE_ADS
    nothing_here = (
        "What is shown between sessions, beside them and on top of them stands here, with what it earns."
    )
    form = AdForm
    event_question = "Which event is the ad for?"
    event_explained = (
        "Its sessions, its currency and its clocks are those of the form. An ad stays at its event."
    )
    list_display = (
        "name",
        "event",
        "shown_placements",
        "state",
        "schedule",
        "shown_price",
        "spent",
        "two_weeks",
    )
    list_filter = (
        StatusFilter, ("event", admin.RelatedOnlyFieldListFilter), PlacementFilter, "content_type", "price_model",
    )  # fmt: skip
    search_fields = ("name", "event__title", "click_url")
    search_help_text = "Ad, event or where it leads"
    list_per_page = 25
    readonly_fields = ("event", "preview", "billed")

    starts = time_column("starts_at", "Starts", "event.zone")
    ends = time_column("ends_at", "Ends", "event.zone")

    class Media:
        css = {"all": ("admin-marquee/ads.css",)}
        js = (forms.Script("admin-marquee/ad-preview.js", type="module"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Say how each stands, and fetch events and what was billed along with the rows."""
        rows: Any = super().get_queryset(request).select_related("event__organization")
        standing: QuerySet[Any] = rows.with_status(clock.now())
        return standing

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Draw the last two weeks."""
        return SparkList

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what is typed to those who may change it, what it means to those who look."""
        if obj is None:
            when = ("When", {"fields": ("starts_at", "ends_at", "is_active")})
            shown = (None, {"fields": tuple(name for name in _SHOWN if name != "state")})
            return (shown, *_CHANGED[1:3], when, *_CHANGED[4:])
        if self.has_change_permission(request, obj):
            return (*_CHANGED, ("Billed", {"fields": ("spent", "billed")}))
        return _LOOKED_AT

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep an ad at its event; money moves by what viewers do."""
        return ("event", "state", "preview", "spent", "billed")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let staff change what is not archived."""
        is_over = isinstance(obj, Ad) and obj.is_archived
        return not is_over and bool(super().has_change_permission(request, obj))

    def save_by_service(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> Ad:
        """Call the service, whose refusals are shown at their fields; of a change, with what differs alone."""
        if not isinstance(form, AdForm):
            raise TypeError("ads are saved through their form")
        actor, now = scope_of(request).actor, clock.now()
        if change:
            return writing.update_ad(actor=actor, ad_id=obj.pk, changes=form.changes(), now=now)
        return writing.create_ad(actor=actor, event_id=form.event.pk, given=form.as_input(), now=now)

    # What is shown

    @admin.display(description="Placements")
    def shown_placements(self, ad: Ad) -> str:
        """Name where it is shown."""
        return words.placement_words(ad)

    @admin.display(description="Target sessions")
    def shown_sessions(self, ad: Ad) -> str:
        """Name the sessions that it is for."""
        titles = Session.objects.filter(pk__in=ad.target_sessions).order_by("starts_at", "pk")
        return ", ".join(titles.values_list("title", flat=True)) or "Everywhere in the event"

    @display(description="Status", label=words.COLOURS)
    def state(self, ad: Ad) -> str:
        """Say whether it is shown, and if not, why, in a word."""
        return str(AdStatus(ad.status).label)

    @admin.display(description="Schedule", ordering="ends_at")
    def schedule(self, ad: Ad) -> str:
        """Say when it is shown, by the clocks at the event."""
        return words.schedule(ad)

    @admin.display(description="Price", ordering="price_amount")
    def shown_price(self, ad: Ad) -> str:
        """Say what is paid for what."""
        return words.price_words(ad)

    @admin.display(description="Spent", ordering="spend__billed_micros")
    def spent(self, ad: Ad) -> str:
        """Show what was billed of the budget as a bar with words."""
        return "-" if ad._state.adding else words.spent_bar(ad)

    @admin.display(description="Impressions, 14 days")
    def two_weeks(self, ad: Any) -> str:
        """Draw the last two weeks."""
        return words.spark(ad.daily_impressions)

    @admin.display(description="Preview")
    def preview(self, ad: Ad) -> str:
        """Show the media at its aspect ratio."""
        return render_to_string("admin/ads/preview.html", {"ad": ad})

    @admin.display(description="Billed")
    def billed(self, ad: Ad) -> str:
        """Show what it was billed."""
        return "-" if ad._state.adding else billed_panel(ad, now=clock.now())

    # Acts

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer what fits the status."""
        fitting = words.FITTING_ACTS[AdStatus(obj.status)]
        return [one for one in super().acts_for(request, obj) if one.name in fitting]

    def act_form(self, declared: Act, rows: list[Model], given: QueryDict | None) -> ActForm:
        """Offer the sessions of the ad's event where one is asked for."""
        if declared.form is ShowNowForm and isinstance(rows[0], Ad):
            return ShowNowForm(given, ad=rows[0])
        return super().act_form(declared, rows, given)

    @act("Pause", capability=Capability.MANAGE_ADS, icon="pause",
         explain="No viewer gets it from now on; what is on a screen already may still be counted.")  # fmt: skip
    def pause(self, call: ActCall[Ad]) -> str:
        """Show it to nobody until it is resumed."""
        writing.pause_ad(actor=call.actor, ad_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Paused."

    @act("Resume", capability=Capability.MANAGE_ADS, icon="play_arrow",
         explain="It is shown again, as far as its schedule and its budget allow.")  # fmt: skip
    def resume(self, call: ActCall[Ad]) -> str:
        """Show it again."""
        writing.resume_ad(actor=call.actor, ad_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Resumed."

    @act("Archive", capability=Capability.MANAGE_ADS, icon="archive", is_dangerous=True,
         explain="It is not shown again and not changed again; its figures stay.")  # fmt: skip
    def archive(self, call: ActCall[Ad]) -> str:
        """Take it away for good."""
        writing.archive_ad(actor=call.actor, ad_id=call.subject.pk, reason=call.reason, now=call.now)
        return "Archived."

    @act("Show now", capability=Capability.MANAGE_ADS, icon="campaign", form=ShowNowForm, on_many=False,
         explain="Open pages of signed-in people at the event show it at once. Caps and budgets hold.")  # fmt: skip
    def show_now(self, call: ActCall[Ad]) -> str:
        """Announce it to whoever looks at the event."""
        session_id = call.data["session_id"]
        injecting.inject_ad(actor=call.actor, ad_id=call.subject.pk, session_id=session_id, now=call.now)
        return words.announced(listening(call.subject.event_id))
