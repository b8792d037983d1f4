"""The script that shows variants and tells what came of them, played by node."""

import json
import subprocess
from pathlib import Path

import pytest

from analytics.statistics.assignment import assigned

_SCENE = Path(__file__).with_name("experiment_scripts.mjs")


@pytest.mark.node
def test_a_page_tells_what_it_showed_and_what_came_of_it() -> None:
    """REQ AN-08: a view once for each page, the first goal with its value, by beacon as the page goes away.

    An experiment that does not run shows nothing and tells nothing; the variant is the server's.
    """
    done = subprocess.run(["node", str(_SCENE)], capture_output=True, text=True, check=True, timeout=30)
    found = json.loads(done.stdout)
    own = ["control", "green"][assigned("a-browser", "color", [1, 1])]
    assert found["variants"] == [own, None]
    about = {"test_id": "color", "event_id": "e", "session_token": "a-browser", "variant_id": own}
    assert found["told"] == [
        {
            "by": "/api/v1/ab-tests/track",
            "isTimed": True,
            "events": [{**about, "event_type": "variant_view"}],
        },
        {
            "by": "beacon",
            "isTimed": True,
            "events": [
                {**about, "event_type": "goal_conversion", "goal_achieved": True, "goal_value": 1999},
                {**about, "event_type": "secondary_metric"},
            ],
        },
    ]
