"""Shapes of ads on REST. Rules of an ad are the service's (``ads.services.ad_rules``)."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ads.models import Ad, AdPlacement, ContentType, Pacing, PriceModel
from ads.selectors.ads import budget_of, spent_of
from ads.types.ads import MAXIMUM_REASON, AdInput, AdStatus
from common.rest import (
    DecimalPriceField,
    MoneyField,
    PriceTextField,
    ReadBody,
    StrictSerializer,
    event_named,
    read_body,
)


class AdWriteSerializer(StrictSerializer):
    """What a caller may say about an ad."""

    name = serializers.CharField(required=False, allow_blank=True, help_text="1 to 200 characters; required.")
    content_type = serializers.CharField(
        required=False, allow_blank=True, help_text=f"Required. {', '.join(ContentType.values)}."
    )
    media_url = serializers.CharField(
        required=False, allow_blank=True, help_text="Required. http or https, at most 2048 characters."
    )
    click_url = serializers.CharField(
        required=False, allow_blank=True, help_text="As media_url; empty: it leads nowhere."
    )
    display_duration_seconds = serializers.IntegerField(required=False, help_text="1 to 3600; 30.")
    aspect_ratio = serializers.CharField(required=False, allow_blank=True, help_text="W:H; 16:9.")
    placements = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text=f"Required. Each one of {', '.join(AdPlacement.values)}.",
    )
    target_sessions = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="At most 200; empty: everywhere."
    )
    weight = serializers.IntegerField(required=False, help_text="1 to 1000; 1.")
    frequency_cap = serializers.IntegerField(
        required=False, help_text="Impressions of one viewer in a day, 1 to 100; 3."
    )
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    price_model = serializers.CharField(required=False, help_text=f"{', '.join(PriceModel.values)}; FLAT.")
    price = PriceTextField(
        required=False, help_text="For a thousand impressions, a click, or the whole run; 0."
    )
    currency = serializers.CharField(
        required=False, help_text="The event's if not said. Does not change once something was billed."
    )
    budget_total = PriceTextField(required=False, allow_null=True, help_text="null: no limit.")
    budget_daily = PriceTextField(
        required=False, allow_null=True, help_text="For a day of the event's time zone; null: no limit."
    )
    pacing = serializers.CharField(required=False, help_text=f"{', '.join(Pacing.values)}; EVEN.")


class AdCreateSerializer(AdWriteSerializer):
    """An ad to be made: its event beside the rest."""

    event_id = serializers.UUIDField(required=False, help_text="Required.")


class InjectSerializer(StrictSerializer):
    """Where an ad is shown now."""

    session_id = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="null: wherever it is aimed at."
    )


class InjectAnswer(serializers.Serializer[Any]):
    """It is announced; who shows it asks for it by ``ads/serve`` with ``ad_id``."""

    announced = serializers.BooleanField()


class SwitchSerializer(StrictSerializer):
    """An act that may say why."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAXIMUM_REASON)


class AdAnswer(serializers.Serializer[Ad]):
    """An ad, loaded with its status and what was billed."""

    id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.ChoiceField(choices=ContentType.choices)
    media_url = serializers.URLField()
    click_url = serializers.CharField(help_text="Empty: it leads nowhere.")
    display_duration_seconds = serializers.IntegerField()
    aspect_ratio = serializers.CharField()
    placements = serializers.ListField(child=serializers.ChoiceField(choices=AdPlacement.choices))
    target_sessions = serializers.ListField(child=serializers.UUIDField())
    weight = serializers.IntegerField()
    frequency_cap = serializers.IntegerField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    is_archived = serializers.BooleanField()
    status = serializers.ChoiceField(choices=AdStatus.choices)
    price_model = serializers.ChoiceField(choices=PriceModel.choices)
    price = DecimalPriceField()
    currency = serializers.CharField()
    budget_total = serializers.SerializerMethodField()
    budget_daily = serializers.SerializerMethodField()
    pacing = serializers.ChoiceField(choices=Pacing.choices)
    spent = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(DecimalPriceField(allow_null=True))
    def get_budget_total(self, ad: Ad) -> str | None:
        """Return the total budget as a decimal of the ad's currency."""
        return budget_of(ad.budget_total_amount, ad.currency)

    @extend_schema_field(DecimalPriceField(allow_null=True))
    def get_budget_daily(self, ad: Ad) -> str | None:
        """Return the budget of a day as a decimal of the ad's currency."""
        return budget_of(ad.budget_daily_amount, ad.currency)

    @extend_schema_field(MoneyField())
    def get_spent(self, ad: Ad) -> dict[str, int | str]:
        """Return what was billed."""
        return spent_of(ad).as_json()


class AdPageAnswer(serializers.Serializer[Any]):
    """A page of ads."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AdAnswer(many=True)


def read_change(data: Any) -> AdInput:
    """Return what is said about an ad, and what of it could not be read. Raises ``Invalid`` for no object."""
    return _input(read_body(AdWriteSerializer, data))


def read_new(data: Any) -> tuple[UUID, AdInput]:
    """Return the event of a new ad, and what is said about it. Raises as ``read_change``, and without an event."""
    read = read_body(AdCreateSerializer, data)
    return event_named(read), _input(read)


def _input(read: ReadBody) -> AdInput:
    lists: dict[str, Any] = {
        name: tuple(read.said[name]) for name in ("placements", "target_sessions") if name in read.said
    }
    return AdInput(**{**read.said, **lists}, unreadable=read.unreadable)
