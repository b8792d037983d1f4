"""Who belongs to an organization, and as what.

Every change runs under the organization's row lock, so that two changes at once cannot leave it without an
owner,
and keeps ``User.is_staff`` (who may enter the admin) with the roles in the same transaction.
"""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import transaction

from accounts.errors import AlreadyMember, LastOwner
from accounts.models import Membership, Organization, User
from accounts.selectors import user_by_email
from accounts.services.access import may_do_all, require, role_of
from accounts.types import Capability, Role, roles_with
from common.audit import record
from common.db import retrying
from common.errors import Forbidden, Invalid, NotFound
from common.types import Actor

_is_email = EmailValidator()


@retrying
@transaction.atomic
def add_member(
    *, actor: Actor, organization_id: UUID, email: str, role: str, reason: str = "", now: datetime
) -> Membership:
    """Give a person a role; one whom nobody knows yet gets an account, to sign in through the identity service.

    Raises what ``access.require`` raises, ``Forbidden`` when an admin makes an owner, ``Invalid`` for the e-mail or
    the role, ``AlreadyMember``.
    """
    _lock(organization_id)
    _require_rank(actor, organization_id, _role(role))
    user = _user(email)
    if Membership.objects.filter(organization_id=organization_id, user=user).exists():
        raise AlreadyMember
    membership = Membership.objects.create(organization_id=organization_id, user=user, role=role)
    _follow_roles(user.pk)
    record(
        actor=actor,
        action="accounts.add_member",
        subject=membership,
        organization_id=organization_id,
        reason=reason,
        changes={"user": [None, user.email], "role": [None, role]},
        now=now,
    )
    return membership


@retrying
@transaction.atomic
def change_role(
    *, actor: Actor, membership_id: UUID, role: str, reason: str = "", now: datetime
) -> Membership:
    """Give a member another role. The role they have already changes nothing and leaves no entry.

    Raises what ``access.require`` raises, ``Forbidden`` when an admin makes or demotes an owner,
    ``LastOwner``.
    """
    membership = _locked_membership(membership_id)
    before = membership.role
    _require_rank(actor, membership.organization_id, _role(role), before)
    if before == role:
        return membership
    _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    _follow_roles(membership.user_id)
    record(
        actor=actor,
        action="accounts.change_role",
        subject=membership,
        organization_id=membership.organization_id,
        reason=reason,
        changes={"role": [before, role]},
        now=now,
    )
    return membership


@retrying
@transaction.atomic
def remove_member(*, actor: Actor, membership_id: UUID, reason: str = "", now: datetime) -> None:
    """End a membership; anybody may end their own.

    Raises what ``access.require`` raises, ``Forbidden`` when an admin removes an owner, ``LastOwner``.
    """
    membership = _locked_membership(membership_id)
    if membership.user_id != actor.user_id:
        _require_rank(actor, membership.organization_id, membership.role)
    _keep_an_owner(membership)
    record(
        actor=actor,
        action="accounts.remove_member",
        subject=membership,
        organization_id=membership.organization_id,
        reason=reason,
        changes={"user": [membership.user.email, None], "role": [membership.role, None]},
        now=now,
    )
    membership.delete()
    _follow_roles(membership.user_id)


def _lock(organization_id: UUID) -> None:
    if Organization.objects.select_for_update().filter(pk=organization_id).first() is None:
        raise NotFound


def _locked_membership(membership_id: UUID) -> Membership:
    unlocked = Membership.objects.filter(pk=membership_id).first()
    if unlocked is None:
        raise NotFound
    _lock(unlocked.organization_id)
    membership = Membership.objects.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise NotFound
    return membership


def _require_rank(actor: Actor, organization_id: UUID, *roles: str) -> None:
    """Let those pass who manage members; only owners decide about owners."""
    require(actor, organization_id, Capability.MANAGE_MEMBERS)
    if Role.OWNER in roles and not may_do_all(actor) and role_of(actor, organization_id) != Role.OWNER:
        raise Forbidden("Only an owner decides who is an owner.")


def _role(role: str) -> str:
    if role not in Role.values:
        raise Invalid.field("role", "invalid_choice", f"Choose one of {', '.join(Role.values)}.")
    return role


def _user(email: str) -> User:
    known = user_by_email(email)
    if known is not None:
        return known
    try:
        _is_email(email.strip())
    except ValidationError:
        raise Invalid.field("email", "invalid", "Enter an e-mail address.") from None
    return User.objects.create_user(email)


def _keep_an_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.filter(organization_id=membership.organization_id, role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def _follow_roles(user_id: UUID) -> None:
    """Let a person into the admin exactly when a role of theirs does, in whichever organization."""
    # The person's row is locked first: their roles in two organizations may change at once.
    user = User.objects.select_for_update().get(pk=user_id)
    enters = Membership.objects.filter(user_id=user_id, role__in=roles_with(Capability.VIEW_ADMIN)).exists()
    is_staff = enters or user.is_superuser
    if user.is_staff != is_staff:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
