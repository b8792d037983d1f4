"""Shapes of served ads, and of explanations, on REST."""

from rest_framework import serializers

from ads.models import ContentType


class ServedAdAnswer(serializers.Serializer[object]):
    """An ad to show."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.ChoiceField(choices=ContentType.choices)
    media_url = serializers.URLField()
    click_url = serializers.CharField(help_text="Empty: it leads nowhere.")
    tracked_click_url = serializers.URLField(
        allow_null=True, help_text="Counts the click and leads to click_url; null where that is empty."
    )
    display_duration_seconds = serializers.IntegerField()
    aspect_ratio = serializers.CharField()
    token = serializers.CharField(
        help_text="Redeemed once for an impression, once for being seen, once for a click."
    )


class ServeAnswer(serializers.Serializer[object]):
    """The ads to show."""

    ads = ServedAdAnswer(many=True)
    degraded = serializers.BooleanField(help_text="Caps could not be asked: one ad at most.")
