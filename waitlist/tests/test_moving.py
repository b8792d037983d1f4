"""A staff move: exactly there, everybody else in the same order, with a reason."""

from datetime import timedelta

import pytest

from accounts.tests.factories import NOW
from common.audit.models import AuditEntry
from common.errors import Invalid
from events.models import Session
from waitlist.errors import NotWaiting
from waitlist.models import Entry
from waitlist.querysets import QUEUE_ORDER
from waitlist.services import moving, staff
from waitlist.tests.factories import free_up, join, make_full_session, pause, staff_of, waiting

pytestmark = pytest.mark.django_db


def _order(session: Session) -> list[object]:
    return list(
        Entry.objects.of_session(session.pk).waiting().order_by(*QUEUE_ORDER).values_list("pk", flat=True)
    )


def _move(session: Session, entry: Entry, position: int, reason: str = "Speaker") -> int | None:
    place = moving.move(
        actor=staff_of(session), session_id=session.pk, entry_id=entry.pk, position=position, reason=reason,
        now=NOW + timedelta(minutes=1),
    )  # fmt: skip
    return place.position


@pytest.mark.parametrize("start", range(5))
@pytest.mark.parametrize("position", range(1, 8))
def test_every_move_lands_where_it_should(start: int, position: int) -> None:
    """REQ WL-07: from each place to each place, past the end too; the others keep their order."""
    session = make_full_session()
    entries = [join(session, priority="VIP"), join(session, priority="VIP"), *waiting(session, 3)]
    expected = [entry.pk for entry in entries if entry is not entries[start]]
    expected.insert(position - 1, entries[start].pk)
    assert _move(session, entries[start], position) == min(position, 5)
    assert _order(session) == expected


def test_moves_can_be_repeated_between_neighbours() -> None:
    """REQ WL-07: places a microsecond apart leave no room; it is made, and the order stays exact."""
    session = make_full_session()
    entries = waiting(session, 4)
    order = [entry.pk for entry in entries]
    for turn in range(8):
        mover = entries[turn % 4]
        order.remove(mover.pk)
        order.insert(1, mover.pk)
        _move(session, mover, 2)
        assert _order(session) == order


def test_who_joins_later_stands_behind_who_was_moved_to_the_end() -> None:
    """REQ WL-03: the last place given counts, also when staff gave it."""
    session = make_full_session()
    first, second = waiting(session, 2)
    _move(session, first, 99)
    behind = join(session, now=NOW)
    assert _order(session) == [second.pk, first.pk, behind.pk]


def test_a_move_keeps_tier_and_time_and_is_audited() -> None:
    """REQ WL-11: a Standard before a VIP is still a Standard; from where to where, and why, is kept."""
    session = make_full_session()
    join(session, priority="VIP")
    entry = join(session)
    _move(session, entry, 1, "Wheelchair seat")
    entry.refresh_from_db()
    assert (entry.priority_tier, entry.joined_at, entry.rank) == ("STANDARD", NOW, 0)
    kept = AuditEntry.objects.get(action="waitlist.move")
    assert (kept.reason, kept.changes) == ("Wheelchair seat", {"position": [2, 1]})


@pytest.mark.parametrize(
    ("position", "reason", "field"), [(0, "x", "position"), (1, "", "reason"), (1, "x" * 201, "reason")]
)
def test_a_move_needs_a_place_and_a_reason(position: int, reason: str, field: str) -> None:
    """REQ WL-11: named by field, and nobody moved."""
    session = make_full_session()
    entries = waiting(session, 2)
    with pytest.raises(Invalid) as refused:
        _move(session, entries[1], position, reason)
    assert refused.value.errors[0].field == field
    assert _order(session) == [entry.pk for entry in entries]


def test_only_who_waits_is_moved() -> None:
    """REQ WL-07: an open offer has no place in the queue."""
    session = make_full_session()
    entry, _ = waiting(session, 2)
    pause(session)
    free_up(session)
    staff.offer(actor=staff_of(session), session_id=session.pk, user_id=entry.user_id, now=NOW)
    with pytest.raises(NotWaiting):
        _move(session, entry, 1)
