"""``manage.py requeue_dead_jobs``: give dead jobs their attempts again, by kind, error or time."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common import clock
from common.commands import instant
from common.outbox.dead_letters import ActOnJob, DeadFilter, dead_jobs, retry
from common.types import SYSTEM


class Command(BaseCommand):
    """The console's "retry all" for a terminal; audited as an act of the system, with the reason given."""

    help = (
        "Requeue dead jobs and print what came of them, by kind. Exits 0 when nothing was dead or all were "
        "requeued, 1 when something was refused, 2 when an option makes no sense."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the filters, --reason and --dry-run."""
        parser.add_argument("--kind", default="", help="only this kind, as payments.stripe_event")
        parser.add_argument(
            "--group",
            default="",
            help="only this group of errors, by the id that the admin's list of dead letters shows",
        )
        parser.add_argument("--since", default="", help="only what died since: 2026-11-21T12:00Z")
        parser.add_argument(
            "--reason", default="Requeued from the command line", help="for the audit history"
        )
        parser.add_argument("--dry-run", action="store_true", help="count them and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Requeue, or only count."""
        only = DeadFilter(
            kind=options["kind"], group=options["group"], since=instant("--since", options["since"])
        )
        if options["dry_run"]:
            self._count(only)
            return
        results = retry(only, actor=SYSTEM, reason=options["reason"], now=clock.now())
        self._table(results)
        if not all(one.is_done for one in results):
            raise SystemExit(1)

    def _count(self, only: DeadFilter) -> None:
        counts = Counter(dead_jobs(None, only).values_list("kind", flat=True))
        self.stdout.write(f"{'kind':<40}{'dead':>8}")
        for kind, count in sorted(counts.items()):
            self.stdout.write(f"{kind:<40}{count:>8}")
        self.stdout.write(f"{'all':<40}{counts.total():>8}")

    def _table(self, results: list[ActOnJob]) -> None:
        done = Counter(one.kind for one in results if one.is_done)
        refused = Counter(one.kind for one in results if not one.is_done)
        self.stdout.write(f"{'kind':<40}{'requeued':>10}{'refused':>10}")
        for kind in sorted({*done, *refused}):
            self.stdout.write(f"{kind:<40}{done[kind]:>10}{refused[kind]:>10}")
        self.stdout.write(f"{'all':<40}{done.total():>10}{refused.total():>10}")
        for one in results:
            if not one.is_done:
                self.stderr.write(f"{one.job_id} {one.kind}: {one.message}")
