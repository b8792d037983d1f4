"""What a campaign proves can fail: each promise has something that must break it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chaos import proofs
from config.tests.false_claims import REFUSED

# What a proof says when it finds a breach: a sentence, unlike names, SQL and addresses.
_SENTENCE = re.compile(r"[a-z][\w' ,.-]*(?: [\w',.-]+){2,}")


def _said(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SENTENCE.fullmatch(node.value):
            yield node.value


def test_each_promise_of_a_campaign_has_something_that_breaks_it() -> None:
    """Claims that nobody made, rows that the product did not write; `test_crashes.py` shows them. REQ OP-03."""
    (folder,) = proofs.__path__
    promises = {promise for module in Path(folder).glob("*.py") for promise in _said(module)}
    assert len(promises) > 30
    assert promises == REFUSED
