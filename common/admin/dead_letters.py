"""The console of dead letters: what they died of, one by one, and the two acts on them."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from common import clock
from common.admin.acts import ActPage, Result
from common.admin.base import QueueAdmin, button, error_history, pretty
from common.admin.filters import AgeFilter, KindFilter, OrganizationFilter
from common.admin.scoping import has_access, policy
from common.outbox import dead_letters
from common.outbox.models import DeadLetter
from common.outbox.types import JobStatus
from common.outbox.words import kind_words

_MOST_IDS = 500
_LIST = "admin:common_deadletter_changelist"
_ACT = "admin:common_deadletter_act"
_ACTS: dict[str, tuple[str, str, Callable[..., list[dead_letters.ActOnJob]]]] = {
    "retry": ("Retry", "All attempts are given again, the first one at once.", dead_letters.retry),
    "discard": (
        "Discard",
        "Given up for good: what was to be done will not happen.",
        dead_letters.discard,
    ),
}


@admin.register(DeadLetter)
class DeadLetterAdmin(QueueAdmin):
    """Jobs that used up their attempts; edit nothing, retry, or discard with a reason."""

    list_before_template = "admin/dead_letters/groups.html"
    nothing_title = "No dead letters"
    nothing_here = "Nothing failed for good. What uses up its attempts waits here for you."
    list_display = ("what", "organization_", "age", "attempts_", "last_error_", "lane")
    list_filter = (KindFilter, "lane", AgeFilter, OrganizationFilter)
    list_filter_sheet = True
    linked_filters = ("error_group",)
    search_fields = ("kind", "id", "trace_id", "dedupe_key", "errors")
    search_help_text = "Kind, id, trace id or a word of the error"
    ordering = ("-finished_at", "-id")
    actions = ("retry_selected", "discard_selected")
    readonly_fields = fields = (
        "what", "kind", "id", "lane", "organization_", "attempts_", "error_group", "errors_", "payload_",
        "dedupe_key", "trace_id", "created_at", "run_at", "not_after", "finished_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Return the dead jobs that the user may see."""
        return super().get_queryset(request).filter(status=JobStatus.DEAD)

    def get_urls(self) -> list[URLPattern]:
        """Add ``act/<name>/``, before the addresses of jobs."""
        view = self.admin_site.admin_view(self.act_view)
        urls: list[URLPattern] = super().get_urls()
        return [path("act/<slug:name>/", view, name="common_deadletter_act"), *urls]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the errors in groups above the list."""
        found = dead_letters.groups(policy().organizations(request)) if has_access(request) else []
        context = {
            "error_groups": found,
            "retry_url": reverse(_ACT, args=["retry"]),
            "discard_url": reverse(_ACT, args=["discard"]),
            "all_query": _all_query(request),
        }
        response: HttpResponse = super().changelist_view(request, context | (extra_context or {}))
        return response

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask why, then act on the jobs that the address names: by ids, by group, or by the list's filters."""
        if name not in _ACTS:
            raise Http404
        if not has_access(request):
            raise PermissionDenied
        label, explain, act = _ACTS[name]
        ids = _ids(request.GET.getlist("ids"))
        jobs = self._chosen(request, ids)
        count = jobs.count()
        if not count and request.method != "POST":
            raise Http404

        def run(reason: str) -> list[Result]:
            # The ids as they were asked for: one that is not dead any more is answered as such.
            chosen = ids or list(jobs.values_list("pk", flat=True))
            answers = act(
                chosen,
                actor=policy().actor(request),
                reason=reason,
                now=clock.now(),
                organizations=policy().organizations(request),
            )
            return [
                Result(f"{kind_words(one.kind)}, job {str(one.job_id)[-8:]}", one.is_done, one.message)
                for one in answers
            ]

        page = ActPage(
            label, explain, count, list(jobs[:21]), reverse(_LIST), run, is_dangerous=name == "discard"
        )
        return page.answer(request, self.admin_site, self.opts)

    def _chosen(self, request: HttpRequest, ids: Sequence[UUID]) -> QuerySet[DeadLetter]:
        jobs = self.get_queryset(request)
        if ids:
            return jobs.filter(pk__in=ids)
        if "group" in request.GET:
            return jobs.filter(error_group=request.GET["group"])
        if "all" in request.GET:
            return self._filtered(request)
        raise Http404

    def _filtered(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Return what the list shows under the filters in the address."""
        given = request.GET
        filters = QueryDict(mutable=True)
        filters.update(given)
        del filters["all"]
        request.GET = filters  # type: ignore[assignment]
        try:
            jobs: QuerySet[DeadLetter] = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            raise Http404 from None
        finally:
            request.GET = given
        return jobs

    @admin.action(description="Retry the chosen")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse:
        """Open the page that asks why."""
        return _open(request, "retry", queryset)

    @admin.action(description="Discard the chosen")
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse:
        """Open the page that asks why."""
        return _open(request, "discard", queryset)

    def buttons(self, request: HttpRequest, obj: DeadLetter) -> list[dict[str, Any]]:
        """Offer both acts."""
        query = urlencode({"ids": obj.pk})
        return [
            button("Retry", "replay", f"{reverse(_ACT, args=['retry'])}?{query}"),
            button("Discard", "delete", f"{reverse(_ACT, args=['discard'])}?{query}", is_dangerous=True),
        ]

    @display(description="What", ordering="kind")
    def what(self, job: DeadLetter) -> str:
        """Return what it was to do."""
        return kind_words(job.kind)

    @display(description="Organization")
    def organization_(self, job: Any) -> str:
        """Return whose it is."""
        return str(job.organization_name)

    @display(description="Died", ordering="finished_at")
    def age(self, job: DeadLetter) -> str:
        """Return how long ago it died."""
        return str(naturaltime(job.finished_at)) if job.finished_at else "–"

    @display(description="Attempts", ordering="attempts")
    def attempts_(self, job: DeadLetter) -> str:
        """Return how many of its attempts it used."""
        return f"{job.attempts} of {job.max_attempts}"

    @display(description="Last error")
    def last_error_(self, job: DeadLetter) -> str:
        """Return what it died of, in a line."""
        error = dead_letters.last_error(job)
        return f"{error[:119]}…" if len(error) > 120 else error

    @display(description="Payload")
    def payload_(self, job: DeadLetter) -> SafeString:
        """Return what it was about, without secrets."""
        return pretty(job.payload)

    @display(description="Errors")
    def errors_(self, job: DeadLetter) -> SafeString:
        """Return every failed attempt."""
        return error_history(job)


def _open(request: HttpRequest, name: str, jobs: QuerySet[DeadLetter]) -> HttpResponse:
    """Go to the act's page with the ticked rows, or with the filters when all that match were chosen."""
    if request.POST.get("select_across") == "1":
        query = _all_query(request)
    else:
        query = urlencode([("ids", pk) for pk in jobs.values_list("pk", flat=True)[:_MOST_IDS]])
    return HttpResponseRedirect(f"{reverse(_ACT, args=[name])}?{query}")


def _all_query(request: HttpRequest) -> str:
    filters = request.GET.copy()
    for name in ("p", "o", "all"):
        filters.pop(name, None)
    filters["all"] = "1"
    return filters.urlencode()


def _ids(given: Sequence[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in given[:_MOST_IDS]]
    except ValueError:
        raise Http404 from None
