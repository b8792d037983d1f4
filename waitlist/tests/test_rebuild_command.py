"""``manage.py rebuild_waitlist`` tells what is off, mends it, and says by its exit code which of these it did."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import make_user
from common import clock, redis
from events.models import Session
from waitlist.mirror import contents, keys
from waitlist.tests.queues import make_people, make_queue, positions, shown, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def queues():
    """Give three queues of three."""
    made = [make_queue() for _ in range(3)]
    for queue in made:
        for person in make_people(3):
            queue.join(person.pk)
    return made


def run(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("rebuild_waitlist", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_what_is_right_is_said_to_be_right(queues) -> None:
    """Exit code 0 and one line. REQ WL-06."""
    assert run() == (0, "3 queues compared, 0 off\n")


def test_after_a_flush_everything_is_restored(queues) -> None:
    """A dry run tells and changes nothing, a run restores, the next finds nothing. REQ WL-06."""
    redis.client().flushall()
    code, told = run("--dry-run")
    assert (code, told.count("would be rebuilt"), redis.client().dbsize()) == (1, 3, 0)
    code, told = run()
    assert (code, told.splitlines()[-1]) == (1, "3 queues compared, 3 off")
    for queue in queues:
        assert positions(queue) == [1, 2, 3]
        assert shown(queue) == wanted(queue)
    assert run() == (0, "3 queues compared, 0 off\n")


def test_foreign_entries_are_told_by_number(queues) -> None:
    """The row names the session, both versions, and how many entries differ. REQ WL-06."""
    queue = queues[1]
    redis.client().zadd(keys.public(queue.session_id, "STANDARD"), {"somebody": 1, "else": 2})
    code, told = run()
    heading, row, summary = told.splitlines()
    assert heading.split() == ["session", "waiting", "version", "mirrored", "off", "outcome"]
    assert row.split() == [str(queue.session_id), "3", "3", "3", "2", "rebuilt"]
    assert (code, summary) == (1, "3 queues compared, 1 off")
    assert shown(queue) == wanted(queue)


def test_one_session_alone(queues) -> None:
    """--session leaves the others as they are. REQ WL-06."""
    redis.client().flushall()
    assert run("--session", str(queues[0].session_id))[0] == 1
    assert [positions(queue) for queue in queues] == [[1, 2, 3], [None] * 3, [None] * 3]
    with pytest.raises(CommandError, match="no such session") as refused:
        run("--session", str(uuid4()))
    assert refused.value.returncode == 2


def test_leftovers_are_removed(queues) -> None:
    """Versions of queues that are over are only tidied up; entries that nobody has are wrong. REQ WL-06."""
    over = make_queue()
    over.leave(over.join(make_user().pk))
    Session.objects.filter(pk=over.session_id).update(starts_at=clock.now() - timedelta(days=1))
    tidied = "1 leftovers of empty queues, 0 with entries"
    assert run("--dry-run") == (0, f"3 queues compared, 0 off\n{tidied}: would be removed\n")
    assert over.session_id in set(contents.sessions_with_keys())
    assert run() == (0, f"3 queues compared, 0 off\n{tidied}: removed\n")
    assert over.session_id not in set(contents.sessions_with_keys())

    redis.client().zadd(keys.public(over.session_id, "VIP"), {"somebody": 1})
    assert run() == (
        1,
        "3 queues compared, 0 off\n1 leftovers of empty queues, 1 with entries: removed\n",
    )
    assert run()[0] == 0
