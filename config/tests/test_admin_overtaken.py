"""Two people at one form of the admin: what one changed meanwhile is not undone by the other's saving."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.forms import BaseForm
from django.test import Client
from django.urls import reverse

from accounts.admin_base import ScopedModelAdmin
from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_member
from accounts.tests.screens import enter
from ads.models import Ad
from common import clock
from config.tests.admin_doors import add_what_the_demo_lacks
from config.tests.digests import digests
from events.models import Session
from offers.models import Offer
from offers.services import catalog
from offers.tests.factories import make_offer
from offers.types import OfferInput
from tickets.models import TicketTier

pytestmark = pytest.mark.django_db

# The rest has acts alone; the demo's experiments have started and are not changed any more.
FORMS = {"Ad", "CheckInPolicy", "Event", "Membership", "Offer", "Organization"}
FORMS |= {"ScheduledReport", "Session", "Sponsor", "TicketTier", "User"}


def page_of(row: Model) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def opened(client: Client, row: Model) -> dict[str, Any]:
    """Open the page; return what a browser would send from it when nothing is touched."""
    page = client.get(page_of(row))
    found = re.search(r'<input type="hidden" name="_shown" value="([^"]*)">', page.content.decode())
    return {} if found is None else {"_shown": found[1], **_sent(page.context["adminform"].form)}


def _sent(form: BaseForm) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for one in form:
        value, widget = one.value(), one.field.widget
        if hasattr(widget, "decompress"):
            parts = widget.decompress(value)
            sent |= {f"{one.html_name}_{at}": part or "" for at, part in enumerate(parts)}
        elif not isinstance(value, FieldFile) and value is not False:
            sent[one.html_name] = "on" if value is True else "" if value is None else value
    return sent


def errors_of(answer: Any) -> dict[str, str]:
    """Return what the page says at each field; nothing when it was saved."""
    if answer.status_code == 302:
        return {}
    form: BaseForm = answer.context["adminform"].form
    return {name: " ".join(map(str, told)) for name, told in form.errors.items()}


def test_a_colleague_s_price_and_pause_stand(client: Client) -> None:
    """A typo mended on an old page puts neither the old price back nor a paused offer on sale. REQ OF-01, EV-04."""
    offer = make_offer(units=10, price=1000)
    enter(client, offer.event.organization, "staff")
    sent = opened(client, offer) | {"title": "Typo mended"}
    owner = actor_of(make_member("owner", organization=offer.event.organization))
    catalog.update_offer(owner, offer.pk, OfferInput(price="100.00"), now=clock.now())
    catalog.set_active(owner, offer.pk, active=False, reason="mispriced", now=clock.now())

    told = errors_of(client.post(page_of(offer), sent))

    assert set(told) == {"price", "is_active"}
    assert "it is “100.00” now" in told["price"]
    assert "it is “off” now" in told["is_active"]
    offer.refresh_from_db()
    assert (offer.price_amount, offer.is_active) == (10000, False)
    assert offer.title != "Typo mended"


def test_whoever_was_told_decides(client: Client) -> None:
    """The page that tells of it knows the new state: what it sends counts. REQ EV-04."""
    offer = make_offer(units=10, price=1000)
    enter(client, offer.event.organization, "staff")
    sent = opened(client, offer) | {"title": "Typo mended"}
    Offer.objects.filter(pk=offer.pk).update(price_amount=2000)
    refused = client.post(page_of(offer), sent)
    assert set(errors_of(refused)) == {"price"}

    found = re.search(r'name="_shown" value="([^"]*)"', refused.content.decode())
    assert found is not None
    again = client.post(page_of(offer), sent | {"_shown": found[1], "price": "20.00"})

    assert errors_of(again) == {}
    offer.refresh_from_db()
    assert (offer.title, offer.price_amount) == ("Typo mended", 2000)


@pytest.mark.parametrize(
    ("model", "before_it", "change"),
    [
        (TicketTier, {"is_active": True, "priority": "VIP"}, {"is_active": False, "priority": "PREMIUM"}),
        (Ad, {"weight": 5}, {"weight": 1}),
        (Session, {"description": ""}, {"description": "Elsewhere"}),
    ],
)
def test_each_kind_of_thing_people_sell_with(
    demo: None, model: type[Model], before_it: dict[str, Any], change: dict[str, Any]
) -> None:
    """Kinds of tickets, ads and sessions as well. REQ EV-04."""
    client = Client()
    client.force_login(User.objects.get(email="owner@demo.test"))
    row = admin.site._registry[model].get_queryset(_request(client)).first()
    assert row is not None
    model._default_manager.filter(pk=row.pk).update(**before_it)
    sent = opened(client, row)
    model._default_manager.filter(pk=row.pk).update(**change)
    before = digests()
    told = errors_of(client.post(page_of(row), sent))
    assert set(told) == set(change)
    # The number one is not "on"; a code is told as the page shows it.
    words = {False: "off", "PREMIUM": "Premium"}
    assert all(f"it is “{words.get(value, value)}” now" in told[name] for name, value in change.items())
    assert digests() == before


def _request(client: Client) -> Any:
    return client.get(reverse("admin:index")).wsgi_request


def test_every_form_knows_what_it_showed(demo: None) -> None:
    """Each screen's form: read twice it says the same; overtaken in any field it is refused there. REQ EV-04."""
    add_what_the_demo_lacks()
    client = Client()
    client.force_login(User.objects.get(email="admin@demo.test"))
    request, seen = _request(client), set()
    for model, screen in admin.site._registry.items():
        row = screen.get_queryset(request).order_by("pk").first()
        if not isinstance(screen, ScopedModelAdmin) or row is None:
            continue
        sent = opened(client, row)
        if not sent:
            continue
        seen.add(model.__name__)
        with time_machine.travel(clock.now() + timedelta(minutes=20)):
            assert opened(client, row)["_shown"] == sent["_shown"], model
        told = errors_of(client.post(page_of(row), sent | {"_shown": re.sub(r"=\w", "=z", sent["_shown"])}))
        assert set(told) >= {one.partition("=")[0] for one in sent["_shown"].split()}, model
        assert all("after you opened the page" in words for words in told.values()), (model, told)
        # Opened anew, and nothing touched: it is saved.
        assert errors_of(client.post(page_of(row), opened(client, row))) == {}, model
    assert seen == FORMS
