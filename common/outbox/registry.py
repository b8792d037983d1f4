"""Which function works which kind of job, and on which terms.

Rooms register in their ``handlers.py``, imported in ``apps.py ready()``. The registry is filled before the
first job runs and does not change afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.facts import Fact
from common.outbox.types import JobContext, Lane, UnknownKind

LocalHandler = Callable[[JobContext], None]
Finisher = Callable[[], None]
RemoteHandler = Callable[[JobContext], Finisher | None]
OnDead = Callable[[JobContext, str], None]
OnExpired = Callable[[JobContext], None]

LOCAL_POOL = "local"
REMOTE_POOL = "remote"
DEFAULT_RETRY_AFTER: tuple[int, ...] = (60, 300, 1800, 7200)


@dataclass(frozen=True, slots=True)
class Condition:
    """A further SQL condition on the row ``j`` of the jobs table, with its parameters by position."""

    sql: str
    params: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit that several kinds share, such as e-mails a minute.

    ``available(now, want)`` says how many of up to ``want`` jobs may begin now; it only looks, so waiting
    writes nothing. ``condition(now)``, if given, leaves out jobs that may not begin although others may (a
    recipient who had enough). The handler takes the real token, and raises ``Postpone`` when a rival was first.
    """

    name: str
    available: Callable[[datetime, int], int]
    condition: Callable[[datetime], Condition | None] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job. ``timeout`` and ``retry_after`` are in seconds."""

    name: str
    lane: Lane
    handler: Callable[[JobContext], Any]
    is_remote: bool
    retry_after: tuple[int, ...]
    timeout: int
    on_dead: OnDead | None
    on_expired: OnExpired | None
    gate: Gate | None

    @property
    def max_attempts(self) -> int:
        """Return how many attempts there are before the job is dead."""
        return len(self.retry_after) + 1

    @property
    def pool(self) -> str:
        """Return which jobs it is claimed together with: local ones, remote ones, or those of its gate."""
        if self.gate is not None:
            return f"{self.gate.name}.{REMOTE_POOL if self.is_remote else LOCAL_POOL}"
        return REMOTE_POOL if self.is_remote else LOCAL_POOL


@dataclass(frozen=True, slots=True)
class Pool:
    """Jobs of a lane that are claimed together."""

    name: str
    is_remote: bool
    gate: Gate | None
    longest_timeout: int


class Registry:
    """All kinds, by name and by the fact that they answer."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._of_fact: dict[type[Fact], list[str]] = {}
        self._pools: dict[Lane, tuple[Pool, ...]] = {}

    def add(self, kind: Kind, fact: type[Fact] | None = None) -> None:
        """Register a kind; the same name with another function is an error."""
        known = self._kinds.get(kind.name)
        if known is not None and known.handler is not kind.handler:
            raise ValueError(f"The job kind {kind.name!r} is registered twice")
        self._kinds[kind.name] = kind
        self._pools.clear()
        if fact is not None and kind.name not in self._of_fact.setdefault(fact, []):
            self._of_fact[fact].append(kind.name)

    def remove(self, name: str) -> None:
        """Forget a kind, as a release does that no longer has it."""
        self._kinds.pop(name, None)
        self._pools.clear()
        for names in self._of_fact.values():
            if name in names:
                names.remove(name)

    def get(self, name: str) -> Kind:
        """Return the kind of this name, or raise ``UnknownKind``."""
        try:
            return self._kinds[name]
        except KeyError:
            raise UnknownKind(f"No handler is registered for jobs of kind {name!r}") from None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._kinds)

    def handlers_of(self, fact: type[Fact]) -> tuple[Kind, ...]:
        """Return the kinds that answer this fact, in the order of their registration."""
        return tuple(self._kinds[name] for name in self._of_fact.get(fact, ()))

    def pools(self, lane: Lane) -> tuple[Pool, ...]:
        """Return the pools of a lane. Local and remote are always there: rows may outlive their kind."""
        if lane not in self._pools:
            found = {
                LOCAL_POOL: Pool(LOCAL_POOL, False, None, 30),
                REMOTE_POOL: Pool(REMOTE_POOL, True, None, 30),
            }
            for kind in self._kinds.values():
                if kind.lane == lane:
                    before = found.get(kind.pool)
                    longest = max(kind.timeout, before.longest_timeout if before else 0)
                    found[kind.pool] = Pool(kind.pool, kind.is_remote, kind.gate, longest)
            self._pools[lane] = tuple(found.values())
        return self._pools[lane]


registry = Registry()


def job(
    name: str,
    *,
    lane: Lane,
    retry_after: Sequence[int] = DEFAULT_RETRY_AFTER,
    timeout: int = 30,
    on_dead: OnDead | None = None,
    on_expired: OnExpired | None = None,
    gate: Gate | None = None,
) -> Callable[[LocalHandler], LocalHandler]:
    """Register a local handler: what it writes commits in one transaction with the job's being done.

    It makes ``len(retry_after) + 1`` attempts, waiting so many seconds between them, then it is dead.
    ``on_dead(job, error)`` runs in the transaction that marks it dead; ``on_expired(job)`` in the one that
    finishes it unrun past its ``not_after``. ``timeout`` (seconds) bounds the lease, it does not interrupt.
    """

    def register(handler: LocalHandler) -> LocalHandler:
        registry.add(Kind(name, lane, handler, False, tuple(retry_after), timeout, on_dead, on_expired, gate))
        return handler

    return register


def remote_job(
    name: str,
    *,
    lane: Lane,
    retry_after: Sequence[int] = DEFAULT_RETRY_AFTER,
    timeout: int = 60,
    on_dead: OnDead | None = None,
    on_expired: OnExpired | None = None,
    gate: Gate | None = None,
) -> Callable[[RemoteHandler], RemoteHandler]:
    """Register a handler that calls out: it runs with no transaction open, after its attempt is committed.

    It may run twice when a worker is lost, so it calls out under a stable key. A function that it returns runs
    in the finishing transaction, which is rolled back when another worker has taken the job over. The rest is
    as in ``job``.
    """

    def register(handler: RemoteHandler) -> RemoteHandler:
        registry.add(Kind(name, lane, handler, True, tuple(retry_after), timeout, on_dead, on_expired, gate))
        return handler

    return register


def on_fact(
    fact: type[Fact],
    name: str,
    *,
    lane: Lane,
    retry_after: Sequence[int] = DEFAULT_RETRY_AFTER,
    timeout: int = 30,
    on_dead: OnDead | None = None,
) -> Callable[[LocalHandler], LocalHandler]:
    """Register a local handler of a fact; ``job.payload`` is the fact's payload. No order is promised."""

    def register(handler: LocalHandler) -> LocalHandler:
        kind = Kind(name, lane, handler, False, tuple(retry_after), timeout, on_dead, None, None)
        registry.add(kind, fact)
        return handler

    return register
