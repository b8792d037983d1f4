"""What an address may ask of a list of the admin: what its filters ask, not what stands in a hidden column."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from accounts.models import User
from accounts.tests.factories import make_superuser
from analytics.admin.console_parts import PARTS
from common.admin.lookups import NarrowLists
from common.logging import MASK, masked
from common.tests.logs import written
from events.tests.factories import make_event

pytestmark = pytest.mark.django_db

# Django's, by which a column is told by the number of rows.
_LOOKUPS: Final = ("startswith", "regex", "icontains", "gt", "range", "in")


def where(model: type[Model]) -> str:
    """Return the address of a model's list."""
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")


def asked_of(model: type[Model]) -> Iterator[str]:
    """Yield questions about each column that a list must not answer."""
    for field in model._meta.concrete_fields:
        yield from (f"{field.attname}__{lookup}" for lookup in _LOOKUPS)
        if field.is_relation:
            yield f"{field.name}__pk__regex"


@pytest.fixture
def operator(client: Client) -> Client:
    """A browser of a superuser, whom nothing else holds back."""
    client.force_login(make_superuser())
    return client


def test_every_screen_is_narrowed() -> None:
    """Whoever registers a screen makes it of a base of the house. REQ EV-04, OP-05."""
    assert [one for one in admin.site._registry.values() if not isinstance(one, NarrowLists)] == []
    assert len(admin.site._registry) > 40


def test_no_list_tells_a_column_by_the_number_of_its_rows(rf: RequestFactory) -> None:
    """Of every list, each column: no pattern, no beginning, no part, no order is filtered by. REQ EV-04, OP-05."""
    request = rf.get("/")
    for model, screen in admin.site._registry.items():
        assert [one for one in asked_of(model) if screen.lookup_allowed(one, "a", request)] == [], model


def test_no_search_box_reads_what_is_secret() -> None:
    """No list is searched by a column that pages and logs mask; errors are kept masked. REQ EV-04, OP-05."""
    searched = {
        (model._meta.label, get_fields_from_path(model, path)[-1].name)
        for model, screen in admin.site._registry.items()
        for path in screen.search_fields
    }
    assert ("common.DeadLetter", "errors") in searched
    hidden = {"payload", "auth", "p256dh", "body", "content", "answer"}
    assert [
        (label, name) for label, name in searched if name in hidden or masked({name: "x"})[name] == MASK
    ] == []
    assert masked({"manual_code": "x"}) == {"manual_code": MASK}


def lists(rf: RequestFactory, model: type[Model], query: dict[str, Any]) -> ChangeList:
    """Return a list as an address asks an operator's for it, its rows loaded."""
    request = rf.get(where(model), query)
    request.user = User(is_superuser=True, is_active=True)
    found: ChangeList = admin.site._registry[model].get_changelist_instance(request)
    return found


def test_no_list_fails_at_a_pattern(rf: RequestFactory) -> None:
    """`?column__regex=[` is refused by every list, and PostgreSQL never sees the pattern. REQ EV-04."""
    with CaptureQueriesContext(connection) as queries:
        for model in admin.site._registry:
            field = model._meta.concrete_fields[-1]
            with pytest.raises(DisallowedModelAdminLookup):
                lists(rf, model, {f"{field.attname}__iregex": "[mq"})
    assert [one for one in queries if "[mq" in one["sql"]] == []


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("notifications_pushdevice", {"auth__startswith": "a"}),
        ("notifications_pushdevice", {"token": "a"}),
        ("common_job", {"payload__icontains": "a"}),
        ("common_deadletter", {"payload__email__startswith": "a"}),
        ("django_celery_beat_periodictask", {"run_error__contains": "a"}),
        ("accounts_user", {"password__startswith": "a"}),
        ("events_event", {"nothing": "a"}),
        ("events_event", {"title__iregex": "[mq"}),
    ],
)
def test_what_is_refused_is_a_page_and_no_line_of_what_was_asked(
    operator: Client, address: str, query: dict[str, str]
) -> None:
    """Columns that hold secrets, what a query adds, what there is not: 400 in the house's look, and the log tells no
    value that somebody tried. REQ OP-01, OP-05.
    """
    value = "guessed-beginning"
    with written({"": "DEBUG"}) as lines:
        answer = operator.get(reverse(f"admin:{address}_changelist"), dict.fromkeys(query, value))
        told = lines()
    assert answer.status_code == 400
    assert b"<h1>This address cannot be read</h1>" in answer.content
    assert [line for line in told if value in str(line)] == []


def test_links_of_ours_are_answered(operator: Client, rf: RequestFactory) -> None:
    """Where a page leads to a list, the list takes what the link asks: consoles, cards, sponsors, groups of errors.
    REQ EV-04.
    """
    event = make_event()
    links = [
        link.to(event, "") for part in PARTS for link in part.links if link.address.endswith("_changelist")
    ]
    links += [card["link"] for card in operator.get("/admin/").context["dashboard"]["todo"]]
    links += [
        f"{reverse('admin:ads_lead_changelist')}?sponsor__id__exact={uuid4()}",
        f"{reverse('admin:common_deadletter_changelist')}?error_group=ValueError",
        f"{reverse('admin:notifications_emailmessage_changelist')}?status__exact=failed",
        f"{reverse('admin:notifications_pushmessage_changelist')}?status__exact=failed",
        f"{reverse('admin:notifications_emailsuppression_changelist')}?state=standing",
    ]
    asked = [link.partition("?") for link in links if "?" in link]
    assert len(asked) >= 15
    for path, _, query in asked:
        screen = getattr(resolve(path).func, "model_admin")  # noqa: B009 what the admin puts on its views
        for name in parse_qs(query):
            assert screen.lookup_allowed(name, "x", rf.get("/")), (path, name)


def test_filters_still_filter(rf: RequestFactory) -> None:
    """Of each filter of each list, a link for all that its links ask is followed: the rows load. REQ EV-04."""
    offered: set[str] = set()
    for model in admin.site._registry:
        shown = lists(rf, model, {})
        for spec in shown.filter_specs:
            choices: list[Any] = list(spec.choices(shown))
            asked = [parse_qs(choice["query_string"][1:], keep_blank_values=True) for choice in choices]
            for query in {frozenset(one): one for one in asked if one}.values():
                assert lists(rf, model, query).result_list is not None
                offered |= set(query)
    assert {"status__exact", "created_at__gte", "created_at__lt", "state", "is_active__exact"} <= offered


def test_a_date_that_there_is_not_is_no_filter(rf: RequestFactory) -> None:
    """Whatever stands for a year, a month, a day or an instant: rows, or back to the whole list. REQ EV-04."""
    asked = [
        (model, name)
        for model, screen in admin.site._registry.items()
        if isinstance(screen, NarrowLists)
        for name in screen.parameters(rf.get("/"))
        if name.endswith(("__gte", "__lt", "__year", "__month", "__day"))
    ]
    assert len(asked) >= 25
    odd = (
        "9999",
        "12",
        "99999999999999999999",
        "0",
        "-1",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00+14:00",
        "\u0661",
    )
    for (model, name), value in product(asked, odd):
        year = {f"{name.rpartition('__')[0]}__year": "9998"} if name.endswith(("__month", "__day")) else {}
        with suppress(IncorrectLookupParameters):
            lists(rf, model, {**year, name: value})
