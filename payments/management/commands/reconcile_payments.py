"""``manage.py reconcile_payments``: compare with Stripe, repair what a lost webhook left, prove the books."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.commands import NOT_DONE, instant
from payments import gateway
from payments.services.proof import Difference, prove
from payments.services.reconciling import Finding, reconcile

_DEFAULT = timedelta(days=2)


class Command(BaseCommand):
    """Exit code 0: all was in order.

    1: something was off (and was repaired, unless --dry-run); 2: Stripe is away, or an option makes no sense.
    """

    help = "Compare orders with Stripe, repair what a lost webhook left, and prove ledger = orders = Stripe."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --since and --dry-run."""
        parser.add_argument("--since", help="ISO 8601 instant; two days ago if not said.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reconcile and print what was found."""
        now = clock.now()
        since = instant("--since", options["since"]) or now - _DEFAULT
        try:
            findings = reconcile(since=since, now=now, dry_run=options["dry_run"])
            differences = prove(since=since, now=now)
        except gateway.GatewayError as error:
            raise CommandError(f"Stripe cannot be read: {error.message}", returncode=NOT_DONE) from error
        self._print(findings, differences, is_dry=options["dry_run"])
        if findings or differences:
            raise SystemExit(1)

    def _print(self, findings: list[Finding], differences: list[Difference], *, is_dry: bool) -> None:
        for finding in findings:
            outcome = "would be repaired" if is_dry and finding.order_id else finding.outcome
            order = str(finding.order_id or "-")
            self.stdout.write(f"{order:<36}  {finding.subject:<30}  {finding.drift.value:<40}  {outcome}")
        for one in differences:
            self.stdout.write(f"{one.subject:<36}  {one.what:<40}  ours {one.ours}  theirs {one.theirs}")
        self.stdout.write(f"{len(findings)} orders off, {len(differences)} differences in the books")
