"""Ten thousand e-mails due at once, drained over simulated minutes by two workers that are killed once.

Every minute is a real one to the limits: its time is told to the workers, four times a minute. The provider stands in
over HTTP and keeps idempotency keys as Resend does. A broken promise is a ``RuntimeError``.
"""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from benchmarks.world import Row, World
from config.local_stack.environment import ROOT

_EMAILS, _TO_ONE_BOX, _URGENT = 10_000, 200, 10
_STEP_SECONDS = 15
_KILLED_AT, _URGENT_EVERY = 20, 40
_LIMITS = (100, 10)


class _Worker:
    """A process that drains when it is told the time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mail_hand"], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.answer()

    def tell(self, at: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"at": at}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> int:
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        return int(answer.get("count", 0))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def measure(world: World) -> list[Row]:
    """Return e-mails a second of real time, beside the hundred a minute that the limits allow."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.mail"], cwd=ROOT, env=world.environment, stdout=subprocess.PIPE, check=True
    ).stdout  # fmt: skip
    found = json.loads(answer.splitlines()[-1])
    print(f"    mail: {found}")
    return [
        Row(
            "mail, 10,000 due at once, both workers killed once",
            found["per_second"],
            "100 a minute",
            _LIMITS[0] / 60,
            5.0,
        )
    ]


def _drain(resend: Any, environment: dict[str, str]) -> tuple[float, int, list[int]]:
    """Drain all of it; return the seconds, the simulated minutes, and how long urgent ones waited, in steps."""
    from notifications.models import EmailMessage
    from notifications.tests.campaign import fill
    from notifications.tests.factories import NOON

    workers = [_Worker(environment), _Worker(environment)]
    start, waits = time.perf_counter(), []
    for step in range(4 * 60 * 24):
        at = step * _STEP_SECONDS
        is_urgent = step % _URGENT_EVERY == 0
        if is_urgent:
            fill(_URGENT, now=NOON + timedelta(seconds=at), urgent=True)
        resend.silent_after = len(resend.requests) + 5 if step == _KILLED_AT else None
        for worker in workers:
            worker.tell(at)
        if step == _KILLED_AT:
            _kill(workers, resend, environment)
        worked = sum(worker.answer() for worker in workers if step != _KILLED_AT)
        if is_urgent:
            waits.append(EmailMessage.objects.filter(is_urgent=True, status="queued").count())
        if worked == 0 and not EmailMessage.objects.filter(status="queued").exists():
            break
    seconds = time.perf_counter() - start
    for worker in workers:
        worker.end()
    return seconds, at // 60, waits


def _kill(workers: list[_Worker], resend: Any, environment: dict[str, str]) -> None:
    """Kill both while the provider keeps their answers back, and start two others."""
    if not resend.is_silent.wait(60):
        raise RuntimeError("The provider was not asked")
    for number, worker in enumerate(workers):
        worker.kill()
        workers[number] = _Worker(environment)
    resend.may_answer.set()
    resend.silent_after = None


def main() -> None:
    """Fill, drain, prove, and print what came of it as one line of JSON."""
    import django

    django.setup()
    from notifications.tests.campaign import fill, outcome, repeats
    from notifications.tests.factories import NOON
    from notifications.tests.resend import provider

    with provider() as resend:
        environment = {**os.environ, "BENCH_RESEND": f"http://127.0.0.1:{resend.server_port}/"}
        fill(_EMAILS, now=NOON, busy=_TO_ONE_BOX)
        seconds, minutes, waits = _drain(resend, environment)
        found = outcome()
        told = {
            "sent": found.sent, "waiting": found.waiting, "lost": found.lost, "most_a_minute": found.most[0],
            "most_to_one_a_minute": found.most[1], "repeated_under_the_same_key": repeats(resend.requests),
            "at_the_provider": len(resend.emails), "simulated_minutes": minutes, "urgent_left_waiting": max(waits),
            "per_second": round(found.sent / seconds, 1), "seconds": round(seconds),
        }  # fmt: skip
    if (
        found.lost
        or found.waiting
        or found.most > _LIMITS
        or found.sent != told["at_the_provider"]
        or max(waits)
    ):
        raise RuntimeError(f"A promise of e-mail is broken: {told}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
