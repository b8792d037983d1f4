"""Reports as files, at the door: who may have one, what is refused, how many at once."""

from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import bearer, make_member, make_user
from analytics.services import exports
from analytics.tests.exports import DAY, FIRST, busy_place, go_away
from analytics.tests.factories import Place, make_place
from analytics.tests.figures import nothing_known
from common import redis
from common.audit.models import AuditEntry
from common.ratelimits import RateLimit
from events.models import Event
from payments.models import Order

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db


ADDRESS = "/api/v1/analytics/events/{}/{}"


@pytest.fixture
def place() -> Place:
    """An event with a bit of everything, in three currencies."""
    return busy_place()


@pytest.mark.parametrize(
    ("report_format", "content_type", "begins"),
    [
        ("csv", "text/csv; charset=utf-8", b"section,"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("pdf", "application/pdf", b"%PDF"),
    ],
)
def test_the_door(client: Client, place: Place, report_format: str, content_type: str, begins: bytes) -> None:
    """REQ AN-06: a file with a safe name that nobody keeps or guesses at; who had it is in the history."""
    analyst = make_member("analyst", organization=place.event.organization)
    place.event.__class__.objects.filter(pk=place.event.pk).update(slug='a"b\r\n/../ü')
    url = f"{ADDRESS.format(place.event.pk, 'export')}?format={report_format}&date_from={FIRST}&date_to={DAY}"
    answer = client.get(url, headers={**bearer(analyst), "Accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    assert answer.streaming
    assert answer.getvalue().startswith(begins)
    name = f"report-a-b-{FIRST}-{DAY}.{report_format}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("no-store", "nosniff")
    [entry] = AuditEntry.objects.filter(action="analytics.export")
    assert (entry.actor_id, entry.subject_id) == (analyst.pk, str(place.event.pk))
    assert entry.changes == {
        "format": [None, report_format], "date_from": [None, str(FIRST)], "date_to": [None, str(DAY)],
        "buyers": [None, False],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "format"),
        ("format=xls", "format"),
        ("format=", "format"),
        ("format=csv&sheet=1", "sheet"),
        ("format=csv&date_from=2096-01-02&date_to=2096-01-01", "date_to"),
        ("format=csv&date_from=2095-01-01&date_to=2096-01-01", "date_to"),
        ("format=csv&date_from=yesterday", "date_from"),
    ],
)
def test_what_is_no_report(client: Client, query: str, field: str) -> None:
    """REQ AN-03, AN-06: 400 with the field's name, nothing made and nothing in the history."""
    event = make_place().event
    analyst = make_member("analyst", organization=event.organization)
    answer = client.get(f"{ADDRESS.format(event.pk, 'export')}?{query}", headers=bearer(analyst))
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not AuditEntry.objects.filter(action="analytics.export").exists()


def test_whose_report_it_is(client: Client, place: Place) -> None:
    """REQ EV-03, AN-06: analysts and up; only who may see orders sees who bought; too many a minute are refused."""
    url = f"{ADDRESS.format(place.event.pk, 'export')}?format=csv&date_from={FIRST}&date_to={DAY}"
    scanner = make_member("scanner", organization=place.event.organization)
    rival = make_member("owner")
    assert client.get(url).status_code == 401
    assert [client.get(url, headers=bearer(who)).status_code for who in (scanner, rival, make_user())] == [
        403,
        404,
        404,
    ]
    assert not AuditEntry.objects.filter(action="analytics.export").exists()
    buyers = {str(order.buyer.email) for order in Order.objects.select_related("buyer")}
    for role, sees in (("analyst", False), ("staff", True), ("owner", True)):
        member = make_member(role, organization=place.event.organization)
        content = client.get(url, headers=bearer(member)).getvalue().decode()
        assert {one for one in buyers if one in content} == (buyers if sees else set())
        assert ("left out" in content) is not sees
    codes = []
    for _ in range(10):
        answer = client.get(url, headers=bearer(member))
        codes.append(answer.status_code)
        answer.getvalue()
    assert codes == [200] * 9 + [429]


def _today(event: Event) -> str:
    return f"{ADDRESS.format(event.pk, 'export')}?date_from={DAY}&date_to={DAY}"


def test_few_at_once(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ AN-11: slow downloads do not take all of the server: two of an organization, four in all.

    Who comes then is told when to come again; it is not in the history, and none of what they may have in a minute.
    """
    settings.WEB_STREAMS_AT_ONCE = 5
    monkeypatch.setattr(exports, "_A_MINUTE", RateLimit("analytics.export", 2, 60))
    events = [make_place().event for _ in range(3)]
    members = [bearer(make_member("analyst", organization=one.organization)) for one in events]

    def ask(number: int, kind: str = "csv") -> Any:
        return client.get(f"{_today(events[number])}&format={kind}", headers=members[number])

    slow = [ask(0), ask(0, "xlsx")]
    refused = ask(0)
    told = (refused.status_code, refused["Retry-After"], refused.json()["code"])
    assert told == (429, "10", "rate_limited")
    slow += [ask(1), ask(1)]
    assert [one.status_code for one in slow] == [200] * 4
    assert ask(2)["Retry-After"] == "10"
    assert AuditEntry.objects.filter(action="analytics.export").count() == 4
    go_away(slow.pop())
    last = ask(2)
    assert (last.status_code, ask(2)["Retry-After"], last.getvalue()[:8]) == (200, "10", b"section,")
    assert ask(2).getvalue().startswith(b"section,")
    for answer in slow:
        go_away(answer)
    # Too many in a minute keep no place either.
    assert int(ask(2)["Retry-After"]) > 10
    assert redis.client().zcard(exports._AT_ONCE.set_name) == 0


def test_one_process_keeps_threads_for_others(client: Client) -> None:
    """REQ AN-11: two at once of one process, whosever they are; who is refused is not in the history, by any door."""
    events = [make_place().event for _ in range(3)]
    members = [make_member("analyst", organization=one.organization) for one in events]

    def ask(number: int) -> Any:
        return client.get(f"{_today(events[number])}&format=csv", headers=bearer(members[number]))

    slow = [ask(0), ask(1)]
    refused = ask(2)
    assert (refused.status_code, refused["Retry-After"], refused.json()["code"]) == (
        429,
        "10",
        "rate_limited",
    )
    client.force_login(members[2])
    page = client.get(f"/admin/analytics/eventconsole/{events[2].pk}/export/?format=csv")
    assert (page.status_code, page["Retry-After"]) == (429, "10")
    assert AuditEntry.objects.filter(action="analytics.export").count() == 2
    assert redis.client().zcard(exports._AT_ONCE.set_name) == 2
    go_away(slow.pop())
    assert ask(2).getvalue().startswith(b"section,")
    go_away(slow.pop())
    assert [ask(2).getvalue()[:8] for _ in range(3)] == [b"section,"] * 3
