"""What the pages' push scripts do, played by node: the browser's part is the scene's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.node

_SCENES = Path(__file__).with_name("push_scripts.mjs")
_RECEIPTS = "/api/v1/me/push-receipts"
_REGISTER = "/api/v1/me/devices"
_KEY = ["/api/v1/push/web-key", None]


def play(scene: str) -> Any:
    """Play one scene of ``push_scripts.mjs`` and return what came of it."""
    done = subprocess.run(
        ["node", str(_SCENES), scene], capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


def told(receipt: str, event: str) -> list[Any]:
    """Return a call that tells what became of a message."""
    return [_RECEIPTS, {"receipts": [{"receipt": receipt, "event": event}]}]


def test_every_push_is_shown_and_told() -> None:
    """REQ NO-04: its tag is the message's id; it is shown without a network too, and where it cannot be read."""
    unread = ["shows", "Marquee", "There is news for you.", None]
    assert play("shown") == [
        ["shows", "Doors", "Come in", "m1"],
        told("r1", "delivered"),
        ["shows", "Again", "", "m2"],
        told("r2", "delivered"),
        unread,
        unread,
    ]


def test_a_tap_leads_within_this_site_only() -> None:
    """REQ NO-04, NO-05: another origin's address leads home; an open page is taken; it is told as opened."""
    home = ["opens", "https://front.test/"]
    opened = [["opens", "https://front.test/tickets"], ["opens", "https://front.test/orders/1"], *[home] * 4]
    flat = [step for one in opened for step in (["closes"], one)]
    assert play("opened") == [*flat, ["closes"], told("r1", "opened"), ["focuses"]]


def test_a_subscription_that_the_browser_ends_is_made_anew() -> None:
    """REQ NO-04: with the same key; open pages are told, which register it, and where no key is known make one."""
    changed = ["tells", "marquee.push.changed"]
    assert play("changed") == [["subscribes", "key"], changed, changed]


def test_registering_has_three_tries() -> None:
    """REQ NO-04: busy, no network, busy: then it says that it failed, and nothing is taken for registered."""
    keys = {"p256dh": "p", "auth": "a"}
    body = {"provider": "webpush", "platform": "web", "token": "https://push.test/1", "keys": keys}
    call = [_REGISTER, body]
    assert play("tries") == [
        ["asks"], _KEY, call, ["waits", 500], call, ["waits", 2000], call, ["fails", "Busy."], ["kept", None],
    ]  # fmt: skip


def test_what_is_refused_for_good_is_not_tried_again() -> None:
    """REQ NO-04: one try for one device too many."""
    steps = play("refused")
    assert [one[0] for one in steps] == ["asks", "/api/v1/push/web-key", _REGISTER, "fails"]
    assert steps[-1] == ["fails", "device_limit"]


def test_it_asks_by_itself_once_a_month_at_most() -> None:
    """REQ NO-04: never where it was decided, nor where the browser cannot remember that it was asked."""
    assert play("asking") == {
        "never": True,
        "justAsked": False,
        "beforeAMonth": False,
        "afterAMonth": True,
        "denied": False,
        "nothingKept": False,
    }


def test_a_browser_says_that_it_is_there_and_leaves_on_signing_out() -> None:
    """REQ NO-04: once a day, and when its subscription is another; it leaves at its push service in any case."""
    steps = play("keepingUp")
    names = [one[0] for one in steps]
    assert names == [
        "a day later", "/api/v1/push/web-key", _REGISTER, "somewhere else", "/api/v1/push/web-key", _REGISTER,
        "signs out", "/api/v1/me/devices/d2", "unsubscribes", "kept",
    ]  # fmt: skip
    assert steps[-1] == ["kept", None]
    assert [one[1]["device"] for one in steps if one[0] == _REGISTER] == ["d1", "d1"]


def test_what_its_person_took_off_elsewhere_does_not_come_back() -> None:
    """REQ NO-04: told that it was removed, the browser leaves its push service and registers no more by itself."""
    steps = play("removed")
    assert [one[0] for one in steps] == ["/api/v1/push/web-key", _REGISTER, "unsubscribes", "kept"]
    assert steps[-1] == ["kept", None]


def test_another_person_at_this_browser_ends_what_was_registered() -> None:
    """REQ NO-04: whose session ended is not read by the next, who ends it at the push service, until that answers."""
    who = ["/api/v1/me", None]
    left, gone = ["kept", True], ["kept", False]
    assert play("another") == [
        ["nobody"], left, ["ada"], who, left, ["bob, far"], who, ["unsubscribes"], left,
        ["bob"], who, ["unsubscribes"], gone, ["bob again"], who, gone,
    ]  # fmt: skip


def test_signing_out_without_a_network_is_gone_on_with() -> None:
    """REQ NO-04: when neither end could be reached the next page leaves, though nobody is signed in any more."""
    assert play("leaving") == [
        [_REGISTER + "/d1", None], ["unsubscribes"], ["next page"], ["unsubscribes"], ["kept", False],
    ]  # fmt: skip
