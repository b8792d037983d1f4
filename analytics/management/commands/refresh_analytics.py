"""``manage.py refresh_analytics``: compute the figures that wait, or prove stored ones against raw events."""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from analytics.models import DailyFigure, DirtyDay, RawEvent
from analytics.services.proving import ToProve, days_to_prove
from analytics.services.rollup import recompute, recount, refresh
from common import clock
from common.commands import NOT_DONE
from common.commands import day as read_day
from common.errors import Busy

_ROW = "{:<36}  {:<10}  {:>8}  {}"


class Command(BaseCommand):
    """Exit code 0: all figures are as the raw events say. 1: some were off or failed. 2: no such event."""

    help = (
        "Compute the figures of days that were told of since the last time. With --recount every day whose raw "
        "events are kept, stored or not, is compared with them, a day at a time, and written anew where it is off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --event, --recount, --since and --dry-run."""
        parser.add_argument("--event", type=UUID, help="Only this event, by its id.")
        parser.add_argument("--recount", action="store_true", help="Compare all days with their raw events.")
        parser.add_argument(
            "--since",
            type=read_day,
            help="With --recount: leave out what came before that UTC day.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what waits or is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute, compare, and print a table."""
        event_id: UUID | None = options["event"]
        if event_id is not None and not _is_known(event_id):
            raise CommandError("Nothing is known of that event.", returncode=NOT_DONE)
        failed = self._waiting(event_id) if options["dry_run"] else self._refresh(event_id)
        off = 0
        if options["recount"]:
            off = self._recount(event_id, since=options["since"], is_dry=options["dry_run"])
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

    def _recount(self, event_id: UUID | None, *, since: date | None, is_dry: bool) -> int:
        now = clock.now()
        compared, off, reached = 0, 0, since
        try:
            for one in days_to_prove(event_id=event_id, since=since, now=now):
                reached = one.since
                compared, off = compared + 1, off + self._prove(one, is_dry=is_dry, now=now)
        except (Busy, DatabaseError) as error:
            go_on = f"--recount --since {reached}" if reached else "--recount"
            self.stdout.write(f"{compared} days compared, {off} off; stopped: {error}")
            raise CommandError(f"Go on with {go_on}", returncode=1) from error
        self.stdout.write(f"{compared} days compared, {off} off" if compared else "Nothing was told yet.")
        return off

    def _prove(self, one: ToProve, *, is_dry: bool, now: datetime) -> bool:
        """Compare one day with its raw events, and write it anew where it is off; say whether it was."""
        found = recount(event_id=one.event_id, day=one.day)
        if not found:
            return False
        if not is_dry:
            recompute(event_id=one.event_id, day=one.day, now=now)
        outcome = "would be written anew" if is_dry else "written anew"
        self.stdout.write(_ROW.format(str(one.event_id), str(one.day), len(found), f"figures off, {outcome}"))
        return True


def _of(model: Any, event_id: UUID | None) -> Any:
    return model.objects.all() if event_id is None else model.objects.filter(event_id=event_id)


def _is_known(event_id: UUID) -> bool:
    return any(
        model.objects.filter(event_id=event_id).exists() for model in (DirtyDay, DailyFigure, RawEvent)
    )
