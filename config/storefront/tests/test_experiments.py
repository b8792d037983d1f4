"""An experiment in a real browser, from the variant that is shown to the verdict that staff read. REQ AN-08."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import PASSWORD, make_membership, make_user
from analytics.models import Experiment, Exposure
from analytics.services.experiments.defining import create_experiment, start_experiment
from analytics.statistics.assignment import assigned
from analytics.types.experiments import ExperimentInput, VariantInput
from common import clock
from common.types import SYSTEM
from config.tests.axe import CLEAN, findings_in_both_schemes, serious_findings
from events.models import Event
from events.tests.factories import make_event
from offers.tests.factories import make_offer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SLUG = "checkout_button_color"
_SECONDS = 8


@pytest.fixture
def event() -> Event:
    """Give an event with an offer, whose page tests the color of its button."""
    event = make_event(slug="gathering", title="The Gathering")
    make_offer(event=event, title="T-shirt")
    variants = (VariantInput("control", "Violet"), VariantInput("green", "Green"))
    given = ExperimentInput(slug=SLUG, name="Color", minimum_sample=10, variants=variants)
    began = clock.now() - timedelta(hours=1)
    create_experiment(actor=SYSTEM, event_id=event.pk, given=given, now=began)
    start_experiment(actor=SYSTEM, ref=SLUG, now=began)
    return event


@pytest.mark.parametrize("variant", ["control", "green"])
def test_a_browser_shows_its_variant_and_is_counted_once(
    page: Page, live_server: LiveServer, event: Event, variant: str
) -> None:
    """The button has the color that the server works out as well; looked at twice, it is one visitor."""
    token = next(
        f"{one:032x}" for one in range(99) if assigned(f"{one:032x}", SLUG, [1, 1]) == (variant == "green")
    )
    page.add_init_script(f"localStorage.setItem('marquee.session', '{token}')")
    page.clock.install()
    for _ in range(2):
        page.goto(f"{live_server.url}/events/gathering")
        button = page.get_by_role("button", name="Buy T-shirt")
        if variant == "green":
            expect(button).to_have_class(re.compile("green"))
        else:
            expect(button).to_have_class("button")
        button.scroll_into_view_if_needed()
        with page.expect_response("**/ab-tests/track") as told:
            # Seen for a second, then sent with what else waits: the page's clock is moved on, nobody waits.
            for _ in range(_SECONDS):
                page.clock.run_for(1_000)
        assert told.value.status == 202
    assert serious_findings(page) == []
    kept = Exposure.objects.get()
    assert kept.place == (variant == "green")
    assert kept.converted_at is None


def test_the_staffs_pages_keep_nobody_out(
    page: Page, live_server: LiveServer, event: Event, client: Client
) -> None:
    """The list, the form and the results have no serious finding of axe-core, in light and dark. REQ UI-01."""
    experiment = Experiment.objects.get()
    Exposure.objects.bulk_create(
        Exposure(
            experiment=experiment, visitor=f"{place}0000000-0000-0000-0000-{number:012x}", place=place,
            seen_at=clock.now(), converted_at=clock.now() if number < 20 * (1 + place) else None,
        )
        for place in (0, 1) for number in range(200)
    )  # fmt: skip
    owner = make_user("owner@example.test", password=PASSWORD)
    make_membership("owner", organization=event.organization, user=owner)
    client.force_login(owner)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([session])
    listing = reverse("admin:analytics_experiment_changelist")
    addresses = (
        listing, reverse("admin:analytics_experiment_add"),
        reverse("admin:analytics_experiment_results", args=[experiment.pk]),
    )  # fmt: skip
    for address in addresses:
        page.goto(f"{live_server.url}{address}")
        assert findings_in_both_schemes(page) == CLEAN, address
