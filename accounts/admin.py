"""Screens of organizations, members and users."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminEmailInputWidget

from accounts.admin_base import ActCall, ScopedModelAdmin, act
from accounts.models import Membership, Organization, User
from accounts.scope import scope_of
from accounts.services import members, organizations, users
from accounts.types import Capability
from common import clock

admin.site.index_title = "Overview"

# Roles decide, not Django's groups (docs/decisions/0003).
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(ScopedModelAdmin):
    """One's organizations; operators make them."""

    organization_path = ""
    change_capability = Capability.MANAGE_MEMBERS
    nothing_here = "Who sells here: operators add organizations."
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let operators add."""
        return scope_of(request).is_everywhere

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> Organization:
        """Call the service."""
        actor, now, data = scope_of(request).actor, clock.now(), form.cleaned_data
        if not change:
            return organizations.create_organization(
                actor=actor, slug=data["slug"], name=data["name"], now=now
            )
        return organizations.update_organization(
            actor=actor, organization_id=obj.pk, slug=data["slug"], name=data["name"], now=now
        )


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """A member is named by e-mail, so that nobody browses the platform's people."""

    email = forms.EmailField(max_length=254, widget=UnfoldAdminEmailInputWidget(), required=False)

    class Meta:
        model = Membership
        fields = ("organization", "role")


@admin.register(Membership)
class MembershipAdmin(ScopedModelAdmin):
    """Who belongs to one's organizations, and as what."""

    organization_path = "organization"
    view_capability = Capability.MANAGE_MEMBERS
    add_capability = change_capability = Capability.MANAGE_MEMBERS
    form = MembershipForm
    list_display = ("user", "organization", "role", "created_at")
    list_select_related = ("user", "organization")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name", "organization__name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the e-mail of a new member, show who an old one is."""
        return ("organization", "email", "role") if obj is None else ("organization", "user", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a membership with its person and organization."""
        return () if obj is None else ("organization", "user")

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> Membership:
        """Call the service."""
        actor, now, role = scope_of(request).actor, clock.now(), form.cleaned_data["role"]
        if change:
            return members.change_role(actor=actor, membership_id=obj.pk, role=role, now=now)
        return members.add_member(
            actor=actor,
            organization_id=form.cleaned_data["organization"].pk,
            email=form.cleaned_data["email"],
            role=role,
            now=now,
        )

    @act(
        "Remove",
        capability=Capability.MANAGE_MEMBERS,
        explain="The person loses every right in the organization at once.",
        icon="person_remove",
        is_dangerous=True,
    )
    def remove(self, call: ActCall[Membership]) -> str:
        """End the membership."""
        members.remove_member(
            actor=call.actor, membership_id=call.subject.pk, reason=call.reason, now=call.now
        )
        return "No member any more."


@admin.register(User)
class UserAdmin(ScopedModelAdmin):
    """Everybody, for operators only."""

    organization_path = ""
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "external_subject", "last_login")
    readonly_fields = ("email", "is_staff", "is_superuser", "external_subject", "last_login")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Show people to operators alone: a person belongs to no organization."""
        people = User.objects.order_by("email")
        return people if scope_of(request).is_everywhere else people.none()

    def organization_id_of(self, obj: Any) -> None:
        """A person belongs to no organization."""
        return

    def _may(self, scope: Any, capability: Any, obj: Any) -> bool:
        return bool(scope.is_everywhere)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Open it to operators alone."""
        return scope_of(request).is_everywhere

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People come by the identity service, as members, or by ``createsuperuser``."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deactivate instead: orders and tickets keep who they belong to."""
        return False

    def save_by_service(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool
    ) -> User:
        """Call the service."""
        data = form.cleaned_data
        return users.update_user(
            actor=scope_of(request).actor,
            user_id=obj.pk,
            name=data["name"],
            is_active=data["is_active"],
            now=clock.now(),
        )
