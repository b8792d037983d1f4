"""Pages beside the list of e-mails: how the channel does, and what one person was told."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin_base import ScopedModelAdmin
from accounts.scope import Scope, scope_of
from common import clock
from common.admin.acts import ActPage, Result
from common.admin.times import time_words
from common.money import format_fraction
from notifications.selectors.health import ChannelHealth, Figures, HourFigures, channel_health
from notifications.selectors.people import messages_to, person_of
from notifications.services import acts

LIST: Final = "admin:notifications_emailmessage_changelist"
PAGE: Final = "admin:notifications_emailmessage_change"
PUSH_PAGE: Final = "admin:notifications_pushmessage_change"
RESUME: Final = "admin:notifications_emailmessage_resume"
HEALTH: Final = "admin:notifications_emailmessage_health"
PERSON: Final = "admin:notifications_emailmessage_person"
SUPPRESSIONS: Final = "admin:notifications_emailsuppression_changelist"
_LAST_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """Figures with the words for their shares."""

    told: Figures

    @property
    def bounce_rate(self) -> str:
        """Say how many of a hundred came back."""
        return format_fraction(self.told.bounce_rate, 2)

    @property
    def complaint_rate(self) -> str:
        """Say how many of a hundred were called unwanted."""
        return format_fraction(self.told.complaint_rate, 2)


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour as a bar: parts of a hundred of the busiest one. What is neither delivered nor lost is only sent."""

    told: HourFigures
    most: int

    @property
    def when(self) -> str:
        """Say which hour."""
        return time_words(self.told.begins_at)

    @property
    def delivered(self) -> float:
        """How long the delivered part is."""
        return self._part(self.told.delivered)

    @property
    def lost(self) -> float:
        """How long the lost part is."""
        return self._part(self.told.lost)

    @property
    def open(self) -> float:
        """How long the part is of which nothing is known yet."""
        return self._part(self.told.sent - self.told.delivered - self.told.lost)

    @property
    def after_delivered(self) -> float:
        """Where the open part begins."""
        return self.delivered

    @property
    def after_open(self) -> float:
        """Where the lost part begins."""
        return round(self.delivered + self.open, 2)

    def _part(self, number: int) -> float:
        return round(100 * number / self.most, 2) if self.most else 0.0


class EmailPages(ScopedModelAdmin):
    """What the outbox shows beside its list, each for the organizations whose e-mails the member may see."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages, before the addresses of e-mails."""
        pages = (
            ("resume/", self.resume_view, "resume"),
            ("health/", self.health_view, "health"),
            ("person/", self.person_view, "person"),
        )
        added = [
            path(address, self.admin_site.admin_view(view), name=f"notifications_emailmessage_{name}")
            for address, view, name in pages
        ]
        urls: list[URLPattern] = super().get_urls()
        return [*added, *urls]

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """Show how the channel does."""
        scope = self._looking(request)
        where = scope.organizations(self.view_capability)
        health = channel_health(now=clock.now(), organization_ids=where)
        return self._show(request, "channel_health.html", "How e-mail does", _words_of(health, scope))

    def person_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a person; show what they were told."""
        scope = self._looking(request)
        asked = request.GET.get("who", "").strip()[:300]
        number = _page_number(request.GET.get("page", ""))
        context: dict[str, Any] = {"asked": asked, "page_url": f"?{urlencode({'who': asked})}"}
        person = person_of(asked) if asked else None
        if asked and person is None:
            context["problem"] = "Give an e-mail address, or the id of a user."
        if person is not None:
            where = scope.organizations(self.view_capability)
            page = messages_to(person, organization_ids=where, page=number)
            rows = [(row, reverse(PAGE if row.is_email else PUSH_PAGE, args=[row.id])) for row in page.rows]
            context |= {"page": page, "rows": rows}
        return self._show(request, "person.html", "Messages to a person", context)

    def resume_view(self, request: HttpRequest) -> HttpResponse:
        """Ask why, then let e-mail go out again. The channel is everybody's: operators alone may."""
        scope = scope_of(request)
        if not scope.is_everywhere:
            raise PermissionDenied

        def run(reason: str) -> list[Result]:
            resumed = acts.resume_channel(actor=scope.actor, reason=reason, now=clock.now())
            return [
                Result("E-mail", resumed, "It goes out again." if resumed else "It was not paused any more.")
            ]

        explain = "E-mail goes out again at once. If the provider still refuses the account, the channel pauses again."
        page = ActPage("Resume now", explain, 1, ["The e-mail channel"], reverse(LIST), run)
        return page.answer(request, self.admin_site, self.opts)

    def _looking(self, request: HttpRequest) -> Scope:
        """Return the member's scope. Raises ``PermissionDenied`` for who may see no e-mails anywhere."""
        scope = scope_of(request)
        if not scope.has(self.view_capability):
            raise PermissionDenied
        return scope

    def _show(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        frame = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "list_url": reverse(LIST),
        }
        return TemplateResponse(request, f"admin/notifications/{template}", {**frame, **context})


def _words_of(health: ChannelHealth, scope: Scope) -> dict[str, Any]:
    most = max((hour.sent for hour in health.hours), default=0)
    return {
        "health": health,
        "spans": [Row(one) for one in health.spans],
        "templates": [Row(one) for one in health.templates],
        "bars": [Bar(hour, most) for hour in health.hours],
        "is_busy": most > 0,
        "alarms": [(one.what, format_fraction(one.rate, 2), format_fraction(one.limit, 2)) for one in health.alarms],
        "resume_url": reverse(RESUME) if scope.is_everywhere else "",
        "suppressions_url": f"{reverse(SUPPRESSIONS)}?state=standing",
        "person_url": reverse(PERSON),
    }  # fmt: skip


def _page_number(text: str) -> int:
    return min(_LAST_PAGE, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 6 else 1
