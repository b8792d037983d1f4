"""Organizations: made by operators, named by their owners."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Organization
from accounts.services.access import may_do_all, require
from accounts.types import Capability
from common.audit import record, record_changes, snapshot
from common.db import retrying
from common.errors import Forbidden, NotFound
from common.plain_text import plain_name
from common.types import Actor


@transaction.atomic
def create_organization(*, actor: Actor, slug: str, name: str, now: datetime) -> Organization:
    """Create an organization without members. Only superusers do; raises ``Forbidden``,
    ``ValidationError``."""
    if not may_do_all(actor):
        raise Forbidden
    organization = Organization(slug=slug, name=plain_name(name))
    organization.full_clean()
    organization.save()
    record(
        actor=actor,
        action="accounts.create_organization",
        subject=organization,
        organization_id=organization.pk,
        changes={"slug": [None, slug], "name": [None, organization.name]},
        now=now,
    )
    return organization


@retrying
@transaction.atomic
def update_organization(
    *, actor: Actor, organization_id: UUID, slug: str, name: str, now: datetime
) -> Organization:
    """Rename an organization; its slug, which others may have written down, is the operators' to change.

    Raises what ``access.require`` raises, ``Forbidden`` for the slug, ``ValidationError`` for the values.
    """
    require(actor, organization_id, Capability.MANAGE_MEMBERS)
    organization = Organization.objects.select_for_update().filter(pk=organization_id).first()
    if organization is None:
        raise NotFound
    if slug != organization.slug and not may_do_all(actor):
        raise Forbidden("Only operators change an organization's slug.")
    before = snapshot(organization)
    organization.slug, organization.name = slug, plain_name(name)
    organization.full_clean()
    organization.save()
    record_changes(
        organization,
        before,
        actor=actor,
        action="accounts.update_organization",
        organization_id=organization.pk,
        now=now,
    )
    return organization
