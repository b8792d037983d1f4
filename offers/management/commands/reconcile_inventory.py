"""``manage.py reconcile_inventory``: prove what is sold and reserved of offers and ticket tiers; repair drift."""

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import clock
from common.commands import NOT_DONE
from offers.models import Offer
from offers.services.reconcile import Finding, reconcile

_HEADER = ("subject", "id", "what", "found", "proven", "repaired")


class Command(BaseCommand):
    """Exit code 0: everything adds up. 1: something was off (repaired or not, as the table says)."""

    help = (
        "Prove sold and reserved units of offers from their purchases, of ticket tiers from tickets and open "
        "upgrades; repair drift; exit code 1 when something was off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="Only show what is off.")
        parser.add_argument(
            "--offer", metavar="ID", help="Look at this offer, and the tier it upgrades to, alone."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Show a table of what was off."""
        offer_id = _offer_id(options["offer"])
        findings = reconcile(now=clock.now(), offer_id=offer_id, dry_run=options["dry_run"])
        if not findings:
            self.stdout.write("Every counter adds up.")
            return
        for line in _table(findings):
            self.stdout.write(line)
        left = sum(not finding.repaired for finding in findings)
        self.stdout.write(f"{len(findings)} off, {len(findings) - left} repaired, {left} left.")
        sys.exit(1)


def _offer_id(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        offer_id = UUID(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no id.", returncode=NOT_DONE) from error
    if not Offer.objects.filter(pk=offer_id).exists():
        raise CommandError(f"There is no offer {offer_id}.", returncode=NOT_DONE)
    return offer_id


def _table(findings: list[Finding]) -> list[str]:
    rows = [_HEADER] + [
        (
            one.subject,
            str(one.subject_id),
            one.what,
            str(one.found),
            str(one.proven),
            "yes" if one.repaired else "no",
        )
        for one in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
