"""Sorting what providers answer, and the addresses that may be called: whole tables, without a line to anybody."""

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
import requests
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from common.errors import Invalid
from notifications.pushing import hosts, tokens, verdicts
from notifications.pushing.types import Outcome, Verdict
from notifications.tests.push import NOON

S, G, R, D, A, U, P = (
    Outcome.SENT, Outcome.GONE, Outcome.REFUSED, Outcome.DOUBTED, Outcome.RETRY, Outcome.UNKNOWN, Outcome.PAUSED,
)  # fmt: skip
KEYS = {
    "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
    "auth": "tBHItJI5svbpez7KI4CCXg",
}


def fcm(status: int, code: str = "", **headers: str) -> Verdict:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    body = {"error": {"status": "SOMETHING", "message": "words", "details": details if code else []}}
    return verdicts.of_fcm(
        status, body, {name.replace("_", "-"): text for name, text in headers.items()}, now=NOON
    )


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, "", S), (404, "UNREGISTERED", G), (404, "", P), (400, "INVALID_ARGUMENT", R), (400, "", R),
        (403, "SENDER_ID_MISMATCH", D), (403, "", P), (401, "THIRD_PARTY_AUTH_ERROR", D), (401, "", P),
        (429, "QUOTA_EXCEEDED", A), (500, "INTERNAL", A), (503, "UNAVAILABLE", A), (502, "", A), (302, "", P),
        (413, "", R), (400, "THIRD_PARTY_AUTH_ERROR", D),
    ],
)  # fmt: skip
def test_fcms_errors_are_sorted(status: int, code: str, outcome: Outcome) -> None:
    """REQ NO-04: switch off, alarm and keep, try again - each of FCM's codes has its place."""
    assert (fcm(status, code).outcome, fcm(status, code).blames_device) == (outcome, False)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, S), (200, S), (202, S), (404, G), (410, G), (400, R), (413, R), (401, D), (403, D), (429, A), (500, A),
        (503, A), (301, R), (307, R), (406, R),
    ],
)  # fmt: skip
def test_push_services_errors_are_sorted(status: int, outcome: Outcome) -> None:
    """REQ NO-04: the same for a browser's push service."""
    verdict = verdicts.of_webpush(status, "words", {}, now=NOON)
    assert (verdict.outcome, verdict.blames_device) == (outcome, outcome == R and status != 413)


BODIES = st.one_of(st.none(), st.text(max_size=9), st.dictionaries(st.text(max_size=5), st.none()))


@settings_of_hypothesis(max_examples=25)
@given(status=st.integers(100, 599), body=BODIES)
def test_no_answer_breaks_the_sorting(status: int, body: object) -> None:
    """REQ NO-04: whatever is answered has an outcome, and only a 2xx is an acceptance."""
    for verdict in (
        verdicts.of_fcm(status, body, {}, now=NOON),
        verdicts.of_fcm(status, {"error": body}, {}, now=NOON),
        verdicts.of_webpush(status, json.dumps(body), {}, now=NOON),
    ):
        assert (verdict.outcome == S) == (200 <= status < 300)
        assert len(verdict.detail) <= 500


def test_waiting_is_as_long_as_asked_and_an_hour_at_most() -> None:
    """REQ NO-04: seconds or a date; FCM's 429 is everybody's, a minute where it names no time."""
    assert (fcm(429, "QUOTA_EXCEEDED").retry_after, fcm(429).for_everybody) == (60.0, True)
    assert fcm(503, Retry_After="7").retry_after == 7
    assert (fcm(500).retry_after, fcm(500).for_everybody) == (None, False)
    date = format_datetime(NOON + timedelta(seconds=90), usegmt=True)
    assert verdicts.retry_after({"Retry-After": date}, now=NOON) == 90
    assert verdicts.retry_after({"Retry-After": "999999"}, now=NOON) == 3600
    for text in ("", "soon", "-5", "0", format_datetime(NOON, usegmt=True), "²"):
        assert verdicts.retry_after({"Retry-After": text}, now=NOON) is None


def test_lines_that_broke_are_told_apart() -> None:
    """REQ NO-04: nobody there: nothing was taken; silence or a cut: nobody knows."""
    absent = requests.ConnectTimeout("x")
    assert verdicts.of_line(absent, one_provider=True).outcome == P
    assert verdicts.of_line(absent, one_provider=False).outcome == A
    for kind in (requests.ReadTimeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        cut = kind("reset")
        assert verdicts.of_line(cut, one_provider=True).outcome == U


def test_records_name_no_device_and_no_key() -> None:
    """REQ NO-05: what is kept of an error holds no token and no address of a subscription."""
    told = verdicts.described(
        f"Bearer ya29.secret to https://push.example/{'a1B2' * 20} failed: {'t:k-' * 20}"
    )
    assert "a1B2" not in told
    assert "t:k-" not in told
    assert "secret" not in told


GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://updates.push.services.mozilla.com/wpush/v2/gAA",
    "https://wns2-by3p.notify.windows.com/w/?token=BQY%3D",
    "https://web.push.apple.com/QGu",
]
BAD = [
    "", "x", "http://fcm.googleapis.com/x", "ftp://fcm.googleapis.com/x", "//fcm.googleapis.com/x",
    "https://fcm.googleapis.com", "https://evil.test/x", "https://fcm.googleapis.com.evil.test/x",
    "https://evilfcm.googleapis.com/x", "https://notify.windows.com/x", "https://evilnotify.windows.com/x",
    "https://.push.apple.com/x", "https://a..push.apple.com/x", "https://-.push.apple.com/x",
    "https://fcm.googleapis.com@evil.test/x", "https://evil.test@fcm.googleapis.com/x", "https://u:p@fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com:0/x", "https://fcm.googleapis.com:/x@evil.test/",
    "https://fcm.googleapis.com\\@evil.test/x", "https://fcm.googleapis.com\\.evil.test/x", "https://fcm.googleapis.com./x",
    "https://127.0.0.1/x", "https://[::1]/x", "https://2130706433/x", "https://0x7f.1/x", "https://localhost/x",
    "https://169.254.169.254/latest", "https://fcm.googleapis.com/x#y", "https://fcm.googleapis.com/x\n", " https://fcm.googleapis.com/x",
    "https://fcm.googleapis.com/x y", "https://fcm.googleapis.com%2eevil.test/x", "https://fcm.googleapis.com%00.evil.test/x",
    "https://fcm。googleapis.com/x", "https://ﬀcm.googleapis.com/x", "https:fcm.googleapis.com/x", "https:///fcm.googleapis.com/x",
    "https://evil.test/https://fcm.googleapis.com/x", "https://evil.test?fcm.googleapis.com/x", "https://fcm.googleapis.com?@evil.test/x",
    f"https://fcm.googleapis.com/{'x' * 2048}", "javascript:alert(1)//fcm.googleapis.com/x",
]  # fmt: skip


