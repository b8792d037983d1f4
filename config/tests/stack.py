"""The whole product, running, for tests that kill parts of it."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from config.local_stack import ports
from config.local_stack.environment import ROOT
from config.local_stack.files import read_env
from config.local_stack.postgres import discard
from config.local_stack.testing import patience
from config.local_stack.tests.runs import PORTS, Run

_RECONCILE = """
import django
from django.core.management import call_command
django.setup()
for command in ("reconcile_inventory", "reconcile_payments"):
    call_command(command, dry_run=True)
"""


def eventually(holds: Callable[[], Any], *, seconds: float = patience.LONG_SECONDS) -> Any:
    """Ask again until the answer is true, and return it; whatever is down meanwhile counts as no."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            last = holds()
        except (OSError, psycopg.Error) as error:
            last = error
        if last and not isinstance(last, Exception):
            return last
        time.sleep(0.1)
    raise AssertionError(f"did not come to hold: {last!r}")


class Product:
    """`make run` on ports of its own, and what tests do to it."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.ports = {name: str(ports.free_port()) for name in PORTS}
        self.data_dir = data_dir
        # Held goods come back within the test; nobody waits for a limit.
        given = {
            "RESERVATION_TTL_SECONDS": "8",
            "PURCHASE_RATE_LIMIT": "1000",
            "PURCHASE_ADDRESS_RATE_LIMIT": "1000",
            "LOGIN_RATE_LIMIT": "1000",
            **settings,
        }
        self._settings = {**self.ports, **given}
        self.run = self.start()
        self.said_at_first = self.run.said
        self.environment = {
            **os.environ,
            **read_env(data_dir / "stack.env"),
            "DATA_DIR": str(data_dir),
            **given,
        }
        self.environment["DJANGO_SETTINGS_MODULE"] = "config.settings.development"
        self._tokens: dict[str, str] = {}
        eventually(lambda: {"worker", "run_jobs"} <= set(self.run.children()))

    def start(self) -> Run:
        """Start it, on the data that is there, and wait until it is ready."""
        self.run = Run(self.data_dir, self._settings)
        try:
            self.run.ready()
        except BaseException:
            self.run.end()
            raise
        return self.run

    def stop(self) -> int:
        """End it, leave nothing behind, and return its exit code."""
        try:
            return self.run.end() if self.run.process.poll() is None else self.run.process.returncode
        finally:
            discard(self.data_dir)

    # What a client does

    def call(
        self, method: str, path: str, body: Any = None, *, login: str = "", key: str = ""
    ) -> tuple[int, Any]:
        """Call the product's API; raises OSError when nobody answers."""
        return self._send(f"http://127.0.0.1:{self.ports['PORT']}/api/v1/{path}", method, body, login, key)

    def sandbox(self, path: str, **body: Any) -> Any:
        """Use a control of the Stripe stand-in."""
        return self._send(
            f"http://127.0.0.1:{self.ports['STRIPE_SANDBOX_PORT']}/_sandbox/{path}", "POST", body
        )[1]

    def answered_webhooks(self) -> set[str]:
        """Return the newest events whose webhooks the product answered 2xx."""
        url = f"http://127.0.0.1:{self.ports['STRIPE_SANDBOX_PORT']}/_sandbox/deliveries"
        made: list[dict[str, Any]] = self._send(url, "GET", None)[1]["deliveries"]
        return {one["event_id"] for one in made if one["state"] == "delivered"}

    def letters(self) -> list[dict[str, Any]]:
        """Read the mail catcher."""
        letters: list[dict[str, Any]] = self._send(
            f"http://127.0.0.1:{self.ports['MAIL_PORT']}/api/messages?limit=200", "GET", None
        )[1]["results"]
        return letters

    def _send(self, url: str, method: str, body: Any, login: str = "", key: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if login:
            headers["Authorization"] = f"Bearer {self.token(login)}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    def token(self, login: str) -> str:
        """Sign a demo account in, once."""
        if login not in self._tokens:
            body = {"email": f"{login}@demo.test", "password": "demo"}
            self._tokens[login] = self.call("POST", "auth/token", body)[1]["access"]
        return self._tokens[login]

    def offer(self, title: str) -> str:
        """Return the id of an offer of the demo."""
        return str(self.rows("SELECT id FROM offers_offer WHERE title = %s", title)[0][0])

    def buy(self, title: str, *, login: str, key: str = "") -> tuple[int, Any]:
        """Buy one unit."""
        return self.call(
            "POST", f"offers/{self.offer(title)}/purchase", {"quantity": 1}, login=login, key=key
        )

    def buy_ticket(self, tier: str, *, login: str) -> tuple[int, Any]:
        """Buy one ticket of a tier of the demo's first event."""
        query = """SELECT id::text, event_id::text FROM tickets_tickettier WHERE name = %s
            AND event_id = (SELECT id FROM events_event WHERE slug = 'demo-conf')"""
        ((tier_id, event_id),) = self.rows(query, tier)
        body = {"tier_id": tier_id, "quantity": 1}
        return self.call("POST", f"events/{event_id}/checkout", body, login=login)

    def order(self, order_id: str, *, login: str) -> Any:
        """Read an order as its buyer."""
        return self.call("GET", f"orders/{order_id}", login=login)[1]

    # What an accident does

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one child and its own children, and return its pid."""
        pid = self.run.children()[name]
        os.killpg(pid, number)
        return pid

    def children(self) -> dict[str, int]:
        """Return the running children by name."""
        return self.run.children()

    def came_back(self, name: str, old: int) -> bool:
        """Say whether the supervisor has started the child again."""
        return self.children().get(name, old) != old

    def is_ready(self) -> bool:
        """Say whether the web answers that it is ready."""
        url = f"http://127.0.0.1:{self.ports['PORT']}/readyz"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)

    # What must be so afterwards

    def rows(self, sql: str, *params: Any) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.environment["DATABASE_URL"], connect_timeout=5) as database:
            return database.execute(sql, params).fetchall()

    def check_books(self) -> None:
        """Prove counters, orders and Stripe against each other, as an operator would."""
        import subprocess
        import sys

        # Both in one process: most of what it takes is its start.
        done = subprocess.run(
            [sys.executable, "-c", _RECONCILE],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def check_goods(self) -> None:
        """Prove that nothing is oversold and that each paid order has its goods."""
        assert self.rows("SELECT * FROM offers_offer WHERE sold + reserved > inventory_total") == []
        owed = """
            SELECT o.number FROM payments_order o JOIN offers_purchase p ON p.order_id = o.id
            LEFT JOIN offers_fulfillment f ON f.purchase_id = p.id
            WHERE o.state = 'paid' AND o.refunded_amount < o.paid_amount
              AND coalesce(f.status, '') NOT IN ('FULFILLED', 'PENDING_MANUAL')
        """
        assert self.rows(owed) == []
