"""The page's HTML. Every value goes through `escape`."""

import datetime
from html import escape

from sandbox.checkout import delayed_method
from sandbox.money import format_money
from sandbox.resources.payments import Card
from sandbox.store import Json

CARDS = (Card("visa", "4242"), Card("mastercard", "4444"), Card("amex", "0005"))
_NAMES = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/c/page.css"></head><body>'
        '<p class="banner" role="note"><strong>Test page.</strong> '
        "This stands in for Stripe on this machine. No real card is charged.</p>"
        f"{body}</body></html>"
    )


def missing_page() -> str:
    """For an address that names no session."""
    return _document(
        "Checkout not found",
        '<main class="single"><h1>This checkout does not exist</h1>'
        "<p>The address may be incomplete, or the sandbox was reset since it was made.</p></main>",
    )


def time_left(seconds: int) -> str:
    """For people: `1 hour 5 minutes`, `29 minutes`, `less than a minute`."""
    hours, minutes = divmod(max(0, seconds) // 60, 60)
    parts = [
        f"{number} {name}{'' if number == 1 else 's'}"
        for number, name in ((hours, "hour"), (minutes, "minute"))
    ]
    shown = [part for part, number in zip(parts, (hours, minutes), strict=True) if number]
    return " ".join(shown) or "less than a minute"


def _line(line: Json, image: str | None, currency: str) -> str:
    picture = (
        f'<img src="{escape(image)}" alt="" width="56" height="56">'
        if image
        else f'<span class="initial" aria-hidden="true">{escape(line["description"][:1].upper())}</span>'
    )
    each = format_money(line["price"]["unit_amount"], currency)
    detail = f"{line['quantity']} × {escape(each)}" if line["quantity"] > 1 else "Quantity 1"
    return (
        f'<li>{picture}<span class="what"><span class="name">{escape(line["description"])}</span>'
        f'<span class="detail">{detail}</span></span>'
        f'<span class="money">{escape(format_money(line["amount_total"], currency))}</span></li>'
    )


def _summary(session: Json, private: Json) -> str:
    lines, images = private.get("line_items", []), private.get("images", [])
    pictures = [*images, *[None] * (len(lines) - len(images))]
    currency = session["currency"]
    rows = "".join(_line(line, image, currency) for line, image in zip(lines, pictures, strict=True))
    total = escape(format_money(session["amount_total"], currency))
    label = "Total due" if session["status"] == "open" else "Total"
    return (
        '<section class="summary" aria-labelledby="order"><h2 id="order">Your order</h2>'
        f'<p class="total">{total}</p><ul class="lines">{rows}</ul>'
        f'<p class="sum"><span>{label}</span><span class="money">{total}</span></p></section>'
    )


def _expiry(session: Json, now: int) -> str:
    moment = datetime.datetime.fromtimestamp(session["expires_at"], tz=datetime.UTC)
    return (
        f'<p class="expiry">This page closes in <strong>{time_left(session["expires_at"] - now)}</strong> '
        f'(at <time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%H:%M} UTC</time>), '
        "or earlier: the shop closes it when it gives the goods to others.</p>"
    )


def _email_field(session: Json) -> str:
    if session["customer_email"]:
        return f'<p class="known"><span>E-mail</span><strong>{escape(session["customer_email"])}</strong></p>'
    return (
        '<label for="email">E-mail <span class="optional">(optional)</span></label>'
        '<input id="email" name="email" type="email" autocomplete="email" placeholder="you@example.com">'
    )


def _cards() -> str:
    options = "".join(
        f'<label class="card"><input type="radio" name="card" value="{card.last4}"'
        f"{'' if index else ' checked'}>"
        f"<span>{_NAMES[card.brand]}</span><span>•••• {card.last4}</span></label>"
        for index, card in enumerate(CARDS)
    )
    return f"<fieldset><legend>Test card</legend>{options}</fieldset>"


def _later_button(session: Json, base: str) -> str:
    if delayed_method(session):
        return (
            f'<button class="plain" formaction="{base}/pay_later">Pay later</button>'
            '<p class="hint">Pay later completes the order unpaid, like a bank transfer: '
            "the money arrives, or fails, afterwards.</p>"
        )
    return (
        '<button class="plain" disabled aria-describedby="no-later">Pay later</button>'
        '<p class="hint" id="no-later">Pay later is off: this checkout takes cards only.</p>'
    )


def _form(session: Json, *, declined: bool) -> str:
    base = escape(f"/c/pay/{session['id']}")
    total = session["amount_total"]
    alert = (
        '<p class="alert" role="alert"><strong>Your card was declined.</strong> '
        "Nothing was charged. Try again or use another card.</p>"
        if declined
        else ""
    )
    label = f"Pay {format_money(total, session['currency'])}" if total else "Complete order"
    paying = (
        f'<div class="others"><button class="plain" formaction="{base}/decline">Decline</button>'
        f"{_later_button(session, base)}</div>"
        if total
        else ""
    )
    cancel = (
        f'<form method="post" action="{base}/cancel"><button class="link">Cancel and go back</button></form>'
        if session["cancel_url"]
        else ""
    )
    return (
        f'{alert}<form method="post" action="{base}/pay">{_email_field(session)}{_cards() if total else ""}'
        f'<button class="pay">{escape(label)}</button>{paying}</form>{cancel}'
    )


def _finished(session: Json) -> str:
    back = ""
    if session["success_url"]:
        target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        back = f'<p><a class="pay" href="{escape(target)}">Back to the shop</a></p>'
    if session["payment_status"] == "unpaid":
        return f"<h1>Order placed</h1><p>The payment is on its way and not confirmed yet.</p>{back}"
    if session["payment_status"] == "no_payment_required":
        return f"<h1>Order complete</h1><p>There was nothing to pay.</p>{back}"
    return f"<h1>Payment received</h1><p>Thank you. This checkout cannot be paid twice.</p>{back}"


def _expired(session: Json) -> str:
    back = ""
    if session["cancel_url"]:
        back = f'<p><a class="pay" href="{escape(session["cancel_url"])}">Back to the shop</a></p>'
    return (
        "<h1>This checkout has expired</h1><p>You have not been charged. Go back and start again if you "
        f"still want the order.</p>{back}"
    )


def session_page(session: Json, private: Json, now: int, *, declined: bool) -> str:
    """The page of a session in its present state; `now` in seconds since the epoch."""
    if session["status"] == "open":
        title = "Checkout"
        panel = f"<h1>Pay</h1>{_expiry(session, now)}{_form(session, declined=declined)}"
    elif session["status"] == "complete":
        title, panel = "Checkout complete", _finished(session)
    else:
        title, panel = "Checkout expired", _expired(session)
    body = (
        f'<main class="checkout">{_summary(session, private)}'
        f'<section class="panel {escape(session["status"])}">{panel}</section></main>'
    )
    return _document(f"{title} · Test", body)
