from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, roles and tokens."""

    name = "accounts"
