"""Every address of the admin, what stands in it, and the rows that another organization's owner must not see."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.admin_base.acts import acts_of
from accounts.models import User
from accounts.tests.factories import NOW
from analytics.models import Experiment, ScheduledReport
from common.inbox.models import InboxEvent
from events.models import Event
from notifications.models import (
    EmailSuppression,
    NotificationPreferences,
    PushCampaign,
    PushMessage,
)
from notifications.tests.push import make_device
from tickets.models import Ticket
from waitlist.models import SessionWaitlist

# Each model has these; what they are asked is generated. The last is the old address of a row.
STANDARD: Final = ("changelist", "add", "change", "delete", "history", "act")
# The admin's own, which show nothing of anybody's or lead to what is walked here.
ITS_OWN: Final = {"index", "login", "logout", "password_change_done", "jsi18n", "app_list"}
_NOWHERE: Final = "00000000-0000-0000-0000-000000000000"
_ANY: Final = {"uuid": _NOWHERE, "slug": "x", "str": "x", "path": "1"}


@dataclass(frozen=True)
class Page:
    """A page that is no model's standard one: what stands in its address, and how it answers the rival."""

    place: dict[str, Any]
    rival: int
    query: dict[str, Any]
    is_post: bool = False

    def ask(self, client: Client, name: str) -> Any:
        """Open the page, or press its button."""
        where = reverse(f"admin:{name}", kwargs=self.place)
        return client.post(where, self.query) if self.is_post else client.get(where, self.query)


def addresses() -> dict[str, str]:
    """Return each named address of the admin, with anything in the place of ids."""
    (part,) = (one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    assert isinstance(part, URLResolver)
    return {str(one.name): _filled(one) for one in _leaves(part) if one.name}


def _leaves(part: URLResolver) -> Iterator[URLPattern]:
    for one in part.url_patterns:
        if isinstance(one, URLResolver):
            yield from _leaves(one)
        else:
            yield one


def _filled(one: URLPattern) -> str:
    kinds = {
        name: type(kind).__name__.removesuffix("Converter") for name, kind in one.pattern.converters.items()
    }
    given: dict[str, Any] = {
        name: _ANY[kind.lower().replace("string", "str")] for name, kind in kinds.items()
    }
    if one.name == "app_list":
        given = {"app_label": "offers"}
    return reverse(f"admin:{one.name}", kwargs=given)


def is_standard(name: str) -> bool:
    """Say whether an address is one that each model has."""
    return name.rpartition("_")[2] in STANDARD and name != "waitlist_act"


def pages() -> dict[str, Page]:
    """Return what is known of the other pages; whoever adds one says here how it answers the rival."""
    event = Event.objects.get(slug="demo-conf")
    kind = ContentType.objects.get_for_model(Event).pk
    report = ScheduledReport.objects.get()
    of_event, asked = {"event_id": event.pk}, {"event": str(event.pk)}
    run = {"object_id": report.pk, "run_id": _NOWHERE}
    queue = {
        "session_id": SessionWaitlist.objects.get(event=event, slug="keynote").pk,
        "name": "pause",
    }
    return {
        "search": Page({}, 200, {"s": "stage"}),
        "autocomplete": Page(
            {}, 200, {"app_label": "offers", "model_name": "offer", "field_name": "event", "term": "Demo"}
        ),
        "view_on_site": Page({"content_type_id": kind, "object_id": "1"}, 404, {}),
        "common_inboxevent_replay": Page({"event_id": _NOWHERE}, 403, {}, is_post=True),
        "notifications_emailmessage_resume": Page({}, 403, {}, is_post=True),
        "notifications_pushmessage_resume": Page({"provider": "fcm"}, 403, {}, is_post=True),
        "notifications_emailmessage_health": Page({}, 200, {}),
        "notifications_emailmessage_person": Page({}, 200, {}),
        "tickets_ticket_pdf": Page({"ticket_id": Ticket.objects.all()[0].pk}, 404, {}),
        "waitlist_live_token": Page({}, 200, {}),
        "waitlist_act": Page(queue, 404, {"reason": "asked for"}, is_post=True),
        "ads_ad_performance": Page({}, 404, asked),
        "ads_ad_file": Page({}, 404, asked),
        "ads_ad_recount": Page({}, 404, asked, is_post=True),
        "ads_ad_explain": Page({}, 404, {**asked, "placement": "EVENT_HERO"}),
        "analytics_event_dashboard": Page(of_event, 404, {}),
        "analytics_event_ads": Page(of_event, 404, {}),
        "analytics_event_upsells": Page(of_event, 404, {}),
        "analytics_event_waitlist": Page(of_event, 404, {}),
        "analytics_event_panel": Page({**of_event, "name": "revenue"}, 404, {}),
        "analytics_event_refresh": Page(of_event, 404, {}, is_post=True),
        "analytics_event_export": Page(of_event, 404, {"format": "csv"}),
        "analytics_experiment_results": Page({"object_id": Experiment.objects.all()[0].pk}, 404, {}),
        "analytics_scheduledreport_retry": Page(run, 404, {}, is_post=True),
    }


def rows_of(model: type[Model], user: User) -> QuerySet[Any]:
    """Return the rows of a screen that somebody sees, none where they may not look at it."""
    request = RequestFactory().get("/")
    request.user = user
    screen = admin.site._registry[model]
    return (
        screen.get_queryset(request) if screen.has_view_permission(request) else model._default_manager.none()
    )


def acts_on(model: type[Model]) -> list[str]:
    """Return the names of a screen's acts."""
    return list(acts_of(type(admin.site._registry[model])))


def add_what_the_demo_lacks() -> None:
    """Give the demo's organization a row of each kind that has none, so that each screen has one to hide.

    Webhooks are nobody's; one that came late, when the test it was for had ended, would be there or not.
    """
    InboxEvent.objects.all().delete()
    vip, event = User.objects.get(email="vip@demo.test"), Event.objects.get(slug="demo-conf")
    make_device(vip)
    PushMessage.objects.create(
        organization_id=event.organization_id, user=vip, kind="announcements", title="Doors at nine",
        body="Bring your ticket", status="sent", sent_at=NOW, dedupe_key="demo", created_at=NOW,
    )  # fmt: skip
    NotificationPreferences.objects.create(user=vip, changed_at=NOW)
    EmailSuppression.objects.create(
        organization_id=event.organization_id, recipient_key="key", address="box@demo.test",
        reason="hard_bounce", detail="No such box", since=NOW,
    )  # fmt: skip
    PushCampaign.objects.create(
        organization_id=event.organization_id, event=event, audience="event", kind="announcements",
        title="Doors at nine", body="Bring your ticket", created_by=vip.pk, created_at=NOW,
    )  # fmt: skip
