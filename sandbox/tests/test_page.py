"""The hosted page, as a browser posts and reads it."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
import stripe

from sandbox.testing import SandboxProcess
from sandbox.tests.conftest import priced
from sandbox.tests.test_checkout import events_of

SUCCESS, CANCEL = "http://shop.test/done?session=", "http://shop.test/cart"


def press(session: Any, button: str, **form: str) -> requests.Response:
    return requests.post(f"{session.url}/{button}", data=form, allow_redirects=False, timeout=5)


def text_of(url: str) -> str:
    """What a reader sees, without tags."""
    page = re.sub(r"<[^>]+>", " ", requests.get(url, timeout=5).text)
    return " ".join(html.unescape(page).split())


def test_the_page_shows_order_total_time_and_that_it_is_a_test(
    box: SandboxProcess, open_session: Callable[..., Any]
) -> None:
    """Line items, quantity, amounts, time left, buttons and the banner. REQ PA-09"""
    session = open_session(line_items=[*priced(199_900, quantity=2), *priced(2500)])
    box.control("clock", advance_seconds=30)
    shown = text_of(session.url)
    for part in (
        "Test page.",
        "No real card is charged.",
        "2 × $1,999.00",
        "$3,998.00",
        "Total due $4,023.00",
        "Pay $4,023.00",
        "39 minutes",
    ):
        assert part in shown
    for button in ("Decline", "Pay later", "Cancel and go back"):
        assert button in shown


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("jpy", 2000, "¥2,000"),
        ("kwd", 1230, "1.230 KWD"),
        ("eur", 1999, "€19.99"),
        ("isk", 1500_00, "1,500 ISK"),
    ],
)
def test_money_is_written_as_its_currency_wants(
    open_session: Callable[..., Any], currency: str, amount: int, shown: str
) -> None:
    """Zero-decimal, three-decimal and whole-unit currencies. REQ PA-11"""
    assert f"Pay {shown} " in text_of(open_session(line_items=priced(amount, currency)).url)


def test_nothing_of_the_shop_becomes_markup(open_session: Callable[..., Any]) -> None:
    """Names are escaped, there is no script, and the policy would not run one. REQ PA-09"""
    items = priced(1999)
    items[0]["price_data"]["product_data"]["name"] = '<script>alert("x")</script>'
    answer = requests.get(open_session(line_items=items).url, timeout=5)
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "form-action 'self' http://shop.test" in policy


def test_pay_charges_the_chosen_card_and_goes_to_the_shop(
    client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """303 to success_url with the session's id; a second press goes there too and pays nothing. REQ PA-09"""
    session = open_session()
    for _ in range(2):
        answer = press(session, "pay", card="4444", email="ann@example.com")
        assert (answer.status_code, answer.headers["Location"]) == (303, SUCCESS + session.id)
    charges = [charge.to_dict() for charge in client.v1.charges.list({}).data]
    assert [charge["payment_method_details"]["card"]["brand"] for charge in charges] == ["mastercard"]
    assert charges[0]["billing_details"]["email"] == "ann@example.com"
    assert "Payment received" in text_of(session.url)


def test_decline_says_so_and_stays_open(
    client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """Back on the page with the message, and payment_intent.payment_failed is the only event. REQ PA-09"""
    session = open_session()
    answer = press(session, "decline")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/pay/{session.id}?declined=1")
    assert "Your card was declined. Nothing was charged." in text_of(f"{session.url}?declined=1")
    assert events_of(client) == ["payment_intent.payment_failed"]
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_pay_later_completes_unpaid(client: stripe.StripeClient, open_session: Callable[..., Any]) -> None:
    """To the shop, while the payment is on its way. REQ PA-09"""
    session = open_session()
    assert press(session, "pay_later").headers["Location"] == SUCCESS + session.id
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    assert "not confirmed yet" in text_of(session.url)


def test_pay_later_is_off_where_only_cards_are_taken(
    client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """The button is disabled with its reason, and pressing it all the same changes nothing. REQ OF-05"""
    session = open_session(allowed_payment_method_types=["card"])
    assert "this checkout takes cards only" in text_of(session.url)
    assert press(session, "pay_later").status_code == 409
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_cancel_goes_back_and_leaves_the_session_open(
    client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """A return to cancel_url does not close the session. REQ PA-09"""
    session = open_session()
    answer = press(session, "cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, CANCEL)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_an_expired_page_takes_no_payment(
    box: SandboxProcess, client: stripe.StripeClient, open_session: Callable[..., Any]
) -> None:
    """Pay on a page that expired meanwhile: said plainly, nothing charged. REQ OF-08"""
    session = open_session()
    box.control("clock", advance_seconds=2400)
    answer = press(session, "pay")
    assert answer.status_code == 409
    assert "This checkout has expired" in answer.text
    assert client.v1.charges.list({}).data == []


def test_nothing_to_pay_has_one_button(client: stripe.StripeClient, open_session: Callable[..., Any]) -> None:
    """A total of 0 asks for no card and completes. REQ OF-10"""
    session = open_session(line_items=priced(0))
    shown = text_of(session.url)
    assert "Complete order" in shown
    assert "Test card" not in shown
    press(session, "pay")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "no_payment_required"


def test_an_unknown_checkout_is_a_404_page(box: SandboxProcess, open_session: Callable[..., Any]) -> None:
    """Unknown sessions and unknown buttons. REQ PA-09"""
    assert requests.get(f"{box.base_url}/c/pay/cs_test_none", timeout=5).status_code == 404
    assert press(open_session(), "steal").status_code == 404
