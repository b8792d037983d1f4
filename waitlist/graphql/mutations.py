"""Joining, answering, and what staff do: the same services as REST."""

from typing import Any

import graphene

from common import clock
from common.errors import Invalid
from common.graphql import an_id
from waitlist.graphql.types import (
    WaitlistAcceptedType,
    WaitlistEntryType,
    WaitlistPlaceType,
    WaitlistRowResultType,
    WaitlistStandingType,
)
from waitlist.models import Entry, EntryStatus
from waitlist.services import answering, leaving, moving, policies, staff
from waitlist.services.once import join_once
from waitlist.types import Place, RowResult, Standing


class JoinWaitlist(graphene.Mutation):
    """Join the queue of a full session; the ``Idempotency-Key`` header counts as on REST."""

    class Arguments:
        """Which session, and for how many."""

        session_id = graphene.ID(required=True)
        quantity = graphene.Int(required=True, default_value=1)

    Output = WaitlistPlaceType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, quantity: int) -> Place:
        """Join."""
        return join_once(
            actor=info.context.actor,
            session_id=an_id(session_id, "session_id"),
            quantity=quantity,
            key=info.context.headers.get("Idempotency-Key"),
            now=clock.now(),
        )


class LeaveWaitlist(graphene.Mutation):
    """Give up one's place, or one's open offer."""

    class Arguments:
        """Which session."""

        session_id = graphene.ID(required=True)

    Output = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def mutate(root: None, info: Any, session_id: str) -> bool:
        """Leave."""
        leaving.leave(session_id=an_id(session_id, "session_id"), **_by(info))
        return True


class AcceptWaitlistOffer(graphene.Mutation):
    """Take the offered seats."""

    class Arguments:
        """Which session, and the offer's token."""

        session_id = graphene.ID(required=True)
        join_token = graphene.String(required=True)

    Output = WaitlistAcceptedType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, join_token: str) -> dict[str, Any]:
        """Accept."""
        where = an_id(session_id, "session_id")
        attendance = answering.accept(session_id=where, join_token=join_token, **_by(info))
        return {"status": EntryStatus.ACCEPTED.value, "attendance_id": attendance.pk}


class DeclineWaitlistOffer(graphene.Mutation):
    """Give the offered seats to the next in line."""

    class Arguments:
        """Which session, and the offer's token."""

        session_id = graphene.ID(required=True)
        join_token = graphene.String(required=True)

    Output = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, join_token: str) -> bool:
        """Decline."""
        where = an_id(session_id, "session_id")
        answering.decline(session_id=where, join_token=join_token, **_by(info))
        return True


class SendWaitlistOffer(graphene.Mutation):
    """Offer a free seat to one who waits, past the queue."""

    class Arguments:
        """Where, to whom, and why."""

        session_id = graphene.ID(required=True)
        user_id = graphene.ID(required=True)
        reason = graphene.String(required=True, default_value="")

    Output = WaitlistEntryType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, user_id: str, reason: str) -> Entry:
        """Offer."""
        where, whom = an_id(session_id, "session_id"), an_id(user_id, "user_id")
        return staff.offer(session_id=where, user_id=whom, reason=reason, **_by(info))


class BulkSendWaitlistOffers(graphene.Mutation):
    """Offer to the next in the queue, as far as seats are free."""

    class Arguments:
        """Where, to how many (1 to 50), and why."""

        session_id = graphene.ID(required=True)
        count = graphene.Int(required=True)
        reason = graphene.String(required=True, default_value="")

    Output = graphene.List(graphene.NonNull(WaitlistRowResultType), required=True)

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, count: int, reason: str) -> list[RowResult]:
        """Offer."""
        where = an_id(session_id, "session_id")
        return staff.bulk_offer(session_id=where, count=count, reason=reason, **_by(info))


class RemoveWaitlistEntry(graphene.Mutation):
    """Take one out of the queue, or their offer back; the seats go to the next in line."""

    class Arguments:
        """Which entry of which session, and why."""

        session_id = graphene.ID(required=True)
        entry_id = graphene.ID(required=True)
        reason = graphene.String(required=True, default_value="")

    Output = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, entry_id: str, reason: str) -> bool:
        """Remove."""
        where, which = an_id(session_id, "session_id"), an_id(entry_id, "entry_id")
        staff.remove(session_id=where, entry_id=which, reason=reason, **_by(info))
        return True


