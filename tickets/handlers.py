"""Jobs of the tickets room."""

from common.outbox import JobContext, Lane, job
from tickets.services import names, posting


@job(names.LETTER_JOB, lane=Lane.URGENT_MAIL, retry_after=(5, 30, 300, 1800), timeout=60)
def send_letter(context: JobContext) -> None:
    """Write the e-mail that brings tickets to their holder."""
    posting.send_letter(context.payload, now=context.now)
