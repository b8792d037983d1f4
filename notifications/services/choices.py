"""A person's preferences as one document: read, written whole, taken back by staff (REQ NO-05)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import access
from common import audit
from common.db import retrying
from common.errors import FieldError, Forbidden, Invalid, NotFound
from common.types import Actor
from events.services.events import known_time_zones
from notifications import kinds
from notifications.kinds import Channel, Kind
from notifications.models import MutedBy, MutedKind, NotificationPreferences

# Of what a caller wrote; an answer repeats no text of any length.
LONGEST_NAME: Final = 100

Switches = Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class KindChoice:
    """A kind, and on which of its channels it comes."""

    kind: Kind
    channels: dict[Channel, bool]


@dataclass(frozen=True, slots=True)
class Hours:
    """Quiet hours as times of day; past midnight when the end is before the start."""

    starts_at: time
    ends_at: time


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one person chose. ``quiet_hours`` None: they may be disturbed at any time."""

    kinds: Sequence[KindChoice]
    quiet_hours: Hours | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class NewPreferences:
    """What a person chooses: ``switches`` says by kind and channel whether it comes.

    Every kind that may be switched off is named with all of its channels; the others may be left out.
    """

    switches: Switches
    quiet_hours: Hours | None
    time_zone: str


def preferences_of(user: User) -> Preferences:
    """Return what the person chose. Two statements."""
    row = NotificationPreferences.objects.filter(pk=user.pk).first()
    muted = set(MutedKind.objects.filter(preferences=user.pk).values_list("kind", "channel"))
    chosen = [KindChoice(kind, dict(_channels(kind, muted))) for kind in kinds.registry.all()]
    if row is None:
        return Preferences(chosen, None, "UTC")
    hours = None
    if row.quiet_starts_at is not None and row.quiet_ends_at is not None:
        hours = Hours(row.quiet_starts_at, row.quiet_ends_at)
    return Preferences(chosen, hours, row.time_zone)


@retrying
@transaction.atomic
def update_preferences(user: User, new: NewPreferences, *, now: datetime) -> Preferences:
    """Keep what the person chose, all of it at once: of two calls the later counts, whole.

    Raises ``Invalid`` naming each field that is wrong, as ``preferences.<kind>.<channel>``.
    """
    errors = [*_switch_errors(new.switches), *_hours_errors(new)]
    if errors:
        raise Invalid(errors=errors)
    hours = new.quiet_hours
    row = NotificationPreferences(
        user=user, time_zone=new.time_zone, changed_at=now,
        quiet_starts_at=None if hours is None else hours.starts_at,
        quiet_ends_at=None if hours is None else hours.ends_at,
    )  # fmt: skip
    # Holds the row until the end, so that the choices of two calls are not mixed.
    NotificationPreferences.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["user"],
        update_fields=["time_zone", "changed_at", "quiet_starts_at", "quiet_ends_at"],
    )  # fmt: skip
    _keep(user.pk, new.switches, now=now)
    return preferences_of(user)


@retrying
@transaction.atomic
def reset_preferences(user_id: UUID, *, actor: Actor, reason: str, now: datetime) -> None:
    """Let everything come again, at any time, as before the person chose.

    Every organization's messages come then, so operators alone may: ``Forbidden``. Raises ``NotFound``.
    """
    if not access.may_do_all(actor):
        raise Forbidden
    row = NotificationPreferences.objects.select_for_update().filter(pk=user_id).first()
    if row is None:
        raise NotFound
    muted = sorted(f"{kind} by {channel}" for kind, channel in row.muted.values_list("kind", "channel"))
    hours = None if row.quiet_starts_at is None else f"{row.quiet_starts_at} to {row.quiet_ends_at}"
    row.muted.all().delete()
    row.quiet_starts_at = row.quiet_ends_at = None
    row.changed_at = now
    row.save()
    audit.record(
        actor=actor,
        action="notifications.reset_preferences",
        subject=row,
        organization_id=None,
        reason=reason,
        changes={"switched_off": [muted, []], "quiet_hours": [hours, None]},
        now=now,
    )


def _channels(kind: Kind, muted: set[tuple[str, str]]) -> Iterator[tuple[Channel, bool]]:
    for channel in Channel:
        if channel in kind.channels:
            is_off = kind.may_switch_off(channel) and (kind.name, channel.value) in muted
            yield channel, not is_off


def _keep(user_id: UUID, switches: Switches, *, now: datetime) -> None:
    """Write what is off, and forget what is on; how and since when something is off stays."""
    off = {
        (name, channel)
        for name, channels in switches.items()
        for channel, is_on in channels.items()
        if not is_on
    }
    standing = MutedKind.objects.filter(preferences=user_id)
    known = {(one.kind, one.channel): one.pk for one in standing}
    standing.filter(pk__in=[pk for which, pk in known.items() if which not in off]).delete()
    rows = [
        MutedKind(preferences_id=user_id, kind=kind, channel=channel, muted_by=MutedBy.SETTINGS, muted_at=now)
        for kind, channel in sorted(off - known.keys())
    ]
    # Somebody may unsubscribe by a link just now: then it is off already.
    MutedKind.objects.bulk_create(rows, ignore_conflicts=True)


def _switch_errors(switches: Switches) -> Iterator[FieldError]:
    known = {one.name: one for one in kinds.registry.all()}
    for name, channels in switches.items():
        if name not in known:
            yield FieldError(f"preferences.{name[:LONGEST_NAME]}", "unknown_field", "There is no such kind.")
            continue
        yield from _channel_errors(known[name], channels)
    for kind in known.values():
        given = switches.get(kind.name, {})
        for channel in Channel:
            if kind.may_switch_off(channel) and channel.value not in given:
                yield FieldError(
                    f"preferences.{kind.name}.{channel.value}", "required", "Say whether it comes."
                )


def _channel_errors(kind: Kind, channels: Mapping[str, bool]) -> Iterator[FieldError]:
    for channel, is_on in channels.items():
        field = f"preferences.{kind.name}.{channel[:LONGEST_NAME]}"
        if channel not in kind.channels:
            yield FieldError(field, "unknown_field", f"“{kind.title}” does not come by this channel.")
        elif kind.is_transactional and not is_on:
            yield FieldError(
                field, "transactional", f"“{kind.title}” answers what you did: it cannot be switched off."
            )


def _hours_errors(new: NewPreferences) -> Iterator[FieldError]:
    if new.time_zone not in known_time_zones():
        yield FieldError("time_zone", "unknown", "Choose an IANA time zone such as Europe/Berlin.")
    hours = new.quiet_hours
    if hours is not None and hours.starts_at == hours.ends_at:
        yield FieldError(
            "quiet_hours.ends_at", "same_as_start", "Quiet hours are not a whole day: choose another end."
        )
