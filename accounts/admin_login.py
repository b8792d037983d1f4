"""The sign-in form of the admin, limited like the API's."""

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts.services.signing_in import limit_attempts
from common.errors import RateLimited
from common.rest import client_network


class LimitedAuthenticationForm(AuthenticationForm):
    """Asks for e-mail and password; too many attempts from one address wait (``LOGIN_RATE_LIMIT`` a minute)."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is looked at."""
        try:
            limit_attempts(self.cleaned_data.get("username") or "", client_network(self.request))
        except RateLimited as error:
            raise ValidationError(
                "Too many attempts. Try again in %(seconds)s seconds.",
                code="rate_limited",
                params={"seconds": error.retry_after},
            ) from None
        cleaned: dict[str, Any] = super().clean()
        return cleaned
