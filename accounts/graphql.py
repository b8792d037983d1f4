"""``me``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import graphene
from graphql import GraphQLResolveInfo

from accounts.models import User
from accounts.selectors import memberships_by_user, users_by_id
from common.errors import Unauthenticated
from common.graphql import Entity, Wanted, wanted


class OrganizationType(graphene.ObjectType):
    """Who owns events."""

    id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    name = graphene.String(required=True)


class MembershipType(graphene.ObjectType):
    """A role in an organization."""

    organization = graphene.Field(OrganizationType, required=True)
    role = graphene.String(required=True)


class UserType(graphene.ObjectType):
    """A person, as they see themselves; null to others."""

    class Meta:
        name = "User"

    id = graphene.ID(required=True)
    email = graphene.String(required=True)
    name = graphene.String(required=True)
    is_staff = graphene.Boolean(required=True)
    is_superuser = graphene.Boolean(required=True)
    memberships = graphene.List(graphene.NonNull(MembershipType), required=True)


class Query:
    """This room's part of the root."""

    me = graphene.Field(UserType, required=True)

    @staticmethod
    def resolve_me(root: None, info: GraphQLResolveInfo) -> dict[str, Any]:
        """Tell who calls; their roles are read only when they are asked for."""
        user = info.context.user_account
        if not isinstance(user, User):
            raise Unauthenticated
        return _shown([user], wanted(info))[user.pk]


def _shown(users: Collection[User], fields: Wanted) -> dict[UUID, dict[str, Any]]:
    roles = memberships_by_user([user.pk for user in users]) if "memberships" in fields else {}
    names = ("id", "email", "name", "is_staff", "is_superuser")
    return {
        user.pk: {**{name: getattr(user, name) for name in names}, "memberships": roles.get(user.pk, [])}
        for user in users
    }


def _users(request: Any, ids: Collection[UUID], fields: Wanted) -> dict[UUID, dict[str, Any]]:
    return _shown(users_by_id(request.actor, ids).values(), fields)


ENTITIES = (Entity(UserType, _users),)
