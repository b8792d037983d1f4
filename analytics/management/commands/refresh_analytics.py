"""``manage.py refresh_analytics``: compute the figures that wait, or prove stored ones against raw events."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from analytics.models import DailyFigure, DirtyDay, RawEvent
from analytics.services.proving import days_to_prove
from analytics.services.rollup import recompute, recount, refresh
from common import clock

_ROW = "{:<36}  {:<10}  {:>8}  {}"


class Command(BaseCommand):
    """Exit code 0: all figures are as the raw events say. 1: some were off or failed. 2: no such event."""

    help = (
        "Compute the figures of days that were told of since the last time. With --recount every day whose raw "
        "events are kept, stored or not, is compared with them, and written anew where it is off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --event, --recount and --dry-run."""
        parser.add_argument("--event", type=UUID, help="Only this event, by its id.")
        parser.add_argument("--recount", action="store_true", help="Compare all days with their raw events.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what waits or is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute, compare, and print a table."""
        event_id: UUID | None = options["event"]
        if event_id is not None and not _is_known(event_id):
            raise CommandError("Nothing is known of that event.", returncode=2)
        failed = self._waiting(event_id) if options["dry_run"] else self._refresh(event_id)
        off = self._recount(event_id, is_dry=options["dry_run"]) if options["recount"] else 0
        if failed or off:
            raise SystemExit(1)

    def _waiting(self, event_id: UUID | None) -> int:
        days = sorted({(mark.event_id, mark.day) for mark in _of(DirtyDay, event_id)}, key=str)
        for of, day in days:
            self.stdout.write(_ROW.format(str(of), str(day), "", "waits"))
        self.stdout.write(f"{len(days)} days wait")
        return 0

    def _refresh(self, event_id: UUID | None) -> int:
        worked = refresh(now=clock.now(), event_id=event_id)
        self.stdout.write(f"{worked.days} days computed, {worked.failures} failed")
        return worked.failures

    def _recount(self, event_id: UUID | None, *, is_dry: bool) -> int:
        now = clock.now()
        days = days_to_prove(event_id=event_id, now=now)
        off = 0
        for of, day in days:
            found = recount(event_id=of, day=day)
            if not found:
                continue
            off += 1
            if not is_dry:
                recompute(event_id=of, day=day, now=now)
            outcome = "would be written anew" if is_dry else "written anew"
            self.stdout.write(_ROW.format(str(of), str(day), len(found), f"figures off, {outcome}"))
        self.stdout.write(f"{len(days)} days compared, {off} off" if days else "Nothing was told yet.")
        return off


def _of(model: Any, event_id: UUID | None) -> Any:
    return model.objects.all() if event_id is None else model.objects.filter(event_id=event_id)


def _is_known(event_id: UUID) -> bool:
    return any(
        model.objects.filter(event_id=event_id).exists() for model in (DirtyDay, DailyFigure, RawEvent)
    )
