"""Forms of what stays at one event carry their event along, whatever happens while they are filled in."""

import re
from typing import Final

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import make_member
from accounts.types import Role
from events.admin_choosing import EventFirst
from events.tests.factories import make_event
from notifications.models import PushCampaign

pytestmark = pytest.mark.django_db

_CARRIED: Final = re.compile(r'<input type="hidden" name="event" value="([^"]*)">')


def test_what_was_typed_outlives_a_second_event(client: Client) -> None:
    """Of one event alone the address names none: made a second one meanwhile, the form is still of the first, and what
    was typed is there. REQ EV-04.
    """
    event = make_event()
    client.force_login(make_member(Role.OWNER, organization=event.organization))
    screens = admin.site._registry.items()
    models: list[type[Model]] = [model for model, one in screens if isinstance(one, EventFirst)]
    assert len(models) >= 3
    models.append(PushCampaign)
    forms = [reverse(f"admin:{one._meta.label_lower.replace('.', '_')}_add") for one in models]
    carried = [_CARRIED.findall(client.get(form).content.decode()) for form in forms]
    assert carried == [[str(event.pk)]] * len(forms)
    other = make_event(organization=event.organization)
    assert other.title in client.get(forms[0]).content.decode()  # whoever begins now chooses
    for form, sent in zip(forms, carried, strict=True):
        typed = {"event": sent[0], "name": "Typed before", "title": "Typed before"}
        page = client.post(form, typed).content.decode()
        assert 'value="Typed before"' in page, form
        assert _CARRIED.findall(page) == sent, form
