"""What the page of the door keeps without a network, played by node with a clock that the scene moves."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.node

_SCENES = Path(__file__).with_name("door_scripts.mjs")


def play(*scene: str) -> Any:
    """Play one scene of ``door_scripts.mjs`` and return what came of it."""
    done = subprocess.run(
        ["node", str(_SCENES), *scene], capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("locks", ["with-locks", "without-locks"])
def test_a_scan_that_is_kept_while_another_is_sent_is_not_lost(locks: str) -> None:
    """REQ TK-02: it is still there after the first one was answered, and goes out next."""
    assert play("meanwhile", locks) == {"sent": ["a", "b"], "left": ["b"]}


def test_a_scan_that_the_server_fails_at_holds_up_no_other() -> None:
    """REQ TK-02: it goes to the end and stays, as one does that somebody else answered; after three failures in a row
    the rest waits."""
    assert play("poison") == {
        "sent": ["bad", "odd", "a", "b", "bad", "odd", "c"],
        "said": ["accepted", "accepted"],
        "first": ["bad", "odd"],
        "left": ["d", "e", "bad", "odd", "c"],
    }


def test_scans_are_sent_as_who_made_them() -> None:
    """REQ TK-03: those of somebody else wait here until they sign in; the maker's id is not sent along."""
    assert play("owners") == {"sent": [[0, "mine", False]], "left": ["theirs"]}


def test_catching_up_is_paced_and_waits_when_it_is_told() -> None:
    """REQ TK-02: two a second; after a 429 none for as long as it says; what is refused for good is dropped."""
    assert play("pace") == {
        "sent": [[0, "a"], [500, "b"], [1000, "c"], [8000, "c"], [8500, "d"]],
        "said": ["accepted", "not_found", "accepted", "accepted"],
        "left": [],
    }
