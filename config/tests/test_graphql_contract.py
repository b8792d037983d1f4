"""GraphQL has what callers rely on, by the names that they rely on, and holds under whatever is asked.

What the names do is tested in each room, and for the right people and the wrong ones in ``test_graphql_strangers``.
"""

import json
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

from common.money import MAXIMUM_MINOR
from config.local_stack.environment import ROOT
from config.tests.graphql_world import SCHEMA, ask, make_world
from payments.models import Refund

# The contract, word by word.
QUERIES = {
    "event": "", "eventOffers": "", "activeOffers": "eventId placement", "myPurchasedOffers": "", "offer": "",
    "order": "id", "orderByNumber": "number", "adsForContext": "eventId placement sessionId limit", "eventAds": "",
    "allAdsPerformance": "eventId limit offset", "waitlistPosition": "sessionId", "sessionWaitlist": "",
    "waitlistAnalytics": "eventId", "monetizationAnalytics": "eventId dateFrom dateTo", "abTestResults": "testId",
    "myTickets": "",
}  # fmt: skip
MUTATIONS = {
    "createOffer": "input", "updateOffer": "input", "deleteOffer": "", "purchaseOffer": "offerId quantity ticketId",
    "createCheckoutSession": "", "createAd": "input", "updateAd": "input", "deleteAd": "", "trackAdImpressions": "",
    "trackAdClick": "", "joinWaitlist": "", "leaveWaitlist": "", "acceptWaitlistOffer": "", "declineWaitlistOffer": "",
    "sendWaitlistOffer": "", "bulkSendWaitlistOffers": "", "removeWaitlistEntry": "", "updateSessionCapacity": "",
    "refundOrder": "",
}  # fmt: skip
TYPES = {
    "OfferType": "id title description price originalPrice currency offerType imageUrl placement targetSessions "
    "targetTicketTiers startsAt expiresAt isActive isArchived isAvailable stripePriceId inventory",
    "OfferInventoryType": "total available sold reserved",
    "AdType": "id name contentType mediaUrl clickUrl displayDuration aspectRatio placements targetSessions weight "
    "frequencyCap startsAt endsAt isActive",
    "Money": "amount currency",
    # REST's answers in camelCase.
    "Order": "id orderNumber status totalAmount refundedAmount currency items payment refunds createdAt",
    "OrderItemType": "offerId tierId title quantity unitAmount fulfillmentStatus fulfillment",
    "OrderPaymentType": "status methodType brand last4",
    "PurchaseResultType": "checkoutSessionId stripeCheckoutUrl expiresAt order",
    "WaitlistPlaceType": "id status quantity position total priorityTier estimatedWaitMinutes joinedAt offer",
    "WaitlistOpenOfferType": "joinToken expiresAt",
    "WaitlistAcceptedType": "status attendanceId",
    "ServedAdType": "id name contentType mediaUrl clickUrl trackedClickUrl aspectRatio token degraded",
    "AdImpressionResult": "index counted reason",
    "MonetizationType": "asOf dataThrough stale currency revenue offers ads waitlist",
    "MonetizationRevenueType": "total fromOffers fromAds refunds net byDay otherCurrencies",
    "MonetizationOffersType": "totalViews totalClicks totalPurchases conversionRate topPerformers",
    "MonetizationAdsType": "totalImpressions totalClicks averageCTR topPerformers",
    "MonetizationWaitlistType": "totalJoins offersIssued acceptanceRate averageWaitTimeMinutes",
    "AbTestResultsType": "testId status totalImpressions totalConversions variants pValue pValueAlwaysValid srm winner "
    "confidence recommendation",
    "AbTestVariantType": "variantId impressions conversions conversionRate confidenceLevel interval revenue",
}
# Counts that grow with what people look at, and money: 32 bits are not enough for them.
LARGE = {
    "Money": "amount", "AbTestResultsType": "totalImpressions totalConversions peopleNeeded",
    "AbTestVariantType": "impressions conversions secondaryConversions", "AbTestRefusedType": "count",
    "AdPerformanceType": "impressions viewable uniqueViewers clicks overDeliveredImpressions overDeliveredClicks",
    "AdInvalidType": "impressions clicks", "AdInvalidReasonType": "count", "AdTopPerformerType": "impressions clicks",
    "OfferPerformanceType": "views clicks purchases units",
    "MonetizationOffersType": "totalViews uniqueViewers totalClicks totalCarts totalPurchases",
    "MonetizationAdsType": "totalImpressions totalViewable totalClicks",
}  # fmt: skip
# No field of such a name is an Int, wherever it is.
GROWING = "impressions conversions viewable clicks views amount"


