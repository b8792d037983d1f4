"""What beat starts: a few lines each, then a service."""

from datetime import timedelta

from celery import shared_task

from common import clock
from payments.services import holds, proof, reconciling

_LOOK_BACK = timedelta(days=2)


@shared_task(name="payments.sweep_due_holds")
def sweep_due_holds() -> int:
    """Every 5 minutes: see to holds whose own job did not end them."""
    return holds.sweep_due(now=clock.now())


@shared_task(name="payments.sweep_processing")
def sweep_processing() -> int:
    """Every hour: look again at delayed payments that are under way."""
    return holds.sweep_processing(now=clock.now())


@shared_task(name="payments.reconcile_daily")
def reconcile_daily() -> int:
    """Every day: repair what lost webhooks left, then prove the books; returns how much was off."""
    now = clock.now()
    since = now - _LOOK_BACK
    findings = reconciling.reconcile(since=since, now=now, dry_run=False)
    return len(findings) + len(proof.prove(since=since, now=now))
