"""The link of an ad: a person arrives, whatever the token, the browser or the database is worth."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from structlog.testing import capture_logs

from ads.decision.registry import registry
from ads.models import Ad
from ads.services.destinations import destinations
from ads.tests.ad_factories import make_ad
from ads.tests.redeeming import BROWSER, buckets, kinds, nothing_counted, show
from common import clock

pytestmark = pytest.mark.django_db

# What a person still waits for.
SHORT = 4.0


@pytest.fixture
def browser() -> Client:
    """A client that says it is a browser."""
    return Client(headers={"User-Agent": BROWSER})


def go(client: Client, ad: Ad, token: str = "", **headers: str) -> Any:
    """Follow the link of an ad."""
    return client.get(f"/api/v1/ads/{ad.pk}/go", {"token": token} if token else {}, headers=headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-Purpose", "prefetch"), ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"),
        ("X-Purpose", "preview"), ("X-Moz", "prefetch"),
    ],
)  # fmt: skip
def test_what_is_fetched_ahead_is_no_click(browser: Client, name: str, value: str) -> None:
    """It leads there and counts nothing, nor takes the token from the click that follows (REQ AD-10)."""
    ad = make_ad(price_model="CPC", price_amount=100)
    token = show(ad, at=clock.now())
    ahead = go(browser, ad, token, **{name: value})
    assert (ahead.status_code, ahead["Location"], ahead["Cache-Control"]) == (302, ad.click_url, "no-store")
    assert nothing_counted()
    assert go(browser, ad, token).status_code == 302
    assert kinds() == {"click": 1, "impression": 1}


@pytest.mark.parametrize(
    "query",
    [
        "token=%00",
        "token=a%00b&x=%00",
        "token=%ff%fe",
        "token=%ED%A0%80",
        "token=" + "%00" * 164,
        "&" * 3_000,
    ],
)
def test_rubbish_is_no_token_of_ours(browser: Client, query: str) -> None:
    """The person arrives, and its bucket tells (REQ AD-10)."""
    ad = make_ad()
    answer = browser.get(f"/api/v1/ads/{ad.pk}/go?{query}")
    assert (answer.status_code, answer["Location"]) == (302, ad.click_url)
    assert (kinds(), buckets()) == ({}, {"forged": 1})
    assert browser.get(f"/api/v1/ads/{ad.pk}?{query}%00").status_code == 400


def test_what_has_not_begun_is_told_to_nobody_without_its_token(browser: Client) -> None:
    """404 as for an ad that is not there, and nothing is counted; who holds a token of it, as after its start was
    moved, is led there. From its start on everybody is (REQ AD-10)."""
    ad, other = make_ad(starts_at=clock.now() + timedelta(hours=1)), make_ad()
    path = f"/api/v1/ads/{ad.pk}"
    for token in ("", "x" * 164, show(other, at=clock.now())):
        assert go(browser, ad, token).status_code == 404
        assert browser.head(f"{path}/go", {"token": token}).status_code == 404
        body = {"token": token}
        assert browser.post(f"{path}/click", body, content_type="application/json").status_code == 404
    assert nothing_counted()
    assert go(browser, ad, show(ad, at=clock.now()))["Location"] == ad.click_url
    Ad.objects.filter(pk=ad.pk).update(starts_at=clock.now())
    assert go(browser, ad)["Location"] == ad.click_url


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Have another connection hold a table, as a migration does."""
    parameters = {
        name: value for name, value in connection.get_connection_params().items()
        if name in ("dbname", "user", "password", "host", "port")
    }  # fmt: skip
    with psycopg.connect(**parameters) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.django_db(transaction=True)
def test_a_person_arrives_while_the_database_is_stuck(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the process knows: a table is held, the server hears and says nothing, nobody is there at all. It is
    logged as not counted, and an ad that nobody knows is told to be asked for later (REQ AD-10)."""
    followed, served, unknown = make_ad(), make_ad(click_url="https://shop.test/served"), make_ad()
    assert go(browser, followed, show(followed, at=clock.now())).status_code == 302
    registry.of(served.event_id)
    counted = kinds()
    deaf = socket.create_server(("127.0.0.1", 0), backlog=50)
    nobody = socket.create_server(("127.0.0.1", 0))
    ports = [deaf.getsockname()[1], nobody.getsockname()[1]]
    nobody.close()

    def arrive() -> None:
        with capture_logs() as logs:
            for ad in (followed, served):
                began = time.monotonic()
                answer = go(browser, ad, show(ad, at=clock.now()))
                assert (answer.status_code, answer["Location"]) == (302, ad.click_url)
                assert time.monotonic() - began < SHORT
            lost = go(browser, unknown)
        assert (lost.status_code, "Retry-After" in lost) == (503, True)
        assert [line["event"] for line in logs].count("ad_click_not_counted") == 3

    with locked("ads_ad"):
        arrive()
    for port in ports:
        with monkeypatch.context() as patch:
            patch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
            patch.setitem(connections.settings["default"], "PORT", port)
            arrive()
    deaf.close()
    assert kinds() == counted
    assert go(browser, unknown)["Location"] == unknown.click_url


def test_memory_keeps_the_same_secret() -> None:
    """What has not begun is told as the database would (REQ AD-10)."""
    now = clock.now()
    secret = make_ad(starts_at=now + timedelta(hours=1))
    registry.of(secret.event_id)
    assert destinations.of(secret.pk, None, now) == ""
    assert destinations.of(secret.pk, None, now + timedelta(hours=1)) == secret.click_url
