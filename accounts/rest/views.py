"""Signing in, and who one is."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.authentication import require_user
from accounts.rest.serializers import CredentialsBody, MeAnswer, RefreshBody, TokenPairAnswer
from accounts.selectors import memberships_of
from accounts.services import tokens
from accounts.services.signing_in import sign_in
from common import clock
from common.rest import client_network


class _PublicView(APIView):
    """An address for those who have no valid token: an old one in the header does not stand in their way."""

    authentication_classes: list[type[BaseAuthentication]] = []


class TokenView(_PublicView):
    """``POST auth/token``."""

    @extend_schema(operation_id="sign_in", request=CredentialsBody, responses=TokenPairAnswer, auth=[])
    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for tokens. Limited per address and e-mail (429)."""
        body = CredentialsBody(data=request.data)
        body.is_valid(raise_exception=True)
        pair = sign_in(**body.validated_data, address=client_network(request._request), now=clock.now())
        return _tokens(pair)


class TokenRefreshView(_PublicView):
    """``POST auth/token/refresh``."""

    @extend_schema(operation_id="refresh_token", request=RefreshBody, responses=TokenPairAnswer, auth=[])
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens; it is good for one use.

        Repeated within 30 seconds it gives the same next one; used again later it ends them all (401). It ends
        with the password it was issued under.
        """
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        return _tokens(tokens.refresh(body.validated_data["refresh"], now=clock.now()))


class MeView(APIView):
    """``GET me``."""

    @extend_schema(operation_id="me", responses=MeAnswer)
    def get(self, request: Request) -> Response:
        """Tell who the token names, with their roles."""
        user = require_user(request)
        fields = ("id", "email", "name", "is_staff", "is_superuser")
        me: dict[str, Any] = {name: getattr(user, name) for name in fields}
        return Response(MeAnswer({**me, "memberships": memberships_of(user.pk)}).data)


def _tokens(pair: tokens.TokenPair) -> Response:
    return Response(TokenPairAnswer(pair).data)
