"""Jobs of the offers room."""

from uuid import UUID

from common.outbox import JobContext, Lane, job
from offers.services import announcing, fulfilment, names


def _failed(context: JobContext, error: str) -> None:
    fulfilment.fail(UUID(context.payload["purchase_id"]), error)


# Three attempts, the waits growing fivefold (REQUIREMENTS OF-11), then the dead letters.
@job(names.FULFIL_JOB, lane=Lane.MONEY, retry_after=(60, 300), timeout=30, on_dead=_failed)
def fulfil(context: JobContext) -> None:
    """Give the goods of a purchase."""
    fulfilment.fulfil(UUID(context.payload["purchase_id"]), now=context.now)


@job(announcing.TELL_JOB, lane=Lane.REALTIME, timeout=10)
def tell_availability(context: JobContext) -> None:
    """Tell visitors how many units are left."""
    announcing.tell_availability(UUID(context.payload["offer_id"]), now=context.now)
