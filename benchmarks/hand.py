"""A process that works on command: ``python -m benchmarks.hand KIND NUMBER COUNT``, one JSON order a line."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import django

django.setup()

from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from benchmarks.ads_impressions import Teller  # noqa: E402
from benchmarks.scans import Doorkeeper  # noqa: E402
from benchmarks.tracking import Tracker  # noqa: E402
from common import clock, idempotency  # noqa: E402
from common.outbox import JobContext, Lane, NewJob, drain, enqueue_many, job  # noqa: E402
from offers.models import Offer  # noqa: E402
from offers.services.reservation import reserve_purchase  # noqa: E402
from offers.types import PurchaseOffer  # noqa: E402
from waitlist.services.filling import fill_free_seats  # noqa: E402

_BATCH = 1000


@job("bench.nothing", lane=Lane.MONEY)
def nothing(context: JobContext) -> None:
    """Do nothing: what is measured is the queue."""


class Buyer:
    """Buys one unit of the hot offer again and again, each time as somebody else."""

    def __init__(self, number: int, count: int) -> None:
        everybody = (
            User.objects.filter(email__startswith="bench-").order_by("email").values_list("id", "email")
        )
        self._people = list(everybody)[number::count]
        self._next = 0
        self._offer_id = Offer.objects.get(title="Bench").pk

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """Buy for so many seconds."""
        bought, start = 0, time.perf_counter()
        while time.perf_counter() - start < order["seconds"]:
            user_id, email = self._people[self._next % len(self._people)]
            self._next += 1
            wish = PurchaseOffer(offer_id=self._offer_id, quantity=1, buyer_id=user_id, buyer_email=email)
            reserve_purchase(wish, idempotency.Ticket(None, None, None), now=clock.now())
            bought += 1
        return {"count": bought, "seconds": time.perf_counter() - start}


class Worker:
    """Fills and empties the money lane."""

    def __init__(self, number: int, count: int) -> None:
        self._is_first = number == 0

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """``fill``: write so many jobs; ``drain``: work until none is left."""
        start = time.perf_counter()
        if "fill" in order:
            if self._is_first:
                for _ in range(order["fill"] // _BATCH):
                    enqueue_many([NewJob("bench.nothing", {"n": n}) for n in range(_BATCH)], now=clock.now())
                with connection.cursor() as cursor:
                    cursor.execute("VACUUM ANALYZE common_job")
            return {"count": order["fill"], "seconds": time.perf_counter() - start}
        return {"count": drain(Lane.MONEY).done, "seconds": time.perf_counter() - start}


class Drainer:
    """Empties every lane."""

    def __init__(self, number: int, count: int) -> None:
        pass

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """Work until nothing is due; what fails is a ``RuntimeError``."""
        start, done = time.perf_counter(), 0
        while worked := [drain(lane) for lane in Lane]:
            if any(one.failed or one.dead for one in worked):
                raise RuntimeError(f"jobs failed: {worked}")
            if not sum(one.total for one in worked):
                break
            done += sum(one.done for one in worked)
        return {"count": done, "seconds": time.perf_counter() - start}


class Filler:
    """Fills the free seats of a session."""

    def __init__(self, number: int, count: int) -> None:
        pass

    def __call__(self, order: dict[str, Any]) -> dict[str, float]:
        """Offer every free seat."""
        start = time.perf_counter()
        offers = fill_free_seats(session_id=UUID(order["session"]), now=clock.now())
        return {"count": offers, "seconds": time.perf_counter() - start}


KINDS: dict[str, Callable[[int, int], Callable[[dict[str, Any]], dict[str, float]]]] = {
    "buyer": Buyer,
    "worker": Worker,
    "drainer": Drainer,
    "filler": Filler,
    "teller": Teller,
    "tracker": Tracker,
    "doorkeeper": Doorkeeper,
}


def main() -> None:
    """Say that it is ready, then answer each order by a line."""
    kind, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    act = KINDS[kind](number, count)
    print(json.dumps({"ready": 1}), flush=True)
    for line in sys.stdin:
        print(json.dumps(act(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
