"""``manage.py requeue_dead_jobs``: requeue from a terminal, with exit codes that scripts rely on."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from common.audit.models import AuditEntry
from common.outbox.models import Job
from common.outbox.tests.factories import NOW, make_dead

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kinds(kind: Callable[..., Any]) -> None:
    kind(lambda job: None)
    kind(lambda job: None, name="test.other")


def requeue(*options: str) -> tuple[int, list[list[str]], str]:
    """Run the command and return its exit code, the table's cells, and what it complained of."""
    out, err = StringIO(), StringIO()
    try:
        call_command("requeue_dead_jobs", *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), [line.split() for line in out.getvalue().splitlines()], err.getvalue()
    return 0, [line.split() for line in out.getvalue().splitlines()], err.getvalue()


def test_nothing_dead_is_a_success() -> None:
    """A script may call it at any time. REQ PA-05."""
    assert requeue() == (0, [["kind", "requeued", "refused"], ["all", "0", "0"]], "")


def test_all_dead_jobs_are_requeued_and_audited() -> None:
    """It counts by kind, exits 0, and the history says that it was the system and why. REQ PA-05."""
    make_dead()
    make_dead()
    make_dead(kind="test.other")
    assert requeue("--reason", "mended")[:2] == (
        0,
        [
            ["kind", "requeued", "refused"],
            ["test.job", "2", "0"],
            ["test.other", "1", "0"],
            ["all", "3", "0"],
        ],
    )
    assert set(Job.objects.values_list("status", "attempts")) == {("pending", 0)}
    assert set(AuditEntry.objects.values_list("actor_label", "reason")) == {("system", "mended")}


def test_filters_choose() -> None:
    """Kind, group and time choose what is requeued; the rest stays dead. REQ PA-05."""
    old = make_dead(at=NOW - timedelta(days=2))
    other = make_dead(kind="test.other")
    requeue("--kind", "test.other")
    assert set(Job.objects.filter(status="dead").values_list("pk", flat=True)) == {old.pk}
    assert Job.objects.get(pk=other.pk).status == "pending"
    requeue("--since", NOW.isoformat())
    requeue("--group", "none")
    assert Job.objects.get(pk=old.pk).status == "dead"
    requeue("--group", old.error_group)
    assert Job.objects.get(pk=old.pk).status == "pending"


def test_a_dry_run_counts_and_changes_nothing() -> None:
    """Look first. REQ PA-05."""
    make_dead()
    assert requeue("--dry-run") == (0, [["kind", "dead"], ["test.job", "1"], ["all", "1"]], "")
    assert Job.objects.get().status == "dead"
    assert not AuditEntry.objects.exists()


def test_a_refusal_is_told_and_exits_1() -> None:
    """Something that cannot run again fails the script, and says which job and why. REQ PA-05."""
    stuck = make_dead(kind="test.removed")
    make_dead()
    code, table, complaint = requeue()
    assert (code, table[-1]) == (1, ["all", "1", "1"])
    assert complaint.strip() == (f"{stuck.pk} test.removed: Nobody works jobs of kind test.removed any more.")
    assert Job.objects.get(pk=stuck.pk).status == "dead"


@pytest.mark.parametrize("since", ["yesterday", "2026-11-21T12:00", "2026-13-41T12:00Z"])
def test_a_time_that_makes_no_sense_is_refused(since: str) -> None:
    """An instant without a zone could mean anything: nothing is requeued. REQ PA-05."""
    make_dead()
    with pytest.raises(CommandError) as refused:
        requeue("--since", since)
    assert refused.value.returncode == 2
    assert Job.objects.get().status == "dead"
