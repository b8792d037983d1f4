"""Carrying out the plan: each accident at its time, and the end of those that last."""

import heapq
import itertools
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import redis

from chaos.plan import Fault
from chaos.stack import Stack

_KILLS = {"kill": signal.SIGKILL, "restart": signal.SIGINT, "immediate": signal.SIGQUIT}


class Accidents:
    """What happens by the plan. ``done`` counts what struck; ``missed`` what found nothing to strike."""

    def __init__(self, stack: Stack, plan: Sequence[Fault], log: Path, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self._log = log
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], bool], str]] = []
        for fault in plan:
            self._add(fault.at, partial(self._strike, fault), str(fault))
        self._began = 0.0
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.last_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Let everything happen, then end what still lasts."""
        self._began = time.monotonic()
        while self._due and not stop.is_set():
            at, _, act, words = heapq.heappop(self._due)
            stop.wait(max(0.0, self._began + at - time.monotonic()))
            self._carry_out(act, words)
        self.end()

    def end(self) -> None:
        """Take back what was ordered of the stand-ins and wake what is frozen."""
        for name in ("valkey", "worker", "run_jobs", "realtime", "mail"):
            self._stack.signal(name, signal.SIGCONT)
        self._eventually(lambda: self._control(f"{self._stack.sandbox}/_sandbox/faults", {"reset": True}))
        self._eventually(lambda: self._control(f"{self._stack.mail}/_faults", {"smtp": "451", "times": 0}))
        self.last_at = time.monotonic()

    def _add(self, at: float, act: Callable[[], bool], words: str) -> None:
        heapq.heappush(self._due, (at, next(self._order), act, words))

    def _carry_out(self, act: Callable[[], bool], words: str) -> None:
        struck = act()
        with self._log.open("a", encoding="utf-8") as log:
            after = round(time.monotonic() - self._began, 1)
            log.write(json.dumps({"plan": words, "at": after, "struck": struck}) + "\n")

    def _strike(self, fault: Fault) -> bool:
        acts: dict[str, Callable[[Fault], bool]] = {
            **dict.fromkeys(_KILLS, self._kill),
            "freeze": self._freeze,
            "flush": self._flush,
            "webhooks": self._webhooks,
            "api": self._api,
            "smtp": self._smtp,
        }
        struck = acts[fault.act](fault)
        (self.done if struck else self.missed)[f"{fault.act} {fault.target}"] += 1
        self._say(f"  {fault}{'' if struck else '  (nothing there to strike)'}")
        return struck

    def _kill(self, fault: Fault) -> bool:
        # PostgreSQL's postmaster tells its own processes how to end; a power cut asks nobody.
        return self._stack.signal(fault.target, _KILLS[fault.act], alone=fault.act != "kill")

    def _freeze(self, fault: Fault) -> bool:
        def thaw() -> bool:
            return self._stack.signal(fault.target, signal.SIGCONT)

        self._add(time.monotonic() - self._began + fault.seconds, thaw, f"thaw {fault.target}")
        return self._stack.signal(fault.target, signal.SIGSTOP)

    def _flush(self, fault: Fault) -> bool:
        try:
            with redis.Redis.from_url(self._stack.environment["REDIS_URL"], socket_timeout=3) as client:
                return bool(client.flushall())
        except redis.RedisError:
            return False

    def _webhooks(self, fault: Fault) -> bool:
        order = {"webhooks": fault.target, "times": fault.times, "delay_seconds": fault.seconds}
        return self._control(f"{self._stack.sandbox}/_sandbox/faults", order)

    def _api(self, fault: Fault) -> bool:
        return self._control(
            f"{self._stack.sandbox}/_sandbox/faults", {"api": fault.target, "times": fault.times}
        )

    def _smtp(self, fault: Fault) -> bool:
        return self._control(f"{self._stack.mail}/_faults", {"smtp": fault.target, "times": fault.times})

    def _control(self, url: str, body: dict[str, object]) -> bool:
        try:
            self._stack.control(url, body)
        except OSError:
            return False
        return True

    @staticmethod
    def _eventually(act: Callable[[], bool]) -> None:
        for _ in range(100):
            if act():
                return
            time.sleep(0.2)
