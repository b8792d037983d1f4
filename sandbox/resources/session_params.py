"""Which parameters a Checkout Session takes, and what Stripe refuses about them."""

from sandbox.endpoint import load
from sandbox.errors import ApiError
from sandbox.forms import Node
from sandbox.money import check_amount, check_minimum
from sandbox.params import (
    Field,
    choice,
    currency,
    email,
    integer,
    kept_as_sent,
    list_of,
    metadata,
    shape,
    text,
    url,
)
from sandbox.resources.prices import TAX_BEHAVIORS
from sandbox.resources.products import INLINE_FIELDS
from sandbox.store import Json
from sandbox.world import World

MAX_LINE_ITEMS = 100
MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS = 30 * 60, 24 * 3600
_METHOD_NAMES = """
    card acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit
    bancontact billie bizum blik boleto cashapp crypto customer_balance eps fpx giropay grabpay
    ideal kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay
    nz_bank_account oxxo p24 pay_by_bank payco paynow paypal payto pix promptpay revolut_pay
    samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account
    wechat_pay zip
"""
METHODS = tuple(_METHOD_NAMES.split())
# Methods whose money arrives days later: the session completes unpaid.
DELAYED_BY_CURRENCY = {
    "usd": "us_bank_account",
    "eur": "sepa_debit",
    "gbp": "bacs_debit",
    "cad": "acss_debit",
    "aud": "au_becs_debit",
    "nzd": "nz_bank_account",
    "jpy": "konbini",
    "brl": "boleto",
    "mxn": "oxxo",
}
DELAYED = frozenset(
    {*DELAYED_BY_CURRENCY.values(), "customer_balance", "multibanco", "payto", "sofort"},
)
LINE_ITEM: dict[str, Field] = {
    "price": text(255),
    "price_data": shape(
        {
            "currency": currency,
            "unit_amount": integer(0),
            "product": text(255),
            "product_data": shape(INLINE_FIELDS, ("name",)),
            "tax_behavior": TAX_BEHAVIORS,
        },
        ("currency", "unit_amount"),
    ),
    "quantity": integer(1, 999_999),
    "adjustable_quantity": kept_as_sent,
    "metadata": metadata,
    "tax_rates": list_of(text(255)),
}
PAYMENT_INTENT_DATA: dict[str, Field] = {
    "capture_method": choice("automatic", "automatic_async"),
    "description": text(1000),
    "metadata": metadata,
    "receipt_email": email,
    "setup_future_usage": choice("off_session", "on_session"),
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
    "transfer_group": text(),
}
# What only changes the look of Stripe's page or needs no simulation to be accepted.
_APPEARANCE = (
    *(
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "automatic_tax",
        "billing_address_collection",
    ),
    *("branding_settings", "consent_collection", "custom_fields", "custom_text", "customer_creation"),
    *("invoice_creation", "name_collection", "origin_context", "payment_method_collection"),
    *(
        "payment_method_options",
        "phone_number_collection",
        "redirect_on_completion",
        "shipping_address_collection",
    ),
    *("tax_id_collection", "wallet_options"),
)


def _no_longer_supported(_: Node, path: str) -> None:
    # docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
    raise ApiError(
        f"The `{path}` parameter is no longer supported. Use `allowed_payment_method_types` or "
        "`excluded_payment_method_types` instead.",
        code="payment_method_types_no_longer_supported",
        param=path,
    )


FIELDS: dict[str, Field] = {
    "allowed_payment_method_types": list_of(choice(*METHODS)),
    "payment_method_types": _no_longer_supported,
    **dict.fromkeys(_APPEARANCE, kept_as_sent),
    "cancel_url": url,
    "client_reference_id": text(200),
    "currency": currency,
    "customer_email": email,
    "excluded_payment_method_types": list_of(choice(*METHODS)),
    "expires_at": integer(0),
    "line_items": list_of(shape(LINE_ITEM), 1000),
    "locale": text(10),
    "metadata": metadata,
    "mode": choice("payment"),
    "payment_intent_data": shape(PAYMENT_INTENT_DATA),
    "submit_type": choice("auto", "book", "donate", "pay"),
    "success_url": url,
    "ui_mode": choice("hosted", "hosted_page"),
}
REQUIRED = ("mode", "line_items", "success_url")


def check_expiry(expires_at: int, now: int) -> None:
    """`expires_at` lies 30 minutes to 24 hours after creation, both included."""
    if expires_at < now + MIN_LIFETIME_SECONDS:
        raise ApiError(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > now + MAX_LIFETIME_SECONDS:
        raise ApiError(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )


def _check_item(world: World, item: Json, path: str) -> Json:
    """Currency and unit amount of a line item; raises for everything Stripe refuses in it."""
    if ("price" in item) == ("price_data" in item):
        raise ApiError(
            "You must specify either `price` or `price_data` for each line item.", param=f"{path}[price]"
        )
    if "quantity" not in item:
        raise ApiError(
            f"Missing required param: {path}[quantity].", code="parameter_missing", param=f"{path}[quantity]"
        )
    if "price" in item:
        price = load(world, "price", item["price"], param=f"{path}[price]", in_path=False)
        if not price["active"]:
            raise ApiError(
                "The price specified is inactive. This field only accepts active prices.",
                param=f"{path}[price]",
            )
        if not load(world, "product", price["product"])["active"]:
            raise ApiError(
                f"Price `{price['id']}` is not available to be purchased because its product is not active.",
                param=f"{path}[price]",
            )
        return price
    data: Json = item["price_data"]
    check_amount(data["unit_amount"], data["currency"], f"{path}[price_data][unit_amount]")
    if ("product" in data) == ("product_data" in data):
        raise ApiError(
            "You must specify either `product` or `product_data` when creating a price.",
            param=f"{path}[price_data][product]",
        )
    if "product" in data:
        load(world, "product", data["product"], param=f"{path}[price_data][product]", in_path=False)
    return data


def check_items(world: World, items: list[Json], wanted_currency: str | None) -> tuple[str, int]:
    """Currency and total (minor units) of the items; raises for mixed currencies and impossible totals."""
    if not 1 <= len(items) <= MAX_LINE_ITEMS:
        raise ApiError(f"A Checkout Session takes 1 to {MAX_LINE_ITEMS} line items.", param="line_items")
    priced = [_check_item(world, item, f"line_items[{index}]") for index, item in enumerate(items)]
    currencies = {price["currency"] for price in priced} | ({wanted_currency} if wanted_currency else set())
    if len(currencies) > 1:
        raise ApiError("All line items must have the same currency.", param="line_items")
    total = sum(price["unit_amount"] * item["quantity"] for price, item in zip(priced, items, strict=True))
    money_currency = str(currencies.pop())
    check_amount(total, money_currency, "line_items")
    check_minimum(total, money_currency, "line_items")
    return money_currency, total


def _fits(method: str, money_currency: str) -> bool:
    bound = [currency for currency, delayed in DELAYED_BY_CURRENCY.items() if delayed == method]
    return not bound or money_currency in bound


def payment_methods(params: Json, money_currency: str) -> list[str]:
    """What the buyer may pay with: card and a delayed method, or those allowed, less the excluded."""
    delayed = DELAYED_BY_CURRENCY.get(money_currency)
    usual = ["card", *([delayed] if delayed else [])]
    excluded = params.get("excluded_payment_method_types", [])
    allowed: list[str] = params.get("allowed_payment_method_types") or usual
    left = [method for method in allowed if method not in excluded and _fits(method, money_currency)]
    if not left:
        raise ApiError(
            "No payment method is left for this currency and these parameters.",
            param="allowed_payment_method_types",
        )
    return left
