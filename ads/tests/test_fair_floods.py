"""What the limits of floods are charged with, and whose token it still is after a key was changed."""

import pytest
from pytest_django.fixtures import Settings

from accounts.tests.factories import make_user
from ads.decision.viewers import viewer_of
from ads.models import AdSpend
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import click, kinds, reasons, redeem, show, shows, somebody
from common.bots import is_bot

pytestmark = pytest.mark.django_db


def test_a_viewers_flood_takes_nothing_from_the_network(settings: Settings) -> None:
    """Who is refused alone leaves the others behind the same address their room (REQ AD-04)."""
    settings.AD_VIEWER_RATE_LIMIT, settings.AD_NETWORK_RATE_LIMIT = 2, 4
    ad, viewer = make_ad(), viewer_of(None, "busy")
    assert reasons(redeem([show(ad, viewer=viewer) for _ in range(3)])) == ["flood"] * 3
    assert reasons(redeem(shows(ad, 4))) == ["counted"] * 4


def test_a_token_told_often_in_one_call_is_charged_once(settings: Settings) -> None:
    """Its repetitions are duplicates, and no flood (REQ AD-04)."""
    settings.AD_NETWORK_RATE_LIMIT = 2
    ad = make_ad()
    assert reasons(redeem([show(ad)] * 9)) == ["counted"] + ["duplicate"] * 8
    assert reasons(redeem(shows(ad, 1))) == ["counted"]


def test_a_token_told_again_is_charged_to_nobody(settings: Settings) -> None:
    """What an earlier call counted is a duplicate, however often it comes, and takes nothing from the limits of the
    viewer, of the network, or of clicks (REQ AD-04)."""
    settings.AD_VIEWER_RATE_LIMIT, settings.AD_NETWORK_RATE_LIMIT, settings.AD_CLICK_NETWORK_RATE_LIMIT = (
        5,
        5,
        2,
    )
    ad, viewer = make_ad(), viewer_of(None, "tab")
    token, *others = (show(ad, viewer=viewer) for _ in range(4))
    assert reasons(redeem([token], viewable=True)) == ["counted"]
    assert click(ad, token).counted
    for _ in range(4):
        assert reasons(redeem([token])) == ["duplicate"]
        assert reasons(redeem([token], viewable=True)) == ["duplicate"]
        assert click(ad, token).reason == "duplicate"
    assert click(ad, others[0]).counted
    assert reasons(redeem(others[1:])) == ["counted"] * 2
    assert click(ad, others[1]).reason == "flood"
    assert reasons(redeem([show(ad, viewer=viewer)])) == ["flood"]


def test_what_was_shown_before_may_still_be_seen_and_clicked() -> None:
    """Each kind is looked up by itself (REQ AD-10)."""
    ad = make_ad()
    token = show(ad)
    assert reasons(redeem([token])) == ["counted"]
    assert reasons(redeem([token], viewable=True)) == ["counted"]
    assert click(ad, token).counted
    assert kinds() == {"click": 1, "impression": 1, "viewable": 1}


def test_one_address_does_not_drain_a_budget_by_clicks(settings: Settings) -> None:
    """Of one ad and network so many clicks a minute count and cost; the rest is a flood. Others go on (REQ AD-05)."""
    settings.AD_CLICK_NETWORK_RATE_LIMIT = 3
    ad, other = make_ad(price_model="CPC", price_amount=50, budget_total_amount=10_000), make_ad()
    told = [click(ad, show(ad)) for _ in range(5)]
    assert [one.counted for one in told] == [True] * 3 + [False] * 2
    assert [one.reason for one in told[3:]] == ["flood"] * 2
    assert AdSpend.objects.get(pk=ad.pk).billed_micros == 3 * 500_000
    assert click(other, show(other)).counted
    assert click(ad, show(ad), who=somebody(network="203.0.113.9")).counted


def test_a_changed_key_leaves_signed_in_viewers_their_tokens(settings: Settings) -> None:
    """What was decided under the old key counts for the same person, and for nobody else (REQ AD-04)."""
    ad, one, two = make_ad(), make_user(), make_user()
    token = show(ad, viewer=viewer_of(one.pk, None))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, long enough to be one of its own kind"
    assert reasons(redeem([token], who=somebody(two.pk))) == ["foreign"]
    assert reasons(redeem([token], who=somebody(one.pk))) == ["counted"]


@pytest.mark.parametrize("name", ["TrustWallet/8.1", "Abbott/2.0 (tablet)", "Safari Technology Preview"])
def test_a_sign_inside_of_another_word_is_none(name: str) -> None:
    """People's clients may be called so (REQ AD-04)."""
    assert not is_bot(f"Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 {name}")
