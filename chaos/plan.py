"""What goes wrong and when: decided by the seed alone, before anything starts, so that a failure can be replayed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

# The supervisor gives up on a child that dies five times in a minute; one killed so often is no accident.
APART_SECONDS = 25.0
_FIRST_AFTER = 3.0
_GAP = (3.0, 9.0)
# The short form has no time for pauses.
_SHORT_GAP = (1.5, 3.5)
_SHORT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One accident: ``act`` is done to ``target`` at ``at`` seconds; what lasts ends after ``seconds``."""

    at: float
    act: str
    target: str
    seconds: float = 0.0
    times: int = 0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        repeated = f", {self.times} times" if self.times else ""
        return f"{self.at:7.1f} s  {self.act} {self.target}{lasting}{repeated}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of accident: how likely it is, how long it lasts and how often it strikes, each from a range."""

    act: str
    target: str
    weight: int
    seconds: tuple[float, float] = (0.0, 0.0)
    times: tuple[int, int] = (0, 0)


# `kill` is SIGKILL to the whole process group, `freeze` SIGSTOP and later SIGCONT. PostgreSQL is shut down fast
# (SIGINT), at once (SIGQUIT), or killed with all its processes, as a power cut would.
KINDS = (
    Kind("kill", "web", 4),
    Kind("kill", "worker", 4),
    Kind("kill", "worker-bulk", 2),
    Kind("kill", "run_jobs", 3),
    Kind("kill", "beat", 1),
    Kind("kill", "realtime", 2),
    Kind("kill", "sandbox", 2),
    Kind("kill", "mail", 2),
    Kind("kill", "valkey", 3),
    Kind("kill", "postgres", 2),
    Kind("restart", "postgres", 2),
    Kind("immediate", "postgres", 2),
    Kind("flush", "valkey", 2),
    Kind("freeze", "valkey", 3, seconds=(2.0, 12.0)),
    Kind("freeze", "worker", 2, seconds=(2.0, 12.0)),
    Kind("freeze", "run_jobs", 1, seconds=(2.0, 12.0)),
    Kind("freeze", "realtime", 1, seconds=(2.0, 8.0)),
    Kind("freeze", "mail", 1, seconds=(2.0, 8.0)),
    Kind("webhooks", "drop", 2, times=(1, 4)),
    Kind("webhooks", "duplicate", 2, times=(1, 6)),
    Kind("webhooks", "reorder", 2, times=(2, 4)),
    Kind("webhooks", "delay", 2, seconds=(1.0, 6.0), times=(1, 4)),
    Kind("api", "timeout", 1, times=(1, 2)),
    Kind("api", "500", 2, times=(1, 3)),
    Kind("api", "500_after_commit", 2, times=(1, 2)),
    Kind("api", "429", 2, times=(1, 3)),
    Kind("api", "cut_after_commit", 2, times=(1, 3)),
    Kind("smtp", "451", 2, times=(1, 6)),
    Kind("smtp", "drop", 1, times=(1, 3)),
)
# These end processes, or stop them: two in a row on one of them need a distance.
_ON_PROCESSES = frozenset({"kill", "freeze", "restart", "immediate"})


def plan(*, seed: int, seconds: float) -> list[Fault]:
    """Return the accidents of a campaign in their order; the same for the same seed and length."""
    return list(_drawn(random.Random(seed), seconds))


def _drawn(chance: random.Random, seconds: float) -> Iterator[Fault]:
    free_at: dict[str, float] = {}
    gap = _GAP if seconds > _SHORT_SECONDS else _SHORT_GAP
    at = _FIRST_AFTER if seconds > _SHORT_SECONDS else 1.0
    while at < seconds:
        fault = _one(chance, at, free_at)
        # What lasts is over when the campaign is.
        if fault.at + fault.seconds <= seconds:
            if fault.act in _ON_PROCESSES:
                free_at[fault.target] = at + fault.seconds + APART_SECONDS
            yield fault
        at += chance.uniform(*gap)


def _one(chance: random.Random, at: float, free_at: dict[str, float]) -> Fault:
    open_now = [
        kind for kind in KINDS if kind.act not in _ON_PROCESSES or at >= free_at.get(kind.target, 0.0)
    ]
    (kind,) = chance.choices(open_now, weights=[kind.weight for kind in open_now])
    lasting = round(chance.uniform(*kind.seconds), 1)
    return Fault(round(at, 1), kind.act, kind.target, lasting, chance.randint(*kind.times))
