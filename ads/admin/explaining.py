"""Why each ad of an event would or would not show: to somebody, somewhere, now. Nothing is reserved or counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from accounts.models import User
from accounts.scope import scope_of
from accounts.types import Capability
from ads.admin.pages import EventPages
from ads.decision.explain import Explanation, explain
from ads.models import AdPlacement
from common import clock
from common.admin.times import time_words
from common.money import format_fraction, format_money
from common.types import Actor
from events.admin_pages import event_to_work_at
from events.models import Event, Registration, Session


class ContextForm(forms.Form):
    """Where, and who looks."""

    placement = forms.ChoiceField(choices=AdPlacement.choices, widget=UnfoldAdminSelectWidget())
    session = forms.TypedChoiceField(
        required=False,
        coerce=UUID,
        empty_value=None,
        widget=UnfoldAdminSelectWidget(),
        help_text="Where the viewer is, if in a session.",
    )
    viewer = forms.EmailField(
        required=False, max_length=254, widget=UnfoldAdminEmailInputWidget(), label="Viewer's e-mail",
        help_text="Empty: nobody in particular; caps are left out.",
    )  # fmt: skip

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sessions = Session.objects.of_event(event.pk).order_by("starts_at", "pk")
        field = self.fields["session"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "None"), *((str(one.pk), _named(one, event)) for one in sessions)]


def _named(session: Session, event: Event) -> str:
    return f"{session.title}, {time_words(session.starts_at, event.zone)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One ad of the table, in words."""

    told: Explanation
    link: str
    share: str
    seen: str
    spent: str

    @classmethod
    def of(cls, told: Explanation) -> "Row":
        """Say it in words."""
        budget = "no limit" if told.budget_total is None else f"of {format_money(told.budget_total)}"
        today = (
            ""
            if told.budget_daily is None
            else f"{format_money(told.spent_today)} of {format_money(told.budget_daily)} today"
        )
        spent = [f"{format_money(told.spent)} {budget}", today]
        return cls(
            told,
            reverse("admin:ads_ad_change", args=[told.ad_id]),
            format_fraction(told.share) if told.eligible else "-",
            _seen_words(told),
            ", ".join(filter(None, spent)),
        )


def _seen_words(told: Explanation) -> str:
    if told.served_today is None:
        return f"cap {told.cap}"
    on_their_way = f", {told.reserved} on the way" if told.reserved else ""
    return f"{told.served_today} of {told.cap}{on_their_way}"


class ExplainingPages(EventPages):
    """The page that explains a choice of ads."""

    def get_urls(self) -> list[URLPattern]:
        """Add the page."""
        return [self.page_at("explain/", self.explain_view, "explain"), *super().get_urls()]

    def explain_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the context, and tell of each ad whether it fits and why not."""
        event, events = event_to_work_at(request, Capability.VIEW_ANALYTICS)
        context: dict[str, Any] = {"event": event, "events": events}
        if event is not None:
            form = ContextForm(request.GET if "placement" in request.GET else None, event=event)
            context["form"] = form
            if form.is_valid():
                context |= _answer(scope_of(request).actor, event, form.cleaned_data, now=clock.now())
        return self.show(request, "explain.html", "Why an ad shows", context)


def _answer(actor: Actor, event: Event, asked: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    email = asked["viewer"].strip().lower()
    user_id = User.objects.filter(email=email).values_list("pk", flat=True).first() if email else None
    # Who has no account is told as who has one and saw nothing: staff learn here of nobody that they exist.
    stranger = f"nobody {uuid4()}" if email and user_id is None else None
    told = explain(
        actor=actor,
        event_id=event.pk,
        placement=asked["placement"],
        session_id=asked["session"],
        user_id=user_id,
        session_token=stranger,
        now=now,
    )
    is_known = Registration.objects.filter(event=event, user_id=user_id).exists() if user_id else False
    return {
        "rows": [Row.of(one) for one in told.ads],
        "total": told.count,
        "fitting": told.eligible,
        "at": time_words(now, event.zone),
        "is_stranger": bool(email) and not is_known,
    }
