"""The admin's history page (REQ EV-04)."""

import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from common.audit import record
from common.audit.history import AuditHistoryMixin
from common.idempotency.models import IdempotencyRecord
from common.types import Actor

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = Actor(user_id=uuid.UUID(int=1), label="ann@demo.test")

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]


class RecordAdmin(AuditHistoryMixin, ModelAdmin):
    def get_queryset(self, request):
        return super().get_queryset(request).filter(operation="mine")


@pytest.fixture(autouse=True)
def _bare_frame(settings):
    """The page's own part alone: the frame around it names screens of the rooms above."""
    frame = {"admin/base_site.html": "{% block content %}{% endblock %}"}
    engine = settings.TEMPLATES[0]
    loaders = [
        ("django.template.loaders.locmem.Loader", frame),
        "django.template.loaders.filesystem.Loader",
    ]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]


def _subject(operation="mine"):
    return IdempotencyRecord.objects.create(
        user_id=uuid.uuid4(), operation=operation, key="k", created_at=NOW, expires_at=NOW
    )


def _page(subject, query="", **permissions):
    user = get_user_model()(is_active=True, is_staff=True, is_superuser=permissions.get("superuser", True))
    user.pk = user.pk or 1
    request = RequestFactory().get(f"/{query}")
    request.user, request.session = user, {}
    request._messages = FallbackStorage(request)
    return RecordAdmin(IdempotencyRecord, AdminSite()).history_view(request, str(subject.pk))


def test_it_shows_who_what_why_and_each_change() -> None:
    """REQ EV-04: escaped, newest first, empty values as a dash."""
    subject = _subject()
    record(
        actor=ANN,
        action="offers.edit",
        subject=subject,
        organization_id=None,
        reason="<b>typo</b>",
        changes={"price": [None, "2.00"]},
        now=NOW,
    )
    html = _page(subject).render().content.decode()
    for part in (
        "ann@demo.test",
        "offers.edit",
        "&lt;b&gt;typo&lt;/b&gt;",
        "<del>–</del>",
        "<ins>2.00</ins>",
    ):
        assert part in html


def test_it_shows_fifty_a_page() -> None:
    """REQ EV-04: a long history stays readable."""
    subject = _subject()
    for number in range(51):
        record(actor=ANN, action=f"a.n{number:02}", subject=subject, organization_id=None, now=NOW)
    actions = [entry.action for entry, _ in _page(subject).context_data["entries"]]
    assert (len(actions), actions[0]) == (50, "a.n50")
    assert [entry.action for entry, _ in _page(subject, "?p=2").context_data["entries"]] == ["a.n00"]


def test_another_organizations_object_is_not_found() -> None:
    """REQ EV-04: loaded through the scoped queryset."""
    response = _page(_subject("theirs"))
    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_it_needs_the_right_to_view() -> None:
    """REQ EV-04: staff alone is not enough."""
    subject = _subject()
    with pytest.raises(PermissionDenied):
        _page(subject, superuser=False)
