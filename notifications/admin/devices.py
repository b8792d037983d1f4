"""The staff's screen of people's devices."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from accounts.admin_base import Act, ActCall, act
from accounts.types import Capability
from common.admin.times import time_column
from notifications.admin.people import PersonScopedAdmin
from notifications.models import PushDevice
from notifications.pushing import tokens
from notifications.services import devices
from notifications.services.push.acts import send_test

_ON, _OFF = "On", "Switched off"


@admin.register(PushDevice)
class PushDeviceAdmin(PersonScopedAdmin):
    """Devices of people at one's events: where push messages reach them, and why they do not."""

    operators_acts = frozenset({"deactivate"})
    list_display = ("user", "platform", "provider", "app", "shown_token", "state", "seen", "last_error")
    list_filter = ("is_active", "platform", "provider")
    nothing_here = "Devices stand here once people enable notifications."
    fields = readonly_fields = (
        "user", "platform", "provider", "app", "shown_token", "state", "disabled_reason", "disabled", "failure_count",
        "last_error", "seen", "registered",
    )  # fmt: skip

    seen = time_column("last_seen_at", "Last seen")
    registered = time_column("registered_at", "Registered")
    disabled = time_column("disabled_at", "Switched off")

    @admin.display(description="Token")
    def shown_token(self, device: PushDevice) -> str:
        """Show what tells two devices apart, and sends nothing."""
        return tokens.masked(device.token)

    @display(description="State", label={_ON: "success", _OFF: "default"})
    def state(self, device: PushDevice) -> str:
        """Say whether it takes messages."""
        return _ON if device.is_active else _OFF

    def acts_for(self, request: HttpRequest, obj: Any) -> list[Act]:
        """Offer nothing on a device that is off: it comes back by registering."""
        return super().acts_for(request, obj) if obj.is_active else []

    @act("Send a test", capability=Capability.MANAGE_EVENTS, icon="send", on_many=False,
         explain="One message to this device, at once, in quiet hours too; five an hour at most. "
                 "Its story stands among the push messages.")  # fmt: skip
    def test_push(self, call: ActCall[PushDevice]) -> str:
        """Send it."""
        message_id = send_test(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        story = reverse("admin:notifications_pushmessage_change", args=[message_id])
        return format_html(
            'A test message is on its way. <a href="{}" class="underline">Its story</a>', story
        )

    @act("Deactivate", capability=Capability.MANAGE_EVENTS, icon="phonelink_off", is_dangerous=True,
         explain="No organization's messages reach this device until it registers again.")  # fmt: skip
    def deactivate(self, call: ActCall[PushDevice]) -> str:
        """Switch it off."""
        devices.deactivate_device(call.subject.pk, actor=call.actor, reason=call.reason, now=call.now)
        return "Switched off."
