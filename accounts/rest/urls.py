"""Addresses of this room, under ``/api/v1/``."""

from accounts.rest.views import MeView, TokenRefreshView, TokenView
from common.rest import optional_slash

urlpatterns = [
    optional_slash("auth/token", TokenView.as_view(), name="token"),
    optional_slash("auth/token/refresh", TokenRefreshView.as_view(), name="token-refresh"),
    optional_slash("me", MeView.as_view(), name="me"),
]
