"""Twenty scanners at once read one badge: the sponsor has one lead. REQ RT-05."""

from collections import Counter

import pytest
from django.db import connection

from accounts.services.access import actor_of
from accounts.tests.factories import make_user
from ads.models import Lead, Sponsor
from ads.services.leads import give_lead
from ads.tests.factories import make_sponsor
from ads.types.sponsors import GivenLead, LeadInput
from common import clock
from config.local_stack.testing.race import Race
from notifications.models import RealtimeEvent

pytestmark = pytest.mark.django_db(transaction=True)

CONTENDERS = 20


@pytest.fixture
def sponsor() -> Sponsor:
    """Give a sponsor with so many people."""
    return make_sponsor(people=[make_user() for _ in range(CONTENDERS)])


def all_scan_one_badge(race: Race, sponsor: Sponsor) -> list[GivenLead | BaseException]:
    """Have each of the sponsor's people give the same person, with a note of their own."""
    actors = [actor_of(member.user) for member in sponsor.members.select_related("user")]

    def scan(number: int) -> GivenLead:
        given = LeadInput(
            name="Grace", email="grace@example.test", source="BOOTH_SCAN", consent=True, note=f"by {number}"
        )
        return give_lead(actor=actors[number], sponsor_id=sponsor.pk, given=given, now=clock.now())

    return race(CONTENDERS, scan)


def test_twenty_scans_of_one_badge_are_one_lead(race: Race, sponsor: Sponsor) -> None:
    """One row, one announcement, one answer says that it is new, and all name the same id. REQ RT-05."""
    outcomes = all_scan_one_badge(race, sponsor)
    given = [outcome for outcome in outcomes if isinstance(outcome, GivenLead)]
    assert len(given) == CONTENDERS, outcomes
    kept = Lead.objects.get()
    assert Counter(one.is_new for one in given) == {True: 1, False: CONTENDERS - 1}
    assert {one.lead.pk for one in given} == {kept.pk}
    assert kept.note in {f"by {number}" for number in range(CONTENDERS)}
    assert kept.consent_at == max(one.lead.consent_at for one in given)
    assert RealtimeEvent.objects.filter(event="SPONSOR_LEAD").count() == 1


def test_control_without_the_constraint_there_are_more(race: Race, sponsor: Sponsor) -> None:
    """The control: it is the constraint that decides who was first; without it each scan is a lead. REQ RT-05."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ads_lead DROP CONSTRAINT lead_once_per_sponsor")
    try:
        outcomes = all_scan_one_badge(race, sponsor)
        assert all(isinstance(one, GivenLead) and one.is_new for one in outcomes), outcomes
        assert Lead.objects.count() == CONTENDERS
    finally:
        Lead.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE ads_lead ADD CONSTRAINT lead_once_per_sponsor UNIQUE (sponsor_id, email_key)"
            )
