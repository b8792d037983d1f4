"""The admin's main pages in a browser: nothing that keeps people with a screen reader or a keyboard out."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from common.outbox.models import Job
from config.tests.axe import CLEAN, findings_in_both_schemes
from payments.models import Order
from sandbox.testing import SandboxProcess

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(stripe_sandbox: SandboxProcess) -> None:
    """Fill the database as the demo does."""
    call_command("seed_demo", stdout=StringIO())


def sign_in(page: Page, server: LiveServer, login: str = "admin") -> None:
    """Sign in as a person of the demo."""
    page.goto(f"{server.url}/admin/login/?next=/admin/")
    page.locator("input[name=username]").fill(f"{login}@demo.test")
    page.locator("input[name=password]").fill("demo")
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("heading", name="Latest orders")).to_be_visible()


def addresses() -> dict[str, str]:
    """Return the main pages by name."""
    order = Order.objects.filter(is_disputed=False, refunded_amount=0).order_by("-created_at")[0]
    job = Job.objects.get(status="dead")
    refund = reverse("admin:payments_order_act", args=["refund"])
    retry = reverse("admin:common_deadletter_act", args=["retry"])
    return {
        "dashboard": "/admin/",
        "offers": reverse("admin:offers_offer_changelist"),
        "parcels": reverse("admin:offers_merchandisefulfillment_changelist"),
        "orders": reverse("admin:payments_order_changelist"),
        "order": reverse("admin:payments_order_change", args=[order.pk]),
        "refund": f"{refund}?ids={order.pk}",
        "disputes": reverse("admin:payments_dispute_changelist"),
        "e-mails": reverse("admin:notifications_emailmessage_changelist"),
        "dead letters": reverse("admin:common_deadletter_changelist"),
        "retry": f"{retry}?ids={job.pk}",
    }


def test_the_main_pages_keep_nobody_out(page: Page, live_server: LiveServer, house: None) -> None:
    """No finding of axe-core that is serious or critical, in light and dark. REQ UI-01."""
    sign_in(page, live_server)
    for name, address in addresses().items():
        page.goto(f"{live_server.url}{address}")
        assert findings_in_both_schemes(page) == CLEAN, name
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}{reverse('admin:notifications_emailmessage_person')}?who=nobody@demo.test")
    expect(page.get_by_text("Nothing was written to this person.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
