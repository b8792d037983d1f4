import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from common import clock
from common.models import Job
from common.outbox.testing import run_due
from notifications.models import AttemptOutcome, EmailAttempt, EmailStatus
from notifications.tests.campaign import repeats
from notifications.tests.factories import queue, stored
from notifications.tests.resend import provider, settings_for
from notifications.tests.smtp import MailServer

WORKER = """
import django
django.setup()
from django.conf import settings
for name, value in {given!r}.items():
    setattr(settings, name, value)
from common.outbox import Lane, drain
drain(Lane.URGENT_MAIL)
"""


def kill_in_mid_send(given: dict[str, Any], is_sending: threading.Event) -> None:
    """Let a worker process send by these settings, and kill it once the provider holds what it sent."""
    code = WORKER.format(given=given)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, env=environment) as worker:
        try:
            assert is_sending.wait(30), "the worker never sent"
        finally:
            worker.send_signal(signal.SIGKILL)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_mid_send_repeats_the_same_message(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01, OP-03: killed after the server took the mail and before it answered, it is sent again as the same
    message: same Message-ID, same words, so that the recipient's side can tell."""
    email_id = queue(kind, now=clock.now())
    mail_server.answers = ["hold"]
    given = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": mail_server.port,
        "EMAIL_TIMEOUT": 30,
        "DEFAULT_FROM_EMAIL": django_settings.DEFAULT_FROM_EMAIL,
    }
    kill_in_mid_send(given, mail_server.received)
    mail_server.hold.set()
    assert stored(email_id).status == EmailStatus.QUEUED
    assert Job.objects.get().status == "running"
    assert run_due(clock.now() + timedelta(seconds=30)) == 0, "its lease still runs"

    assert run_due(clock.now() + timedelta(seconds=300)) == 1
    first, second = mail_server.messages
    assert first["Message-ID"] == second["Message-ID"] == f"<{email_id}@marquee.test>"
    for field in ("Date", "Subject", "To"):
        assert first[field] == second[field]
    assert first.get_body().get_content() == second.get_body().get_content()
    assert stored(email_id).status == EmailStatus.SENT
    outcomes = EmailAttempt.objects.order_by("started_at").values_list("outcome", flat=True)
    assert list(outcomes) == [AttemptOutcome.BEGUN, AttemptOutcome.SENT]


@pytest.mark.django_db(transaction=True)
def test_killed_at_resend_it_is_repeated_under_its_own_key(kind: str, settings: Settings) -> None:
    """REQ NO-01, OP-03: killed between Resend's taking an e-mail and its answer: one request more, the same key and
    words, so it is one e-mail; the other that waited is sent once."""
    first, second = queue(kind, now=clock.now()), queue(kind, now=clock.now(), to="grace@example.com")
    with provider() as resend:
        given = settings_for(resend)
        resend.silent_after = 0
        kill_in_mid_send(given, resend.is_silent)
        resend.silent_after = None
        resend.may_answer.set()
        for name, value in given.items():
            setattr(settings, name, value)
        assert run_due(clock.now() + timedelta(seconds=300)) == 2
    assert repeats(resend.requests) == 1
    assert Counter(key for key, _ in resend.requests) == {f"email/{first}": 2, f"email/{second}": 1}
    assert len(resend.emails) == 2
    assert {stored(first).status, stored(second).status} == {EmailStatus.SENT}
    outcomes = (
        EmailAttempt.objects.filter(message=first).order_by("started_at").values_list("outcome", flat=True)
    )
    assert list(outcomes) == [AttemptOutcome.BEGUN, AttemptOutcome.SENT]
    assert not Job.objects.exclude(status="done").exists()
