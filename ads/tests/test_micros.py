"""Micro-units of currencies with no, two and three decimals."""

import pytest

from ads.micros import micros_of, micros_per_impression, minor_units_of


@pytest.mark.parametrize(
    ("amount", "currency", "micros", "an_impression"),
    [(250, "USD", 2_500_000, 2_500), (100, "JPY", 100_000_000, 100_000), (1, "KWD", 1_000, 1)],
)
def test_every_currency_has_its_own_minor_unit(amount, currency, micros, an_impression) -> None:
    """A thousand impressions cost exactly the price, in any currency. REQ AD-05."""
    assert micros_of(amount, currency) == micros
    assert micros_per_impression(amount, currency) == an_impression
    assert 1_000 * an_impression == micros
    assert minor_units_of(micros, currency) == amount


def test_half_a_minor_unit_goes_to_the_even_one() -> None:
    """Rounding a day up or down evens out; a budget that is None has no limit. REQ AD-05."""
    assert [minor_units_of(micros, "USD") for micros in (5_000, 5_001, 15_000, 25_000, 0)] == [0, 1, 2, 2, 0]
    assert micros_of(None, "USD") is None
