"""``manage.py recount_ads``: prove the stored days of ads against the raw events, and repair those that are off."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from ads.services import daily, recount
from common import clock
from common.commands import NOT_DONE, day
from common.errors import NotFound

_ROW = "{:<36}  {:<10}  {:<36}  {:<21}  {:>12}  {:>12}  {}"


class Command(BaseCommand):
    """Exit code 0: every day is what its raw events say, or waits to be computed.

    1: some were off (and were computed anew, unless --dry-run); 2: there is no such event. Frozen days are the
    record and are not compared: their raw events are deleted.
    """

    help = (
        "Compare the stored days of ads with their raw events, ad by ad, and compute those anew that are off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --event, --day and --dry-run."""
        parser.add_argument("--event", type=UUID, help="Only this event's days, by its id.")
        parser.add_argument("--day", type=day, help="Only this day of the event's zone, YYYY-MM-DD.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, compute anew, and print what was off."""
        try:
            days = list(recount.days_to_prove(event_id=options["event"], day=options["day"]))
            found = [recount.recount(event_id=event_id, day=day) for event_id, day in days]
        except NotFound as error:
            raise CommandError("There is no such event.", returncode=NOT_DONE) from error
        off = [one for one in found if one.is_off]
        for one in off:
            self._see_to(one, is_dry=options["dry_run"])
        waiting = sum(one.is_marked for one in found)
        self.stdout.write(f"{len(found)} days compared, {len(off)} off, {waiting} wait to be computed")
        if off:
            raise SystemExit(1)

    def _see_to(self, one: recount.Recount, *, is_dry: bool) -> None:
        outcome = "would be computed anew"
        if not is_dry:
            daily.recompute(event_id=one.event_id, day=one.day, now=clock.now())
            outcome = "computed anew"
        self.stdout.write(_ROW.format("event", "day", "ad", "figure", "stored", "raw", "outcome"))
        for off in one.differences:
            self.stdout.write(
                _ROW.format(
                    str(one.event_id), str(one.day), str(off.ad_id), off.figure, off.stored, off.raw, outcome
                )
            )
