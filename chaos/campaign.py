"""One campaign on a running product: the world, the load, the accidents, the end, the proof."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from chaos import settling
from chaos.clients import Client, PostReader, Tools, crowd
from chaos.doors import Doors
from chaos.faults import Accidents
from chaos.ledger import Claims, Ledger
from chaos.operator import COMMANDS, NIGHTLY
from chaos.plan import plan
from chaos.proofs import Books, Breach, prove, seats
from chaos.stack import Refused, Stack
from chaos.world import OWNER, make_world
from config.local_stack import processes

_ENDING_SECONDS = 60.0
_DECIDING_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """What a campaign came to. ``books`` are what it was proved from."""

    seed: int
    seconds: float
    faults: Counter[str]
    missed: Counter[str]
    work: Counter[str]
    answers: Counter[str]
    quiet_after: float | None
    hurried: int
    found_at_night: int
    breaches: list[Breach]
    books: Books
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Say whether every promise was kept."""
        return not self.breaches


class Campaign:
    """A load and its accidents for ``seconds``, decided by ``seed``.

    ``is_short``: a small crowd, and no waiting for what the clock does each minute.
    """

    def __init__(
        self,
        stack: Stack,
        folder: Path,
        *,
        seed: int,
        seconds: float,
        say: Callable[[str], None],
        is_short: bool = False,
    ) -> None:
        self._stack = stack
        self._folder = folder
        self._seed = seed
        self._seconds = seconds
        self._say = say
        self._is_short = is_short
        self._stop = threading.Event()
        secret = stack.environment["JWT_SECRET"]
        self._doors = Doors(stack.web, secret, self._stop)
        # The harness asks on when the load has ended.
        self._own_doors = Doors(stack.web, secret, threading.Event())
        self._breaches: list[Breach] = []
        self._found_at_night = 0

    def run(self) -> Outcome:
        """Load, break, settle, prove."""
        self._folder.mkdir(parents=True, exist_ok=True)
        faults = plan(seed=self._seed, seconds=self._seconds)
        (self._folder / "plan.txt").write_text("".join(f"{fault}\n" for fault in faults))
        self._say(f"seed {self._seed}: {len(faults)} accidents in {self._seconds:.0f} s")
        began = self._whole_second()
        world = make_world(self._own_doors, seed=self._seed)
        tools = Tools(self._stack, self._doors, world, self._seed, self._folder / "ledgers", self._stop)
        post = PostReader("post", replace(tools, stop=threading.Event()))
        post.start()
        accidents = Accidents(self._stack, faults, self._folder / "faults.jsonl", self._say)
        self._load(crowd(tools, is_small=self._is_short), accidents)
        self._note_answers()
        quiet_after, hurried = self._settle(accidents)
        self._breaches += seats.no_idle_seat(self._stack)
        post.tools.stop.set()
        self._end([post])
        books = self._prove(list(world.sessions.values()), began)
        return Outcome(
            self._seed, self._seconds, accidents.done, accidents.missed, books.claims.counts(), self._doors.answers,
            quiet_after, hurried, self._found_at_night, self._breaches, books, _figures(books),
        )  # fmt: skip

    def _note_answers(self) -> None:
        ledger = Ledger(self._folder / "ledgers", "answers")
        ledger.note("answers", **self._doors.answers)
        ledger.close()

    def _whole_second(self) -> datetime:
        """Return when the next second begins, once it has.

        Stripe's times have no parts of seconds, and what was charged just before is none of this campaign's.
        """
        ask = "SELECT date_trunc('second', now()) + interval '1 second', clock_timestamp()"
        began, now = cast("tuple[datetime, datetime]", self._stack.rows(ask)[0])
        time.sleep(max(0.0, (began - now).total_seconds()))
        return began

    def _prove(self, sessions: list[str], began: datetime) -> Books:
        self._say("proving")
        self._queues(sessions, "pause")
        claims = Claims.read(self._folder / "ledgers")
        books = Books(self._stack, claims, began, self._stack.operate(COMMANDS))
        self._breaches += prove(books)
        self._queues(sessions, "resume")
        return books

    def _load(self, clients: list[Client], accidents: Accidents) -> None:
        for client in clients:
            client.start()
        try:
            accidents.run(threading.Event())
        finally:
            self._stop.set()
        self._end(clients)

    def _end(self, clients: Sequence[Client]) -> None:
        for client in clients:
            client.join(_ENDING_SECONDS)
            if client.is_alive() or client.fell:
                self._breaches.append(Breach(f"{client.name} lasts to the end", client.fell or "it hangs"))

    def _settle(self, accidents: Accidents) -> tuple[float | None, int]:
        self._say("no more accidents; waiting until nothing due is left")
        quiet_after, hurried = None, 0
        try:
            quiet_after = settling.quiet(
                self._stack,
                since=accidents.last_at,
                with_clock=not self._is_short,
                say=self._say,
            )
            self._say(f"nothing due is left {quiet_after:.1f} s after the last accident")
        except settling.NeverQuiet as left:
            self._breaches.append(Breach("nothing due is left unworked after two minutes", str(left)))
        self._end_payments()
        try:
            hurried = settling.finish(self._stack, say=self._say)
        except settling.NeverQuiet as left:
            self._breaches.append(Breach("everything comes to its end", str(left)))
        return quiet_after, hurried

    def _end_payments(self) -> None:
        """Have banks decide on what was left undecided, and Stripe deliver what it owes; what was dropped is lost.

        An order whose payment is being processed has no timer: when the bank's word was dropped, the night finds it.
        """
        sandbox = f"{self._stack.sandbox}/_sandbox"
        for session in Claims.read(self._folder / "ledgers").all("paid later", "session"):
            with contextlib.suppress(Refused):
                self._stack.control(f"{sandbox}/sessions/{session}/settle", {})
        self._stack.control(f"{sandbox}/deliveries/flush", {})
        if not processes.wait_until(self._is_all_decided, seconds=_DECIDING_SECONDS):
            self._found_at_night = self._processing()
            self._say(f"the night reconciles {self._found_at_night} payments whose last webhook was dropped")
            self._stack.operate(NIGHTLY)

    def _is_all_decided(self) -> bool:
        return self._processing() == 0

    def _processing(self) -> int:
        ((count,),) = self._stack.rows("SELECT count(*) FROM payments_order WHERE state = 'processing'")
        return int(count)

    def _queues(self, sessions: list[str], act: str) -> None:
        """Pause the queues while they are compared (nobody is offered a seat meanwhile), or let them go on."""
        for session in sessions:
            self._own_doors.insist(
                "POST", f"sessions/{session}/waitlist/{act}", {"reason": "Chaos"}, login=OWNER
            )


