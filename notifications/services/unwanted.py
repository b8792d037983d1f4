"""E-mails that a person does without (REQ NO-05): kept with the reason, so that staff see why, and never sent."""

from collections.abc import Sequence
from uuid import UUID

from notifications import kinds
from notifications.errors import NobodyNamed
from notifications.kinds import Channel, Kind
from notifications.models import EmailMessage, EmailStatus
from notifications.services.preferences import switched_off

Choice = tuple[UUID, Kind]


def choice_of(template: str, user_id: UUID | None) -> Choice | None:
    """Return whose choice it is whether an e-mail comes, and of which kind it is; None: it always comes."""
    kind = kinds.find(template)
    if kind is None or user_id is None or not kind.may_switch_off(Channel.EMAIL):
        return None
    return user_id, kind


def choice_to_offer(template: str, user_id: UUID | None) -> Choice | None:
    """Return the choice that a new e-mail must offer, as ``choice_of`` does.

    Raises ``NobodyNamed`` for one that people may do without, and that names nobody who could.
    """
    kind = kinds.find(template)
    if user_id is None and kind is not None and kind.may_switch_off(Channel.EMAIL):
        raise NobodyNamed(template)
    return choice_of(template, user_id)


def unwanted_of(choices: Sequence[Choice | None]) -> dict[Choice, str]:
    """Return which choices say no, with the reason. One statement; none where there is no choice."""
    asked = {one for one in choices if one is not None}
    refused = switched_off([(user_id, kind.name) for user_id, kind in asked], channel=Channel.EMAIL)
    return {one: reason_of(one[1]) for one in asked if (one[0], one[1].name) in refused}


def suppress_if_unwanted(message: EmailMessage) -> bool:
    """Say whether the person switched it off while it waited; then it is kept as suppressed, with the reason."""
    choice = choice_of(message.template, message.user_id)
    reason = unwanted_of([choice]).get(choice) if choice is not None else None
    if reason is None:
        return False
    open_ones = EmailMessage.objects.filter(
        pk=message.pk, status__in=[EmailStatus.QUEUED, EmailStatus.FAILED]
    )
    open_ones.update(status=EmailStatus.SUPPRESSED, last_error=reason)
    return True


def reason_of(kind: Kind) -> str:
    """Say why an e-mail of the kind was not sent."""
    return f"This person switched off “{kind.title}” by e-mail"
