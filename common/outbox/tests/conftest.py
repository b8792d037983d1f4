"""Kinds of job that exist for one test only."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from common.outbox.registry import Kind, registry
from common.outbox.types import Lane


@pytest.fixture
def kind() -> Iterator[Callable[..., Kind]]:
    """Give ``kind(handler, name=..., lane=..., is_remote=..., retry_after=...)``, forgotten after the test."""
    names: list[str] = []

    def register(handler: Callable[..., Any], name: str = "test.job", **terms: Any) -> Kind:
        made = Kind(
            name=name,
            lane=terms.get("lane", Lane.MONEY),
            handler=handler,
            is_remote=terms.get("is_remote", False),
            retry_after=terms.get("retry_after", (60, 300)),
            timeout=terms.get("timeout", 30),
            on_dead=terms.get("on_dead"),
            on_expired=terms.get("on_expired"),
            gate=terms.get("gate"),
        )
        registry.add(made)
        names.append(name)
        return made

    yield register
    for name in names:
        registry.remove(name)
