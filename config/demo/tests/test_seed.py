"""The demo's data."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import Membership, User
from ads.models import Ad, AdDaily, AdEvent, InvalidCount, Lead, Sponsor, SponsorMember
from analytics.models import (
    DailyFigure,
    Experiment,
    Exposure,
    RawEvent,
    RefusedCount,
    ReportRun,
    ScheduledReport,
    SeenEvent,
    TrackedType,
)
from analytics.services.experiments.results import results
from analytics.services.monetization import monetization
from common import clock
from common.outbox.models import Job
from common.types import SYSTEM
from events.models import Event, Session
from notifications.models import EmailMessage
from offers.models import Offer, Purchase
from payments.models import LedgerEntry, Order
from sandbox.testing import SandboxProcess
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def counts() -> dict[str, int]:
    """Count the rows that seeding makes."""
    models = (
        User,
        Membership,
        Event,
        Session,
        Ticket,
        Offer,
        Order,
        Purchase,
        LedgerEntry,
        Job,
        EmailMessage,
        Sponsor,
        SponsorMember,
        Lead,
        Ad,
        AdEvent,
        AdDaily,
        InvalidCount,
        Experiment,
        Exposure,
        RawEvent,
        SeenEvent,
        DailyFigure,
        RefusedCount,
        ScheduledReport,
        ReportRun,
    )
    return {model.__name__: model.objects.count() for model in models}


def check_funnel() -> None:
    """The month of tracked events is computed, fits the purchases of each day and offer, and has a week's shape."""
    event = Event.objects.get(slug="demo-conf")
    found = monetization(actor=SYSTEM, event_id=event.pk, now=clock.now())
    offers = found.parts["offers"].figures
    assert (found.freshness.pending_days, found.freshness.failures) == (0, 0)
    assert (
        offers.total_views
        > 4 * offers.total_clicks
        > 8 * offers.total_carts
        > 8 * offers.total_purchases
        > 300
    )
    assert 0.01 < offers.conversion_rate < 0.05
    told = {
        (row.type, row.entity_id, row.day): row.count
        for row in DailyFigure.objects.filter(event=event, entity_id__isnull=False)
    }
    bought = Counter(
        (purchase.offer_id, purchase.order.paid_at.astimezone(event.zone).date())
        for purchase in Purchase.objects.filter(order__paid_at__isnull=False).select_related("order")
    )
    for (offer_id, day), times in bought.items():
        steps = [told[kind, offer_id, day] for kind in _STEPS]
        assert steps == sorted(steps, reverse=True), (day, steps)
        assert steps[-1] == times
    assert {kind for kind, _, _ in told} == {*_STEPS, "AD_IMPRESSION", "AD_CLICK", "WAITLIST_JOIN"}
    views = Counter[bool]()
    for (kind, _, day), times in told.items():
        views[day.weekday() >= 5] += times if kind == TrackedType.OFFER_VIEW else 0
    assert views[False] / 5 > views[True] / 2


_STEPS = ("OFFER_VIEW", "OFFER_CLICK", "OFFER_ADD_TO_CART", "OFFER_PURCHASE")


def test_seeding_twice_changes_nothing_and_the_books_agree(stripe_sandbox: SandboxProcess) -> None:
    """The demo has what the contract lists, its past sales exist at the sandbox, and again is nothing. REQ PA-08."""
    call_command("seed_demo", stdout=StringIO())
    first = counts()
    assert first["Order"] > 40
    call_command("seed_demo", stdout=StringIO())
    assert counts() == first
    for command in ("reconcile_payments", "reconcile_inventory"):
        call_command(command, "--dry-run", stdout=StringIO())
    assert Offer.objects.get(title="Backstage video").inventory_total == 5
    assert set(Sponsor.objects.values_list("event__slug", flat=True)) == {"demo-conf"}
    assert (first["Sponsor"], first["SponsorMember"], first["Lead"]) == (2, 2, 8)
    color = results(actor=SYSTEM, ref="checkout_button_color", now=clock.now())
    assert (color.experiment.status, color.status, color.winner) == ("running", "decided", "green")
    assert (color.srm.is_ok, color.refused) == (True, {})
    check_funnel()
    keynote = Session.objects.get(slug="keynote")
    assert (keynote.maximum_capacity, keynote.current_attendance) == (3, 3)
    assert set(Membership.objects.values_list("role", flat=True)) == {"owner", "staff", "analyst", "scanner"}


def test_without_the_sandbox_the_rest_is_there_and_the_past_comes_later(
    stripe_sandbox: SandboxProcess,
) -> None:
    """A sandbox that is away is said; seeding again while it runs fills in the past sales. REQ PA-09."""
    stripe_sandbox.stop()
    said = StringIO()
    call_command("seed_demo", stdout=said)
    assert "does not answer" in said.getvalue()
    assert (Order.objects.count(), Offer.objects.filter(event__slug="demo-conf").count()) == (0, 8)
    stripe_sandbox.start()
    call_command("seed_demo", stdout=StringIO())
    assert Order.objects.count() > 40


def test_it_refuses_to_run_in_production(settings: Settings) -> None:
    """Accounts with a known password are never made in production. REQ OP-05."""
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError):
        call_command("seed_demo")
    assert User.objects.count() == 0
