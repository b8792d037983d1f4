"""What a proof looks at: what clients were told, what the product keeps, what Stripe's stand-in keeps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chaos.ledger import Claims
from chaos.stack import Stack

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept, and by what it shows."""

    promise: str
    found: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.found}"


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that is known at the end. ``began``: by the database's clock; ``operated``: what commands said."""

    stack: Stack
    claims: Claims
    began: datetime
    operated: Mapping[tuple[str, ...], tuple[int, str]]

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask the product's database; ``%(began)s`` is when the campaign began."""
        return self.stack.rows(query, began=self.began, **params)

    def with_claim(self, what: str, **facts: Any) -> "Books":
        """Return the same books with a claim that nobody made."""
        return replace(self, claims=self.claims.and_also(what, **facts))

    def none_of(self, promise: str, query: str, **params: Any) -> Iterator[Breach]:
        """Tell a breach when the query finds rows: it asks for what must not be."""
        yield from breaches(promise, self.rows(query, **params))

    def command(self, promise: str, *command: str) -> Iterator[Breach]:
        """Tell a breach when a command of the product found something to repair."""
        code, said = self.operated[command]
        if code != 0:
            yield Breach(promise, f"{' '.join(command)} ended with {code}: {said}")


def breaches(promise: str, found: Iterable[object]) -> Iterator[Breach]:
    """Tell one breach for all of what was found; the first few are shown."""
    listed = list(found)
    if listed:
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        yield Breach(promise, f"{len(listed)}: {'; '.join(map(str, listed[:_SHOWN]))}{more}")
