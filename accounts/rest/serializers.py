"""Shapes of sign-in and ``me``."""

from typing import Any

from rest_framework import serializers

from common.rest import StrictSerializer


class CredentialsBody(StrictSerializer):
    """What signing in takes."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class RefreshBody(StrictSerializer):
    """What refreshing takes."""

    refresh = serializers.CharField(max_length=4096)


class TokenPairAnswer(serializers.Serializer[Any]):
    """Both tokens; the access token goes into ``Authorization: Bearer``."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class MembershipAnswer(serializers.Serializer[Any]):
    """A role in an organization."""

    organization_id = serializers.UUIDField()
    organization_slug = serializers.CharField(source="organization.slug")
    organization_name = serializers.CharField(source="organization.name")
    role = serializers.CharField()


class MeAnswer(serializers.Serializer[Any]):
    """The person whose token it is."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    is_staff = serializers.BooleanField()
    is_superuser = serializers.BooleanField()
    memberships = MembershipAnswer(many=True)
