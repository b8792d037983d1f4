"""The sign-in form of the admin, limited, counted and logged like the API's."""

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts.models import User
from accounts.services.signing_in import attempting
from common.errors import RateLimited
from common.rest import client_network


class LimitedAuthenticationForm(AuthenticationForm):
    """Asks for e-mail and password; too many attempts from one address wait (``LOGIN_RATE_LIMIT`` a minute)."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is looked at; a form without one is none."""
        if not {"username", "password"} <= self.cleaned_data.keys():
            return super().clean()  # type: ignore[no-any-return]
        email, address = self.cleaned_data["username"], client_network(self.request)
        try:
            with attempting(email=email, address=address) as attempt:
                cleaned: dict[str, Any] = super().clean()
                user = self.get_user()
                attempt.user = user if isinstance(user, User) else None
        except RateLimited as error:
            raise ValidationError(
                "Too many attempts. Try again in %(seconds)s seconds.",
                code="rate_limited",
                params={"seconds": error.retry_after},
            ) from None
        return cleaned
