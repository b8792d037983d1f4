"""The staff's screens are called what the menu calls them, and say of an empty list what its emptiness means."""

import html
import re
from typing import Final
from uuid import uuid4

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Membership, User
from accounts.tests.factories import make_member, make_superuser
from config.navigation import GROUPS, PAGES, address_of, menu_place, sidebar

pytestmark = pytest.mark.django_db

_TAGS: Final = re.compile(r"<[^>]+>")


def words_of(page: str, tag: str) -> str:
    """Return the text of the first such element, its parts divided by single blanks; icons are words too."""
    found = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    assert found is not None
    return " ".join(html.unescape(_TAGS.sub(" ", found[1])).split())


def test_each_entry_of_the_menu_is_the_place_of_its_page(rf: RequestFactory) -> None:
    """Of pages that share a screen each its own; a page below none has no place. REQ EV-04."""
    for group, entries in GROUPS.items():
        for title, _, app, model in entries:
            link = reverse(address_of(title, app, model))
            assert menu_place(rf.get(link)) == {"menu_place": {"group": group, "title": title, "link": link}}
    assert menu_place(rf.get(reverse("admin:index"))) == {}


def test_menu_and_way_agree_of_pages_below(rf: RequestFactory) -> None:
    """A page that has no entry is below the nearest that is above it, and that one alone is marked. REQ EV-04."""
    for name, args, title in (
        ("ads_ad_recount", [], "Ad performance"),
        ("ads_ad_change", [uuid4()], "Ads"),
        ("analytics_event_dashboard", [uuid4()], "Event consoles"),
        ("waitlist_act", [uuid4(), "terms"], "Waitlists"),
    ):
        request = rf.get(reverse(f"admin:{name}", args=args))
        request.user = User(is_superuser=True, is_active=True)
        marked = [item["title"] for group in sidebar(request) for item in group["items"] if item["active"]]
        assert (menu_place(request)["menu_place"]["title"], marked) == (title, [title])


@pytest.mark.parametrize(
    ("group", "title", "name"),
    [
        ("Organization", "Members", "accounts_membership_changelist"),
        ("Ads", "Invalid traffic", "ads_invalidsample_changelist"),
        ("Ads", "Ads", "ads_ad_changelist"),
        *((group, title, PAGES[title]) for group, title in (
            ("Ads", "Ad performance"), ("Ads", "Why an ad shows"), ("Messages", "How e-mail does"),
            ("Messages", "Messages to a person"),
        )),
    ],
)  # fmt: skip
def test_title_and_way_are_the_menus_words(client: Client, group: str, title: str, name: str) -> None:
    """What one clicked stands above the page and in the browser's tab. REQ EV-04, UI-02."""
    client.force_login(make_superuser())
    text = client.get(reverse(f"admin:{name}")).content.decode()
    assert words_of(text, "title") == f"{title} | Marquee"
    assert words_of(text, "h1") == f"{group} chevron_right {title}"


def test_a_row_stands_below_its_menus_entry(client: Client) -> None:
    """The way of a row's page leads back to the list by the word of the menu, and names the row. REQ EV-04."""
    member = make_member("owner")
    client.force_login(member)
    row = Membership.objects.get(user=member)
    text = client.get(reverse("admin:accounts_membership_change", args=[row.pk])).content.decode()
    assert words_of(text, "h1").startswith("Organization chevron_right Members chevron_right ")
    assert str(row) in words_of(text, "h1")
    assert f'href="{reverse("admin:accounts_membership_changelist")}"' in text


def test_an_empty_list_of_what_failed_is_good_news(client: Client) -> None:
    """After the last dead letter was dealt with nothing is still to come. REQ OP-03."""
    client.force_login(make_superuser())
    text = client.get(reverse("admin:common_deadletter_changelist")).content.decode()
    assert "No dead letters" in text
    assert "Nothing failed for good." in text
    assert "Nothing here yet" not in text
    assert "Nothing here yet" in client.get(reverse("admin:offers_offer_changelist")).content.decode()
