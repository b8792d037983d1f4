"""The results of an experiment on GraphQL: the same service as REST."""

from typing import Any

import graphene

from analytics.services.experiments.results import results
from analytics.types.experiments import Results, VariantResult, Verdict
from common import clock
from common.graphql.types import MoneyType, count_field, money

AbTestStatusEnum = graphene.Enum(
    "AbTestStatusEnum", [(one.name, one.value) for one in Verdict], description="How far an experiment is."
)


class AbTestIntervalType(graphene.ObjectType):
    """Where a figure lies, at the 95 % level; percent, where nothing else is said."""

    low = graphene.Float(required=True)
    high = graphene.Float(required=True)


class AbTestVariantType(graphene.ObjectType):
    """One variant's figures. Rates, lifts, intervals and confidence are percent; null: nothing to say yet."""

    variant_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    is_control = graphene.Boolean(required=True)
    weight = graphene.Int(required=True)
    impressions = count_field()
    conversions = count_field()
    secondary_conversions = count_field()
    conversion_rate = graphene.Float()
    confidence_level = graphene.Float()
    interval = graphene.Field(AbTestIntervalType)
    lift = graphene.Float()
    lift_interval = graphene.Field(AbTestIntervalType)
    revenue = graphene.Field(MoneyType, required=True)
    revenue_per_person = graphene.Float(description="Minor units.")
    revenue_interval = graphene.Field(AbTestIntervalType, description="Of revenuePerPerson; minor units.")
    p_value = graphene.Float()
    p_value_always_valid = graphene.Float()

    @staticmethod
    def resolve_revenue(root: VariantResult, info: Any) -> MoneyType:
        """Return what its people brought."""
        return money(root.revenue)


class AbTestRatioType(graphene.ObjectType):
    """Whether people were divided as the weights say; pValue null: too early to say."""

    p_value = graphene.Float()
    ok = graphene.Boolean(required=True)

    @staticmethod
    def resolve_ok(root: Any, info: Any) -> bool:
        """Say whether they were."""
        return bool(root.is_ok)


class AbTestRefusedType(graphene.ObjectType):
    """How much was refused for a reason."""

    reason = graphene.String(required=True)
    count = count_field()


class AbTestResultsType(graphene.ObjectType):
    """An experiment's answer. ``winner`` is a variant's id; null: none."""

    test_id = graphene.ID(required=True)
    status = graphene.Field(AbTestStatusEnum, required=True)
    as_of = graphene.DateTime(required=True)
    total_impressions = count_field()
    total_conversions = count_field()
    variants = graphene.List(graphene.NonNull(AbTestVariantType), required=True)
    method = graphene.String(required=True)
    p_value = graphene.Float(description="For one look; it decides nothing.")
    p_value_always_valid = graphene.Float()
    srm = graphene.Field(AbTestRatioType, required=True)
    winner = graphene.ID()
    confidence = graphene.Float()
    people_needed = count_field("How many more each variant needs.", required=False)
    headline = graphene.String(required=True)
    recommendation = graphene.String(required=True)
    warnings = graphene.List(
        graphene.NonNull(graphene.String), required=True,
        description="Of other experiments that these figures are mixed up with.",
    )  # fmt: skip
    refused = graphene.List(graphene.NonNull(AbTestRefusedType), required=True)

    @staticmethod
    def resolve_status(root: Results, info: Any) -> str:
        """Return how far it is."""
        return root.status.value

    @staticmethod
    def resolve_refused(root: Results, info: Any) -> list[dict[str, Any]]:
        """Return the reasons, the most frequent first."""
        return [{"reason": reason, "count": count} for reason, count in root.refused.items()]


class ExperimentsQuery:
    """Experiments' part of Query, for the organizer's people from analyst up."""

    ab_test_results = graphene.Field(
        graphene.NonNull(AbTestResultsType),
        test_id=graphene.ID(
            required=True, description="An id, or a slug of one of the caller's organizations."
        ),
        description="What came of an experiment so far; looking early is safe.",
    )

    @staticmethod
    def resolve_ab_test_results(root: None, info: Any, test_id: str) -> Results:
        """Return the results."""
        return results(actor=info.context.actor, ref=test_id, now=clock.now())
