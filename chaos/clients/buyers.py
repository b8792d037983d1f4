"""People who buy offers and tickets and pay, or do not, at Stripe's page; and the organizer who gives money back."""

import math
import queue
import time
from typing import Any

from chaos.clients.base import Client, Paid, Tools
from chaos.world import ATTENDEES, OWNER

# What becomes of a checkout at Stripe's page, in parts of a hundred.
_FATES = {"pay": 54, "last moment": 9, "decline": 8, "pay_later": 8, "expire": 5, "cancel": 8, "nothing": 8}
# Seconds around the end of the hold, where timer and payment meet.
_AROUND_THE_END = 3.0
_OFFERS = ("Chaos shirt", "Chaos film", "Chaos hour", "Chaos book", "Chaos song", "VIP upgrade")
_DELAYED = "Chaos book"
_MOST_TICKETS = 3


class Buyer(Client):
    """Begins checkouts, each with one key, and ends each in some way."""

    def __init__(self, name: str, tools: Tools) -> None:
        super().__init__(name, tools)
        # Payments that the bank has not decided on, and those for the last moment.
        self._undecided: list[str] = []
        self._pending: list[tuple[float, str, dict[str, Any]]] = []
        self._hold_seconds = float(tools.stack.environment["RESERVATION_TTL_SECONDS"])

    def act(self) -> None:
        """Buy something; sometimes a bank decides about an earlier payment."""
        login, key = self.chance.choice(ATTENDEES), self.new_id()
        path, body, title = self._wish()
        self.ledger.note("wish", key=key, login=login, title=title)
        answer = self.doors.insist("POST", path, body, login=login, key=key)
        if answer.is_accepted:
            self._go_on(answer.body, login, title, key)
        elif not answer.is_unsure:
            self.ledger.note("refused", key=key, code=answer.code)
        if self._undecided and self.is_lucky(0.4):
            self._decide(self._undecided.pop(0))
        self._pay_pending(until=time.monotonic())

    def finish(self) -> None:
        """Pay what is left to pay, and have the banks decide on everything."""
        self._pay_pending(until=math.inf)
        while self._undecided:
            self._decide(self._undecided.pop())

    def _pay_pending(self, *, until: float) -> None:
        while self._pending and self._pending[0][0] <= until:
            _, session, order = self._pending.pop(0)
            self._at_stripe("pay", session, order)

    def _wish(self) -> tuple[str, dict[str, Any], str]:
        if self.is_lucky(0.3):
            tier = self.chance.choice(("VIP", "Standard"))
            body = {"tier_id": self.world.tiers[tier], "quantity": self.chance.randint(1, _MOST_TICKETS)}
            return f"events/{self.world.event_id}/checkout", body, f"ticket {tier}"
        title = self.chance.choice(_OFFERS)
        quantity = 1 if title == "VIP upgrade" else self.chance.randint(1, 2)
        return f"offers/{self.world.offers[title]}/purchase", {"quantity": quantity}, title

    def _go_on(self, told: dict[str, Any], login: str, title: str, key: str) -> None:
        order, session = told["order"], told["checkout_session_id"]
        self.ledger.note("order", key=key, order=order["id"], login=login, session=session or "", title=title)
        if not session or not told["stripe_checkout_url"]:
            return
        (fate,) = self.chance.choices(list(_FATES), weights=list(_FATES.values()))
        if fate == "pay_later" and title != _DELAYED:
            fate = "pay"
        if fate in {"pay", "decline", "pay_later", "expire"}:
            self._at_stripe(fate, session, order)
        elif fate == "last moment":
            moment = self._hold_seconds + self.chance.uniform(-_AROUND_THE_END, _AROUND_THE_END)
            self._pending.append((time.monotonic() + moment, session, order))
        elif fate == "cancel":
            self.doors.insist("POST", f"orders/{order['id']}/cancel", login=login)
        if self.is_lucky(0.3):
            self.doors.call("POST", f"orders/{order['id']}/return", {}, login=login)

    def _at_stripe(self, fate: str, session: str, order: dict[str, Any]) -> None:
        if not self._press(session, fate):
            return
        if fate == "pay":
            self.ledger.note("paid", session=session, order=order["id"])
            self.tools.paid.put(Paid(order["id"], order["total_amount"]["amount"]))
        elif fate == "pay_later":
            self.ledger.note("paid later", session=session, order=order["id"])
            self._undecided.append(session)
        elif fate == "decline" and self.is_lucky(0.6):
            self._at_stripe("pay", session, order)

    def _decide(self, session: str) -> None:
        self._press(session, self.chance.choice(("settle", "settle", "fail")))

    def _press(self, session: str, button: str) -> bool:
        try:
            self.tools.stack.control(f"{self.tools.stack.sandbox}/_sandbox/sessions/{session}/{button}", {})
        except OSError:
            # Too late, or Stripe is away: the sandbox's own record says what was paid.
            return False
        return True


class Refunder(Client):
    """Gives back some of what was paid: all of it or a part, with a key for each."""

    pause_seconds = (1.0, 4.0)

    def act(self) -> None:
        """Refund one order in a few."""
        try:
            paid = self.tools.paid.get_nowait()
        except queue.Empty:
            return
        if not self.is_lucky(0.4):
            return
        body: dict[str, Any] = {"reason": "Chaos"}
        if self.is_lucky(0.4):
            body["amount"] = self.chance.randint(1, max(1, paid.amount))
        answer = self.doors.insist(
            "POST", f"orders/{paid.order_id}/refunds", body, login=OWNER, key=self.new_id()
        )
        if answer.is_accepted:
            self.ledger.note("refund", order=paid.order_id, refund=answer.body["id"])
