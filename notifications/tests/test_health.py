"""How the e-mail channel does: the page, the alarms, the metrics."""

from datetime import timedelta
from math import isnan
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog.testing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization
from accounts.tests.factories import make_member, make_organization, make_superuser
from common import clock
from notifications.models import EmailMessage, EmailSuppression
from notifications.scraped import EmailCollector
from notifications.selectors.health import _sampled, channel_health, figures_of_day
from notifications.services import sending, watching
from notifications.tests.factories import NOON

pytestmark = pytest.mark.django_db

HEALTH = reverse("admin:notifications_emailmessage_health")
PERSON = reverse("admin:notifications_emailmessage_person")


@pytest.fixture
def house() -> Organization:
    """Give an organization that writes e-mails."""
    return make_organization()


def written(
    organization_id: UUID | None,
    status: str,
    *,
    sent_ago: float | None = None,
    waited: float = 2,
    **fields: Any,
) -> EmailMessage:
    """Create an e-mail that was sent so many hours before noon after waiting some seconds, or that never was."""
    sent_at = None if sent_ago is None else NOON - timedelta(hours=sent_ago)
    created_at = (sent_at or NOON) - timedelta(seconds=waited)
    given = {
        "template": "offer_code", "to": "ada@example.com", "recipient_key": "ada", "subject": "Your code",
        "text_body": "Words", "dedupe_key": str(uuid4()), "status": status, "created_at": created_at,
        "sent_at": sent_at,
    }  # fmt: skip
    return EmailMessage.objects.create(organization_id=organization_id, **{**given, **fields})


def a_week_of(organization_id: UUID | None) -> None:
    """Create a week's e-mails of each fate."""
    written(organization_id, "sent", sent_ago=0.1, waited=1)
    written(organization_id, "delivered", sent_ago=0.2, waited=3)
    written(organization_id, "bounced", sent_ago=2, waited=5)
    written(organization_id, "complained", sent_ago=30, waited=7, template="report")
    written(organization_id, "delivered", sent_ago=24 * 8)
    written(organization_id, "failed", waited=60)
    written(organization_id, "suppressed", waited=3600 * 3)
    written(organization_id, "queued", waited=90)
    EmailSuppression.objects.create(
        organization_id=organization_id, recipient_key=str(uuid4())[:32], address="eve@example.com",
        reason="hard_bounce", since=NOON,
    )  # fmt: skip


def test_each_span_and_template_is_told_exactly(house: Organization) -> None:
    """REQ NO-02: what was sent in an hour, a day and a week, what became of it, and how long it waited."""
    a_week_of(house.pk)
    a_week_of(make_organization().pk)
    health = channel_health(now=NOON, organization_ids={house.pk})
    assert (health.queued, health.oldest_queued_seconds, health.suppressed_boxes) == (1, 90.0, 1)
    told = [
        (one.sent, one.delivered, one.bounced, one.complained, one.failed, one.suppressed, one.p50, one.p90)
        for one in health.spans
    ]
    assert told == [
        (2, 1, 0, 0, 1, 0, 2.0, 2.8),
        (3, 1, 1, 0, 1, 1, 3.0, 4.6),
        (4, 2, 1, 1, 1, 1, 4.0, 6.4),
    ]
    assert (health.spans[1].bounce_rate, health.spans[0].complaint_rate) == (1 / 3, 0.0)
    assert [(one.label, one.sent, one.failed, one.suppressed) for one in health.templates] == [
        ("Offer code", 3, 1, 1),
        ("Report", 1, 0, 0),
    ]
    busy = [(hour.begins_at.hour, hour.sent, hour.delivered, hour.lost) for hour in health.hours if hour.sent]
    assert (len(health.hours), busy) == (24, [(11, 2, 1, 0), (10, 1, 0, 1)])
    everybodys = channel_health(now=NOON)
    assert (everybodys.queued, everybodys.spans[2].sent, everybodys.suppressed_boxes) == (2, 8, 2)
    nothing = channel_health(now=NOON, organization_ids=set())
    assert (nothing.spans[2].sent, nothing.spans[2].bounce_rate, nothing.spans[2].p50) == (0, None, None)


