"""What beat starts."""

from celery import shared_task
from django.db import transaction

from common import clock
from waitlist import mirror
from waitlist.services import sweeping


@shared_task(name="waitlist.expire_offers", ignore_result=True)
def expire_offers() -> int:
    """Close what is over (REQUIREMENTS WL-05); beat: each minute. The net under each offer's own job."""
    with transaction.atomic():
        return sweeping.sweep_due(now=clock.now())


@shared_task(name="waitlist.fill_sessions", ignore_result=True)
def fill_sessions() -> int:
    """Offer seats that are free while people wait, whatever was missed (WL-05); beat: every 5 minutes."""
    with transaction.atomic():
        return sweeping.sweep_free(now=clock.now())


@shared_task(name="waitlist.heal_mirror", ignore_result=True)
def heal_mirror() -> int:
    """Rebuild the queues in Redis that are not those of the database (WL-06); beat: each minute."""
    return len(mirror.heal(now=clock.now()))
