"""Every act of the admin: what its form is given, the state of the demo's row for it, and who proves its entry."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.admin_base.acts import Act, acts_of
from accounts.models import User
from analytics.models import ReportRecipient, ReportRun
from common import clock
from notifications.models import EmailSuppression
from waitlist.admin.acts import ACTS

REASON: Final = "Asked for at the desk"
# What the forms ask beside the reason; each takes what it knows.
_GIVEN: Final = {
    "maximum_capacity": "500", "amount": "1.00", "restock_units": "0", "intent": "one", "carrier": "DHL",
}  # fmt: skip
_GIVEN_OF_EACH: Final = {"tracking_number": "JD0001", "appointment_at": "2090-01-01T10:00"}
# What a row of the demo is made for an act that is offered on none of them as they are.
_STATES: Final[dict[str, dict[str, Any]]] = {
    "payments.Order close_quarantined": {"state": "open", "quarantine_reason": "The amount is another."},
    "offers.Fulfillment retry": {"status": "FAILED"},
    "offers.MerchandiseFulfillment retry": {"status": "FAILED"},
    "offers.ServiceFulfillment retry": {"status": "FAILED"},
    "offers.Offer activate": {"is_active": False, "expires_at": None},
    "analytics.ScheduledReport resume": {"is_paused": True, "next_run_at": None},
}
# Who shows an ad now is not asked why.
_WITHOUT_REASON: Final = {"ads.Ad show_now"}
_QUEUE: Final = "waitlist/tests/test_admin_acts.py::"
# What needs more than a state (Stripe, a provider, a job, free seats) and the buttons of pages, with who looks at it.
ELSEWHERE: Final = {
    "payments.Order read_again": "payments/tests/test_admin.py::test_a_stuck_order_is_settled_by_reading_it_again",
    "notifications.EmailMessage cancel": (
        "notifications/tests/test_admin.py::test_cancelling_takes_the_job_away_and_is_audited"
    ),
    "notifications.PushMessage send_again": "notifications/tests/test_push_acts.py::test_a_dead_one_is_sent_again",
    "notifications.PushDevice test_push": (
        "notifications/tests/test_push_acts.py::test_a_test_message_goes_to_one_device"
    ),
    "analytics.Experiment start": (
        "analytics/tests/test_admin_experiments.py::test_admins_start_and_stop_with_a_reason"
    ),
    "analytics.Experiment archive": "analytics/tests/test_experiments.py::test_it_goes_one_way",
    "queue offer": f"{_QUEUE}test_offer_a_seat",
    "queue bulk-offer": f"{_QUEUE}test_bulk_offer_names_each_and_stops_at_the_free_seats",
    "queue remove": f"{_QUEUE}test_remove_one",
    "queue move": f"{_QUEUE}test_move",
    "queue capacity": f"{_QUEUE}test_more_seats_are_offered_at_once",
    "queue pause": f"{_QUEUE}test_pause_and_resume",
    "queue resume": f"{_QUEUE}test_pause_and_resume",
    "queue terms": f"{_QUEUE}test_terms",
    "dead letters retry": "common/outbox/tests/test_admin.py::test_an_act_asks_by_get_and_does_by_post",
    "dead letters discard": "common/outbox/tests/test_admin.py::test_an_act_asks_by_get_and_does_by_post",
    "schedules": "common/outbox/tests/test_admin.py::test_switching_schedules_off_in_bulk_is_in_the_history",
    "common_inboxevent_replay": "common/inbox/tests/test_admin.py::test_a_replayed_event_really_runs",
    "notifications_emailmessage_resume": (
        "notifications/tests/test_admin.py::test_a_pause_is_told_and_an_operator_ends_it"
    ),
    "notifications_pushmessage_resume": (
        "notifications/tests/test_push_acts.py::test_messages_are_shown_with_their_story"
    ),
    "ads_lead export_csv": "ads/tests/test_admin.py::test_leads_are_exported_by_post_with_a_reason",
    "analytics_event_export": (
        "analytics/tests/test_admin_exports.py::test_a_report_is_downloaded_from_the_console"
    ),
    "analytics_scheduledreport_retry": (
        "analytics/tests/test_admin_reports.py::test_the_history_tells_each_time_and_each_person"
    ),
}


@dataclass(frozen=True)
class ActOnScreen:
    """One act of one screen."""

    model: type[Model]
    act: Act

    def __str__(self) -> str:
        return f"{self.model._meta.label} {self.act.name}"

    def ready_row(self, user: User) -> Model | None:
        """Return a row on which the act is offered, made so where it must be; None where there is none."""
        request = RequestFactory().get("/")
        request.user = user
        screen: Any = admin.site._registry[self.model]
        states = _STATES.get(str(self))
        for row in screen.get_queryset(request):
            if states is not None:
                self.model._default_manager.filter(pk=row.pk).update(**states)
                row.refresh_from_db()
            if self.act.name in {one.name for one in screen.acts_for(request, row)}:
                return row
        return None

    def confirm(self, client: Client, row: Model) -> Any:
        """Fill the act's form in and press its button."""
        opts = self.model._meta
        where = reverse(f"admin:{opts.app_label}_{opts.model_name}_act", args=[self.act.name])
        of_row = {f"{name}_{row.pk}": value for name, value in _GIVEN_OF_EACH.items()}
        return client.post(where, {**_GIVEN, **of_row, "ids": [row.pk], "reason": REASON, "confirmed": "1"})

    def reason(self) -> str:
        """Return what the entry says of why."""
        return "" if str(self) in _WITHOUT_REASON else REASON


def all_acts() -> Iterator[ActOnScreen]:
    """Return each act of each screen."""
    for model, screen in admin.site._registry.items():
        for act in acts_of(type(screen)).values():
            yield ActOnScreen(model, act)


def acts_of_queues() -> list[str]:
    """Return the acts of a queue's page."""
    return [f"queue {name}" for name in ACTS]


def make_what_acts_need(user: User) -> None:
    """Let the demo's report be the person's, not asked for just now, and its barred address be of the past."""
    report_id = ReportRun.objects.values_list("report_id", flat=True)[0]
    ReportRun.objects.all().delete()
    ReportRecipient.objects.create(report_id=report_id, user=user)
    EmailSuppression.objects.update(since=clock.now() - timedelta(days=1))
