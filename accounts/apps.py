from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, roles and tokens."""

    name = "accounts"

    def ready(self) -> None:
        """Describe our tokens to the API's documentation."""
        from accounts.rest import schema  # noqa: F401
