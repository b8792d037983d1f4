"""Files that go along with e-mails: frozen once however many get them, bounded, and forgotten when they are old."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef

from notifications.errors import FileRefused
from notifications.models import (
    MAXIMUM_ATTACHED,
    MAXIMUM_FILENAME,
    EmailAttachment,
    EmailFile,
    EmailStatus,
)

KEPT: Final = timedelta(days=30)
FORGOTTEN: Final = f"What went along with it was forgotten after {KEPT.days} days: it cannot be sent any more"
_AT_ONCE: Final = 100
_NAME: Final = re.compile(rf"[^\\/\x00-\x1f\x7f]{{1,{MAXIMUM_FILENAME}}}")
_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it is to arrive."""

    filename: str
    content_type: str
    content: bytes


def keep_files(given: Sequence[NewFile], *, now: datetime) -> tuple[UUID, ...]:
    """Freeze files in the caller's transaction and return their ids, for any number of e-mails.

    Raises ``FileRefused`` for a name or a type that is none, and for more than ``MAXIMUM_ATTACHED`` together.
    """
    for one in given:
        if not _NAME.fullmatch(one.filename) or not _TYPE.fullmatch(one.content_type):
            raise FileRefused(f"{one.filename!r} ({one.content_type!r}) cannot name a file and its type")
    _refuse(sum(len(one.content) for one in given))
    rows = [
        EmailFile(
            filename=one.filename, content_type=one.content_type, size=len(one.content), content=one.content,
            created_at=now,
        )
        for one in given
    ]  # fmt: skip
    EmailFile.objects.bulk_create(rows)
    return tuple(row.id for row in rows)


def refuse_too_heavy(wanted: Iterable[tuple[UUID, ...]]) -> None:
    """Raise ``FileRefused`` when files that are to go together are missing or too heavy. No files: no statement."""
    together = [ids for ids in wanted if ids]
    if not together:
        return
    sizes = dict(
        EmailFile.objects.filter(id__in={one for ids in together for one in ids}).values_list("id", "size")
    )
    for ids in together:
        if missing := [one for one in ids if one not in sizes]:
            raise FileRefused(f"There is no file {missing[0]}")
        _refuse(sum(sizes[one] for one in ids))


def attach(wanted: Mapping[UUID, tuple[UUID, ...]]) -> None:
    """Let files go along with e-mails. No files: no statement."""
    rows = [
        EmailAttachment(message_id=message_id, file_id=file_id, position=position)
        for message_id, file_ids in wanted.items()
        for position, file_id in enumerate(file_ids)
    ]
    if rows:
        EmailAttachment.objects.bulk_create(rows)


def files_of(message_id: UUID) -> list[EmailFile]:
    """Return what goes along with an e-mail, in its order."""
    return list(
        EmailFile.objects.filter(attachments__message_id=message_id).order_by("attachments__position")
    )


def forget_files(*, now: datetime) -> int:
    """Forget the bytes of files older than ``KEPT``, unless an e-mail still waits for them; return of how many.

    In batches, each durable.
    """
    waiting = EmailAttachment.objects.filter(file=OuterRef("pk"), message__status=EmailStatus.QUEUED)
    old = EmailFile.objects.filter(~Exists(waiting), content__isnull=False, created_at__lt=now - KEPT)
    forgotten = 0
    while True:
        ids = list(old.order_by("created_at").values_list("id", flat=True)[:_AT_ONCE])
        forgotten += old.filter(id__in=ids).update(content=None) if ids else 0
        if len(ids) < _AT_ONCE:
            return forgotten


def _refuse(size: int) -> None:
    if size > MAXIMUM_ATTACHED:
        raise FileRefused(f"{size} bytes are more than the {MAXIMUM_ATTACHED} that one e-mail may carry")
