from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Orders, ledger, the Stripe gateway and its webhooks, refunds and reconciliation."""

    name = "payments"

    def ready(self) -> None:
        """Make the room's jobs, messages and timeline known."""
        from common.health import register_check
        from payments import contributions, handlers  # noqa: F401 models load before
        from payments.gateway.calls import ask_breaker
        from payments.services import messages

        register_check("stripe", ask_breaker, is_required=False)
        messages.register_templates()
