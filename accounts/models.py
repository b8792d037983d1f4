"""Users, organizations, and who is what in which."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from accounts.types import Role


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail; e-mails are compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create and return a user; without a password they can sign in by the identity service only."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create and return a user who may do everything on every door."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        """Find a user by e-mail in any case."""
        return self.get(email=(email or "").strip().lower())


class User(AbstractBaseUser):
    """A person. The id is the platform's (`sub`) for people of the identity service."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    external_subject = models.CharField(max_length=255, null=True, blank=True, unique=True, editable=False)
    is_active = models.BooleanField(default=True)
    # Follows from the roles (accounts.services.members keeps it): who may enter the admin.
    is_staff = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = [
            # One spelling per address, so that uniqueness knows no case.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    # Django's admin asks these; what a member may do is decided by roles (accounts.services.access) in
    # ScopedModelAdmin. A right that no screen grants is refused.
    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Say whether the user has a Django permission: only superusers do."""
        return self.is_active and self.is_superuser

    def has_perms(self, perms: Any, obj: object = None) -> bool:
        """Say whether the user has all of the Django permissions."""
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        """Say whether the user has any Django permission in an app."""
        return self.is_active and self.is_superuser


class Organization(models.Model):
    """Who owns events, and who is paid for what is sold there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one organization."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("organization__name", "user__email")
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class RefreshFamily(models.Model):
    """The refresh tokens that follow one sign-in; ``current`` alone is good. See ``accounts.services.rotation``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    current = models.UUIDField()
    previous = models.UUIDField(null=True, blank=True)
    rotated_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "refresh families"

    def __str__(self) -> str:
        return f"sign-in {str(self.id)[-8:]}"
