from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, roles and tokens."""

    name = "accounts"

    def ready(self) -> None:
        """Say who may handle dead letters."""
        from accounts.dead_letter_policy import DeadLetterPolicy
        from common.admin import scoping

        scoping.use(DeadLetterPolicy())
