"""What the demo shows on its first start: one filling for all who only look at it."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from common.outbox.models import Job
from common.outbox.types import JobStatus
from notifications.models import EmailMessage, EmailStatus
from offers.models import Fulfillment, FulfillmentStatus, Offer
from payments.models import Order, OrderStatus

pytestmark = pytest.mark.django_db


def test_the_staffs_screens_show_something_on_the_first_start(demo: None) -> None:
    """A parcel and an appointment wait, a bank disputes, an e-mail died, money went back. REQ OF-11, PA-07, OP-03."""
    waiting = Fulfillment.objects.filter(status=FulfillmentStatus.PENDING_MANUAL)
    assert set(waiting.values_list("offer__offer_type", flat=True)) == {"MERCHANDISE", "SERVICE"}
    disputed = Order.objects.get(is_disputed=True)
    assert disputed.disputes.get().reason == "product_not_received"
    assert disputed.status == OrderStatus.DISPUTED
    dead = Job.objects.get(status=JobStatus.DEAD)
    message = EmailMessage.objects.get()
    assert (dead.payload["email_id"], message.status) == (str(message.pk), EmailStatus.FAILED)
    assert len(dead.errors) == dead.max_attempts == message.attempts.count()
    assert Order.objects.filter(refunded_amount__gt=0).exists()
    on_sale = Offer.objects.filter(event__slug="demo-conf", is_active=True)
    assert set(on_sale.values_list("sold", "reserved")) == {(0, 0)}


def test_every_listed_account_signs_in(client: Client, demo: None, settings: Settings) -> None:
    """The accounts of the contract have the password of the contract. REQ EV-02."""
    settings.LOGIN_RATE_LIMIT = 1000
    for login in (
        "admin",
        "owner",
        "staff",
        "analyst",
        "scanner",
        "rival",
        "vip",
        "premium",
        "standard40",
        "noticket",
        "sponsor",
        "sponsor2",
    ):
        body = {"email": f"{login}@demo.test", "password": "demo"}
        assert client.post("/api/v1/auth/token", body, content_type="application/json").status_code == 200, (
            login
        )
