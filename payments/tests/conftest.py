"""What the tests of money share: goods to sell, a quiet breaker."""

from collections.abc import Iterator

import pytest

from payments import gateway, purposes
from payments.tests.factories import Shop, make_shop
from payments.tests.goods import Goods, install


@pytest.fixture
def goods() -> Iterator[Goods]:
    """Register the test's purpose, and forget it afterwards."""
    before = purposes.registered()
    yield install()
    purposes._purposes.clear()
    purposes._purposes.update(before)


@pytest.fixture(autouse=True)
def _closed_breaker() -> Iterator[None]:
    gateway.breaker.reset()
    yield
    gateway.breaker.reset()


@pytest.fixture
def shop(goods: Goods, db: None) -> Shop:
    """Give five units of something at 19.99 USD."""
    return make_shop(goods)
