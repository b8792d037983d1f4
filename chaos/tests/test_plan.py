"""The plan of a campaign is its seed's: a failure can be replayed, and no plan is hopeless by itself."""

from itertools import pairwise

import pytest

from chaos.plan import APART_SECONDS, KINDS, Fault, plan
from config.local_stack.supervisor import DEATHS_ALLOWED, DEATHS_WINDOW_SECONDS

_DEADLY = {"kill", "restart", "immediate"}


def test_the_same_seed_is_the_same_campaign() -> None:
    """Accidents, their times, lengths and order follow from seed and length alone."""
    once = plan(seed=7, seconds=180)
    assert plan(seed=7, seconds=180) == once
    assert plan(seed=8, seconds=180) != once
    assert [str(fault) for fault in plan(seed=7, seconds=12)] == [
        str(fault) for fault in plan(seed=7, seconds=12)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_plan_makes_the_supervisor_give_up(seed: int) -> None:
    """A child is struck less often than its supervisor calls hopeless, and everything is over at the end."""
    accidents = plan(seed=seed, seconds=1800)
    assert 200 < len(accidents) < 600
    assert all(fault.at > 0 and fault.at + fault.seconds <= 1800 for fault in accidents)
    for target in {kind.target for kind in KINDS if kind.act in _DEADLY}:
        times = [fault.at for fault in accidents if fault.target == target and fault.act in _DEADLY]
        assert all(later - sooner >= APART_SECONDS - 0.1 for sooner, later in pairwise(times))
    assert DEATHS_WINDOW_SECONDS / APART_SECONDS + 1 < DEATHS_ALLOWED


def test_a_long_plan_has_every_kind_of_accident() -> None:
    """Thirty minutes leave none out: processes, Valkey, PostgreSQL, Stripe's webhooks and API, mail."""
    struck = {(fault.act, fault.target) for fault in plan(seed=1, seconds=1800)}
    assert struck == {(kind.act, kind.target) for kind in KINDS}


def test_an_accident_says_what_it_is() -> None:
    """What is printed is enough to find the moment again."""
    assert str(Fault(3.25, "freeze", "valkey", 2.5)) == "    3.2 s  freeze valkey for 2.5 s"
    assert str(Fault(12.0, "api", "500", times=3)) == "   12.0 s  api 500, 3 times"
