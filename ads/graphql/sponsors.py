"""Sponsors on GraphQL, and giving them leads: the same services as REST. Leads are listed on REST only."""

from collections.abc import Sequence
from typing import Any

import graphene

from ads.models import LeadSource, Sponsor
from ads.selectors.sponsors import sponsors_of
from ads.services.leads import give_lead
from ads.types.sponsors import GivenLead, LeadInput
from common import clock
from common.graphql import an_id, value_of

_LIMIT = 50

LeadSourceEnum = graphene.Enum("LeadSourceEnum", [(value, value) for value in LeadSource.values])


class SponsorType(graphene.ObjectType):
    """A sponsor of an event."""

    id = graphene.ID(required=True)
    event_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    website = graphene.String(required=True)
    description = graphene.String(required=True)


class LeadType(graphene.ObjectType):
    """A lead. To an attendee ``company`` and ``note`` are what their own call said."""

    id = graphene.ID(required=True)
    sponsor_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    email = graphene.String(required=True)
    company = graphene.String(required=True)
    source = graphene.Field(LeadSourceEnum, required=True)
    note = graphene.String(required=True)
    consent = graphene.Boolean(required=True)
    consent_at = graphene.DateTime(required=True)
    created_at = graphene.DateTime(required=True)


class SubmittedLeadType(graphene.ObjectType):
    """What is kept now; ``isNew`` is false when the sponsor had this address already."""

    lead = graphene.Field(LeadType, required=True)
    is_new = graphene.Boolean(required=True)


class SubmitLeadInput(graphene.InputObjectType):
    """A lead. Who gives leads for anybody says name and e-mail; an attendee's are their own if not said."""

    sponsor_id = graphene.ID(required=True)
    name = graphene.String()
    email = graphene.String()
    company = graphene.String()
    source = LeadSourceEnum(required=True)
    note = graphene.String()
    consent = graphene.Boolean(required=True, description="Only true is taken.")


class SubmitLead(graphene.Mutation):
    """Keep a lead of a sponsor: the sponsor's people and the organizer's staff anybody, an attendee themselves."""

    class Arguments:
        """One input."""

        input = SubmitLeadInput(required=True)

    Output = SubmittedLeadType

    @staticmethod
    def mutate(root: None, info: Any, input: SubmitLeadInput) -> GivenLead:  # noqa: A002 the contract's name
        """Keep it."""
        said = {name: value_of(value) for name, value in input.items() if name != "sponsor_id"}
        return give_lead(
            actor=info.context.actor,
            sponsor_id=an_id(input["sponsor_id"], "sponsor_id"),
            given=LeadInput(**said),
            now=clock.now(),
        )


class Query:
    """The sponsors' part of Query."""

    event_sponsors = graphene.List(
        graphene.NonNull(SponsorType),
        required=True,
        description="The active sponsors of an event, by name.",
        event_id=graphene.ID(required=True),
        limit=graphene.Int(default_value=_LIMIT),
        offset=graphene.Int(default_value=0),
    )

    @staticmethod
    def resolve_event_sponsors(root: None, info: Any, event_id: str, **asked: Any) -> Sequence[Sponsor]:
        """List an event's sponsors."""
        # The view refuses limits outside of 1 to 200 before anything runs.
        limit, offset = asked.get("limit") or _LIMIT, max(0, asked.get("offset") or 0)
        return list(sponsors_of(info.context.actor, an_id(event_id, "event_id"))[offset : offset + limit])


class Mutation:
    """The sponsors' part of Mutation."""

    submit_lead = SubmitLead.Field()
