"""An ad as it would be, while it is judged."""

from dataclasses import dataclass
from typing import Any

from ads.models import AdSpend
from events.models import Event


@dataclass(frozen=True, slots=True)
class Draft:
    """Merged values, amounts in minor units, beside what they are judged against.

    ``spend``: what was billed of the ad as it is, with that ad; None for a new one. ``named``: what the caller said.
    ``wrong``: the fields that were refused so far; what could not be read has its value of before.
    """

    values: dict[str, Any]
    event: Event
    spend: AdSpend | None
    named: frozenset[str]
    wrong: set[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def has_read(self, *names: str) -> bool:
        """Say whether none of these fields was refused, so that they can be compared with each other."""
        return self.wrong.isdisjoint(names)
