"""Shapes of events, sessions and attendance."""

from typing import Any

from rest_framework import serializers

from accounts.types import Capability
from common.rest.serializers import StrictSerializer
from events.models import Attendance, Event, Session

# What a list of "mine" may ask for: the events where the caller may do it.
MINE = {"scan": Capability.SCAN}


class OrganizationAnswer(serializers.Serializer[Any]):
    """Who owns the event."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()


class EventAnswer(serializers.ModelSerializer[Event]):
    """An event."""

    organization = OrganizationAnswer()

    class Meta:
        model = Event
        fields = (
            "id", "slug", "title", "description", "organization", "time_zone", "currency", "visibility",
            "starts_at",
            "ends_at",
        )  # fmt: skip
        read_only_fields = fields


class EventsQuery(StrictSerializer):
    """What the list of events may be narrowed by."""

    ends_after = serializers.DateTimeField(required=False)
    mine = serializers.ChoiceField(choices=list(MINE), required=False)


class SessionAnswer(serializers.ModelSerializer[Session]):
    """A session. Without a capacity it is unlimited and ``free_seats`` is null."""

    free_seats = serializers.IntegerField(allow_null=True, read_only=True)
    is_full = serializers.BooleanField(
        read_only=True, help_text="No free seat, or people waiting for the ones there are."
    )

    class Meta:
        model = Session
        fields: tuple[str, ...] = (
            "id", "event_id", "slug", "title", "description", "starts_at", "ends_at", "maximum_capacity",
            "current_attendance", "free_seats", "is_full",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class EventSummary(serializers.ModelSerializer[Event]):
    """The event of a session, in brief."""

    class Meta:
        model = Event
        fields = ("id", "slug", "title", "time_zone")
        read_only_fields = fields


class SessionDetailAnswer(SessionAnswer):
    """A session with its event."""

    event = EventSummary(read_only=True)
    is_attending = serializers.BooleanField(read_only=True, help_text="Whether the caller has seats in it.")

    class Meta(SessionAnswer.Meta):
        fields: tuple[str, ...] = (*SessionAnswer.Meta.fields, "event", "is_attending")
        read_only_fields: tuple[str, ...] = fields


class AttendanceAnswer(serializers.ModelSerializer[Attendance]):
    """Somebody's seats."""

    class Meta:
        model = Attendance
        fields = ("id", "session_id", "user_id", "seats", "status", "joined_at", "left_at")
        read_only_fields = fields


class PersonAnswer(serializers.Serializer[Any]):
    """A person on the roster."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()


class RosterAnswer(serializers.ModelSerializer[Attendance]):
    """A row of the roster."""

    user = PersonAnswer()

    class Meta:
        model = Attendance
        fields = ("id", "session_id", "user", "seats", "status", "joined_at")
        read_only_fields = fields
