"""Every list of the admin over the demo's rows: it costs the same however many it shows, and says what is where."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db

# Lists that the demo fills with enough rows to tell two from a dozen.
FULL = {
    "accounts.user", "accounts.membership", "events.registration", "events.session", "events.attendance",
    "tickets.ticket", "tickets.tickettier", "offers.offer", "offers.purchase", "offers.fulfillment",
    "payments.order", "payments.ledgerentry", "payments.refund",
}  # fmt: skip


def test_no_list_costs_more_for_more_rows(
    demo: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows a page or a dozen: as many queries, on every screen; and every time says its zone. REQ EV-04."""
    client.force_login(User.objects.get(email="admin@demo.test"))
    told = set()
    for model, screen in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        costs, shown = [], []
        monkeypatch.setattr(screen, "list_per_page", 2)
        answer = client.get(address)  # what is cached for the process is cached now
        sizes = (2, 12) if answer.context["cl"].result_count > 2 else ()
        for size in sizes:
            monkeypatch.setattr(screen, "list_per_page", size)
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address)
            costs.append(len(queries))
            shown.append(len(answer.context["cl"].result_list))
        if sizes:
            assert shown[0] < shown[1], model
            told.add(model._meta.label_lower)
            assert costs[0] == costs[1], model
        assert " a.m." not in answer.content.decode(), model
        assert " p.m." not in answer.content.decode(), model
    assert told >= FULL
