"""The staff's screen of tracked events that were not kept. REQ AN-01, EV-04."""

import pytest
from django.test import Client

from accounts.tests.factories import make_member, make_superuser
from analytics.models import RefusedCount
from analytics.services.known import known
from analytics.tests.factories import keep, make_place, told

pytestmark = pytest.mark.django_db

LIST = "/admin/analytics/refusedcount/"


@pytest.fixture(autouse=True)
def _nothing_known():
    """What a test's transaction takes back, a process must not remember."""
    known.forget()


def test_bots_are_counted_apart_and_shown(client: Client) -> None:
    """Analysts see how much automated clients told of their events, and nobody else's. REQ AN-01."""
    place, other = make_place(title="Ours"), make_place(title="Theirs")
    keep(told(place), told(place), bot=True)
    keep(told(other), bot=True)
    client.force_login(make_member("analyst", organization=place.event.organization))
    answer = client.get(LIST)
    assert [(row.reason, row.count, row.event_title) for row in answer.context["cl"].result_list] == [
        ("bot", 2, "Ours")
    ]
    page = answer.content.decode()
    assert "Automated client" in page
    day = RefusedCount.objects.values_list("day", flat=True).first()
    assert day is not None
    assert f"{day.day} {day:%b %Y}" in page
    assert "Theirs" not in page
    assert client.get(LIST, {"event": str(other.event.pk)}).context["cl"].result_list.count() == 0


def test_of_no_event_it_is_the_operators(client: Client) -> None:
    """What names nothing of ours belongs to no organization; nothing can be changed. REQ AN-01."""
    place = make_place()
    keep(told(place, event_id="00000000-0000-0000-0000-000000000000"))
    row = RefusedCount.objects.get()
    client.force_login(make_member("owner", organization=place.event.organization))
    assert list(client.get(LIST).context["cl"].result_list) == []
    assert client.get(f"{LIST}{row.pk}/change/").status_code in {302, 404}
    client.force_login(make_superuser())
    assert [one.pk for one in client.get(LIST).context["cl"].result_list] == [row.pk]
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    for page in ("add/", f"{row.pk}/delete/"):
        assert client.post(f"{LIST}{page}", {"count": 1}).status_code in {403, 404}
    row.refresh_from_db()
    assert (row.reason, row.count) == ("unknown_event", 1)
