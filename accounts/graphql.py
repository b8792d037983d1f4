"""``me``."""

from __future__ import annotations

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.models import User
from accounts.selectors import memberships_of
from common.errors import Unauthenticated
from common.graphql import wanted


class OrganizationType(graphene.ObjectType):
    """Who owns events."""

    id = graphene.ID(required=True)
    slug = graphene.String(required=True)
    name = graphene.String(required=True)


class MembershipType(graphene.ObjectType):
    """A role in an organization."""

    organization = graphene.Field(OrganizationType, required=True)
    role = graphene.String(required=True)


class MeType(graphene.ObjectType):
    """The person whose token it is."""

    id = graphene.ID(required=True)
    email = graphene.String(required=True)
    name = graphene.String(required=True)
    is_staff = graphene.Boolean(required=True)
    is_superuser = graphene.Boolean(required=True)
    memberships = graphene.List(graphene.NonNull(MembershipType), required=True)


class Query:
    """This room's part of the root."""

    me = graphene.Field(MeType, required=True)

    @staticmethod
    def resolve_me(root: None, info: GraphQLResolveInfo) -> dict[str, Any]:
        """Tell who calls; their roles are read only when they are asked for."""
        user = info.context.user_account
        if not isinstance(user, User):
            raise Unauthenticated
        me = {name: getattr(user, name) for name in ("id", "email", "name", "is_staff", "is_superuser")}
        return {**me, "memberships": memberships_of(user.pk) if "memberships" in wanted(info) else []}