@pytest.mark.parametrize("address", GOOD)
def test_the_four_services_are_taken(address: str) -> None:
    """REQ NO-05: subscriptions of Google, Mozilla, Microsoft and Apple may be registered."""
    assert tokens.checked("webpush", address, KEYS).token == address


@pytest.mark.parametrize("port", ["", ":", ":443", ":0443"])
def test_one_subscription_is_one_device_however_it_is_spelled(port: str) -> None:
    """REQ NO-04: kept in one spelling, which is what is called, so that registering it again moves it."""
    one = tokens.checked("webpush", "https://fcm.googleapis.com/w/?token=a%3D", KEYS)
    assert tokens.checked("webpush", f"https://FCM.googleapis.com{port}/x/../w/?token=a%3d", KEYS) == one
    prepared = requests.Request("POST", one.token).prepare()
    assert prepared.url == one.token == "https://fcm.googleapis.com/w/?token=a%3D"


@pytest.mark.parametrize("address", BAD)
def test_no_other_host_is_taken(address: str) -> None:
    """REQ NO-05: another host, and everything that only looks like one of them, is refused with the field's name."""
    with pytest.raises(Invalid) as refused:
        tokens.checked("webpush", address, KEYS)
    assert [(one.field, one.code) for one in refused.value.errors] == [("token", "host_not_allowed")]


@settings_of_hypothesis(max_examples=25)
@given(text=st.text(alphabet="htps:/@.#?%\\[]0123456789abcdefgmocle ", max_size=40))
def test_what_is_taken_leads_to_a_listed_host(text: str) -> None:
    """REQ NO-05: however an address is put together, the HTTP library would go to a host on the list, or nowhere."""
    for address in (f"https://fcm.googleapis.com{text}", f"https://{text}fcm.googleapis.com/x"):
        try:
            hosts.require_allowed(address)
        except hosts.NotAllowed:
            continue
        prepared = requests.Request("POST", address).prepare()
        assert prepared.url is not None
        assert requests.utils.urlparse(prepared.url).hostname == "fcm.googleapis.com"


def test_an_origin_is_that_origin_alone(settings: Settings) -> None:
    """REQ NO-05: a stand-in is named with scheme, port and path, and admits nothing beside its subscriptions."""
    settings.WEBPUSH_ALLOWED_HOSTS = ["http://127.0.0.1:8003/push/"]
    assert hosts.require_allowed("http://127.0.0.1:8003/push/x").port == 8003
    others = ["http://127.0.0.1:8004/push/x", "https://127.0.0.1:8003/push/x", "http://127.0.0.1/push/x"]
    paths = ["clear", "push", "_push/faults", "push/../clear", "push/./../clear", "pushx/y", ""]
    for other in (*others, *(f"http://127.0.0.1:8003/{path}" for path in paths)):
        with pytest.raises(hosts.NotAllowed):
            hosts.require_allowed(other)


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ({}, ["keys.p256dh", "keys.auth"]),
        ({**KEYS, "auth": "short"}, ["keys.auth"]),
        ({**KEYS, "p256dh": KEYS["p256dh"][:-4] + "AAAA"}, ["keys.p256dh"]),
        ({**KEYS, "p256dh": "!" * 87}, ["keys.p256dh"]),
        ({**KEYS, "auth": "a" * 5000}, ["keys.auth"]),
    ],
)
def test_keys_that_cannot_be_encrypted_for_are_refused(keys: dict[str, str], fields: list[str]) -> None:
    """REQ NO-04: a point that is not on the curve, or a secret of another length, fails where it is registered."""
    with pytest.raises(Invalid) as refused:
        tokens.checked("webpush", GOOD[0], keys)
    assert [one.field for one in refused.value.errors] == fields


@pytest.mark.parametrize("token", ["", "short", "with spaces " * 5, "x" * 1025, "ü" * 140, "x" * 40 + "\n"])
def test_tokens_of_fcm_have_their_form(token: str) -> None:
    """REQ NO-04: what cannot be a token of FCM is refused; what could be one is taken as it is."""
    good = "c:APA91b-_x" * 13
    assert tokens.checked("fcm", good).token == good
    with pytest.raises(Invalid) as refused:
        tokens.checked("fcm", token)
    assert [one.field for one in refused.value.errors] == ["token"]
