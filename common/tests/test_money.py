"""Money at the door and inside (REQ PA-11, UI-05)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    CURRENCIES,
    MINIMUM_MINOR,
    THREE_DECIMAL,
    TWO_DECIMAL,
    ZERO_DECIMAL,
    Money,
    NotMoney,
    decimal_string,
    exponent,
    format_fraction,
    format_money,
    parse_decimal,
)

currencies = st.sampled_from(sorted(CURRENCIES))
amounts = st.integers(min_value=0, max_value=10**11)


@given(amounts, currencies)
def test_what_goes_out_comes_back(amount: int, currency: str) -> None:
    """REQ PA-11: a price survives the door in every currency, exactly."""
    money = Money(amount, currency)
    assert parse_decimal(decimal_string(money), currency) == money
    assert parse_decimal(money.decimal, currency) == money


@given(st.text(max_size=20), currencies)
def test_no_text_is_read_as_anything_but_its_own_value(text: str, currency: str) -> None:
    """REQ PA-11: what is accepted equals the exact decimal of the same text; the rest is refused."""
    try:
        money = parse_decimal(text, currency)
    except NotMoney:
        return
    assert money.decimal == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("19.99", "USD", 1999),
        ("0", "USD", 0),
        ("1.5", "USD", 150),
        ("1.500000", "USD", 150),
        (20, "USD", 2000),
        (Decimal("1E+2"), "USD", 10000),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.999", "KWD", 1999),
        ("999999.99", "USD", 99999999),
    ],
)
def test_plain_decimals_are_read_exactly(text, currency, amount) -> None:
    """REQ OF-02, PA-11: zero-, two- and three-decimal currencies."""
    assert parse_decimal(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    "text",
    [
        "1.5.5", "1e3", "NaN", "Infinity", "-1", "+1", "", " ", " 1", "1 ", "1\n", ".5", "5.", "00", "01.5",
        "1,000", "1_000", "0x10", "$5", "１２", "١٢",
        "²", "1.0000001", "1.999", "1" * 13, "9" * 5000, "\0", "\ud800",
        1.5, True, False, None, [], {}, b"1", -1, Decimal("NaN"), Decimal(-1), Decimal("Infinity"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_refused(text) -> None:
    """REQ OF-02: "1.5.5", exponents, floats, booleans, digits of other scripts, more decimals than cents."""
    with pytest.raises(NotMoney):
        parse_decimal(text, "USD")


def test_a_refused_price_says_what_is_wrong() -> None:
    """Below nothing is told as such, what is no decimal by an example; a door may name what it asks for."""
    for text in ("-3", "-0.01", -3, Decimal(-1)):
        with pytest.raises(NotMoney, match=r"^It is not less than 0\.$"):
            parse_decimal(text, "USD")
    for text in ("abc", "5,50", "-", "--3"):
        with pytest.raises(NotMoney, match=r"^Give the price as a decimal such as 19\.99\.$"):
            parse_decimal(text, "USD")
    with pytest.raises(NotMoney, match=r"^Give the amount as 5\.50\.$"):
        parse_decimal("5,50", "USD", wanted="the amount as 5.50")


def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    """Python itself refuses to print it; the caller still gets a field error."""
    with pytest.raises(NotMoney):
        parse_decimal(10**5000, "USD")


def test_more_decimals_than_the_currency_has() -> None:
    """REQ PA-11: half a yen does not exist."""
    with pytest.raises(NotMoney, match="JPY has no decimals"):
        parse_decimal("1.5", "JPY")
    with pytest.raises(NotMoney, match="USD has 2 decimals"):
        parse_decimal("1.005", "USD")


@pytest.mark.parametrize("currency", ["usd", "XXX", "", "UGX", "US", "USDD"])
def test_currencies_outside_the_table_are_refused(currency) -> None:
    """REQ PA-11: nothing is guessed about a currency."""
    with pytest.raises(NotMoney):
        exponent(currency)


def test_the_table_is_whole_and_without_overlap() -> None:
    """REQ PA-11: each currency has one exponent, each minimum a currency."""
    assert len(CURRENCIES) == len(ZERO_DECIMAL) + len(TWO_DECIMAL) + len(THREE_DECIMAL)
    assert MINIMUM_MINOR.keys() <= CURRENCIES
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert (exponent("JPY"), exponent("USD"), exponent("KWD"), exponent("HUF"), exponent("ISK")) == (
        0,
        2,
        3,
        2,
        2,
    )


def test_arithmetic_stays_in_one_currency() -> None:
    """Adding two currencies is an error, never a number."""
    assert Money(150, "USD") + Money(50, "USD") - Money(25, "USD") == Money(175, "USD")
    assert Money(150, "USD") * 3 == Money(450, "USD")
    with pytest.raises(NotMoney):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(199900, "USD"), "$1,999.00"),
        (Money(-550, "EUR"), "-€5.50"),
        (Money(500, "JPY"), "¥500"),
        (Money(12000, "KWD"), "12.000 KWD"),
        (Money(100, "SEK"), "1.00 SEK"),
    ],
)
def test_people_read_money_one_way(money, text) -> None:
    """REQ UI-05: one formatter."""
    assert format_money(money) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.125, "12.5 %"), (0.0, "0.0 %"), (1, "100.0 %"), (None, "N/A")]
)
def test_people_read_rates_one_way(value, text) -> None:
    """REQ UI-05, AN-02: a rate with nothing below it is N/A."""
    assert format_fraction(value) == text
