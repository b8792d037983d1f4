"""What the first screen and the menu lead to: each member finds there what they may open, and nothing else."""

import re
from typing import Final

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import resolve

from accounts.models import User
from accounts.tests.factories import make_member, make_membership, make_organization, make_superuser
from accounts.types import Role
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


def test_every_link_of_an_analysts_first_screen_opens(client: Client) -> None:
    """The menu, the cards of what waits, the tables: who may see least is led to no closed door. REQ EV-03, EV-04."""
    client.force_login(member(Role.ANALYST))
    links = set(_LINK.findall(client.get("/admin/").content.decode()))
    assert len(links) >= 12
    found = {link: client.get(link).status_code for link in sorted(links)}
    assert {link: status for link, status in found.items() if status != 200} == {}


@pytest.mark.parametrize("role", ["operator", Role.OWNER, Role.ADMIN, Role.STAFF])
def test_every_link_of_the_first_screen_is_to_what_may_be_opened(client: Client, role: str) -> None:
    """The same of the others, lists by the right that they ask. REQ EV-03, EV-04."""
    client.force_login(make_superuser() if role == "operator" else member(role))
    page = client.get("/admin/")
    for link in set(_LINK.findall(page.content.decode())):
        screen = getattr(resolve(link.partition("?")[0]).func, "model_admin", None)
        if screen is None:
            assert client.get(link).status_code == 200, link
        else:
            assert screen.has_view_permission(page.wsgi_request), link


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
    """An analyst here who is staff there: dead letters are counted of there alone. REQ EV-03, OP-04."""
    user = member(Role.ANALYST)
    client.force_login(user)
    page = client.get("/admin/")
    assert page.context["dashboard"]["todo"] == []
    assert b"No orders yet" not in page.content
    make_membership(Role.STAFF, user=user, organization=make_organization())
    page = client.get("/admin/")
    assert b"No orders yet" in page.content
    labels = {card["label"] for card in page.context["dashboard"]["todo"]}
    assert {"Dead letters", "Disputed orders", "Parcels to send"} <= labels
