"""What front ends of the system before this one listen for, beside the events of today (REQ RT-02)."""

from collections.abc import Mapping

from notifications.realtime import constants

# Their name, and the fields of theirs with the fields of ours that they are filled from.
_OLDER: dict[str, tuple[str, dict[str, str]]] = {
    constants.WAITLIST_OFFER: (
        constants.LEGACY_SPOT_AVAILABLE,
        {
            "sessionId": "session_id",
            "title": "title",
            "message": "message",
            "join_token": "join_token",
            "expires_at": "expires_at",
        },
    ),
    constants.AD_INJECTED: (constants.LEGACY_AD_INJECTED, {"ad": "ad"}),
}


def older_copy(event: str, payload: Mapping[str, object]) -> tuple[str, dict[str, object]] | None:
    """Return the older name and payload of an event, without a number; None when it has none."""
    known = _OLDER.get(event)
    if known is None:
        return None
    name, fields = known
    return name, {theirs: payload.get(ours) for theirs, ours in fields.items()}
