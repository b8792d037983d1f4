"""Signing in by e-mail and password, for the admin and for tokens."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import user_by_email


class EmailBackend:
    """Finds the user by e-mail in any case; an unknown one costs as much time as a wrong password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **given: Any,
    ) -> User | None:
        """Return the active user with this password, else None."""
        email = username if username is not None else given.get("email")
        if not isinstance(email, str) or password is None:
            return None
        user = user_by_email(email)
        if user is None:
            # The same hashing as for a known user: how long it takes tells nothing.
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: UUID | str) -> User | None:
        """Return the user of a browser session, None once they are inactive."""
        try:
            return User.objects.filter(pk=user_id, is_active=True).first()
        except ValidationError:
            return None
