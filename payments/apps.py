from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Orders, ledger, the Stripe gateway and its webhooks, refunds and reconciliation."""

    name = "payments"

    def ready(self) -> None:
        """Make the room's jobs, messages, metrics and timeline known."""
        from common.health import register_check
        from common.metrics import register_at_scrape
        from payments import contributions, handlers  # noqa: F401 models load before
        from payments.gateway.calls import ask_breaker
        from payments.scraped import OrderCollector
        from payments.services import messages

        register_at_scrape(OrderCollector())
        register_check("stripe", ask_breaker, is_required=False)
        messages.register_templates()
