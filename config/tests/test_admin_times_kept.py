"""Pages of the admin whose times nobody touches: each stays the instant that is stored, also in the hour shown twice.

A form sends a time to the second, without its offset. On 3 November 2097 clocks in New York show 01:30 twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.test import Client

from accounts.tests.screens import enter
from ads.tests.ad_factories import make_ad
from config.tests.test_admin_overtaken import errors_of, opened, page_of
from events.models import Event
from events.tests.factories import make_event, make_session
from offers.tests.factories import make_offer
from waitlist.models import WaitlistPolicy

pytestmark = pytest.mark.django_db

INSTANTS = {
    "the first": datetime.fromisoformat("2097-11-03T05:30:00Z"),
    "the second": datetime.fromisoformat("2097-11-03T06:30:00Z"),
    "to the microsecond": datetime.fromisoformat("2097-06-01T12:00:30.123456Z"),
}
TYPED_TWICE = {"": "2097-11-03T01:45", "_0": "2097-11-03", "_1": "01:45:00"}
DAY = timedelta(days=1)


def _offer(event: Event, at: datetime) -> Model:
    return make_offer(event=event, units=5, starts_at=at - DAY, expires_at=at)


def _ad(event: Event, at: datetime) -> Model:
    return make_ad(event, starts_at=at - DAY, ends_at=at)


def _session(event: Event, at: datetime) -> Model:
    return make_session(event=event, starts_at=at - DAY, ends_at=at)


def _event(event: Event, at: datetime) -> Model:
    event.starts_at, event.ends_at = at - DAY, at
    event.save()
    return event


KINDS = [(_offer, "title", "expires_at"), (_ad, "name", "ends_at"), (_session, "title", "ends_at")]
KINDS += [(_event, "title", "ends_at")]


def _sent(client: Client, row: Model) -> dict[str, Any]:
    """Open the page; return what a browser sends from it: times to the second, as the inputs show them."""
    form = client.get(page_of(row)).context["adminform"].form
    sent = opened(client, row)
    for name, value in list(sent.items()):
        if hasattr(value, "strftime"):
            field, _, part = name.rpartition("_")
            widget = form.fields[name if name in form.fields else field].widget
            shown = widget if name in form.fields else widget.widgets[int(part)]
            sent[name] = shown.format_value(value)
    return sent


@pytest.mark.parametrize("at", INSTANTS.values(), ids=INSTANTS)
@pytest.mark.parametrize(("make", "text", "time"), KINDS)
def test_a_time_that_nobody_touched_is_kept(
    client: Client, make: Callable[[Event, datetime], Model], text: str, time: str, at: datetime
) -> None:
    """REQ EV-04: a typo mended leaves both times what they were; what is typed in that hour is refused at its field."""
    event = make_event(time_zone="America/New_York")
    row = make(event, at)
    enter(client, event.organization, "owner")
    sent = _sent(client, row) | {text: "Typo mended"}

    assert errors_of(client.post(page_of(row), sent)) == {}

    row.refresh_from_db()
    begins = row.starts_at  # type: ignore[attr-defined]
    assert (getattr(row, text), begins, getattr(row, time)) == ("Typo mended", at - DAY, at)
    typed = {f"{time}{part}": said for part, said in TYPED_TWICE.items() if f"{time}{part}" in sent}
    refused = errors_of(client.post(page_of(row), _sent(client, row) | typed))
    assert list(refused) == [time]
    assert "ambiguous" in refused[time]
    row.refresh_from_db()
    assert getattr(row, time) == at


@pytest.mark.parametrize("at", INSTANTS.values(), ids=INSTANTS)
def test_a_queue_s_closing_time_is_kept(client: Client, at: datetime) -> None:
    """REQ EV-04, WL-10: other terms are changed, and the queue closes when it did."""
    event = make_event(time_zone="America/New_York")
    session = make_session(event=event, starts_at=at + DAY, ends_at=at + 2 * DAY)
    WaitlistPolicy.objects.create(session=session, closes_at=at)
    page = f"/admin/waitlist/sessionwaitlist/{session.pk}/do/terms/"
    with time_machine.travel(at - 20 * DAY):
        enter(client, event.organization, "owner")
        form = client.get(page).context["form"]
        closes = form.fields["closes_at"].widget.format_value(form["closes_at"].value())
        terms = {"group_rule": "skip", "closes_at": closes, "offer_minutes": "", "reason": ""}
        assert client.post(page, terms).status_code == 302
    policy = WaitlistPolicy.objects.get()
    assert (policy.group_rule, policy.closes_at) == ("skip", at)
