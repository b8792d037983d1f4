from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Orders, ledger, the Stripe gateway and its webhooks, refunds and reconciliation."""

    name = "payments"

    def ready(self) -> None:
        """Make the room's jobs, messages and timeline known."""
        from payments import contributions, handlers  # noqa: F401 models load before
        from payments.services import messages

        messages.register_templates()
