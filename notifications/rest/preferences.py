"""One's preferences on REST: one document, read and written whole."""

from datetime import time
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import require_user
from common import clock
from common.rest import StrictSerializer
from notifications.services import choices
from notifications.services.choices import Hours, NewPreferences, Preferences

_TIME = "%H:%M"


class _Switch(serializers.BooleanField):
    """True or false, and nothing that one might take for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return it as it came."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("This is of the wrong JSON type.", code="wrong_type")
        return data


class HoursSerializer(StrictSerializer):
    """From and to which time of day one is not to be disturbed; past midnight when the end is before the start."""

    starts_at = serializers.TimeField(format=_TIME, input_formats=[_TIME], help_text="22:00")
    ends_at = serializers.TimeField(format=_TIME, input_formats=[_TIME], help_text="07:00")


class PreferencesSerializer(StrictSerializer):
    """What one chooses. Kinds that cannot be switched off may be left out, or be true."""

    preferences = serializers.DictField(
        child=serializers.DictField(child=_Switch()),
        help_text='By kind and channel whether it comes: `{"reports": {"email": false}}`.',
    )
    quiet_hours = HoursSerializer(allow_null=True)
    time_zone = serializers.CharField(max_length=64, help_text="IANA, of the quiet hours: Europe/Berlin.")


class KindAnswer(serializers.Serializer[Any]):
    """A kind of messages in words for people."""

    kind = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    is_transactional = serializers.BooleanField(
        help_text="It answers what one did: it cannot be switched off."
    )
    channels = serializers.ListField(child=serializers.CharField(), help_text="On which it comes.")


class PreferencesAnswer(serializers.Serializer[Any]):
    """What one chose, and what there is to choose from."""

    preferences = serializers.DictField(child=serializers.DictField(child=serializers.BooleanField()))
    quiet_hours = HoursSerializer(allow_null=True)
    time_zone = serializers.CharField()
    kinds = KindAnswer(many=True)


class PreferencesView(APIView):
    """``me/notification-preferences``."""

    @extend_schema(operation_id="get_notification_preferences", responses=PreferencesAnswer)
    def get(self, request: Request) -> Response:
        """Return what one chose; everything comes until one says otherwise."""
        return Response(answer_of(choices.preferences_of(require_user(request))))

    @extend_schema(
        operation_id="put_notification_preferences",
        request=PreferencesSerializer,
        responses=PreferencesAnswer,
    )
    def put(self, request: Request) -> Response:
        """Choose: the whole document, so that of two calls the later counts."""
        user = require_user(request)
        body = PreferencesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        hours = given["quiet_hours"]
        new = NewPreferences(given["preferences"], hours and Hours(**hours), given["time_zone"])
        return Response(answer_of(choices.update_preferences(user, new, now=clock.now())))


def answer_of(found: Preferences) -> dict[str, Any]:
    """Return the document."""
    hours = found.quiet_hours
    return {
        "preferences": {
            one.kind.name: {channel.value: is_on for channel, is_on in one.channels.items()}
            for one in found.kinds
        },
        "quiet_hours": hours and {"starts_at": _told(hours.starts_at), "ends_at": _told(hours.ends_at)},
        "time_zone": found.time_zone,
        "kinds": [
            {
                "kind": one.kind.name,
                "title": one.kind.title,
                "description": one.kind.description,
                "is_transactional": one.kind.is_transactional,
                "channels": [channel.value for channel in one.channels],
            }
            for one in found.kinds
        ],
    }


def _told(at: time) -> str:
    return at.strftime(_TIME)