def _fields(schema: GraphQLSchema, kind: str) -> dict[str, GraphQLField]:
    found = schema.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return dict(found.fields)


def _bare(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


@pytest.mark.parametrize(("operation", "names"), [("query", QUERIES), ("mutation", MUTATIONS)])
def test_what_the_contract_names_is_there(operation: str, names: dict[str, str]) -> None:
    """Each query and mutation with its arguments, in the committed schema too; ids are ``ID``, create and update take
    one input. REQ GQ-01.
    """
    committed = build_schema((ROOT / "schema.graphql").read_text())
    for schema in (SCHEMA, committed):
        root = schema.query_type if operation == "query" else schema.mutation_type
        assert root is not None
        assert sorted(set(names) - set(root.fields)) == []
        for name, arguments in names.items():
            assert set(arguments.split()) <= set(root.fields[name].args), name
        for name, definition in root.fields.items():
            for argument, one in definition.args.items():
                if argument == "id" or argument.endswith("Id"):
                    assert str(_bare(one.type)) == "ID", (name, argument)
            if name in {"createOffer", "updateOffer", "createAd", "updateAd"}:
                (given,) = definition.args.values()
                assert isinstance(_bare(given.type), GraphQLInputObjectType)


def test_types_have_the_fields_that_the_contract_names() -> None:
    """Word by word, in the committed schema too. REQ GQ-01."""
    committed = build_schema((ROOT / "schema.graphql").read_text())
    for schema in (SCHEMA, committed):
        for kind, fields in TYPES.items():
            assert set(fields.split()) - set(_fields(schema, kind)) == set(), kind


def test_choices_are_enums() -> None:
    """What has a fixed set of values says which. REQ GQ-01."""
    for kind, name in (
        ("OfferType", "offerType"), ("OfferType", "placement"), ("AdType", "contentType"), ("AdType", "placements"),
        ("Order", "status"), ("WaitlistPlaceType", "status"), ("WaitlistPlaceType", "priorityTier"),
        ("AbTestResultsType", "status"),
    ):  # fmt: skip
        assert isinstance(get_named_type(_fields(SCHEMA, kind)[name].type), GraphQLEnumType), (
            kind,
            name,
        )


def test_numbers_that_grow_may_pass_32_bits() -> None:
    """Counts of what people see and do, and minor units, are ``BigInt``; no field of such a name is an ``Int``. REQ
    GQ-01.
    """
    for kind, fields in LARGE.items():
        for name in fields.split():
            assert str(_bare(_fields(SCHEMA, kind)[name].type)) == "BigInt", (kind, name)
    for kind, definition in SCHEMA.type_map.items():
        if isinstance(definition, GraphQLObjectType):
            for name, field in definition.fields.items():
                assert name not in GROWING.split() or str(_bare(field.type)) != "Int", (kind, name)


@pytest.mark.django_db
def test_an_amount_that_is_no_whole_number_is_refused() -> None:
    """As a literal and as a variable: money is not rounded at the door. No order may cost what 32 bits do not hold
    (Stripe: eight digits). REQ GQ-01, PA-07.
    """
    world = make_world()
    asked = f'refundOrder(orderId: "{world.purchase.order_id}", reason: "Broken", amount: %s) {{ id }}'
    for amount in ("1.5", '"7"', "true", str(2**31)):
        literal = ask(world.owner, f"mutation {{ {asked % amount} }}")
        variable = ask(world.owner, f"mutation($n: Int) {{ {asked % '$n'} }}", {"n": json.loads(amount)})
        for answer in (literal, variable):
            assert answer.status_code == 400, answer.content
            assert answer.json()["errors"][0]["extensions"]["code"] == "graphql_invalid"
    assert Refund.objects.count() == 0
    assert MAXIMUM_MINOR < 2**31
