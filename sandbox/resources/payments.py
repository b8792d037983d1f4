"""PaymentIntents and charges as a Checkout Session makes them."""

from dataclasses import dataclass

from sandbox.endpoint import list_all, retrieve
from sandbox.ids import new_id, token
from sandbox.money import stripe_fee
from sandbox.params import text
from sandbox.resources.balance import record_movement
from sandbox.store import Json
from sandbox.world import World

INTENT, CHARGE = "payment_intent", "charge"


@dataclass(frozen=True)
class Card:
    """The card that the buyer used."""

    brand: str = "visa"
    last4: str = "4242"


@dataclass(frozen=True)
class Method:
    """How was paid: by card at once, or by a bank method that answers days later."""

    kind: str = "card"
    card: Card = Card()

    def details(self) -> Json:
        """`payment_method_details` of the charge."""
        if self.kind != "card":
            return {"type": self.kind, self.kind: {"last4": "6789", "bank_name": "STRIPE TEST BANK"}}
        card = {
            "brand": self.card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"fp{self.card.last4}",
            "funding": "credit",
            "last4": self.card.last4,
            "network": self.card.brand,
            "three_d_secure": None,
            "wallet": None,
        }
        return {"type": "card", "card": card}


def new_intent(world: World, session: Json, private: Json, intent_id: str | None = None) -> Json:
    """Store and return the PaymentIntent of a session, as Checkout makes it at the first attempt to pay."""
    given = private.get("payment_intent_data", {})
    identifier = intent_id or new_id("pi")
    intent: Json = {
        "id": identifier,
        "object": INTENT,
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_secret_{token(24)}",
        "confirmation_method": "automatic",
        "created": world.now(),
        "currency": session["currency"],
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": session["livemode"],
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "setup_future_usage": given.get("setup_future_usage"),
        "shipping": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": given.get("transfer_group"),
    }
    world.store.insert(intent)
    return intent


def new_charge(
    world: World, intent: Json, method: Method, email: str | None, charge_id: str | None = None
) -> Json:
    """Store and return a pending charge, and name it as the intent's latest."""
    charge: Json = {
        "id": charge_id or new_id("ch" if method.kind == "card" else "py"),
        "object": CHARGE,
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": email, "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "created": world.now(),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": intent["livemode"],
        "metadata": intent["metadata"],
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm"),
        "payment_method_details": method.details(),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }
    world.store.insert(charge)
    intent.update(latest_charge=charge["id"], payment_method=charge["payment_method"])
    return charge


def capture(
    world: World, intent: Json, charge: Json, fee: int | None = None, created: int | None = None
) -> None:
    """The money arrived: charge and intent succeed, less Stripe's fee (minor units)."""
    amount = charge["amount"]
    cost = stripe_fee(amount, charge["currency"]) if fee is None else fee
    category = "charge" if charge["id"].startswith("ch_") else "payment"
    movement = record_movement(world, charge, amount, cost, category, created)
    charge.update(
        status="succeeded",
        paid=True,
        captured=True,
        amount_captured=amount,
        balance_transaction=movement["id"],
        outcome={"network_status": "approved_by_network", "risk_level": "normal", "type": "authorized"},
    )
    intent.update(status="succeeded", amount_received=amount, last_payment_error=None, processing=None)
    world.store.save(charge)
    world.store.save(intent)


def refuse(world: World, intent: Json, charge: Json, code: str, message: str) -> None:
    """The bank said no: the charge fails and the intent waits for another method."""
    charge.update(
        status="failed",
        failure_code=code,
        failure_message=message,
        outcome={"network_status": "declined_by_network", "reason": code, "type": "issuer_declined"},
    )
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        processing=None,
        last_payment_error={
            "type": "card_error"
            if charge["payment_method_details"]["type"] == "card"
            else "invalid_request_error",
            "code": code,
            "decline_code": "generic_decline",
            "message": message,
            "charge": charge["id"],
        },
    )
    world.store.save(charge)
    world.store.save(intent)


ENDPOINTS = (
    retrieve(INTENT, "/payment_intents"),
    list_all(INTENT, "/payment_intents", {}),
    retrieve(CHARGE, "/charges"),
    list_all(CHARGE, "/charges", {"payment_intent": text(255)}),
)
