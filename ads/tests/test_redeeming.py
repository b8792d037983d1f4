"""Counting impressions, viewable ones and clicks: each once, and what does not count in its bucket."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from accounts.tests.factories import NOW, make_membership, make_user
from ads.decision.viewers import viewer_of
from ads.models import Ad, AdEvent, InvalidCount, InvalidSample
from ads.services import invalid
from ads.tests.ad_factories import make_ad
from ads.tests.counted import raw_days
from ads.tests.redeeming import buckets, click, kinds, nothing_counted, reasons, redeem, show, shows, somebody
from common.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


def test_an_impression_counts_once() -> None:
    """The row says what the token says; the second time is a duplicate (REQ AD-10)."""
    ad = make_ad()
    viewer = viewer_of(None, "tab")
    token = show(ad, viewer=viewer)
    assert reasons(redeem([token])) == ["counted"]
    event = AdEvent.objects.get()
    assert (event.ad_id, event.event_id, event.kind) == (ad.pk, ad.event_id, "impression")
    assert (event.viewer, event.placement, event.session_id) == (viewer, "EVENT_HERO", None)
    assert (event.occurred_at, event.issue_day) == (NOW, NOW.date())
    assert reasons(redeem([token])) == ["duplicate"]
    assert (kinds(), buckets()) == ({"impression": 1}, {"duplicate": 1})


def test_seen_is_counted_once_and_implies_shown() -> None:
    """At most one viewable impression, never without an impression, in whatever order they come (REQ AD-10)."""
    ad = make_ad()
    first, second, third = shows(ad, 3)
    assert reasons(redeem([first], viewable=True)) == ["counted"]
    assert kinds() == {"impression": 1, "viewable": 1}
    assert reasons(redeem([first])) == ["duplicate"]
    assert reasons(redeem([second])) == ["counted"]
    assert reasons(redeem([second, second, third], viewable=True)) == ["counted", "duplicate", "counted"]
    assert kinds() == {"impression": 3, "viewable": 3}
    assert buckets() == {"duplicate": 2}


def test_a_click_implies_an_impression() -> None:
    """Counted once; there are never more clicks than impressions (REQ AD-10)."""
    ad = make_ad()
    token = show(ad)
    assert click(ad, token).counted
    assert kinds() == {"click": 1, "impression": 1}
    again = click(ad, token)
    assert (again.counted, again.reason, again.destination) == (False, "duplicate", "https://shop.test/tour")
    assert kinds() == {"click": 1, "impression": 1}
    assert InvalidCount.objects.get().kind == "click"


def test_a_call_has_one_to_a_hundred_items() -> None:
    """Nothing of any other is counted (REQ AD-04)."""
    ad = make_ad()
    for number in (0, 101):
        with pytest.raises(Invalid) as refusal:
            redeem(shows(ad, number))
        assert [error.field for error in refusal.value.errors] == ["impressions"]
    assert nothing_counted()
    assert reasons(redeem(shows(ad, 100))) == ["counted"] * 100


def test_tokens_that_are_worth_nothing() -> None:
    """Each in its bucket, of the ad where that is known; the good one among them counts (REQ AD-04)."""
    ad = make_ad()
    good, over = show(ad), show(ad, at=NOW - timedelta(hours=1))
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    gone = show(_unknown())
    told = [changed, "", "x" * 164, "ü" * 164, over, gone, good]
    assert reasons(redeem(told)) == ["forged"] * 4 + ["expired", "forged", "counted"]
    assert kinds() == {"impression": 1}
    assert set(InvalidCount.objects.values_list("reason", "ad_id", "event_id", "count")) == {
        ("forged", None, None, 5), ("expired", ad.pk, ad.event_id, 1),
    }  # fmt: skip


def _unknown() -> Ad:
    ad = make_ad()
    ad.spend.delete()
    ad.delete()
    ad.pk = viewer_of(None, "some id")
    return ad


def test_a_token_counts_until_its_end() -> None:
    """The last microsecond before its end counts (REQ AD-04)."""
    ad = make_ad()
    end = NOW + timedelta(hours=1)
    assert reasons(redeem([show(ad)], now=end - timedelta(microseconds=1))) == ["counted"]
    assert reasons(redeem([show(ad)], now=end)) == ["expired"]


def test_a_token_of_another_ad() -> None:
    """Foreign, in the bucket of the ad that was clicked (REQ AD-10)."""
    ad, other = make_ad(price_model="CPC", price_amount=100), make_ad()
    result = click(ad, show(other))
    assert (result.counted, result.reason, result.destination) == (False, "foreign", "https://shop.test/tour")
    assert kinds() == {}
    assert InvalidCount.objects.get().ad_id == ad.pk
    assert InvalidCount.objects.get().event_id == ad.event_id


def test_a_token_of_another_person() -> None:
    """What was decided for somebody who was signed in does not count for another; what was decided before somebody
    signed in does, and so does one that nobody signed in tells (REQ AD-04)."""
    ad, one, two = make_ad(), make_user(), make_user()
    of_one = [show(ad, viewer=viewer_of(one.pk, None)) for _ in range(3)]
    assert reasons(redeem(of_one[:1], who=somebody(two.pk))) == ["foreign"]
    assert reasons(redeem(of_one[:2], who=somebody(one.pk))) == ["counted"] * 2
    assert reasons(redeem(of_one[2:])) == ["counted"]
    assert (
        reasons(redeem([show(ad), show(ad, viewer=viewer_of(None, None))], who=somebody(two.pk)))
        == ["counted"] * 2
    )


@pytest.mark.parametrize("role", ["owner", "staff", "analyst", "scanner"])
def test_the_organizers_own_people_do_not_count(role: str) -> None:
    """Whatever their role; members of another organization do (REQ AD-04)."""
    ad = make_ad(price_model="CPM", price_amount=1000)
    member = make_membership(role, organization=ad.event.organization).user
    elsewhere = make_membership(role).user
    token = show(ad)
    assert reasons(redeem([token], who=somebody(member.pk))) == ["staff"]
    assert click(ad, token, who=somebody(member.pk)).reason == "staff"
    assert kinds() == {}
    assert reasons(redeem([token], who=somebody(elsewhere.pk))) == ["counted"]


def test_programs_do_not_count() -> None:
    """By what they call themselves, and not a token is used up by it (REQ AD-04)."""
    ad = make_ad()
    token = show(ad)
    crawler = somebody(agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    assert reasons(redeem([token], who=crawler)) == ["bot"]
    assert click(ad, token, who=crawler).reason == "bot"
    assert kinds() == {}
    assert reasons(redeem([token])) == ["counted"]


def test_a_flood_of_one_viewer(settings: Settings) -> None:
    """More than one viewer can see is a flood, whoever sends it; others go on counting (REQ AD-04)."""
    settings.AD_VIEWER_RATE_LIMIT = 3
    ad, viewer = make_ad(), viewer_of(None, "busy")
    mine = [show(ad, viewer=viewer) for _ in range(5)]
    assert reasons(redeem(mine[:3])) == ["counted"] * 3
    others = shows(ad, 2)
    assert reasons(redeem([mine[3], *others], who=somebody(network="203.0.113.1"))) == [
        "flood",
        "counted",
        "counted",
    ]
    assert click(ad, mine[4]).reason == "flood"
    assert (kinds(), buckets()) == ({"impression": 5}, {"flood": 2})


def test_a_flood_out_of_one_network(settings: Settings) -> None:
    """What is refused for another reason does not add to it; other networks go on (REQ AD-04)."""
    settings.AD_NETWORK_RATE_LIMIT = 4
    ad = make_ad()
    assert reasons(redeem(["x"] * 9 + shows(ad, 4))) == ["forged"] * 9 + ["counted"] * 4
    assert reasons(redeem(shows(ad, 2))) == ["flood"] * 2
    assert reasons(redeem(shows(ad, 2), who=somebody(network="203.0.113.1"))) == ["counted"] * 2


def test_viewers_without_a_name_are_no_flood(settings: Settings) -> None:
    """Each is somebody else, so only the network tells (REQ AD-04)."""
    settings.AD_VIEWER_RATE_LIMIT = 1
    ad = make_ad()
    nobody = [show(ad, viewer=viewer_of(None, None)) for _ in range(3)]
    assert reasons(redeem(nobody, viewable=True)) == ["counted"] * 3


def test_buckets_are_of_a_quarter_of_an_hour() -> None:
    """In UTC, one row for all of a kind, ad and reason in it (REQ AD-04)."""
    for minute in (0, 14, 15, 59):
        redeem(["x", "y"], now=NOW.replace(minute=minute))
    slots = InvalidCount.objects.order_by("slot").values_list("slot", "count")
    assert list(slots) == [(NOW, 4), (NOW.replace(minute=15), 2), (NOW.replace(minute=45), 2)]
    india = datetime.fromisoformat("2096-11-21T17:44:59+05:30")
    assert invalid.slot_of(india) == datetime(2096, 11, 21, 12, 0, tzinfo=UTC)


def test_samples_are_few_and_name_nobody() -> None:
    """A few of each, with a shortened address and client, however many come (REQ AD-04)."""
    ad = make_ad()
    token = show(ad)
    robot = somebody(agent="curl/8\0" + "x" * 300)
    for _ in range(invalid.SAMPLES + 3):
        redeem([token, token], who=robot)
    assert buckets() == {"bot": 2 * (invalid.SAMPLES + 3)}
    samples = list(InvalidSample.objects.all())
    # Each call adds two, and samples end when five were counted before it.
    assert len(samples) == 3
    assert {(one.network, one.user_agent, one.ad_id, one.event_id) for one in samples} == {
        ("198.51.100.0", "curl/8" + "x" * 194, ad.pk, ad.event_id)
    }
    assert samples[0].viewer is not None


def test_it_counts_on_the_day_of_the_event() -> None:
    """An impression belongs to the local day on which it was counted, also of a token of the day before (REQ AD-10)."""
    ad = make_ad()
    ad.event.time_zone = "Pacific/Auckland"
    ad.event.save()
    midnight = datetime(2096, 11, 22, 11, 0, tzinfo=UTC)
    before = midnight - timedelta(seconds=1)
    first, second = shows(ad, 2, at=before)
    redeem([first], now=before)
    redeem([second], now=midnight)
    assert {str(day): count for day, count in raw_days(ad).items()} == {"2096-11-22": 1, "2096-11-23": 1}


def test_a_click_on_what_is_not_there() -> None:
    """Not found, and nothing is counted; an ad without a destination cannot be clicked (REQ AD-04)."""
    ad = make_ad(click_url="")
    unknown = make_ad()
    token = show(unknown)
    unknown.pk = viewer_of(None, "some id")
    for one in (ad, unknown):
        with pytest.raises(NotFound):
            click(one, token)
    assert nothing_counted()


def test_tokens_of_ads_that_ended_still_count() -> None:
    """What was shown was shown: archived, paused or ended meanwhile (REQ AD-04)."""
    ad = make_ad(is_active=False, is_archived=True, ends_at=NOW - timedelta(minutes=1))
    assert reasons(redeem([show(ad)])) == ["counted"]
