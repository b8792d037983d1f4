"""One timeline of an order. Each room that knows something of it registers what it has to say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from common.audit.models import AuditEntry
from common.money import Money
from payments.models import Order


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    When, what sort (``ledger``, ``webhook``, ``email``, ``job``, ``staff``, ...), and words.

    ``amount`` where money moved. ``detail`` explains; it holds no secrets. ``code`` is what an operator looks for in
    logs or at Stripe: an id, a type of event, a kind of job; pages fold it away.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    amount: Money | None = None
    is_trouble: bool = False
    code: str = ""


Contributor = Callable[[Order], Iterable[Entry]]
_contributors: list[Contributor] = []


def register(contributor: Contributor) -> Contributor:
    """Add what a room knows; it is asked for one order at a time and needs a fixed number of queries."""
    if contributor not in _contributors:
        _contributors.append(contributor)
    return contributor


def in_words(code: str) -> str:
    """Return a type of event, a kind of job or an action as words: ``create_refund`` is ``create refund``."""
    return code.replace(".", " ").replace("_", " ")


def staff_act(act: AuditEntry) -> Entry:
    """Say what a person did, who and why."""
    title = f"{in_words(act.action.partition('.')[2]).capitalize()} by {act.actor_label}"
    return Entry(act.at, "staff", title, act.reason, code=act.action)


def timeline(order: Order) -> list[Entry]:
    """Return everything that happened with an order, the oldest first."""
    entries = [entry for contributor in _contributors for entry in contributor(order)]
    return sorted(entries, key=lambda entry: entry.at)
