"""``manage.py rebuild_waitlist``: compare the mirrors in Redis with the queues, and write anew those that are off."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.commands import NOT_DONE
from common.errors import NotFound
from waitlist.mirror import MirrorAway, contents, healing, rebuild, truth
from waitlist.mirror.rebuilding import Finding, inspect

_ROW = "{:<36}  {:>8}  {:>10}  {:>10}  {:>6}  {}"


class Command(BaseCommand):
    """Exit code 0: every mirror was right.

    1: some were off (and were rebuilt, unless --dry-run); 2: Redis is away or there is no such session, so
    nobody can say. Positions were right all the while: a mirror in doubt is not read.
    """

    help = "Compare the queues in Redis with the database, entry by entry, and rebuild those that are off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --session and --dry-run."""
        parser.add_argument("--session", type=UUID, help="Only this session's queue, by its id.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, rebuild, and print what was off."""
        is_dry, now = options["dry_run"], clock.now()
        try:
            if options["session"] is not None:
                off = self._see_to([options["session"]], is_dry=is_dry)
            else:
                off = self._see_to(list(truth.queues()), is_dry=is_dry)
                off += self._clear(now, is_dry=is_dry)
        except MirrorAway as error:
            raise CommandError("Redis is away: nothing can be compared.", returncode=NOT_DONE) from error
        except NotFound as error:
            raise CommandError("There is no such session.", returncode=NOT_DONE) from error
        if off:
            raise SystemExit(1)

    def _see_to(self, session_ids: list[UUID], *, is_dry: bool) -> int:
        """Print a row for each queue that is off and return how many are."""
        found = list(_off(session_ids))
        if found:
            self.stdout.write(_ROW.format("session", "waiting", "version", "mirrored", "off", "outcome"))
        for finding in found:
            outcome = "would be rebuilt"
            if not is_dry:
                rebuild(finding.session_id)
                outcome = "rebuilt"
            mirrored = "none" if finding.mirrored is None else finding.mirrored
            self.stdout.write(
                _ROW.format(
                    str(finding.session_id),
                    finding.entries,
                    finding.version,
                    mirrored,
                    finding.drift,
                    outcome,
                )
            )
        self.stdout.write(f"{len(session_ids)} queues compared, {len(found)} off")
        return len(found)

    def _clear(self, now: datetime, *, is_dry: bool) -> int:
        """Remove mirrors of sessions where nobody waits; return how many of them had entries, which is wrong."""
        left = list(healing.leftovers(now=now))
        with_entries = sum(1 for look in contents.look_at(left).values() if look.has_entries)
        if not is_dry:
            for session_id in left:
                contents.forget(session_id)
        if left:
            outcome = "would be removed" if is_dry else "removed"
            self.stdout.write(
                f"{len(left)} leftovers of empty queues, {with_entries} with entries: {outcome}"
            )
        return with_entries


def _off(session_ids: list[UUID]) -> Iterator[Finding]:
    for session_id in session_ids:
        finding = inspect(session_id)
        if finding is not None and finding.is_off:
            yield finding
