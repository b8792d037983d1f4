"""What has no shape in a body about an offer: REST refuses it by field, beside what the rules refuse."""

from datetime import UTC, datetime

import pytest

from accounts.tests.factories import make_member, make_user
from common.audit.models import AuditEntry
from events.tests.factories import make_event
from offers.models import Offer
from offers.tests.doors import RestCatalog
from offers.tests.factories import make_offer
from offers.tests.test_catalog import GOOD

pytestmark = pytest.mark.django_db


def test_unknown_and_counter_fields_are_refused() -> None:
    """REST refuses names that it does not know, counters among them, and NUL bytes. REQ OF-02."""
    event = make_event()
    staff = make_member("staff", organization=event.organization)
    catalog = RestCatalog(staff)
    body = {**GOOD, "event_id": str(event.pk)}
    assert catalog.create({**body, "sold": 3}).errors == {("sold", "unknown_field")}
    assert catalog.create({**body, "colour": "red"}).errors == {("colour", "unknown_field")}
    assert catalog.create({**body, "title": "a\0b"}).errors == {("title", "unreadable_text")}
    offer = make_offer(event=event)
    assert catalog.update(offer.pk, {"event_id": str(make_event().pk)}).errors == {
        ("event_id", "unknown_field")
    }
    assert Offer.objects.count() == 1


def test_what_has_no_shape_is_told_together_with_what_breaks_a_rule() -> None:
    """REST: a form sees all its errors in one round, each field once; only staff learn them. REQ OF-02, UI-01."""
    event = make_event()
    staff = make_member("staff", organization=event.organization)
    said = {
        "event_id": str(event.pk), "title": " ", "price": "x", "offer_type": "FOO", "inventory_total": "many",
        "starts_at": "2026-12-02T10:00:00", "expires_at": "2020-01-01T00:00:00Z", "colour": "red",
        "target_sessions": [7], "content_url": "https://content.test/",
    }  # fmt: skip
    errors = {
        ("title", "required"), ("price", "not_a_price"), ("offer_type", "invalid_choice"),
        ("inventory_total", "wrong_type"), ("starts_at", "naive_time"), ("colour", "unknown_field"),
        ("target_sessions[0]", "wrong_type"),
    }  # fmt: skip
    assert RestCatalog(staff).create(said).errors == errors
    later = datetime(2030, 1, 1, tzinfo=UTC)
    offer = make_offer(event=event, starts_at=later)
    change = {name: value for name, value in said.items() if name != "event_id"}
    assert RestCatalog(staff).update(offer.pk, change).errors == errors
    assert RestCatalog(make_user()).update(offer.pk, change).code == "not_found"
    without = RestCatalog(staff).create({**change, "event_id": "seven"}).errors
    assert ("event_id", "invalid") in without
    assert ("starts_at", "naive_time") in without
    assert list(Offer.objects.values_list("pk", "starts_at")) == [(offer.pk, later)]
    assert not AuditEntry.objects.exists()
