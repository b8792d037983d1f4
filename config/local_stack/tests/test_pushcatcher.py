"""The stand-in for push, as strangers find it: it takes what the providers would take, and nothing else. REQ NO-04."""

from collections.abc import Iterator

import pytest
import requests

from config.local_stack.pushcatcher.testing import PushCatcher

MESSAGE = {"message": {"token": "x", "notification": {"title": "Hello"}}}


@pytest.fixture
def web() -> Iterator[requests.Session]:
    """Give a client."""
    with requests.Session() as session:
        yield session


def test_fcm_asks_for_a_token_of_its_own(push_catcher: PushCatcher, web: requests.Session) -> None:
    """Without one: 401, as Google answers; an assertion that is none gets no token."""
    address = f"{push_catcher.url}/v1/projects/p/messages:send"
    answer = web.post(address, json=MESSAGE, headers={"Authorization": "Bearer ya29.guessed"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "none"}
    assert web.post(f"{push_catcher.url}/token", data=form).status_code == 400
    assert push_catcher.pushes() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"TTL": "60"}, 400),
        ({"TTL": "60", "Content-Encoding": "aes128gcm", "Topic": "x" * 33}, 400),
        ({"TTL": "60", "Content-Encoding": "aes128gcm"}, 403),
        ({"TTL": "60", "Content-Encoding": "aes128gcm", "Authorization": "vapid t=a.b.c,k=d"}, 403),
    ],
)
def test_a_push_service_refuses_what_is_not_right(
    push_catcher: PushCatcher, web: requests.Session, headers: dict[str, str], status: int
) -> None:
    """TTL, encoding, topic and signature are looked at; nothing is shown to the browser."""
    browser = web.post(f"{push_catcher.url}/_push/browsers", json={"name": "Ada"}).json()
    assert web.post(browser["endpoint"], data=b"x", headers=headers).status_code == status
    assert web.post(f"{push_catcher.url}/push/unknown", headers=headers).status_code == 404
    assert push_catcher.pushes() == []


def test_its_own_doors_say_what_they_want(push_catcher: PushCatcher, web: requests.Session) -> None:
    """A wrong order is a 400 that names the right ones; another host's name reads nothing."""
    for wrong in ({}, {"kind": "x"}, {"kind": "gone", "times": -1}, []):
        answer = web.post(f"{push_catcher.url}/_push/faults", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert web.post(f"{push_catcher.url}/_push/browsers", json={"name": ""}).status_code == 400
    messages = f"{push_catcher.url}/_push/messages"
    assert web.get(messages).json() == {"count": 0, "results": []}
    assert web.get(messages, headers={"Host": "evil.test"}).status_code == 400
