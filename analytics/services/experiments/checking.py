"""Which of the events that front ends tell of experiments count, as what; and why not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final
from uuid import UUID

from django.conf import settings

from analytics.models import ExperimentRefusalReason as Reason
from analytics.models import RefusalReason
from analytics.models.experiments import KEY_PATTERN
from analytics.services.checking import Refusal, clock_error, moment
from analytics.statistics.assignment import assigned
from analytics.types.experiments import Definition, IncomingResult, ResultBatch, Told
from analytics.types.tracking import Refused
from common import statements

_SAID: Final = {
    Reason.UNKNOWN_TEST: "test_id: there is no such experiment.",
    Reason.WRONG_EVENT: "event_id: the experiment is of another event.",
    Reason.NOT_RUNNING: "test_id: the experiment did not run then.",
    Reason.UNKNOWN_VARIANT: "variant_id: the experiment has no such variant.",
    Reason.WRONG_VARIANT: "variant_id: this session is to see another variant.",
    Reason.NOT_ACHIEVED: "goal_achieved: nothing was achieved, so nothing is counted.",
}
# By (the event that was told, slug).
Known = Mapping[tuple[UUID | None, str | None], Definition]
_NAMED: Final = statements.one_line("""
    SELECT told.id, x.id, x.slug, x.event_id, x.started_at, x.stopped_at, x.is_archived,
        array_agg(v.key ORDER BY v.position), array_agg(v.weight ORDER BY v.position)
    FROM events_event told
    JOIN analytics_experiment x ON x.organization_id = told.organization_id
    JOIN analytics_variant v ON v.experiment_id = x.id
    WHERE told.id = ANY(%(events)s::uuid[]) AND x.slug = ANY(%(slugs)s::text[])
    GROUP BY told.id, x.id
""")
_SLUG: Final = re.compile(KEY_PATTERN)
_NEEDED: Final = ("test_id", "event_id", "session_token", "variant_id", "event_type")


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that counts unless it is known already: whose, of what, when, and for how much."""

    index: int
    experiment_id: UUID
    visitor: UUID
    place: int
    kind: Told
    at: datetime
    value: int

    @property
    def person(self) -> tuple[UUID, UUID]:
        """The key of the visitor in the experiment."""
        return self.experiment_id, self.visitor


def definitions(batch: ResultBatch) -> Known:
    """Return the experiments that a batch names, drafts too, by (event, slug). One statement.

    A slug is looked up in the organization of the event that is told with it: others may have the same.
    """
    given = {
        # What no slug looks like is not asked for: PostgreSQL takes no NUL, and one such event must not lose the batch.
        "slugs": list(
            {event.test_id for _, event in batch.events if event.test_id and _SLUG.fullmatch(event.test_id)}
        ),
        "events": list({event.event_id for _, event in batch.events if event.event_id}),
    }
    rows = statements.run(_NAMED, given).fetchall() if all(given.values()) else []
    return {
        (told, slug): Definition(
            pk, slug, event_id, started, stopped, is_archived, tuple(keys), tuple(weights)
        )
        for told, pk, slug, event_id, started, stopped, is_archived, keys, weights in rows
    }


def check(batch: ResultBatch, known: Known, *, now: datetime) -> tuple[list[Heard], list[Refused]]:
    """Return what may count, and what is refused, both in the body's order."""
    heard, refused = [], list(batch.unreadable)
    skew = clock_error(batch.sent_at, now)
    for index, event in batch.events:
        try:
            heard.append(_heard(index, event, known, skew, now))
        except Refusal as verdict:
            refused.append(Refused(index, verdict.reason, verdict.message))
    return heard, refused


def reasons(refused: Iterable[Refused], batch: ResultBatch, known: Known) -> list[tuple[UUID | None, str]]:
    """Return (experiment, reason) of what was refused, the experiment only where it is one of ours."""
    named = {index: known.get((event.event_id, event.test_id)) for index, event in batch.events}
    ours = [(named.get(one.index), one.code) for one in refused]
    return [(None if definition is None else definition.id, code) for definition, code in ours]


def visitor_of(token: str, experiment_id: UUID) -> UUID:
    """Hash a session token with the experiment, so that nobody is followed from one to another."""
    text = experiment_id.bytes + token.encode("utf-8", "backslashreplace")
    return UUID(bytes=blake2b(text, digest_size=16, key=_key(settings.SECRET_KEY)).digest())


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(b"analytics.experiments:" + secret.encode()).digest()


def _heard(index: int, event: IncomingResult, known: Known, skew: timedelta, now: datetime) -> Heard:
    missing = next((name for name in _NEEDED if not getattr(event, name)), None)
    if missing is not None:
        raise Refusal(RefusalReason.INVALID, f"{missing}: this field is required.")
    definition = known.get((event.event_id, event.test_id))
    if definition is None:
        raise _refusal(Reason.UNKNOWN_TEST)
    if event.event_id != definition.event_id:
        raise _refusal(Reason.WRONG_EVENT)
    at = moment(event.timestamp, skew, now)
    if not _ran_at(definition, at):
        raise _refusal(Reason.NOT_RUNNING)
    if event.event_type == Told.GOAL and event.goal_achieved is False:
        raise _refusal(Reason.NOT_ACHIEVED)
    token = event.session_token or ""
    return Heard(
        index, definition.id, visitor_of(token, definition.id), _place(definition, event.variant_id, token),
        event.event_type or Told.VIEW, at, event.goal_value or 0,
    )  # fmt: skip


def _ran_at(definition: Definition, at: datetime) -> bool:
    if definition.started_at is None or definition.is_archived or at < definition.started_at:
        return False
    return definition.stopped_at is None or at < definition.stopped_at


def _place(definition: Definition, key: str | None, token: str) -> int:
    """Return the variant's place, which has to be the one that this session is to see."""
    if key not in definition.keys:
        raise _refusal(Reason.UNKNOWN_VARIANT)
    place = definition.keys.index(key)
    if place != assigned(token, definition.slug, definition.weights):
        raise _refusal(Reason.WRONG_VARIANT)
    return place


def _refusal(reason: Reason) -> Refusal:
    return Refusal(reason, _SAID[reason])
