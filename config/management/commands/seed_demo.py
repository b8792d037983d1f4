"""``manage.py seed_demo``: the demo's people, events, offers, ads, experiment, past sales and past traffic."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from common import clock
from config.demo.ads import seed_ads
from config.demo.devices import seed_devices
from config.demo.doors import seed_doors
from config.demo.events import seed_events
from config.demo.experiments import seed_experiments
from config.demo.history import SandboxAway, seed_history
from config.demo.offers import seed_offers
from config.demo.people import PASSWORD, seed_people
from config.demo.reports import seed_reports
from config.demo.sponsors import seed_sponsors
from config.demo.traffic import seed_traffic
from config.demo.troubles import seed_troubles
from config.demo.waitlists import seed_waitlist


class Command(BaseCommand):
    """Fill in what is missing of the demo; running it again changes nothing."""

    help = "Create the demo's people, events, offers and past sales. Safe to repeat. Never in production."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and print what there is. The past sales need the Stripe sandbox to run."""
        if settings.ENVIRONMENT not in {"development", "test"}:
            raise CommandError(
                "seed_demo makes accounts with a known password: it runs in development and tests only."
            )
        now = clock.now()
        with transaction.atomic():
            people = seed_people()
            stage = seed_events(people, now=now)
            offers = seed_offers(stage, now=now)
            waiting = seed_waitlist(people, stage, now=now)
            sponsors = seed_sponsors(people, stage, now=now)
            ads = seed_ads(people, stage, now=now)
            experiments = seed_experiments(people, stage, now=now)
            scans = seed_doors(people, stage, now=now)
        troubles = traffic = 0
        try:
            sales = str(seed_history(people, offers, now=now))
            troubles = seed_troubles(stage.events["demo-conf"], now=now)
            traffic = seed_traffic(stage.events["demo-conf"], now=now)
        except SandboxAway:
            sales = "none: the Stripe sandbox does not answer, run this again while it does"
        reports = seed_reports(people, stage, now=now)
        devices = seed_devices(people, now=now)
        rows = [
            ("people", len(people.users)),
            ("events", len(stage.events)),
            ("offers", len(offers)),
            ("waiting for a seat", waiting),
            ("sponsors", sponsors),
            ("ads", ads),
            ("experiments", experiments),
            ("scheduled reports", reports),
            ("scans added", scans),
            ("push devices added", devices),
            ("past sales added", sales),
            ("troubles added", troubles),
            ("tracked events", traffic),
            ("password of all", PASSWORD),
        ]
        for name, value in rows:
            self.stdout.write(f"{name:<18} {value}")
