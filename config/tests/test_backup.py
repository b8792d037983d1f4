"""A backup that is taken while people buy is whole, and what the runbook says brings the rest back (REQ OP-03)."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from accounts.tests.factories import make_user
from common import clock
from common.outbox.testing import run_due
from config.local_stack.binaries import postgres_programs
from config.local_stack.testing import database
from config.local_stack.valkey import EmbeddedValkey
from events.tests.factories import make_event
from offers.models import Offer, Purchase
from offers.services.purchase import purchase_offer
from offers.tests.factories import Door, make_offer, pay, settle, stock
from offers.types import PurchaseOffer
from payments.models import Order
from sandbox.testing import SandboxProcess
from waitlist.tests.factories import join, make_full_session

pytestmark = pytest.mark.django_db(transaction=True)
RESTORED = "restored_backup"
BUYERS = 2


def address(database: str) -> str:
    """Return the address of a database on the tests' server."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{database}"))


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the page tells, and have it succeed."""
    command = [str(postgres_programs(None) / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def people_buying(offer: Offer) -> Iterator[list[int]]:
    """Have people buy what costs nothing, one purchase after the other, for as long as the block lasts."""
    over, bought = threading.Event(), [0] * BUYERS

    def buy(number: int) -> None:
        try:
            while not over.is_set():
                user = make_user()
                wish = PurchaseOffer(
                    offer_id=offer.pk, quantity=1, buyer_id=user.pk, buyer_email=user.email, ticket_id=None,
                    key=f"{number}-{bought[number]}",
                )  # fmt: skip
                purchase_offer(wish, now=clock.now())
                bought[number] += 1
                # Enough to be caught in the middle; the server is to be busy with the dump as well.
                over.wait(0.03)
        finally:
            connection.close()

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(BUYERS)]
    for thread in threads:
        thread.start()
    try:
        yield bought
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def another_database() -> Iterator[None]:
    """Make an empty database, and take it away again; Django is back at its own afterwards."""
    name = sql.Identifier(RESTORED)
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        try:
            yield
        finally:
            database._point_django_at(database.test_database_name())
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def told(command: str, *arguments: str) -> tuple[int, str]:
    """Run a command of the product and return its exit code and what it said."""
    said = StringIO()
    try:
        call_command(command, *arguments, stdout=said)
    except SystemExit as left:
        return int(left.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_a_backup_under_load_is_restored_and_the_books_are_made_right(
    stripe_sandbox: SandboxProcess, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    """Dumped while people buy: counters and purchases agree. Then what Stripe knows since is taken over, what is lost
    is named, and the queues' copies are written anew. REQ OP-03, PA-08, WL-06.
    """
    event = make_event()
    busy, sold = make_offer(event=event, units=100_000, price=0), make_offer(event=event, units=9)
    session = make_full_session()
    for _ in range(3):
        join(session, now=clock.now())
    before, during = Door(), Door()
    settle(stripe_sandbox, before.buy(sold).json(), before)
    unpaid = during.buy(sold).json()
    since = clock.now().isoformat()

    dump = str(tmp_path / "marquee.dump")
    with people_buying(busy) as bought:
        run("pg_dump", "--format", "custom", "--file", dump, address(database.test_database_name()))
    assert min(bought) > 0

    # After the backup: what was open is paid, and somebody buys who is in no backup.
    settle(stripe_sandbox, unpaid, during)
    lost = Door()
    gone = lost.buy(sold).json()
    pay(stripe_sandbox, gone["checkout_session_id"])

    with another_database():
        run("pg_restore", "--no-owner", "--exit-on-error", "--dbname", address(RESTORED), dump)
        database._point_django_at(RESTORED)
        valkey.flush()
        restored_is_whole(busy, sum(bought))
        back_to_order(since, paid_since=unpaid, lost=gone, offer=sold)


def restored_is_whole(offer: Offer, bought: int) -> None:
    """Check that the backup is of one instant: each purchase with its order, and as many as the counter says."""
    there = Purchase.objects.filter(offer=offer).count()
    assert 0 <= there <= bought
    assert stock(offer) == (0, there)
    assert (
        Order.objects.filter(pk__in=Purchase.objects.filter(offer=offer).values("order_id")).count() == there
    )
    code, said = told("reconcile_inventory", "--dry-run")
    assert (code, "Every counter adds up" in said) == (0, True), said


def back_to_order(since: str, *, paid_since: dict[str, Any], lost: dict[str, Any], offer: Offer) -> None:
    """Do what the runbook says, and look at what it brings back."""
    order = Order.objects.get(pk=paid_since["order"]["id"])
    assert order.status == "PENDING"
    code, said = told("reconcile_payments", "--since", since)
    assert code == 1, said
    assert "names an order that is not there" in said
    assert lost["checkout_session_id"] in said
    order.refresh_from_db()
    assert order.status == "COMPLETED"
    run_due()
    assert stock(offer) == (0, 2)
    assert told("reconcile_inventory", "--dry-run")[0] == 0
    # Redis was emptied: the mirrors are off, written anew, and right.
    assert told("rebuild_waitlist")[0] == 1
    assert told("rebuild_waitlist", "--dry-run")[0] == 0
    for command in ("refresh_analytics", "recount_ads"):
        code, said = told(command, "--dry-run")
        assert code == 0, said
