"""One summary instead of many: what a person's limit held back of one kind goes out together (REQ NO-04)."""

from datetime import datetime
from typing import Final

from notifications import kinds, push
from notifications.models import PushDelivery, PushMessage, PushStatus
from notifications.services.push import queueing

_NAMED: Final = 3
_LONGEST: Final = 80
IN_SUMMARY: Final = "The person had enough messages that hour: told in one summary"


def summarise(message: PushMessage, *, now: datetime) -> bool:
    """Put a message that had to wait, and the others of its kind that wait too, into one; False when it is alone.

    The caller holds the person's tokens, and there is room for one: the summary takes it. The message is grouped then.
    """
    waiting = list(
        PushMessage.objects.select_for_update()
        .filter(
            user_id=message.user_id,
            kind=message.kind,
            organization_id=message.organization_id,
            deferred_at__isnull=False,
            begun_at__isnull=True,
            status__in=[PushStatus.QUEUED, PushStatus.HELD],
            is_urgent=False,
        )
        .order_by("created_at", "id")
    )
    if len(waiting) < 2:
        return False
    summary = _write(message, waiting, now=now)
    ids = [one.id for one in waiting]
    PushMessage.objects.filter(id__in=ids).update(
        status=PushStatus.GROUPED, status_reason=IN_SUMMARY, summary=summary
    )
    PushDelivery.objects.filter(message_id__in=ids, status=PushStatus.QUEUED).update(
        status=PushStatus.GROUPED
    )
    message.status = PushStatus.GROUPED
    return True


def words(kind: str, titles: list[str]) -> tuple[str, str]:
    """Return title and text of a summary: "3 updates about announcements", and what the latest were."""
    known = kinds.find(kind)
    about = known.title.lower() if known is not None else kind.replace("_", " ")
    latest = [title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…" for title in titles[-_NAMED:]]
    more = len(titles) - len(latest)
    text = " · ".join(reversed(latest)) + (f" · {more} more" if more else "")
    return f"{len(titles)} updates about {about}", text


def _write(message: PushMessage, waiting: list[PushMessage], *, now: datetime) -> PushMessage:
    title, body = words(message.kind, [one.title for one in waiting])
    addresses = {one.data.get("url", "") for one in waiting}
    # Where all lead to one place the summary does too; else the app opens.
    data = {"url": address} if len(addresses) == 1 and (address := addresses.pop()) else {}
    summary = PushMessage.objects.create(
        organization_id=message.organization_id,
        user_id=message.user_id,
        kind=message.kind,
        title=title,
        body=body,
        data=data,
        dedupe_key=f"summary:{message.id}",
        begun_at=now,
        created_at=now,
    )
    handed = push.PushMessage(
        message.user_id,
        message.kind,
        title,
        body,
        summary.dedupe_key,
        organization_id=message.organization_id,
        data=data,
    )
    queueing.add_deliveries(handed, summary.id, None, now=now)
    return summary
