"""Who sees which variant: the same here and in a browser."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from analytics.statistics.assignment import assigned, djb2

# What a page does: its own module, told texts and weights.
_SCRIPT = """
globalThis.localStorage = { getItem: () => "kept-in-all-tabs", setItem() {} };
const { assigned, djb2, variantOf } = await import("./experiments.js");
const { readFileSync } = await import("node:fs");
const { texts, tests } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({
  hashes: texts.map(djb2),
  places: tests.map(([token, weights]) => assigned(token, "color", weights)),
  variant: variantOf("color", [{ id: "a", weight: 1 }, { id: "b", weight: 1 }]),
}));
"""
_SCRIPTS = Path(settings.BASE_DIR) / "static" / "live"


@pytest.mark.parametrize(
    ("text", "value"), [("", 5381), ("a", 177670), ("ab", 5863208), ("hello", 261238937)]
)
def test_known_values(text, value) -> None:
    """Worked out by hand from h * 33 + c. REQ AN-08."""
    assert djb2(text) == value


@pytest.mark.node
def test_a_browser_comes_to_the_same() -> None:
    """REQ AN-08: the page's own module over odd texts and uneven weights; its word is the same in all tabs."""
    texts = ["", "Zürich", "日本", "🎟️🎟", "\ud83c", "x" * 5_000, *(str(uuid4()) for _ in range(200))]
    weights = ([1, 1], [1, 1, 1, 1], [1, 3], [1, 0, 3], [20, 30, 50], [9_999, 1])
    tests = [(str(uuid4()), one) for one in weights for _ in range(100)]
    told = subprocess.run(
        ["node", "--input-type=module", "-e", _SCRIPT],
        input=json.dumps({"texts": texts, "tests": tests}), capture_output=True, text=True, check=True, cwd=_SCRIPTS,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert found["hashes"] == [djb2(text) for text in texts]
    assert found["places"] == [assigned(token, "color", one) for token, one in tests]
    assert found["variant"] == "ab"[assigned("kept-in-all-tabs", "color", [1, 1])]


@given(st.text(max_size=200))
def test_a_hash_is_32_bits(text) -> None:
    """Whatever the text, also with halves of signs. REQ AN-08."""
    assert 0 <= djb2(text) <= 0xFFFFFFFF


def test_equal_weights_are_a_remainder() -> None:
    """The front end's rule: the hash modulo the number of variants, session id and test id without a sign between."""
    for weights in ([1, 1], [50, 50], [25, 25, 25, 25]):
        for _ in range(50):
            token = str(uuid4())
            assert assigned(token, "color", weights) == djb2(f"{token}color") % len(weights)


def test_weights_are_kept() -> None:
    """REQ AN-08: 1 to 3 in the stored order, and a variant without weight is seen by nobody."""
    counted = Counter(assigned(str(uuid4()), "color", [1, 0, 3]) for _ in range(8_000))
    assert counted[1] == 0
    assert abs(counted[0] / 8_000 - 0.25) < 0.025


def test_somebody_sees_the_same_again() -> None:
    """REQ AN-08: an assignment needs no memory."""
    token = str(uuid4())
    assert len({assigned(token, "color", [1, 2, 3]) for _ in range(5)}) == 1
    with pytest.raises(ValueError):
        assigned(token, "color", [0, 0])
    with pytest.raises(ValueError):
        assigned(token, "color", [])
