from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Orders, ledger, the Stripe gateway and its webhooks, refunds and reconciliation."""

    name = "payments"
