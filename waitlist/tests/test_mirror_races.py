"""Hundreds of commits at once: the mirror ends exact. The control shows what its version check is for."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from common import redis
from waitlist import mirror
from waitlist.mirror import keys
from waitlist.mirror.scripts import script
from waitlist.mirror.writing import encoded, send
from waitlist.tests.queues import Queue, make_people, make_queue, positions, shown, wanted

CONTENDERS, JOINS_EACH = 40, 5
PEOPLE = CONTENDERS * JOINS_EACH


@pytest.mark.django_db(transaction=True)
def test_two_hundred_commits_at_once(race) -> None:
    """200 joins by 40 connections: 200 distinct positions, told in whatever order. REQ WL-03 WL-06."""
    queue = make_queue(mirror.changed)
    people = make_people(PEOPLE)

    def join(number: int) -> int:
        mine = people[number::CONTENDERS]
        return len([queue.join(person.pk, rank=place % 3) for place, person in enumerate(mine)])

    assert race(CONTENDERS, join) == [JOINS_EACH] * CONTENDERS
    assert positions(queue) == list(range(1, PEOPLE + 1))
    assert shown(queue) == wanted(queue)
    assert redis.client().get(keys.public(queue.session_id, "version")) == str(PEOPLE).encode()


@pytest.mark.django_db(transaction=True)
def test_rebuilding_while_people_join(race) -> None:
    """Rebuilds beside commits: none of them loses a change. REQ WL-06."""
    queue = make_queue(mirror.changed)
    people = make_people(PEOPLE)

    def join(number: int) -> int:
        return len([queue.join(person.pk) for person in people[number::CONTENDERS]])

    def rebuild() -> int:
        for _ in range(10):
            mirror.rebuild(queue.session_id)
        return JOINS_EACH

    joins = [lambda number=number: join(number) for number in range(CONTENDERS)]
    assert race.each([*joins, rebuild, rebuild]) == [JOINS_EACH] * (CONTENDERS + 2)
    assert positions(queue) == list(range(1, PEOPLE + 1))
    assert shown(queue) == wanted(queue)


# What the mirror would be without its versions: every change is applied when it comes.
_NAIVE = """
for _, change in ipairs(cjson.decode(ARGV[2])) do
  for family = 0, 4, 4 do
    if change[3] then
      redis.call('ZADD', KEYS[family + 2 + change[1]], change[3], change[2])
    else
      redis.call('ZREM', KEYS[family + 2 + change[1]], change[2])
    end
  end
end
for family = 0, 4, 4 do
  local stored = tonumber(redis.call('GET', KEYS[family + 1]) or 0)
  redis.call('SET', KEYS[family + 1], math.max(stored, tonumber(ARGV[1])))
end
"""


def _as_we_do(session_id: UUID, version: int, changes: Sequence[mirror.Change]) -> None:
    send(session_id, version, encoded(changes))


def _naively(session_id: UUID, version: int, changes: Sequence[mirror.Change]) -> None:
    script(_NAIVE)(keys=keys.all_of(session_id), args=[version, encoded(changes)])


def _after_a_storm(tell) -> Queue:
    """Move eight people 200 times; have the changes told by 16 threads in any order."""
    told: list = []
    queue = make_queue(lambda *what: told.append(what))
    entries = [queue.join(person.pk) for person in make_people(8)]
    dice = random.Random(8)
    for number in range(200):
        queue.move(entries[dice.randrange(8)], number % 3)
    dice.shuffle(told)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda what: tell(*what), told))
    return queue


@pytest.mark.django_db
def test_a_storm_told_in_any_order() -> None:
    """Moves over the ranks, told by 16 threads at random: each ends where the database has it. REQ WL-03 WL-06."""
    queue = _after_a_storm(_as_we_do)
    assert positions(queue) == list(range(1, 9))
    assert shown(queue) == wanted(queue)


@pytest.mark.django_db
def test_control_without_the_versions_the_mirror_lies() -> None:
    """The same storm, applied as it comes: people stand twice, or where they stood before. REQ WL-03 WL-06."""
    queue = _after_a_storm(_naively)
    assert shown(queue) != wanted(queue)
