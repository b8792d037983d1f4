"""Types of the waitlist. They mirror the services' answers, field by field."""

from typing import Any

import graphene

from common import clock
from tickets.models import Priority
from waitlist.models import Entry, EntryStatus, GroupRule
from waitlist.types import Standing

WaitlistStatusEnum = graphene.Enum("WaitlistStatusEnum", [(value, value) for value in EntryStatus.values])
PriorityTierEnum = graphene.Enum("PriorityTierEnum", [(value, value) for value in Priority.values])
GroupRuleEnum = graphene.Enum("WaitlistGroupRuleEnum", [(rule.name, rule.value) for rule in GroupRule])


class WaitlistOpenOfferType(graphene.ObjectType):
    """An offer that waits for an answer."""

    join_token = graphene.String(required=True)
    expires_at = graphene.DateTime(required=True)


class WaitlistPlaceType(graphene.ObjectType):
    """One's own place. ``position`` is null for those who do not wait."""

    id = graphene.ID(required=True)
    session_id = graphene.ID(required=True)
    status = graphene.Field(WaitlistStatusEnum, required=True)
    quantity = graphene.Int(required=True)
    position = graphene.Int()
    total = graphene.Int(required=True)
    priority_tier = graphene.Field(PriorityTierEnum, required=True)
    estimated_wait_minutes = graphene.Int()
    joined_at = graphene.DateTime(required=True)
    offer = graphene.Field(WaitlistOpenOfferType)


class WaitlistPersonType(graphene.ObjectType):
    """Who waits."""

    id = graphene.ID(required=True)
    name = graphene.String(required=True)
    email = graphene.String(required=True)


class WaitlistEntryType(graphene.ObjectType):
    """One entry as staff see it; its position was counted for the whole page at once."""

    id = graphene.ID(required=True)
    user = graphene.Field(WaitlistPersonType, required=True)
    status = graphene.Field(WaitlistStatusEnum, required=True)
    quantity = graphene.Int(required=True)
    priority_tier = graphene.Field(PriorityTierEnum, required=True)
    position = graphene.Int()
    joined_at = graphene.DateTime(required=True)
    waiting_minutes = graphene.Int(required=True)
    offered_at = graphene.DateTime()
    offer_expires_at = graphene.DateTime()
    ended_at = graphene.DateTime()
    end_reason = graphene.String(required=True)

    @staticmethod
    def resolve_position(entry: Any, info: Any) -> int | None:
        """Return the position."""
        place: int | None = getattr(entry, "place", None)
        return place

    @staticmethod
    def resolve_waiting_minutes(entry: Entry, info: Any) -> int:
        """Return how long they have waited until the offer or the end, in whole minutes."""
        until = entry.offered_at or entry.ended_at or clock.now()
        return max(0, int((until - entry.joined_at).total_seconds() // 60))


class WaitlistReasonType(graphene.ObjectType):
    """One reason why nothing is offered now."""

    code = graphene.String(required=True)
    message = graphene.String(required=True)


class WaitlistStandingType(graphene.ObjectType):
    """A session's seats and queue. Seats are null when unlimited; they have the session's names, and older ones."""

    session_id = graphene.ID(required=True)
    maximum_capacity = graphene.Int()
    current_attendance = graphene.Int(required=True)
    free_seats = graphene.Int()
    capacity = graphene.Int(description="The older name of `maximumCapacity`.")
    attending = graphene.Int(required=True, description="The older name of `currentAttendance`.")
    held = graphene.Int(required=True)
    free = graphene.Int(description="The older name of `freeSeats`.")
    waiting = graphene.Int(required=True)
    offered = graphene.Int(required=True)
    seats_kept = graphene.Int(required=True)
    offers_paused = graphene.Boolean(required=True)
    group_rule = graphene.Field(GroupRuleEnum, required=True)
    why_not = graphene.List(graphene.NonNull(WaitlistReasonType), required=True)

    @staticmethod
    def resolve_maximum_capacity(standing: Standing, info: Any) -> int | None:
        """Return how many seats there are."""
        return standing.capacity

    @staticmethod
    def resolve_current_attendance(standing: Standing, info: Any) -> int:
        """Return how many seats are taken."""
        return standing.attending

    @staticmethod
    def resolve_free_seats(standing: Standing, info: Any) -> int | None:
        """Return how many seats nobody has and nobody is offered."""
        return standing.free

    @staticmethod
    def resolve_group_rule(standing: Standing, info: Any) -> str:
        """Return what becomes of a group for which there are too few seats."""
        return GroupRule(standing.group_rule).value


class SessionWaitlistType(graphene.ObjectType):
    """A page of a session's entries, how many there are, and how the session stands."""

    count = graphene.Int(required=True)
    entries = graphene.List(graphene.NonNull(WaitlistEntryType), required=True)
    standing = graphene.Field(WaitlistStandingType, required=True)


class WaitlistRowResultType(graphene.ObjectType):
    """What became of one entry; ``code`` is empty when it worked."""

    id = graphene.ID(required=True)
    ok = graphene.Boolean(required=True)
    code = graphene.String(required=True)
    message = graphene.String(required=True)


class WaitlistFiguresType(graphene.ObjectType):
    """Counts and rates; a rate with nothing below it is null."""

    joins = graphene.Int(required=True)
    offers_issued = graphene.Int(required=True)
    accepted = graphene.Int(required=True)
    acceptance_rate = graphene.Float()
    expiry_rate = graphene.Float()
    average_wait_minutes = graphene.Float()


class WaitlistSessionFiguresType(graphene.ObjectType):
    """The figures of one session."""

    session_id = graphene.ID(required=True)
    title = graphene.String(required=True)
    figures = graphene.Field(WaitlistFiguresType, required=True)


class WaitlistTierFiguresType(graphene.ObjectType):
    """The figures of one tier."""

    tier = graphene.Field(PriorityTierEnum, required=True)
    figures = graphene.Field(WaitlistFiguresType, required=True)


class WaitlistAnalyticsType(graphene.ObjectType):
    """An event's waitlists."""

    event_id = graphene.ID(required=True)
    total = graphene.Field(WaitlistFiguresType, required=True)
    by_session = graphene.List(graphene.NonNull(WaitlistSessionFiguresType), required=True)
    by_tier = graphene.List(graphene.NonNull(WaitlistTierFiguresType), required=True)


class WaitlistAcceptedType(graphene.ObjectType):
    """Accepted: the seat is in the roster."""

    status = graphene.Field(WaitlistStatusEnum, required=True)
    attendance_id = graphene.ID(required=True)
