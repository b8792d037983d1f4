"""What the product's promises are counted from."""

from itertools import count

import pytest
from prometheus_client import REGISTRY

from common.errors import Busy, Conflict, Failure, Kind
from common.operations import Call, observed


class Paused(Failure):
    """Somebody paused it on purpose."""

    kind = Kind.UNAVAILABLE


_numbers = count()


@pytest.fixture
def operation() -> str:
    """Name an operation that nobody has counted yet."""
    return f"probe_{next(_numbers)}"


def counted(operation: str) -> tuple[float, float, float]:
    """Return how many were done, refused and failed."""
    labels = ({"operation": operation, "outcome": outcome} for outcome in ("done", "refused", "failed"))
    done, refused, failed = (
        REGISTRY.get_sample_value("marquee_operations_total", each) or 0.0 for each in labels
    )
    return done, refused, failed


def timed(operation: str) -> float:
    """Return how many were timed."""
    return REGISTRY.get_sample_value("marquee_operation_seconds_count", {"operation": operation}) or 0.0


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        (None, (1, 0, 0)),
        (Conflict("Sold out"), (0, 1, 0)),
        (Paused(), (0, 1, 0)),
        (Busy(), (0, 0, 1)),
        (ZeroDivisionError(), (0, 0, 1)),
    ],
)
def test_a_refusal_is_the_callers_and_the_rest_is_ours(
    operation: str, raised: Exception | None, wanted: tuple[float, float, float]
) -> None:
    """REQ OP-02: what a caller may not do spoils no promise, what we could not do does; refusals are not timed."""

    @observed(operation, refusals=(Paused,))
    def act() -> str:
        if raised is not None:
            raise raised
        return "done"

    if raised is None:
        assert act() == "done"
    else:
        with pytest.raises(type(raised)):
            act()
    assert counted(operation) == wanted
    assert timed(operation) == wanted[0] + wanted[2]


def test_an_answer_that_is_not_the_promised_one_counts_as_failed(operation: str) -> None:
    """REQ OP-02: figures that are stale were answered, and yet not as promised."""

    def act(call: Call) -> None:
        call.failed()

    with observed(operation) as call:
        act(call)
    assert counted(operation) == (0, 0, 1)
