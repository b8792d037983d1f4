"""One's devices on REST."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import require_user
from common import clock
from common.rest import StrictSerializer
from notifications.models import PushDevice, PushPlatform, PushProvider
from notifications.pushing import tokens, vapid
from notifications.services import devices
from notifications.services.devices import NewDevice


class KeysSerializer(StrictSerializer):
    """A browser's keys, as ``PushSubscription.toJSON().keys`` gives them."""

    p256dh = serializers.CharField(max_length=200)
    auth = serializers.CharField(max_length=200)


class DeviceSerializer(StrictSerializer):
    """A device that is to take messages."""

    provider = serializers.ChoiceField(choices=PushProvider.choices)
    platform = serializers.ChoiceField(choices=PushPlatform.choices)
    token = serializers.CharField(
        max_length=4096, help_text="FCM's token, or the endpoint of a browser's subscription."
    )
    keys = KeysSerializer(required=False, help_text="Of a browser's subscription.")
    app = serializers.CharField(
        max_length=devices.LONGEST_APP,
        required=False,
        allow_blank=True,
        default="",
        help_text="Which of your apps, if there are several.",
    )
    device = serializers.UUIDField(
        required=False,
        help_text="The id that it was registered under before. Say it where nobody asked for it just now: what its "
        "person took off answers `device_removed`.",
    )


class DeviceAnswer(serializers.ModelSerializer[PushDevice]):
    """A device of one's own. Its token is told by its end only."""

    token = serializers.SerializerMethodField()

    class Meta:
        model = PushDevice
        fields = ("id", "provider", "platform", "app", "token", "registered_at", "last_seen_at")
        read_only_fields: ClassVar = fields

    def get_token(self, device: PushDevice) -> str:
        """Tell two devices apart without giving one away."""
        return tokens.masked(device.token)


class WebKeyAnswer(serializers.Serializer[Any]):
    """What a browser subscribes with (``applicationServerKey``); null: push to browsers is not set up."""

    public_key = serializers.CharField(allow_null=True)


class DevicesView(ListAPIView[PushDevice]):
    """``me/devices``."""

    serializer_class = DeviceAnswer
    filter_backends = ()
    queryset = PushDevice.objects.none()

    @extend_schema(operation_id="list_my_devices")
    def get(self, request: Request) -> Response:
        """List one's devices that take messages, the one seen last first."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[PushDevice]:
        """Return the caller's devices."""
        return devices.devices_of(require_user(self.request))

    @extend_schema(
        operation_id="register_device",
        request=DeviceSerializer,
        responses={201: DeviceAnswer, 200: DeviceAnswer},
    )
    def post(self, request: Request) -> Response:
        """Register a device: 201 a new one, 200 one that is known, which is yours from now on."""
        user = require_user(request)
        body = DeviceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        device, is_new = devices.register_device(user, NewDevice(**body.validated_data), now=clock.now())
        return Response(DeviceAnswer(device).data, status=201 if is_new else 200)


class DeviceView(APIView):
    """``me/devices/{id}``."""

    @extend_schema(operation_id="unregister_device", responses={204: None})
    def delete(self, request: Request, device_id: UUID) -> Response:
        """Take a device off: nothing more is sent to it. Call it when somebody signs out."""
        devices.unregister_device(require_user(request), device_id, now=clock.now())
        return Response(status=204)


class WebKeyView(APIView):
    """``push/web-key``."""

    @extend_schema(operation_id="web_push_key", responses=WebKeyAnswer, auth=[])
    def get(self, request: Request) -> Response:
        """Tell the key that a browser subscribes with."""
        return Response({"public_key": vapid.public_key_or_none()})
