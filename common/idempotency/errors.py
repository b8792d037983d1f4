"""What a repeated key may meet."""

from common.errors import Conflict, Failure, Kind


class IdempotencyMismatch(Failure):
    """The key was used before for another body."""

    code = "idempotency_mismatch"
    kind = Kind.MISMATCH
    title = "This Idempotency-Key was used for another request"


class InProgress(Conflict):
    """The first call with this key is still being answered."""

    code = "in_progress"
    title = "The same request is still in progress"
    retryable = True
