"""What is known of one variant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant's people: how many saw it, and how many of those did what was hoped for."""

    key: str
    trials: int
    successes: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials:
            raise ValueError(f"{self.key}: {self.successes} of {self.trials} people")

    @property
    def rate(self) -> float | None:
        """The share of people who did it; None when nobody saw the variant."""
        return self.successes / self.trials if self.trials else None