def _figures(books: Books) -> dict[str, Any]:
    """Count what the product did meanwhile, for the table."""
    query = """
    SELECT 'orders', count(*) FROM payments_order WHERE created_at >= %(began)s
    UNION ALL SELECT 'orders paid', count(*) FROM payments_order WHERE paid_at >= %(began)s
    UNION ALL SELECT 'orders paid too late', count(*) FROM payments_order
        WHERE state = 'late_paid' AND created_at >= %(began)s
    UNION ALL SELECT 'refunds succeeded', count(*) FROM payments_refund
        WHERE status = 'succeeded' AND created_at >= %(began)s
    UNION ALL SELECT 'webhooks stored', count(*) FROM common_inboxevent WHERE received_at >= %(began)s
    UNION ALL SELECT 'webhooks that came again', coalesce(sum(deliveries - 1), 0) FROM common_inboxevent
        WHERE received_at >= %(began)s
    UNION ALL SELECT 'jobs done', count(*) FROM common_job WHERE status = 'done' AND finished_at >= %(began)s
    UNION ALL SELECT 'jobs whose worker was lost', count(*) FROM common_job
        WHERE created_at >= %(began)s AND errors::text LIKE '%%WorkerLost%%'
    UNION ALL SELECT 'tracked events kept', count(*) FROM analytics_rawevent WHERE received_at >= %(began)s
    UNION ALL SELECT 'ad events kept', count(*) FROM ads_adevent WHERE occurred_at >= %(began)s
    UNION ALL SELECT 'scans kept', count(*) FROM tickets_ticketscan WHERE received_at >= %(began)s
    UNION ALL SELECT 'seat offers made', count(*) FROM waitlist_entry WHERE offered_at >= %(began)s
    UNION ALL SELECT 'e-mails sent', count(*) FROM notifications_emailmessage WHERE sent_at >= %(began)s
    UNION ALL SELECT 'announcements', count(*) FROM notifications_realtimeevent WHERE created_at >= %(began)s
    """
    return {str(name): int(count) for name, count in books.rows(query)}