class BulkRemoveWaitlistEntries(graphene.Mutation):
    """Remove several with a reason; those that are not there or have ended are named, the rest go."""

    class Arguments:
        """Which entries of which session, and why."""

        session_id = graphene.ID(required=True)
        entry_ids = graphene.List(graphene.NonNull(graphene.ID), required=True)
        reason = graphene.String(required=True)

    Output = graphene.List(graphene.NonNull(WaitlistRowResultType), required=True)

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, entry_ids: list[str], reason: str) -> list[RowResult]:
        """Remove."""
        where = an_id(session_id, "session_id")
        which = [an_id(entry_id, f"entry_ids.{place}") for place, entry_id in enumerate(entry_ids)]
        return staff.bulk_remove(session_id=where, entry_ids=which, reason=reason, **_by(info))


class MoveWaitlistEntry(graphene.Mutation):
    """Give one who waits another place, with a reason."""

    class Arguments:
        """Which entry of which session, where to (from 1), and why."""

        session_id = graphene.ID(required=True)
        entry_id = graphene.ID(required=True)
        position = graphene.Int(required=True)
        reason = graphene.String(required=True)

    Output = WaitlistEntryType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, entry_id: str, position: int, reason: str) -> Entry:
        """Move."""
        where, which = an_id(session_id, "session_id"), an_id(entry_id, "entry_id")
        place = moving.move(session_id=where, entry_id=which, position=position, reason=reason, **_by(info))
        entry = Entry.objects.select_related("user").get(pk=place.id)
        entry.place = place.position  # type: ignore[attr-defined]
        return entry


class UpdateSessionCapacity(graphene.Mutation):
    """Set how many seats there are; new ones are offered at once, and nobody loses theirs."""

    class Arguments:
        """Which session, how many seats (null: unlimited), and why."""

        session_id = graphene.ID(required=True)
        maximum_capacity = graphene.Int()
        reason = graphene.String(required=True, default_value="")

    Output = WaitlistStandingType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, reason: str, **said: int | None) -> Standing:
        """Change it."""
        where = an_id(session_id, "session_id")
        if "maximum_capacity" not in said:
            # GraphQL cannot ask for an argument that may be null. Unlimited seats are said, never assumed.
            raise Invalid.field(
                "maximum_capacity", "required", "Give a number of seats, or null for unlimited."
            )
        seats = said["maximum_capacity"]
        return staff.change_capacity(session_id=where, maximum_capacity=seats, reason=reason, **_by(info))


class PauseWaitlist(graphene.Mutation):
    """Stop offers that would go out by themselves."""

    class Arguments:
        """Which session, and why."""

        session_id = graphene.ID(required=True)
        reason = graphene.String(required=True, default_value="")

    Output = WaitlistStandingType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, reason: str) -> Standing:
        """Pause."""
        return policies.pause(session_id=an_id(session_id, "session_id"), reason=reason, **_by(info))


class ResumeWaitlist(graphene.Mutation):
    """Let offers go out again; free seats are offered at once."""

    class Arguments:
        """Which session, and why."""

        session_id = graphene.ID(required=True)
        reason = graphene.String(required=True, default_value="")

    Output = WaitlistStandingType

    @staticmethod
    def mutate(root: None, info: Any, session_id: str, reason: str) -> Standing:
        """Resume."""
        return policies.resume(session_id=an_id(session_id, "session_id"), reason=reason, **_by(info))


class Mutation:
    """The waitlist's part of Mutation."""

    join_waitlist = JoinWaitlist.Field()
    leave_waitlist = LeaveWaitlist.Field()
    accept_waitlist_offer = AcceptWaitlistOffer.Field()
    decline_waitlist_offer = DeclineWaitlistOffer.Field()
    send_waitlist_offer = SendWaitlistOffer.Field()
    bulk_send_waitlist_offers = BulkSendWaitlistOffers.Field()
    remove_waitlist_entry = RemoveWaitlistEntry.Field()
    bulk_remove_waitlist_entries = BulkRemoveWaitlistEntries.Field()
    move_waitlist_entry = MoveWaitlistEntry.Field()
    update_session_capacity = UpdateSessionCapacity.Field()
    pause_waitlist = PauseWaitlist.Field()
    resume_waitlist = ResumeWaitlist.Field()


def _by(info: Any) -> dict[str, Any]:
    return {"actor": info.context.actor, "now": clock.now()}
