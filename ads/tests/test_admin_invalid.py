"""The staff's screen of traffic that was not counted. REQ AD-04, EV-04."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_member, make_superuser
from ads.models import Ad, InvalidCount, InvalidSample
from ads.tests.ad_factories import make_ad
from common import clock
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

LIST = "/admin/ads/invalidsample/"


def refuse(
    ad: Ad | None, reason: str = "bot", *, count: int = 1, at: datetime | None = None, **sample: Any
) -> None:
    """Count refused impressions of an ad (or of nobody knows what), and keep one of them."""
    at = at or clock.now()
    told = {"event_id": ad and ad.event_id, "ad_id": ad and ad.pk, "kind": "impression", "reason": reason}
    InvalidCount.objects.create(slot=at, count=count, **told)
    InvalidSample.objects.create(occurred_at=at, network="192.0.2.0/24", **told, **sample)


def test_what_was_refused_is_counted_by_reason_with_samples(client: Client) -> None:
    """Counts of thirty days by reason, and samples with ad, event, network and client. REQ AD-04."""
    ad = make_ad(name="Coffee")
    refuse(ad, "bot", count=1_200, user_agent="Googlebot/2.1")
    refuse(ad, "duplicate", count=3)
    refuse(ad, "flood", count=50, at=clock.now() - timedelta(days=31))
    client.force_login(make_member("analyst", organization=ad.event.organization))
    answer = client.get(LIST)
    counts = {row["label"]: (row["numbers"], row["total"]) for row in answer.context["counts"]}
    assert counts == {"Counted before": ([3, 0, 0], 3), "Automated client": ([1200, 0, 0], 1200)}
    page = answer.content.decode()
    for words in ("1,200", "Coffee", ad.event.title, "Googlebot/2.1", "192.0.2.0/24"):
        assert words in page
    assert len(answer.context["cl"].result_list) == 3


def test_the_event_that_is_chosen_narrows_both(client: Client) -> None:
    """The filter keeps one event's samples and counts; what is no event keeps nothing. REQ AD-04."""
    event = make_event()
    mine, other = make_ad(event), make_ad(make_event(organization=event.organization))
    refuse(mine, count=4)
    refuse(other, count=5)
    client.force_login(make_member("staff", organization=event.organization))
    for chosen, total, samples in ((str(event.pk), [4], 1), ("nonsense", [], 0), ("", [9], 2)):
        answer = client.get(LIST, {"event": chosen} if chosen else {})
        assert [row["total"] for row in answer.context["counts"]] == total
        assert len(answer.context["cl"].result_list) == samples


def test_each_sees_their_own_organizations(client: Client) -> None:
    """Another organization's traffic, and that of no known event, are neither listed nor counted. REQ EV-04."""
    mine, theirs = make_ad(), make_ad(name="Theirs secret")
    refuse(theirs, count=7)
    refuse(None, "forged", count=2)
    client.force_login(make_member("owner", organization=mine.event.organization))
    answer = client.get(LIST)
    assert (answer.context["counts"], len(answer.context["cl"].result_list)) == ([], 0)
    assert "Theirs secret" not in answer.content.decode()
    assert "Nothing was refused." in answer.content.decode()
    for sample in InvalidSample.objects.all():
        assert client.get(f"{LIST}{sample.pk}/change/").status_code == 302
    client.force_login(make_superuser())
    answer = client.get(LIST)
    assert sorted(row["total"] for row in answer.context["counts"]) == [2, 7]
    assert len(answer.context["cl"].result_list) == 2


@pytest.mark.parametrize("role", ["analyst", "owner"])
def test_nothing_is_changed_here(client: Client, role: str) -> None:
    """No adding, no changing, no deleting, whatever the role; the sample is shown. REQ AD-04."""
    ad = make_ad()
    refuse(ad, user_agent="curl/8")
    sample = InvalidSample.objects.get()
    client.force_login(make_member(role, organization=ad.event.organization))
    page = f"{LIST}{sample.pk}/change/"
    assert "curl/8" in client.get(page).content.decode()
    assert client.post(page, {"user_agent": "x"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{sample.pk}/delete/", {"post": "yes"}).status_code == 403
    sample.refresh_from_db()
    assert sample.user_agent == "curl/8"


def test_a_scanner_does_not_get_in(client: Client) -> None:
    """Scanners have no admin. REQ EV-04."""
    ad = make_ad()
    refuse(ad)
    client.force_login(make_member("scanner", organization=ad.event.organization))
    assert client.get(LIST).status_code == 302


def test_the_list_costs_the_same_at_fifty_rows(client: Client) -> None:
    """Events and ads are named by the list's own statement. REQ EV-04."""
    event = make_event()
    client.force_login(make_member("staff", organization=event.organization))
    costs = []
    for rows in (5, 45):
        for _ in range(rows):
            refuse(make_ad(event))
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(LIST)
        costs.append(len(queries))
    assert len(answer.context["cl"].result_list) == 50
    assert costs[0] == costs[1] <= 8
