"""What beat starts."""

import logging

from celery import shared_task

from common import clock
from offers.services.catalog import deactivate_ended

_log = logging.getLogger(__name__)


@shared_task(name="offers.deactivate_ended")
def deactivate_ended_offers() -> None:
    """Take offers off sale whose end has come (REQUIREMENTS OF-09); beat: every 30 minutes."""
    count = deactivate_ended(now=clock.now())
    if count:
        _log.info("ended offers taken off sale", extra={"count": count})
