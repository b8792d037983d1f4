"""Products and prices."""

import pytest
import stripe


def test_a_product_comes_back_as_it_was_made(client: stripe.StripeClient) -> None:
    """Create, retrieve and list agree on every field sent. REQ PA-09"""
    made = client.v1.products.create(
        {
            "name": "T-shirt",
            "description": "Blue",
            "images": ["https://shop.test/a.png"],
            "metadata": {"offer": "7"},
        }
    )
    found = client.v1.products.retrieve(made.id)
    assert made.id.startswith("prod_")
    assert (found.name, found.description, found.images) == ("T-shirt", "Blue", ["https://shop.test/a.png"])
    assert (found.metadata.to_dict(), found.active, found.livemode) == ({"offer": "7"}, True, False)
    assert [product.id for product in client.v1.products.list({"active": True}).data] == [made.id]
    assert client.v1.products.list({"active": False}).data == []


def test_updating_a_product_merges_metadata(client: stripe.StripeClient) -> None:
    """A new key is added, an empty value removes its key, other fields stay. REQ PA-09"""
    made = client.v1.products.create({"name": "T-shirt", "metadata": {"keep": "1", "drop": "2"}})
    client.v1.products.update(made.id, {"active": False, "metadata": {"drop": "", "add": "3"}})
    found = client.v1.products.retrieve(made.id)
    assert (found.name, found.active, found.metadata.to_dict()) == (
        "T-shirt",
        False,
        {"keep": "1", "add": "3"},
    )


def test_a_price_belongs_to_its_product_and_can_be_retired(client: stripe.StripeClient) -> None:
    """Amount and currency stay, `active` may change; lists filter by product and active. REQ OF-05"""
    product = client.v1.products.create({"name": "T-shirt"})
    other = client.v1.products.create({"name": "Cap"})
    price = client.v1.prices.create({"product": product.id, "currency": "USD", "unit_amount": 2500})
    client.v1.prices.create({"product": other.id, "currency": "usd", "unit_amount": 900})
    assert (price.currency, price.unit_amount, price.type, price.active) == ("usd", 2500, "one_time", True)
    client.v1.prices.update(price.id, {"active": False})
    assert client.v1.prices.retrieve(price.id).active is False
    assert [found.id for found in client.v1.prices.list({"product": product.id}).data] == [price.id]
    assert client.v1.prices.list({"product": product.id, "active": True}).data == []


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"unit_amount": 100_000_000}, "unit_amount", "amount_too_large"),
        ({"unit_amount": "19.99"}, "unit_amount", "parameter_invalid_integer"),
        ({"unit_amount": -1}, "unit_amount", "parameter_invalid_integer"),
        ({"currency": "xyz"}, "currency", None),
        ({"currency": "kwd", "unit_amount": 1235}, "unit_amount", "invalid_amount"),
        ({"currency": "isk", "unit_amount": 150}, "unit_amount", "invalid_amount"),
        ({"product": "prod_none"}, "product", "resource_missing"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
    ],
)
def test_a_wrong_price_is_refused_by_name(
    client: stripe.StripeClient, changes: dict[str, object], param: str, code: str | None
) -> None:
    """8 digits, whole numbers, three-decimal and zero-decimal rules, each with its parameter. REQ PA-11"""
    product = client.v1.products.create({"name": "T-shirt"})
    wrong = {"product": product.id, "currency": "usd", "unit_amount": 2500, **changes}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.prices.create(wrong)  # type: ignore[arg-type]
    assert (refused.value.param, refused.value.code, refused.value.http_status) == (param, code, 400)
    assert client.v1.prices.list({}).data == []


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", 50), ("kwd", 1230), ("isk", 1500), ("usd", 99_999_999)]
)
def test_amounts_at_the_edge_of_each_rule_are_taken(
    client: stripe.StripeClient, currency: str, amount: int
) -> None:
    """Zero-decimal, three-decimal, whole-unit and 8-digit amounts that Stripe takes. REQ PA-11"""
    product = client.v1.products.create({"name": "T-shirt"})
    price = client.v1.prices.create({"product": product.id, "currency": currency, "unit_amount": amount})
    assert (price.currency, price.unit_amount) == (currency, amount)
