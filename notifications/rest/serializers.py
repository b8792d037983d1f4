"""The shapes of this room's answers, for their description."""

from typing import Any

from rest_framework import serializers


class MissedAnswer(serializers.Serializer[Any]):
    """A page of a stream. Each result: ``event_id``, ``stream``, ``seq``, ``event`` and the event's own fields."""

    stream = serializers.CharField()
    seq = serializers.IntegerField(help_text="The stream's newest number; 0 before its first event.")
    next = serializers.URLField(allow_null=True, help_text="The following page; null: this was all.")
    results = serializers.ListField(
        child=serializers.DictField(),
        help_text="In order: event_id, stream, seq, event (its name) and the event's own fields.",
    )
