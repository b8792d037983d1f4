"""The acts of the waitlist screen: what each asks, shows first, and does. Every one calls a service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.types import Capability
from common.types import Actor
from waitlist import selectors
from waitlist.admin.forms import (
    CapacityForm,
    CountForm,
    PositionForm,
    QueueForm,
    ReasonedForm,
    TermsForm,
)
from waitlist.models import Entry, SessionWaitlist
from waitlist.querysets import QUEUE_ORDER
from waitlist.services import moving, policies, staff
from waitlist.services.filling import largest_group
from waitlist.types import RowResult, Standing


@dataclass(frozen=True, slots=True)
class Call:
    """One act in hand: where, on whom, by whom, what the form said, when."""

    session: SessionWaitlist
    entries: Sequence[Entry]
    actor: Actor
    form: QueueForm
    now: datetime

    @property
    def about(self) -> dict[str, Any]:
        """Return what every service is told."""
        reason = self.form.cleaned_data["reason"]
        return {"actor": self.actor, "session_id": self.session.pk, "reason": reason, "now": self.now}


@dataclass(frozen=True, slots=True)
class QueueAct:
    """How an act on a queue is shown, and what it does: a sentence, or a result for each entry."""

    name: str
    label: str
    form: type[QueueForm]
    run: Callable[[Call], str | list[RowResult]]
    explain: str = ""
    is_dangerous: bool = False
    # How many entries it is about: 0, 1, or more.
    most: int = 0
    capability: Capability = Capability.MANAGE_WAITLIST


def initial(act: QueueAct, session: SessionWaitlist, standing: Standing) -> dict[str, Any]:
    """Return what the act's form shows first, where it does not know by itself."""
    if act.name == "bulk-offer":
        free = standing.waiting if standing.free is None else standing.free
        return {"count": max(1, min(free, standing.waiting, staff.MOST_OFFERS))}
    if act.name == "capacity":
        return {"maximum_capacity": session.maximum_capacity}
    return {}


def preview(act: QueueAct, session: SessionWaitlist, entries: Sequence[Entry]) -> list[Entry]:
    """Return whom the act is about: who was chosen, or for a bulk offer the head of the queue.

    Who is passed over, a group larger than the session, is not among them.
    """
    if act.name != "bulk-offer":
        return list(entries)
    head = Entry.objects.of_session(session.pk).waiting().filter(quantity__lte=largest_group(session))
    return list(head.select_related("user").order_by(*QUEUE_ORDER)[: staff.MOST_OFFERS])


def _offer(call: Call) -> str:
    entry = call.entries[0]
    staff.offer(user_id=entry.user_id, **call.about)
    return f"Offered to {entry.user.email}."


def _bulk_offer(call: Call) -> str | list[RowResult]:
    results = staff.bulk_offer(count=call.form.cleaned_data["count"], **call.about)
    return results or "Nobody in the queue fits what is free."


def _remove(call: Call) -> str | list[RowResult]:
    if len(call.entries) == 1:
        staff.remove(entry_id=call.entries[0].pk, **call.about)
        return f"{call.entries[0].user.email} was removed."
    return staff.bulk_remove(entry_ids=[entry.pk for entry in call.entries], **call.about)


def _move(call: Call) -> str:
    entry = call.entries[0]
    place = moving.move(entry_id=entry.pk, position=call.form.cleaned_data["position"], **call.about)
    if place.position is None:
        return f"{entry.user.email} has an offer now."
    return f"{entry.user.email} is number {place.position} now."


def _capacity(call: Call) -> str:
    standing = staff.change_capacity(
        maximum_capacity=call.form.cleaned_data["maximum_capacity"], **call.about
    )
    seats = "Unlimited seats" if standing.capacity is None else f"{standing.capacity} seats"
    return f"{seats}; {_counts(standing)}."


def _counts(standing: Standing) -> str:
    offers = "1 open offer" if standing.offered == 1 else f"{standing.offered} open offers"
    return f"{offers}, {standing.waiting} waiting"


def _pause(call: Call) -> str:
    policies.pause(**call.about)
    return "Offers are paused."


def _resume(call: Call) -> str:
    standing = policies.resume(**call.about)
    return f"Offers go out again; {_counts(standing)}."


def _terms(call: Call) -> str:
    if not isinstance(call.form, TermsForm):
        raise TypeError("terms are changed by their form")
    policies.change_policy(policy=call.form.policy(), **call.about)
    return "The terms were changed."


def live_entries(session: SessionWaitlist, ids: Sequence[str]) -> list[Entry]:
    """Return the session's entries among these ids, in the order of the queue."""
    found = Entry.objects.of_session(session.pk).filter(pk__in=ids).select_related("user")
    return list(found.order_by(*QUEUE_ORDER))


def positions(entries: Sequence[Entry]) -> dict[Any, int]:
    """Return the positions of those who wait."""
    return selectors.positions_of(entries)


ACTS: dict[str, QueueAct] = {
    act.name: act
    for act in (
        QueueAct(
            "offer", "Offer a seat", QueueForm, _offer, most=1,
            explain="Past the queue: whoever stands before them keeps their place. Works while offers are paused.",
        ),
        QueueAct(
            "bulk-offer", "Offer to the next", CountForm, _bulk_offer,
            explain="In the order of the queue, as far as seats are free. Works while offers are paused.",
        ),
        QueueAct(
            "remove", "Remove", ReasonedForm, _remove, most=staff.MOST_ROWS, is_dangerous=True,
            explain="They are told with the reason. A seat that was offered to them goes to the next in line.",
        ),
        QueueAct(
            "move", "Move", PositionForm, _move, most=1,
            explain="The others keep their order. The tier and the time of joining stay what they were.",
        ),
        QueueAct(
            "capacity", "Change capacity", CapacityForm, _capacity, capability=Capability.MANAGE_EVENTS,
            explain="New seats are offered at once, unless offers are paused.",
        ),
        QueueAct("pause", "Pause offers", QueueForm, _pause,
                 explain="Nothing is offered by itself until you resume. Open offers stay good."),
        QueueAct("resume", "Resume offers", QueueForm, _resume,
                 explain="Free seats are offered at once to whoever is next."),
        QueueAct("terms", "Change terms", TermsForm, _terms,
                 explain="Who waits keeps their place; who joins from now on gets theirs by the new terms."),
    )
}  # fmt: skip
