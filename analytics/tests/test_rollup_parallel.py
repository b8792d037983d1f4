"""Everything at once: late, doubled, shuffled, around midnight and the change of clocks, while it is computed."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.tests.factories import NOW
from analytics.models import DirtyDay, RawEvent, Refresh
from analytics.services.known import known
from analytics.services.rollup import recount, refresh
from analytics.tests.factories import Place, keep, make_place, told
from analytics.tests.test_rollup import by_hand, stored

pytestmark = pytest.mark.django_db(transaction=True)

# In the night to 28 October 2096 clocks in Berlin go back from three to two; in that to 25 March they go forward.
_NIGHTS = (datetime(2096, 10, 27, 22, tzinfo=UTC), datetime(2096, 3, 24, 23, tzinfo=UTC))
_MOMENTS = (-1, 0, 1, 3_599, 3_600, 7_199, 7_200, 10_799, 10_800, 86_399, 86_400, 89_999, 90_000)
_SENDERS, _BATCHES, _BATCH = 6, 8, 12
_Happened = tuple[datetime, str, str | None]


def _pool(dice: random.Random) -> list[_Happened]:
    """Return what happened: each of these is one event, however often it is told."""
    return [
        (
            dice.choice(_NIGHTS) + timedelta(seconds=dice.choice(_MOMENTS)),
            dice.choice(("OFFER_VIEW", "OFFER_CLICK", "WAITLIST_JOIN")),
            dice.choice(("a", "b", "c", None)),
        )
        for _ in range(120)
    ]


def _batches(place: Place, pool: list[_Happened], seed: int) -> list[tuple]:
    """Return the batches of one sender, in an order of its own: each of one night, doubled inside, days late."""
    dice, made = random.Random(seed), []
    for number in range(_BATCHES):
        night = _NIGHTS[number % 2]
        of_it = [which for which, (at, _, _) in enumerate(pool) if abs(at - night) < timedelta(days=3)]
        chosen = dice.choices(of_it, k=_BATCH)
        events = [
            told(place, pool[one][1], id=str(UUID(int=one)), timestamp=pool[one][0].isoformat(),
                 session_token=pool[one][2])
            for one in chosen
        ]  # fmt: skip
        made.append((chosen, events, night + timedelta(days=2, seconds=dice.randrange(4 * 86_400))))
    return made


class _Crowd:
    """Senders who begin together, and workers who compute meanwhile."""

    def __init__(self, place: Place, pool: list[_Happened], seed: int) -> None:
        self._place, self._pool, self._seed = place, pool, seed
        self._over, self._together = threading.Event(), threading.Barrier(_SENDERS)
        self.sent: set[int] = set()

    def run(self) -> int:
        """Send everything while two compute; return how many events were new. Raises what a thread raised."""
        with ThreadPoolExecutor(_SENDERS + 2) as threads:
            workers = [threads.submit(self._work) for _ in range(2)]
            try:
                return sum(threads.map(self._send, range(_SENDERS)))
            finally:
                self._over.set()
                for worker in workers:
                    worker.result()

    def _send(self, number: int) -> int:
        fresh = 0
        try:
            self._together.wait(30)
            for chosen, events, now in _batches(self._place, self._pool, self._seed * 100 + number):
                answer = keep(*events, now=now)
                assert (answer.rejected, answer.queued + answer.duplicates) == ([], _BATCH)
                fresh += answer.queued
                self.sent.update(chosen)
        finally:
            connection.close()
        return fresh

    def _work(self) -> None:
        try:
            while not self._over.wait(0.02):
                refresh(now=NOW)
        finally:
            connection.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_told_by_many_at_once_is_counted_as_by_hand(seed: int) -> None:
    """REQ AN-10: six senders and two workers at once; afterwards every day equals a count by Python's calendar."""
    known.forget()
    place, pool = make_place(time_zone="Europe/Berlin"), _pool(random.Random(seed))
    crowd = _Crowd(place, pool, seed)
    assert crowd.run() == RawEvent.objects.count() == len(crowd.sent) > 100
    refresh(now=NOW)
    found = stored(place)
    assert found == by_hand(place, [pool[one] for one in sorted(crowd.sent)], ZoneInfo("Europe/Berlin"))
    assert {day for day, _, _ in found} >= {
        date(2096, month, day) for month, day in ((3, 24), (3, 25), (10, 27), (10, 28))
    }
    assert not any(recount(event_id=place.event.pk, day=day) for day, _, _ in found)
    assert not DirtyDay.objects.exists()
    assert Refresh.objects.get(pk=place.event.pk).failures == 0
