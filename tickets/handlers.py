"""Jobs of the tickets room."""

from common.outbox import JobContext, Lane, job
from tickets.services import names, posting


# Drawing pages keeps a processor busy: not where seat offers and codes wait their turn. The e-mail itself is urgent.
@job(names.LETTER_JOB, lane=Lane.BULK, retry_after=(5, 30, 300, 1800), timeout=60)
def send_letter(context: JobContext) -> None:
    """Write the e-mail that brings tickets to their holder."""
    posting.send_letter(context.payload, now=context.now)
