"""Shapes of served ads, and of explanations, on REST."""

from typing import Any

from rest_framework import serializers

from ads.decision.viewers import LONGEST_SESSION_TOKEN
from ads.models import AdPlacement, ContentType
from common.rest import MoneyField, StrictSerializer


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


class ExplainQuery(StrictSerializer):
    """The context to explain."""

    event_id = serializers.UUIDField()
    placement = serializers.ChoiceField(choices=AdPlacement.choices)
    session_id = serializers.UUIDField(required=False)
    user_id = serializers.UUIDField(required=False)
    session_token = serializers.CharField(
        required=False, max_length=LONGEST_SESSION_TOKEN, trim_whitespace=False
    )


class ReasonAnswer(serializers.Serializer[object]):
    """What speaks against an ad."""

    code = serializers.CharField(
        help_text="archived, paused, not_started, ended, other_placement, other_session, capped, out_of_budget, "
        "daily_budget_spent, paced, or reserved: only what is decided and not yet shown holds it back."
    )
    message = serializers.CharField()


class ExplanationAnswer(serializers.Serializer[Any]):
    """Why an ad would, or would not, be shown."""

    ad_id = serializers.UUIDField()
    name = serializers.CharField()
    eligible = serializers.BooleanField()
    reasons: Any = ReasonAnswer(many=True)
    weight = serializers.IntegerField()
    share = serializers.FloatField(help_text="How likely it is chosen first, 0 to 1.")
    cap = serializers.IntegerField(help_text="Impressions of one viewer in a day of the event's time zone.")
    served_today = serializers.IntegerField(
        allow_null=True, help_text="The viewer's impressions of that day; null when none was named."
    )
    reserved = serializers.IntegerField(
        allow_null=True, help_text="Decided for the viewer and not yet shown."
    )
    spent = MoneyField()
    spent_today = MoneyField()
    budget_total = MoneyField(allow_null=True)
    budget_daily = MoneyField(allow_null=True)
