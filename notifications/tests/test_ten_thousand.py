"""Ten thousand e-mails due at once, some minutes of them; all of them: ``make bench ONLY=mail``."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from common.models import Job
from common.outbox.testing import run_due
from notifications import mailer
from notifications.mailer.resend import EmailBackend
from notifications.models import AttemptOutcome, EmailAttempt, EmailMessage
from notifications.services import sending
from notifications.tests.campaign import LANES, fill, outcome, repeats
from notifications.tests.factories import NOON
from notifications.tests.resend import provider, settings_for

pytestmark = pytest.mark.django_db

RATE, TO_ONE = 20, 4


class Dying(EmailBackend):
    """Resend's backend in a worker that ends at once, without a word, after the provider took an e-mail."""

    after = 0

    def post_to_esp(self, payload: Any, message: Any) -> Any:
        """Post, and die when it is time; nothing of the product runs any more."""
        answer = super().post_to_esp(payload, message)
        Dying.after -= 1
        if Dying.after == 0:
            raise SystemExit
        return answer


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _die_in_the_middle(settings: Any, now: datetime) -> UUID:
    """Let a worker end while it sends, and return the e-mail that it held."""
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Dying"
    with pytest.raises(SystemExit):
        run_due(now, lanes=LANES)
    mailer.close()
    settings.EMAIL_BACKEND = backend
    return EmailAttempt.objects.get(outcome=AttemptOutcome.BEGUN).message_id


def test_ten_thousand_due_at_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ NO-01, OP-03: limits are kept to the minute for each box and in all, urgent ones pass, none is lost when a
    worker dies in the middle, and what is repeated is repeated under its own key with its own words."""
    settings.EMAIL_RATE_PER_MINUTE, settings.EMAIL_RECIPIENT_RATE_PER_MINUTE = RATE, TO_ONE
    monkeypatch.setattr(Dying, "after", 3)
    with provider() as resend:
        for name, value in settings_for(resend).items():
            setattr(settings, name, value)
        fill(10_000, now=at(0), busy=60)
        assert run_due(at(0), lanes=LANES) == 5
        cut_off = _die_in_the_middle(settings, at(15))
        fill(10, now=at(16), urgent=True)
        told = len(resend.requests)
        assert run_due(at(16), lanes=LANES) == 12
        passed = [body["tags"][0]["value"] for _, body in resend.requests[told : told + 10]]
        assert EmailMessage.objects.filter(id__in=passed, is_urgent=True, status="sent").count() == 10
        for second in (30, 60, 75, 120, 150):
            run_due(at(second), lanes=LANES)
    found = outcome()
    assert found.most == (RATE, TO_ONE)
    # 5, 2 and the one that was cut off, 12; then what each minute still has room for: 0, 5, 3, 5, 5.
    assert (found.sent, found.waiting, found.lost) == (37, 9_973, 0)
    assert len(resend.emails) == 37
    assert sending.requeue_orphans(now=at(150)) == 0
    assert repeats(resend.requests) == 1
    assert [key for key, _ in resend.requests].count(f"email/{cut_off}") == 2
    assert EmailMessage.objects.get(id=cut_off).status == "sent"
    assert not Job.objects.filter(status="dead").exists()
