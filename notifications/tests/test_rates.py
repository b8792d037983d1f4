import time
from datetime import datetime, timedelta
from functools import partial

import pytest
from pytest_django.fixtures import Settings

from common.models import Job
from common.outbox import Lane, drain
from common.outbox.testing import run_due
from config.local_stack.testing.race import Race
from notifications.models import EmailAttempt, EmailChannel, EmailMessage
from notifications.services import rates, sending
from notifications.tests.factories import NOON, queue, stored
from notifications.tests.resend import provider, settings_for
from notifications.tests.smtp import MailServer

pytestmark = pytest.mark.django_db
RESEND = "notifications.mailer.resend.EmailBackend"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def queue_many(kind: str, number: int, *, to: str = "p{}@example.com", urgent: bool = True) -> None:
    for index in range(number):
        queue(kind, to=to.format(index), urgent=urgent)


def test_a_hundred_a_minute_and_not_one_more(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: 100 e-mails in any 60 s; the next at the second at which the first is a minute old."""
    queue_many(kind, 120)
    assert run_due(at(0)) == 100
    assert run_due(at(59.999)) == 0
    assert len(mail_server.messages) == 100
    assert run_due(at(60)) == 20
    assert len(mail_server.messages) == 120


def test_waiting_writes_nothing(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01: an e-mail that the limits hold back is not touched."""
    settings.EMAIL_RATE_PER_MINUTE = 3
    queue_many(kind, 4)
    run_due(at(0))
    held = Job.objects.filter(status="pending").values().get()
    run_due(at(30))
    assert Job.objects.filter(status="pending").values().get() == held
    assert (held["attempts"], held["claim"]) == (0, 0)


def test_ten_a_minute_to_one_recipient(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: one box gets 10 in any 60 s however it is written, and holds up nobody else."""
    queue_many(kind, 12, to="ada@example.com")
    queue(kind, to="Ada@Example.com")
    queue(kind, to="grace@example.com")
    assert run_due(at(0)) == 11
    assert mail_server.recipients.count("ada@example.com") == 10
    assert "grace@example.com" in mail_server.recipients
    assert run_due(at(59.999)) == 0
    assert run_due(at(60)) == 3


def test_failed_attempts_count(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01: what the provider was handed counts, whatever it said."""
    settings.EMAIL_RATE_PER_MINUTE = 3
    queue_many(kind, 3)
    mail_server.answers = ["451 later"] * 2
    assert run_due(at(0)) == 3
    assert run_due(at(1)) == 0
    assert run_due(at(60)) == 2


def test_urgent_passes_bulk(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01, WL-08: bulk mail goes a quarter minute at a time, so an urgent one passes and goes at once."""
    settings.EMAIL_RATE_PER_MINUTE = 20
    queue_many(kind, 40, to="bulk{}@example.com", urgent=False)
    assert run_due(at(0)) == 5
    queue(kind, to="now@example.com", urgent=True)
    assert run_due(at(1)) == 1
    assert mail_server.recipients[-1] == "now@example.com"
    assert [run_due(at(second)) for second in (15, 30, 45, 59)] == [5, 5, 4, 0]


def test_bulk_stands_back_while_urgent_waits(kind: str, mail_server: MailServer, settings: Settings) -> None:
    """REQ NO-01: the last tokens of a minute belong to urgent mail that is due."""
    settings.EMAIL_RATE_PER_MINUTE = 8
    queue_many(kind, 10, to="bulk{}@example.com", urgent=False)
    queue_many(kind, 7, to="urgent{}@example.com", urgent=True)
    assert rates.available(at(0), 20, urgent=False) == 1
    assert run_due(at(0), lanes=[Lane.BULK]) == 1
    assert run_due(at(0), lanes=[Lane.URGENT_MAIL]) == 7


def test_a_busy_recipient_of_urgent_mail_does_not_hold_bulk(
    kind: str, mail_server: MailServer, settings: Settings
) -> None:
    """REQ NO-01: urgent e-mails that their recipient's limit holds back reserve nothing."""
    settings.EMAIL_RECIPIENT_RATE_PER_MINUTE = 1
    settings.EMAIL_RATE_PER_MINUTE = 4
    queue_many(kind, 5, to="ada@example.com", urgent=True)
    queue(kind, to="bulk@example.com", urgent=False)
    assert run_due(at(0)) == 2


def test_the_token_itself_is_exact(kind: str, settings: Settings) -> None:
    """REQ NO-01: whoever was let through by a look a moment too early is told how long to wait."""
    settings.EMAIL_RATE_PER_MINUTE = 2
    messages = [stored(queue(kind, to=f"p{index}@example.com")) for index in range(3)]
    rates.take(messages[0], now=at(0))
    rates.take(messages[1], now=at(20))
    with pytest.raises(rates.NoRoom) as refused:
        rates.take(messages[2], now=at(30))
    assert refused.value.seconds == 30.0
    assert EmailAttempt.objects.count() == 2
    rates.take(messages[2], now=at(60))


@pytest.mark.django_db(transaction=True)
def test_eight_workers_together_keep_the_limit(
    kind: str, mail_server: MailServer, settings: Settings, race: Race
) -> None:
    """REQ NO-01: however many workers there are, a minute has as many e-mails as it may."""
    settings.EMAIL_RATE_PER_MINUTE = 10
    queue_many(kind, 24)
    race(8, lambda _: drain(Lane.URGENT_MAIL, read_clock=lambda: at(0)))
    assert len(mail_server.messages) == 10
    assert EmailAttempt.objects.count() == 10
    assert EmailMessage.objects.filter(status="sent").count() == 10
    assert Job.objects.filter(status="pending").count() == 14


def test_each_second_has_its_places(kind: str, settings: Settings) -> None:
    """REQ NO-01: at Resend two begin at once, two a second later; who would wait longer is told how long."""
    settings.EMAIL_BACKEND, settings.EMAIL_RATE_PER_SECOND = RESEND, 2
    messages = [stored(queue(kind, to=f"p{index}@example.com")) for index in range(6)]
    assert rates.available(at(0), 20, urgent=True) == 4
    begun = [rates.take(message, now=at(0)).begins_at for message in messages[:4]]
    assert begun == [at(0), at(0), at(1), at(1)]
    assert rates.available(at(0), 20, urgent=True) == 0
    with pytest.raises(rates.NoRoom) as refused:
        rates.take(messages[4], now=at(0.25))
    assert (refused.value.seconds, EmailAttempt.objects.count()) == (0.75, 4)
    assert rates.available(at(1), 20, urgent=True) == 2
    assert [rates.take(one, now=at(1.5)).begins_at for one in messages[4:]] == [at(2), at(2)]


def test_other_providers_count_no_seconds(kind: str, settings: Settings) -> None:
    """REQ NO-01: a mail server of one's own is held to the minute alone; nor is Resend where the setting is 0."""
    messages = [stored(queue(kind, to=f"p{index}@example.com")) for index in range(6)]
    settings.EMAIL_RATE_PER_SECOND = 1
    assert {rates.take(message, now=at(0)).begins_at for message in messages[:3]} == {at(0)}
    settings.EMAIL_BACKEND, settings.EMAIL_RATE_PER_SECOND = RESEND, 0
    assert {rates.take(message, now=at(0)).begins_at for message in messages[3:]} == {at(0)}


@pytest.mark.django_db(transaction=True)
def test_urgent_ones_at_once_keep_the_second(kind: str, settings: Settings, race: Race) -> None:
    """REQ NO-01: twenty due at once, four workers: no second has more than ten, all go, and none is spent on a 429."""
    with provider() as resend:
        for name, value in settings_for(resend).items():
            setattr(settings, name, value)
        settings.EMAIL_RATE_PER_SECOND = 10
        queue_many(kind, 20)
        started = time.monotonic()
        race(4, lambda _: drain(Lane.URGENT_MAIL))
        took = time.monotonic() - started
    assert took >= 1.0, "the second ten waited"
    moments = list(EmailAttempt.objects.order_by("started_at").values_list("started_at", flat=True))
    assert all(
        later - first >= timedelta(seconds=1) for first, later in zip(moments, moments[10:], strict=False)
    )
    assert (len(moments), len(resend.emails), len(resend.requests)) == (20, 20, 20)
    assert EmailMessage.objects.filter(status="sent").count() == 20


@pytest.mark.django_db(transaction=True)
def test_of_two_pauses_at_once_the_longer_stands(race: Race) -> None:
    """REQ NO-01: whoever is told of the shorter one a moment later does not end the longer."""
    sending.pause(at(1), "The first", now=at(0))
    ends = [at(3600), at(300)]
    for order in (ends, ends[::-1]):
        EmailChannel.objects.update(paused_until=None)
        acts = [partial(sending.pause, end, f"Until {end}", now=at(0)) for end in order]
        assert race.behind(EmailChannel.objects.all(), acts) == [None, None]
        channel = EmailChannel.objects.get()
        assert (channel.paused_until, channel.reason) == (ends[0], f"Until {ends[0]}")


def _tokens_taken(kind: str, race: Race) -> int:
    """Let eight workers, each with an e-mail in hand, contend for the tokens of a minute that has four."""
    EmailMessage.objects.all().delete()
    messages = [stored(queue(kind, to=f"p{number}@example.com")) for number in range(8)]
    race(8, lambda number: rates.take(messages[number], now=at(0)))
    return EmailAttempt.objects.count()


@pytest.mark.django_db(transaction=True)
def test_eight_workers_with_an_email_in_hand_take_four_tokens(
    kind: str, settings: Settings, race: Race
) -> None:
    """REQ NO-01: whoever was let through by the look at the claim is held by the token itself."""
    settings.EMAIL_RATE_PER_MINUTE = 4
    assert [_tokens_taken(kind, race) for _ in range(3)] == [4, 4, 4]


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_a_minute_has_too_many(
    kind: str, settings: Settings, race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race above finds what the lock prevents: several count, and then all take."""
    settings.EMAIL_RATE_PER_MINUTE = 4
    monkeypatch.setattr(rates, "_lock_tokens", lambda: None)
    assert any(_tokens_taken(kind, race) > 4 for _ in range(20))
