"""Who sees which variant: the same here and in a browser."""

import json
import shutil
import subprocess
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.statistics.assignment import assigned, djb2

# The rule as a front end writes it.
_SCRIPT = """
const djb2 = (text) => {
  let hash = 5381;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 33) + text.charCodeAt(i)) >>> 0;
  return hash;
};
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(given.map(djb2)));
"""


@pytest.mark.parametrize(
    ("text", "value"), [("", 5381), ("a", 177670), ("ab", 5863208), ("hello", 261238937)]
)
def test_known_values(text, value) -> None:
    """Worked out by hand from h * 33 + c. REQ AN-08."""
    assert djb2(text) == value


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_browser_comes_to_the_same() -> None:
    """JavaScript's own strings: letters with accents, signs of two halves, a lone half, long ones. REQ AN-08."""
    texts = [
        "",
        "session-1checkout_button_color",
        "Zürich",
        "日本",
        "🎟️🎟",
        "x" * 5_000,
        *(str(uuid4()) for _ in range(200)),
    ]
    told = subprocess.run(
        ["node", "-e", _SCRIPT], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == [djb2(text) for text in texts]


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
