"""The page of an act: what it will do and why, then, by POST, what came of each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from common.errors import Failure
from common.outbox.dead_letters import LONGEST_REASON

_SHOWN_ROWS = 20
_SHOWN_RESULTS = 500


class ReasonForm(forms.Form):
    """What every act asks: why."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit history.",
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row, for the page."""

    subject: str
    is_done: bool
    message: str


@dataclass(frozen=True, slots=True)
class ActPage:
    """An act on chosen rows: how it is told, and ``run(reason)`` that carries it out."""

    label: str
    explain: str
    count: int
    rows: Sequence[object]
    back_url: str
    run: Callable[[str], list[Result]]
    plural: str = "dead letters"
    is_dangerous: bool = False

    def _what(self) -> str:
        return str(self.rows[0]) if self.count == 1 and self.rows else f"{self.count} {self.plural}"

    def answer(self, request: HttpRequest, site: AdminSite, opts: "Options[Model]") -> HttpResponse:
        """Ask (GET, or a POST without a reason), or do it once and say what came of each row."""
        form = ReasonForm(request.POST if request.method == "POST" else None)
        results = None
        if form.is_bound and form.is_valid():
            try:
                results = self.run(form.cleaned_data["reason"])
            except Failure as failure:
                form.add_error(None, failure.detail)
        context = {
            **site.each_context(request),
            "title": f"{self.label}: {self._what()}",
            "heading": f"{self.label}: {self._what()}" if results is None else self.label,
            "opts": opts,
            "label": self.label,
            "explain": self.explain,
            "is_dangerous": self.is_dangerous,
            "rows": self.rows[:_SHOWN_ROWS] if self.count > 1 else (),
            "more": max(0, self.count - _SHOWN_ROWS),
            "act_url": request.get_full_path(),
            "back_url": self.back_url,
            "form": form,
            **_told(results),
        }
        return TemplateResponse(request, "admin/act.html", context)


def _told(results: list[Result] | None) -> dict[str, Any]:
    if results is None:
        return {"results": None}
    # What was refused is what there is still to do: it comes first, and all of it that fits.
    ordered = sorted(results, key=lambda one: one.is_done)
    done = sum(one.is_done for one in results)
    return {
        "results": ordered[:_SHOWN_RESULTS],
        "total": len(results),
        "done": done,
        "unseen": max(0, len(results) - _SHOWN_RESULTS),
    }
