"""One e-mail's whole story: queued, each attempt, each event of the provider, and what staff did, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common.audit import history_of
from notifications.models import AttemptOutcome, EmailEventKind, EmailMessage

_SHOWN: Final = 100
_TROUBLES: Final = frozenset(
    {
        EmailEventKind.FAILED,
        EmailEventKind.SUPPRESSED,
        EmailEventKind.BOUNCED,
        EmailEventKind.SOFT_BOUNCED,
        EmailEventKind.COMPLAINED,
    }
)
_WENT_WELL: Final = frozenset({AttemptOutcome.BEGUN, AttemptOutcome.SENT})


@dataclass(frozen=True, slots=True)
class Chapter:
    """One line of the story. ``heard_at``: when we heard of it, where that was not when it happened."""

    at: datetime
    who: str
    what: str
    detail: str = ""
    is_trouble: bool = False
    heard_at: datetime | None = None


def story_of(message: EmailMessage) -> list[Chapter]:
    """Return the story, oldest first. Three statements, and at most 100 attempts and events each."""
    chapters = [
        Chapter(message.created_at, "We", "Queued"),
        *_attempts(message),
        *_events(message),
        *_acts(message),
    ]
    return sorted(chapters, key=lambda one: one.at)


def _attempts(message: EmailMessage) -> Iterator[Chapter]:
    for number, one in enumerate(message.attempts.order_by("started_at", "id")[:_SHOWN], start=1):
        outcome = AttemptOutcome(one.outcome)
        ended = one.finished_at if one.finished_at != one.started_at else None
        yield Chapter(
            one.started_at, "We", f"Attempt {number}: {outcome.label.lower()}", one.detail, outcome not in _WENT_WELL,
            heard_at=ended,
        )  # fmt: skip


def _events(message: EmailMessage) -> Iterator[Chapter]:
    for one in message.events.order_by("occurred_at", "id")[:_SHOWN]:
        kind = EmailEventKind(one.kind)
        yield Chapter(
            one.occurred_at,
            "The provider",
            str(kind.label),
            one.detail,
            kind in _TROUBLES,
            heard_at=one.received_at,
        )


def _acts(message: EmailMessage) -> Iterator[Chapter]:
    for act in history_of(message)[:_SHOWN]:
        what = act.action.rpartition(".")[2].replace("_", " ").capitalize()
        yield Chapter(act.at, act.actor_label or "We", what, act.reason)
