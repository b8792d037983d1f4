"""The devices on which a person takes push messages: registered, told, taken off (REQ NO-04)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.services import access
from common import audit, ratelimits
from common.db import retrying
from common.errors import FieldError, Forbidden, Invalid, NotFound
from common.ratelimits import RateLimit
from common.types import Actor
from notifications.errors import DeviceAlreadyOff, DeviceLimit, DeviceRemoved
from notifications.models import PushDevice, PushPlatform, PushProvider
from notifications.pushing import tokens
from notifications.pushing.tokens import Checked

LONGEST_APP: Final = 100
UNREGISTERED: Final = "Taken off by the person"
BY_STAFF: Final = "Switched off by staff"
REGISTERED_AGAIN: Final = "Registered again under another name of its app"
_LOCK_ONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"

# What a registration sets anew where the token is known.
_RENEWED: Final = (
    "user", "platform", "token", "p256dh", "auth", "is_active", "disabled_reason", "disabled_at", "failure_count",
    "failing_since", "last_error", "last_seen_at", "registered_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What an app or a browser registers with. ``keys`` are a browser's: ``p256dh`` and ``auth``.

    ``device`` is the id under which it was registered before, where it registers by itself.
    """

    provider: str
    token: str
    platform: str
    app: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    device: UUID | None = None


def devices_of(user: User) -> QuerySet[PushDevice]:
    """Return the person's devices that take messages, the one seen last first."""
    return PushDevice.objects.filter(user=user, is_active=True).order_by("-last_seen_at", "-id")


def register_device(user: User, new: NewDevice, *, now: datetime) -> tuple[PushDevice, bool]:
    """Let a device take the person's messages, and say whether it is new to us.

    A token that is known moves to the person; what waited for its former owner is not sent to it, for the sender looks
    whose device it is. It names one installation, so under another name of its app it is switched off. Raises
    ``Invalid`` naming the fields, ``DeviceRemoved`` for one that the person took off and that registers by itself,
    ``DeviceLimit`` for one device too many, ``RateLimited``.
    """
    limit = RateLimit("devices", settings.PUSH_REGISTER_RATE_LIMIT, seconds=60)
    ratelimits.hit(limit, str(user.pk))
    return _register(user, new, _checked(new), now=now)


@retrying
@transaction.atomic
def unregister_device(user: User, device_id: UUID, *, now: datetime) -> None:
    """Send nothing more to a device of the person's; once more changes nothing. Raises ``NotFound``."""
    mine = PushDevice.objects.filter(pk=device_id, user=user)
    if not mine.exists():
        raise NotFound
    _switch_off(mine, UNREGISTERED, now=now)


@retrying
@transaction.atomic
def deactivate_device(device_id: UUID, *, actor: Actor, reason: str, now: datetime) -> PushDevice:
    """Switch a device off until it registers again.

    It takes messages of every organization, so operators alone may: ``Forbidden``. Raises ``NotFound``, and
    ``DeviceAlreadyOff`` when it is off already.
    """
    if not access.may_do_all(actor):
        raise Forbidden
    one = PushDevice.objects.filter(pk=device_id)
    device = one.select_for_update().first()
    if device is None:
        raise NotFound
    if not _switch_off(one, BY_STAFF, now=now):
        raise DeviceAlreadyOff
    audit.record(
        actor=actor,
        action="notifications.deactivate_device",
        subject=device,
        organization_id=None,
        reason=reason,
        changes={"is_active": [True, False]},
        now=now,
    )
    device.refresh_from_db()
    return device


def _checked(new: NewDevice) -> Checked:
    errors = list(_form_errors(new))
    try:
        token = tokens.checked(new.provider, new.token, new.keys)
    except Invalid as refused:
        raise Invalid(errors=[*refused.errors, *errors]) from refused
    if errors:
        raise Invalid(errors=errors)
    return token


def _form_errors(new: NewDevice) -> list[FieldError]:
    errors = []
    if new.platform not in PushPlatform.values:
        errors.append(
            FieldError("platform", "invalid_choice", f"Choose one of {', '.join(PushPlatform.values)}.")
        )
    elif new.provider == PushProvider.WEBPUSH and new.platform != PushPlatform.WEB:
        errors.append(
            FieldError("platform", "invalid_choice", "A browser's subscription is of the platform web.")
        )
    if len(new.app) > LONGEST_APP or not new.app.isprintable():
        errors.append(FieldError("app", "too_long", f"Up to {LONGEST_APP} characters that can be printed."))
    return errors


@retrying
@transaction.atomic
def _register(user: User, new: NewDevice, token: Checked, *, now: datetime) -> tuple[PushDevice, bool]:
    _lock(user)
    _lock_token(token)
    _refuse_removed(user, new.device)
    same = PushDevice.objects.filter(provider=token.provider, token_hash=token.token_hash)
    _switch_off(same.exclude(app=new.app), REGISTERED_AGAIN, now=now)
    known = same.filter(app=new.app)
    others = PushDevice.objects.filter(user=user, is_active=True).exclude(pk__in=known.values("pk"))
    if others.count() >= settings.PUSH_DEVICES_PER_PERSON:
        raise DeviceLimit
    row = PushDevice(
        user=user, provider=token.provider, platform=new.platform, app=new.app, token=token.token,
        token_hash=token.token_hash, p256dh=token.p256dh, auth=token.auth, last_seen_at=now, registered_at=now,
        created_at=now,
    )  # fmt: skip
    # One statement, so that of two people with one token the later has it, whoever looked first.
    PushDevice.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["provider", "app", "token_hash"], update_fields=_RENEWED
    )
    device = known.get()
    return device, device.pk == row.pk


def _lock(user: User) -> None:
    """Let one registration of a person follow the other, so that their devices can be counted."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _lock_token(token: Checked) -> None:
    """Let one registration of a token follow the other, so that one row of it is on."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ONE, [f"push:token:{token.provider}:{token.token_hash}"])


def _refuse_removed(user: User, device_id: UUID | None) -> None:
    """Refuse a device that the person took off, or that was forgotten since.

    Another's is not refused: then its messages would go on coming to who holds it now.
    """
    if device_id is None:
        return
    # Held, so that it is not taken off meanwhile.
    before = PushDevice.objects.select_for_update().filter(pk=device_id)
    found = before.values_list("user_id", "disabled_reason").first()
    if found is None or found == (user.pk, UNREGISTERED):
        raise DeviceRemoved


def _switch_off(devices: QuerySet[PushDevice], why: str, *, now: datetime) -> int:
    return devices.filter(is_active=True).update(is_active=False, disabled_reason=why, disabled_at=now)