def test_the_figures_cost_ten_statements_by_their_indexes(
    house: Organization, django_assert_num_queries: Any
) -> None:
    """REQ NO-02: however much was written; what was sent long ago is not read."""
    with django_assert_num_queries(10):
        channel_health(now=NOON, organization_ids={house.pk})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_emailmessage (id, template, "to", recipient_key, subject, text_body, html_body,
                is_urgent, status, dedupe_key, about_type, provider_message_id, last_error, created_at, sent_at)
            SELECT gen_random_uuid(), 't', 'a@example.com', 'k', 's', 'x', '', false, 'delivered', 'old:' || n, '', '',
                '', %(now)s - n * interval '1 minute', %(now)s - n * interval '1 minute'
            FROM generate_series(1, 20000) n
            """,
            {"now": NOON},
        )
        cursor.execute("ANALYZE notifications_emailmessage")
        for needle, rows in (
            ("email_sent_at", EmailMessage.objects.order_by().filter(sent_at__gt=NOON - timedelta(days=1))),
            (
                "email_recipient",
                EmailMessage.objects.filter(recipient_key="ada").order_by("-created_at", "-id"),
            ),
            ("email_provider_message", EmailMessage.objects.filter(provider_message_id="re-1").order_by()),
        ):
            assert needle in rows.explain(), needle


def test_times_of_many_are_told_from_a_sample(house: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ NO-02: counts stay exact; no more than about so many are sorted, and what is rare is told from all of it."""
    monkeypatch.setattr("notifications.selectors.health._SORTED", 20)
    EmailMessage.objects.bulk_create(
        EmailMessage(
            id=UUID(int=n), organization_id=house.pk, template="offer_code", to="a@example.com", recipient_key="a",
            subject="s", text_body="x", dedupe_key=f"many:{n}", status="sent",
            created_at=NOON - timedelta(minutes=2, seconds=n), sent_at=NOON - timedelta(minutes=2),
        )
        for n in range(400)
    )  # fmt: skip
    written(house.pk, "delivered", sent_ago=1.5, waited=1000, template="report")
    with CaptureQueriesContext(connection) as queries:
        told = channel_health(now=NOON, organization_ids={house.pk})
    assert [one.sent for one in told.spans] == [400, 401, 401]
    many, rare = told.templates
    assert (many.sent, rare.sent, rare.p50) == (400, 1, 1000.0)
    sorting = [one["sql"] for one in queries if "percentile_cont" in one["sql"]]
    assert (len(sorting), all("hashtext" in sql for sql in sorting)) == (2, True)
    taken = EmailMessage.objects.filter(_sampled(400)).count()
    assert 5 <= taken <= 45
    for figures in (*told.spans, many):
        assert figures.p50 is not None
        assert 80 <= figures.p50 <= 320, "of waits spread over 400 seconds"


def test_the_page_shows_them_and_ends_at_the_organization(client: Client, house: Organization) -> None:
    """REQ NO-02, EV-04: a page with tables beside every bar; a rival sees nothing of it, an analyst is refused."""
    now = clock.now()
    for status in ("delivered", "bounced"):
        written(house.pk, status, sent_at=now, created_at=now - timedelta(seconds=4))
    client.force_login(make_member("staff", organization=house))
    page = client.get(HEALTH).content.decode()
    assert "Offer code" in page
    assert "50.00%" in page.replace(" ", "")
    assert page.count("<rect") == 72
    client.force_login(make_member("owner"))
    assert "Offer code" not in client.get(HEALTH).content.decode()
    client.force_login(make_member("analyst", organization=house))
    assert (client.get(HEALTH).status_code, client.get(PERSON).status_code) == (403, 403)


def test_a_pause_is_told_on_the_page_with_its_end(client: Client) -> None:
    """REQ NO-01, NO-02: an operator resumes from here too."""
    now = clock.now()
    sending.pause(now + timedelta(minutes=5), "The key is not valid any more", now=now)
    client.force_login(make_superuser())
    page = client.get(HEALTH).content.decode()
    assert "E-mail is paused until" in page
    assert reverse("admin:notifications_emailmessage_resume") in page


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "alarms"),
    [
        (9, 1, 0, []),
        (19, 1, 0, ["email_bounce_rate_high"]),
        (18, 0, 1, ["email_complaint_rate_high"]),
        (8, 5, 5, ["email_bounce_rate_high", "email_complaint_rate_high"]),
    ],
)
def test_too_many_bounces_and_complaints_alarm(
    client: Client, settings: Any, sent: int, bounced: int, complained: int, alarms: list[str]
) -> None:
    """REQ NO-02, OP-02: above the limit, and once enough was sent: in the log, on the page and in the metrics."""
    settings.EMAIL_ALERT_MINIMUM, settings.EMAIL_BOUNCE_RATE_ALERT = 15, 0.04
    now = clock.now()
    for status, number in (("sent", sent), ("bounced", bounced), ("complained", complained)):
        for _ in range(number):
            written(None, status, sent_at=now)
    with structlog.testing.capture_logs() as logs:
        assert watching.watch(now=clock.now()) == len(alarms)
    assert [(line["event"], line["log_level"]) for line in logs] == [(name, "error") for name in alarms]
    total = sent + bounced + complained
    figures = {metric.name: metric.samples[0].value for metric in EmailCollector().collect()}
    assert figures["marquee_email_bounce_rate"] == bounced / total
    assert figures["marquee_email_complaint_rate"] == complained / total
    assert (figures["marquee_email_queued"], figures["marquee_email_paused"]) == (0, 0)
    if len(alarms) == 2:
        client.force_login(make_superuser())
        assert client.get(HEALTH).content.decode().count('role="alert"') == 2


def test_the_days_shares_cost_one_statement(django_assert_num_queries: Any) -> None:
    """REQ OP-02: what is looked at each quarter of an hour is cheap; without e-mails there is no share to tell."""
    with django_assert_num_queries(1):
        assert figures_of_day(now=NOON).bounce_rate is None
    figures = {metric.name: metric.samples[0].value for metric in EmailCollector().collect()}
    assert isnan(figures["marquee_email_bounce_rate"])


def test_a_look_is_kept_for_a_minute(django_assert_num_queries: Any) -> None:
    """REQ OP-02: however often it is scraped."""
    collector = EmailCollector()
    list(collector.collect())
    with django_assert_num_queries(0):
        list(collector.collect())
