"""What the product promises of its operations, counted: how each call ended and how long it took.

One pair of metrics for every domain, so that each promise is the same fraction (``deploy/prometheus/rules.yml``).
"""

import time
from collections.abc import Iterator
from contextlib import _GeneratorContextManager, contextmanager
from enum import Enum
from typing import Final

from prometheus_client import Counter, Histogram

from common.errors import Failure, Kind

# The promises' own limits (0.5, 2, 3 s) are among them, so that a share within a limit is exact.
SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20)

_ENDED = Counter(
    "marquee_operations_total",
    "Calls of what callers rely on, by how they ended",
    ["operation", "outcome"],
)
_TOOK = Histogram(
    "marquee_operation_seconds",
    "How long a call took that was not refused",
    ["operation"],
    buckets=SECONDS,
)


class Ended(Enum):
    """How a call ended: as wanted, refused to a caller who may not or asked wrongly, or failed by our doing."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Call:
    """A call under way; ``failed()`` says that its answer is not the one that was promised, though it has one."""

    def __init__(self) -> None:
        self.ended = Ended.DONE

    def failed(self) -> None:
        """Count the call as failed."""
        self.ended = Ended.FAILED


def observed(
    operation: str, *, refusals: tuple[type[Exception], ...] = ()
) -> _GeneratorContextManager[Call, None, None]:
    """Count a call of an operation, as a block or as a decorator.

    A ``Failure`` is a refusal, but for those of kind ``UNAVAILABLE``: these, and whatever else is raised, are
    failures of ours. ``refusals`` are among those and wanted all the same (sales that were paused, a form that says
    what is wrong). Refused calls are not timed: they are quick, and would flatter the rest.
    """
    # Each is there from the start: of a count that begins with its first failure Prometheus sees no rise.
    for ended in Ended:
        _ENDED.labels(operation, ended.value)
    return _observed(operation, refusals)


@contextmanager
def _observed(operation: str, refusals: tuple[type[Exception], ...]) -> Iterator[Call]:
    call, started = Call(), time.perf_counter()
    try:
        yield call
    except BaseException as error:
        call.ended = _ended_by(error, refusals)
        raise
    finally:
        _ENDED.labels(operation, call.ended.value).inc()
        if call.ended is not Ended.REFUSED:
            _TOOK.labels(operation).observe(time.perf_counter() - started)


def _ended_by(error: BaseException, refusals: tuple[type[Exception], ...]) -> Ended:
    is_ours = not isinstance(error, Failure) or error.kind is Kind.UNAVAILABLE
    is_refusal = isinstance(error, refusals) or not is_ours
    return Ended.REFUSED if is_refusal else Ended.FAILED
