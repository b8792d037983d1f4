import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from common import clock
from common.models import Job
from common.outbox.testing import run_due
from notifications.models import AttemptOutcome, EmailAttempt, EmailStatus
from notifications.tests.factories import queue, stored
from notifications.tests.smtp import MailServer

WORKER = textwrap.dedent(
    """
    import django
    django.setup()
    from django.conf import settings
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", {port}, 30
    settings.DEFAULT_FROM_EMAIL = {sender!r}
    from common.outbox import Lane, drain
    drain(Lane.URGENT_MAIL)
    """
)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_mid_send_repeats_the_same_message(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01, OP-03: killed after the server took the mail and before it answered, it is sent again as the same
    message: same Message-ID, same words, so that the recipient's side can tell."""
    email_id = queue(kind, now=clock.now())
    mail_server.answers = ["hold"]
    code = WORKER.format(port=mail_server.port, sender=django_settings.DEFAULT_FROM_EMAIL)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, env=environment) as worker:
        try:
            assert mail_server.received.wait(30), "the worker never sent"
        finally:
            worker.send_signal(signal.SIGKILL)
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
