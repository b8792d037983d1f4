"""Shapes of the waitlist on REST. Rules are the services'."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest import StrictSerializer
from common.rest.fields import WholeNumberField
from common.rest.text import LARGEST_INTEGER
from events.rest.serializers import PersonAnswer
from tickets.models import Priority
from waitlist.models import LARGEST_GROUP, Entry, EntryStatus, GroupRule
from waitlist.services.history import LONGEST_REASON
from waitlist.services.staff import MOST_OFFERS, MOST_ROWS


class JoinSerializer(StrictSerializer):
    """Joining."""

    quantity = WholeNumberField(
        lowest=1,
        highest=LARGEST_GROUP,
        default=1,
        help_text="Seats for a group, 1 to 4, and no more than the session has in all.",
    )


class TokenSerializer(StrictSerializer):
    """Answering an offer."""

    join_token = serializers.CharField(allow_blank=True, help_text="From the offer.")


class ReasonSerializer(StrictSerializer):
    """An act that may say why."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=LONGEST_REASON)


class OfferSerializer(ReasonSerializer):
    """Offering a seat to one person."""

    user_id = serializers.UUIDField()


class BulkOfferSerializer(ReasonSerializer):
    """Offering to the next in the queue."""

    count = WholeNumberField(lowest=1, highest=MOST_OFFERS, help_text="1 to 50, clamped to the free seats.")


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "format": "uuid"},
        "minItems": 1,
        "maxItems": MOST_ROWS,
    }
)
class _EntryIds(serializers.ListField):
    """Which entries; an empty list is the service's to refuse, in its own words."""


class BulkRemoveSerializer(StrictSerializer):
    """Removing several, with a reason."""

    entry_ids = _EntryIds(child=serializers.UUIDField(), max_length=MOST_ROWS)
    reason = serializers.CharField(allow_blank=True)


class MoveSerializer(StrictSerializer):
    """Moving one, with a reason."""

    position = WholeNumberField(
        lowest=1, highest=LARGEST_INTEGER, help_text="From 1; past the end is the end."
    )
    reason = serializers.CharField(allow_blank=True)


class CapacitySerializer(ReasonSerializer):
    """How many seats."""

    maximum_capacity = serializers.IntegerField(allow_null=True, help_text="null: unlimited.")


class OpenOfferAnswer(serializers.Serializer[Any]):
    """An offer that waits for an answer."""

    join_token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class PlaceAnswer(serializers.Serializer[Any]):
    """A person's place. ``position`` is null for those who do not wait."""

    id = serializers.UUIDField()
    session_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=EntryStatus.choices)
    quantity = serializers.IntegerField()
    position = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(help_text="How many entries wait.")
    priority_tier = serializers.ChoiceField(choices=Priority.choices)
    estimated_wait_minutes = serializers.IntegerField(allow_null=True)
    joined_at = serializers.DateTimeField()
    offer = OpenOfferAnswer(allow_null=True)


class AcceptedAnswer(serializers.Serializer[Any]):
    """Accepted: the seat is in the roster."""

    status = serializers.ChoiceField(choices=[EntryStatus.ACCEPTED.value])
    attendance_id = serializers.UUIDField()


class DeclinedAnswer(serializers.Serializer[Any]):
    """Declined."""

    status = serializers.ChoiceField(choices=[EntryStatus.DECLINED.value])


class EntryAnswer(serializers.ModelSerializer[Entry]):
    """One entry as staff see it. ``waiting_minutes`` counts until the offer or the end."""

    user = PersonAnswer()
    position = serializers.SerializerMethodField()
    waiting_minutes = serializers.SerializerMethodField()

    class Meta:
        model = Entry
        fields = (
            "id", "user", "status", "quantity", "priority_tier", "position", "joined_at", "waiting_minutes",
            "offered_at", "offer_expires_at", "ended_at", "end_reason",
        )  # fmt: skip
        read_only_fields = fields

    def get_position(self, entry: Entry) -> int | None:
        """Return the position, counted for the whole page at once."""
        places: dict[Any, int] = self.context["places"]
        return places.get(entry.pk)

    def get_waiting_minutes(self, entry: Entry) -> int:
        """Return how long they have waited, in whole minutes."""
        until = entry.offered_at or entry.ended_at or self.context["now"]
        return max(0, int((until - entry.joined_at).total_seconds() // 60))


class RowAnswer(serializers.Serializer[Any]):
    """What became of one entry."""

    id = serializers.UUIDField()
    ok = serializers.BooleanField()
    code = serializers.CharField(help_text="Empty when it worked.")
    message = serializers.CharField()


class BulkOfferAnswer(serializers.Serializer[Any]):
    """The offers that went out."""

    offered = serializers.IntegerField()
    results = RowAnswer(many=True)


class BulkRemoveAnswer(serializers.Serializer[Any]):
    """What became of each."""

    removed = serializers.IntegerField()
    results = RowAnswer(many=True)


class WhyNotAnswer(serializers.Serializer[Any]):
    """One reason why nothing is offered now."""

    code = serializers.CharField()
    message = serializers.CharField()


class StandingAnswer(serializers.Serializer[Any]):
    """A session's seats and queue. Seats are null when unlimited; they have the session's names, and older ones."""

    session_id = serializers.UUIDField()
    maximum_capacity = serializers.IntegerField(source="capacity", allow_null=True)
    current_attendance = serializers.IntegerField(source="attending")
    free_seats = serializers.IntegerField(source="free", allow_null=True)
    capacity = serializers.IntegerField(allow_null=True, help_text="The older name of `maximum_capacity`.")
    attending = serializers.IntegerField(help_text="The older name of `current_attendance`.")
    held = serializers.IntegerField()
    free = serializers.IntegerField(allow_null=True, help_text="The older name of `free_seats`.")
    waiting = serializers.IntegerField()
    offered = serializers.IntegerField()
    seats_kept = serializers.IntegerField()
    offers_paused = serializers.BooleanField()
    group_rule = serializers.ChoiceField(choices=GroupRule.choices)
    why_not = WhyNotAnswer(many=True)


class FiguresAnswer(serializers.Serializer[Any]):
    """Counts and rates; a rate with nothing below it is null."""

    joins = serializers.IntegerField()
    offers_issued = serializers.IntegerField()
    accepted = serializers.IntegerField()
    acceptance_rate = serializers.FloatField(allow_null=True)
    expiry_rate = serializers.FloatField(allow_null=True)
    average_wait_minutes = serializers.FloatField(allow_null=True)


class SessionFiguresAnswer(serializers.Serializer[Any]):
    """The figures of one session."""

    session_id = serializers.UUIDField()
    title = serializers.CharField()
    figures = FiguresAnswer()


class TierFiguresAnswer(serializers.Serializer[Any]):
    """The figures of one tier."""

    tier = serializers.ChoiceField(choices=Priority.choices)
    figures = FiguresAnswer()


class AnalyticsAnswer(serializers.Serializer[Any]):
    """An event's waitlists."""

    event_id = serializers.UUIDField()
    total = FiguresAnswer()
    by_session = SessionFiguresAnswer(many=True)
    by_tier = TierFiguresAnswer(many=True)
