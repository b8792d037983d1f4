"""The demo's past sales, as facts; ``history`` writes the rows."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from accounts.models import User
from config.demo.people import STANDARD_ATTENDEES, People
from offers.models import Offer

_SPACE = UUID("6f1b7a52-7c0e-4d8a-9a35-2f1f0f6d6b10")
_DAYS = 30
_SALES_A_DAY = (1, 4)
# Every n-th sale was given back in full.
_REFUND_EVERY = 17
_PAST_OFFERS = ("Early-bird poster", "Last year's recordings")
# What staff still have to do: a parcel to send and an appointment to set.
_WAITING = (("Early-bird poster", "standard7", 30), ("Portrait session", "standard9", 53))


@dataclass(frozen=True, slots=True)
class Sale:
    """One past sale. Its ids follow from its number, so that seeding can be repeated."""

    number: int
    offer: Offer
    buyer: User
    quantity: int
    at: datetime
    is_refunded: bool
    is_waiting: bool = False

    def id(self, kind: str) -> UUID:
        """Return the id of one of the rows that the sale makes."""
        return uuid5(_SPACE, f"{self.offer.event_id}:{self.number}:{kind}")

    def stripe_id(self, prefix: str) -> str:
        """Return the id of one of its objects at Stripe."""
        return f"{prefix}_demo{self.id(prefix).hex[:20]}"

    @property
    def amount(self) -> int:
        """What was paid, in minor units."""
        return self.offer.price_amount * self.quantity


def invented(people: People, offers: dict[str, Offer], now: datetime) -> list[Sale]:
    """Make up the sales, the same ones each time; the last ones still wait for staff."""
    past = [offers[title] for title in _PAST_OFFERS]
    sales = _done(people, past, now)
    for title, login, hours_ago in _WAITING:
        at = (now - timedelta(hours=hours_ago)).replace(microsecond=0)
        buyer = people.users[login]
        sales.append(Sale(len(sales) + 1, offers[title], buyer, 1, at, is_refunded=False, is_waiting=True))
    return sales


def _done(people: People, offers: list[Offer], now: datetime) -> list[Sale]:
    chance = random.Random(2026)
    logins = ["vip", "premium", *(f"standard{n}" for n in range(1, STANDARD_ATTENDEES + 1))]
    sales: list[Sale] = []
    for days_ago in range(_DAYS, 2, -1):
        for _ in range(chance.randint(*_SALES_A_DAY)):
            number = len(sales) + 1
            sales.append(
                Sale(
                    number=number,
                    offer=chance.choice(offers),
                    buyer=people.users[chance.choice(logins)],
                    quantity=chance.choice((1, 1, 1, 2, 3)),
                    at=(now - timedelta(days=days_ago, minutes=chance.randint(0, 1200))).replace(
                        microsecond=0
                    ),
                    is_refunded=number % _REFUND_EVERY == 0,
                )
            )
    return sales
