"""The scripts that show and count ads, played by node with a clock that the scene moves."""

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

pytestmark = pytest.mark.node

_SCENES = Path(__file__).with_name("ad_scripts.mjs")


def play(scene: str) -> Any:
    """Play one scene of ``ad_scripts.mjs`` and return what came of it."""
    done = subprocess.run(
        ["node", str(_SCENES), scene], capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


def test_an_ad_is_viewable_after_a_second_of_half_of_it_in_a_visible_tab() -> None:
    """REQ AD-04: 49 % never; two times 600 ms not; hidden not; then at the thousandth millisecond, once."""
    assert play("display") == [0, 0, 0, 0, 1, 1]


def test_thirty_per_cent_of_a_large_ad_are_enough() -> None:
    """REQ AD-04: from 242,500 pixels on; of a smaller one 30 % are not enough."""
    assert play("shares") == [0.5, 0.3, 0.5, 0.5]
    assert play("large") == [0, 1]


def test_what_was_not_there_is_not_viewable() -> None:
    """REQ AD-04: nothing of no size, nothing scrolled away while the page was busy, nothing after the end."""
    assert play("neverThere") == [0, 0, 0]


def test_a_video_is_viewable_after_two_seconds_of_playing() -> None:
    """REQ AD-04: a pause begins them anew."""
    assert play("video") == [0, 0, 0, 1]


def test_counts_go_out_in_batches_and_each_token_once() -> None:
    """REQ AD-04: after three seconds, ten at once; a token again only when it became viewable."""
    assert play("batches") == {
        "early": 0,
        "atOnce": 3,
        "sent": ["a b+", "a+", "t0 t1 t2 t3 t4 t5 t6 t7 t8 t9", "t10"],
    }


def test_what_waits_goes_out_with_the_page() -> None:
    """REQ AD-04: by beacon; by fetch where it is refused, and for somebody whose sign-in has to be known; once."""
    assert play("leaving") == [
        {"by": "beacon", "what": "a"},
        {"by": "fetch", "keepalive": True, "who": None, "what": "b"},
        {"by": "fetch", "keepalive": True, "who": "Bearer me", "what": "c"},
    ]


def test_a_line_that_is_down_loses_nothing_and_doubles_nothing() -> None:
    """REQ AD-10: tried again ever later, kept when the page goes, told once by the next page."""
    assert play("offline") == {"tries": 3, "kept": 1, "left": 0, "sent": ["a"]}


def test_what_cannot_count_any_more_is_not_told() -> None:
    """REQ AD-10: neither a token of an hour ago nor one the server refused for good."""
    assert play("givesUp") == ["new+", "odd"]


def test_a_busy_server_is_asked_again_and_an_old_sign_in_left_out() -> None:
    """REQ AD-04: 503 is repeated; 401 is repeated at once without the sign-in."""
    assert play("repeats") == ["Bearer old a", "null a", "Bearer old a", "null a"]


def test_a_window_that_keeps_nothing_still_counts() -> None:
    """REQ UI-03: where storage throws the word lasts as long as the page, and what waits leaves by beacon."""
    assert play("privateWindow") == {"isSame": True, "length": 32, "sent": ["fetch a", "beacon a"]}


def test_all_tabs_have_one_word() -> None:
    """REQ AD-03: who is not signed in is one viewer in all tabs; with the tab's own store, at least in it."""
    assert play("words") == [True, "of another tab"]


def test_an_ad_has_its_turn_while_somebody_can_see_it() -> None:
    """REQ UI-03: 600 ms, a pause of five seconds, 400 ms make one second."""
    assert play("turns") == {"early": 0, "done": [6000, 6500]}


def test_an_aspect_ratio_is_a_number() -> None:
    """REQ AD-01: width by height; what is none is shown as 16:9."""
    wide = 16 / 9
    assert play("ratios") == [wide, 1, 3.88, wide, wide, wide, wide]


def test_what_people_look_at_goes_out_in_batches() -> None:
    """REQ UI-04: ten at once or after half a minute, again with the same ids after a failure, a beacon at the end."""
    played = play("tracker")
    assert played["early"] == 0
    batches = [[event["entity_id"] for event in body["events"]] for body in played["told"]]
    assert batches == [["first"], [f"o{number}" for number in range(10)], ["again"], ["again"], ["leaving"]]
    first, failed, again = played["told"][0], played["told"][2], played["told"][3]
    assert failed["events"] == again["events"]
    assert again["sent_at"] >= failed["sent_at"]
    event = first["events"][0]
    assert set(event) == {
        "id", "type", "event_id", "entity_id", "timestamp", "session_token", "metadata",
    }  # fmt: skip
    assert UUID(event["id"]).version == 4
    assert len({event["id"] for body in played["told"] for event in body["events"]}) == 13
