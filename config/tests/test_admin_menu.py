"""What the first screen and the menu lead to: each member finds there what they may open, and nothing else."""

import re
from itertools import pairwise
from typing import Final

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from accounts.models import User
from accounts.tests.factories import make_member, make_membership, make_organization, make_superuser
from accounts.types import ROLE_CAPABILITIES, Role
from config.navigation import sidebar
from events.tests.factories import make_event
from offers.tests.factories import give, make_offer

pytestmark = pytest.mark.django_db

_ROLES: Final = (Role.OWNER, Role.ADMIN, Role.STAFF, Role.ANALYST)
_LINK: Final = re.compile(r'<a\b[^>]*\bhref="(/admin/[^"#]*)"')


def member(role: str) -> User:
    """Return a member of a house where something is sold and something waits."""
    event = make_event(organization=make_organization())
    give(make_offer(event=event, units=3), make_member(Role.OWNER, organization=event.organization))
    return make_member(role, organization=event.organization)


def opens(client: Client, request: HttpRequest, link: str) -> bool:
    """Say whether a link is to what whoever asked may see: lists and rows by the right that they ask."""
    match = resolve(link.partition("?")[0])
    screen = getattr(match.func, "model_admin", None)
    if screen is None:
        return client.get(link).status_code == 200
    row = screen.get_object(request, match.kwargs["object_id"]) if match.kwargs else None
    is_there = row is not None or not match.kwargs
    return is_there and bool(screen.has_view_permission(request, row))


def test_every_link_of_the_first_screen_opens(client: Client) -> None:
    """The menu, the cards of what waits, the tables: nobody is led to a closed door. Pages beside the lists are opened
    by the first who is led there, of whose rights those who come after have all. REQ EV-03, EV-04.
    """
    rights = [ROLE_CAPABILITIES[role] for role in reversed(_ROLES)]
    assert all(fewer <= more for fewer, more in pairwise(rights))
    analyst = member(Role.ANALYST)
    house = analyst.memberships.get().organization
    more = [make_member(role, organization=house) for role in (Role.STAFF, Role.ADMIN, Role.OWNER)]
    opened: set[str] = set()
    for user in (analyst, *more, make_superuser()):
        client.force_login(user)
        page = client.get("/admin/")
        links = set(_LINK.findall(page.content.decode()))
        assert len(links) >= 12
        assert [link for link in links - opened if not opens(client, page.wsgi_request, link)] == [], user
        opened |= {link for link in links if not hasattr(resolve(link.partition("?")[0]).func, "model_admin")}


@pytest.mark.parametrize("role", _ROLES)
def test_the_menu_names_all_that_a_role_may_open(rf: RequestFactory, role: str) -> None:
    """No screen that opens is left out, none that is refused is named. REQ EV-03, EV-04."""
    request = rf.get("/admin/")
    request.user = member(role)
    shown = {
        type(getattr(resolve(item["link"]).func, "model_admin", None))
        for group in sidebar(request)
        for item in group["items"]
    } - {type(None)}
    may = {type(screen) for screen in admin.site._registry.values() if screen.has_view_permission(request)}
    assert shown == may


def test_a_card_counts_where_it_may_be_opened(client: Client) -> None:
    """An analyst here who is staff there: what waits is counted for staff alone. REQ EV-03."""
    user = member(Role.ANALYST)
    client.force_login(user)
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/admin/")
    assert page.context["dashboard"]["todo"] == []
    told = [one["sql"] for one in queries if "offers_fulfillment" in one["sql"] or "common_job" in one["sql"]]
    assert told == []
    assert b"No orders yet" not in page.content
    make_membership(Role.STAFF, user=user, organization=make_organization())
    page = client.get("/admin/")
    assert b"No orders yet" in page.content
    labels = {card["label"] for card in page.context["dashboard"]["todo"]}
    assert {"Dead letters", "Disputed orders", "Parcels to send"} <= labels
