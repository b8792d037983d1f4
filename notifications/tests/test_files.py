"""Files that go along with e-mails: frozen, bounded, the same bytes by every provider, forgotten in time."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest

from common.models import Job
from common.outbox.testing import run_due
from notifications.errors import FileRefused
from notifications.models import MAXIMUM_ATTACHED, EmailAttachment, EmailFile, EmailMessage, EmailStatus
from notifications.services import files
from notifications.services.files import NewFile, forget_files, keep_files
from notifications.tests.factories import NOON, queue, stored
from notifications.tests.smtp import MailServer
from notifications.tests.test_resend import Provider, provider

__all__ = ["provider"]

pytestmark = pytest.mark.django_db

# Line ends and a mark that a text part would lose.
CSV = NewFile("Bericht für Mai.csv", "text/csv", "\ufeffa;ö\r\n1;2\n".encode())
PDF = NewFile("may.pdf", "application/pdf", b"%PDF-1.7\x00\xff\r\n.\r\n")


def test_files_arrive_as_they_were_frozen_by_smtp(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01, AN-07: both files of both recipients, byte by byte, from one row each."""
    ids = keep_files([CSV, PDF], now=NOON)
    for to in ("ada@example.com", "eve@example.com"):
        queue(kind, to=to, file_ids=ids)
    run_due(NOON)
    assert len(mail_server.messages) == 2
    for received in mail_server.messages:
        parts = list(received.iter_attachments())
        assert [(part.get_filename(), part.get_content_type()) for part in parts] == [
            (CSV.filename, "text/csv"), ("may.pdf", "application/pdf"),
        ]  # fmt: skip
        assert [part.get_payload(decode=True) for part in parts] == [CSV.content, PDF.content]
        assert "AB-12" in received.get_body(("plain",)).get_content()
        assert "AB-12" in received.get_body(("html",)).get_content()
    assert EmailFile.objects.count() == 2


def test_files_go_along_by_resend(kind: str, provider: Provider) -> None:
    """REQ NO-01, AN-07: as base64, with name and type."""
    queue(kind, file_ids=keep_files([CSV, PDF], now=NOON))
    run_due(NOON)
    ((_, _, body),) = provider.requests
    assert [(one["filename"], base64.b64decode(one["content"])) for one in body["attachments"]] == [
        (CSV.filename, CSV.content), ("may.pdf", PDF.content),
    ]  # fmt: skip


def test_too_much_and_names_that_are_none_are_refused(kind: str) -> None:
    """REQ NO-01: 10 MB together; no path and no header hides in a name; nothing is written."""
    half = NewFile("half.bin", "application/octet-stream", bytes(MAXIMUM_ATTACHED // 2 + 1))
    with pytest.raises(FileRefused, match="more than"):
        keep_files([half, half], now=NOON)
    for name in ("", "../x.csv", "a\\b", "a\nX: y", "n" * 151):
        with pytest.raises(FileRefused, match="cannot name"):
            keep_files([NewFile(name, "text/csv", b"")], now=NOON)
    with pytest.raises(FileRefused):
        keep_files([NewFile("a.csv", "text/csv; x=y", b"")], now=NOON)
    assert not EmailFile.objects.exists()
    each = (*keep_files([half], now=NOON), *keep_files([half], now=NOON))
    with pytest.raises(FileRefused, match="more than"):
        queue(kind, file_ids=each)
    with pytest.raises(FileRefused, match="no file"):
        queue(kind, file_ids=(stored_id(),))
    assert not EmailMessage.objects.exists()
    assert not Job.objects.exists()


def stored_id() -> UUID:
    """Return the id of a file that is not there any more."""
    (gone,) = keep_files([PDF], now=NOON)
    EmailFile.objects.filter(id=gone).delete()
    return gone


def test_the_same_key_takes_no_second_file(kind: str) -> None:
    """REQ NO-01: what is queued again under its key stays as it was."""
    first = queue(kind, dedupe_key="one", file_ids=keep_files([PDF], now=NOON))
    assert queue(kind, dedupe_key="one", file_ids=keep_files([CSV], now=NOON)) == first
    assert [one.filename for one in files.files_of(first)] == ["may.pdf"]
    assert EmailAttachment.objects.count() == 1


def test_old_files_are_forgotten_unless_an_email_waits_for_them(kind: str, mail_server: MailServer) -> None:
    """REQ NO-01: 30 days after, name and size stay; a failed e-mail whose file is gone is not sent without it."""
    waiting = queue(kind, file_ids=keep_files([PDF], now=NOON))
    failed = queue(kind, file_ids=keep_files([CSV], now=NOON))
    EmailMessage.objects.filter(id=failed).update(status=EmailStatus.FAILED)
    Job.objects.filter(dedupe_key=f"email:{waiting}").update(run_at=NOON + timedelta(days=99))
    assert forget_files(now=NOON + files.KEPT) == 0
    assert forget_files(now=NOON + files.KEPT + timedelta(seconds=1)) == 1
    assert forget_files(now=NOON + files.KEPT + timedelta(days=1)) == 0
    (kept,), (gone,) = files.files_of(waiting), files.files_of(failed)
    assert bytes(kept.content or b"") == PDF.content
    assert (gone.content, gone.filename, gone.size) == (None, CSV.filename, len(CSV.content))
    run_due(NOON + timedelta(days=31))
    assert mail_server.messages == []
    assert stored(failed).last_error.endswith(files.FORGOTTEN)
    assert Job.objects.get(dedupe_key=f"email:{failed}").status == "dead"
