from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, roles and tokens."""

    name = "accounts"

    def ready(self) -> None:
        """Say who may handle dead letters; describe our tokens to the API's documentation."""
        from accounts.dead_letter_policy import DeadLetterPolicy
        from accounts.rest import schema  # noqa: F401
        from common.admin import scoping

        scoping.use(DeadLetterPolicy())
