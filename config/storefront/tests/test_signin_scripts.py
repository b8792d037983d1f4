"""Where the sign-in page leads afterwards, played by node: the browser's part is the scene's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.tests.test_security import _ELSEWHERE

pytestmark = pytest.mark.node

_SCENES = Path(__file__).with_name("signin_scripts.mjs")
_ORIGIN = "https://front.test"
# Their origin is ours, or nobody's; their path by itself names another host, or the whole of them is no page of ours.
_CRAFTED = (
    "/.//evil.test",
    "/x/..//evil.test/",
    "/%2e//evil.test",
    "/.\\/evil.test",
    f"{_ORIGIN}//evil.test",
    f"{_ORIGIN}\\\\evil.test",
    f"blob:{_ORIGIN}//evil.test",
    f"https://evil.test@{_ORIGIN.removeprefix('https://')}//evil.test",
    f"{_ORIGIN}.evil.test/",
    f"{_ORIGIN}@evil.test/",
    f"{_ORIGIN}:8443/",
    "data:text/html,evil.test",
    "https://[",
)


def led_to(*wanted: str) -> Any:
    """Sign in once for each ``next`` and return the addresses that the browser goes to."""
    done = subprocess.run(
        ["node", str(_SCENES), _ORIGIN, json.dumps(wanted)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_signing_in_leads_to_pages_of_this_site_alone() -> None:
    """Whatever `next` says, the address gone to is ours; none is a sign-in that fails. REQ OP-05."""
    wanted = (*_ELSEWHERE, *_CRAFTED)
    led = dict(zip(wanted, led_to(*wanted), strict=True))
    assert {
        said: address for said, address in led.items() if not str(address).startswith(f"{_ORIGIN}/")
    } == {}
    assert {led[said] for said in _ELSEWHERE} == {f"{_ORIGIN}/"}


def test_signing_in_goes_back_to_the_page_one_came_from() -> None:
    """A path with its query, and an address of this site; without one, the start page. REQ OP-05, UI-03."""
    path = "/events/gathering?placement=IN_EVENT"
    ours = f"{_ORIGIN}{path}"
    assert led_to(path, ours, "tickets", "") == [ours, ours, f"{_ORIGIN}/tickets", f"{_ORIGIN}/"]
