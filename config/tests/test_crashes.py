"""The running product, or parts of it, killed in the middle of their work. Nothing is lost, nothing is doubled."""

import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from chaos.campaign import Campaign
from chaos.proofs import prove
from chaos.stack import SETTINGS, Stack
from config.local_stack import ports
from config.local_stack.files import read_env
from config.local_stack.postgres import discard
from config.tests import false_claims, typed_lines
from config.tests.page import Page
from config.tests.stack import Product, eventually

pytestmark = pytest.mark.whole_stack

HELD = "SELECT id FROM payments_order WHERE state IN ('reserved', 'session_pending', 'open', 'expiring', 'processing')"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the whole product once for these tests; each leaves it whole."""
    folder: Path = tmp_path_factory.mktemp("crashes") / "data"
    try:
        # What the campaign below wants; the crashes do not mind.
        running = Product(folder, **{**SETTINGS, "RESERVATION_TTL_SECONDS": "8"})
    except BaseException:
        discard(folder)
        raise
    # The demo's reports are made first: one whose worker is killed waits a minute and a half for the next.
    making = (
        "SELECT id FROM common_job WHERE kind = 'analytics.build_report' AND status IN ('pending', 'running')"
    )
    eventually(lambda: not running.rows(making))
    yield running
    # What one of the tests put out of balance is so to the end: nothing repairs it meanwhile.
    running.check_books()
    family = running.run.family()
    assert running.stop() == 0
    assert running.run.has_ended(family)
    assert all(ports.is_free(int(port)) for port in running.ports.values())


@pytest.fixture(autouse=True)
def _whole_again(product: Product) -> Iterator[None]:
    """After each test no purchase is stuck and everybody has what they paid for; the books are read at the end."""
    yield
    product.sandbox("faults", reset=True)
    product.sandbox("deliveries/flush")
    eventually(product.is_ready)
    eventually(lambda: not product.rows(HELD))
    eventually(lambda: not product.rows("SELECT id FROM common_job WHERE status = 'running'"))
    product.check_goods()
    # The demo's own dead letter died hours ago.
    died = "status = 'dead' AND finished_at > now() - interval '1 hour'"
    assert product.rows(f"SELECT kind, errors FROM common_job WHERE {died}") == []  # noqa: S608


def paid(product: Product, login: str, title: str = "Last-minute code", *, tier: str = "") -> str:
    """Buy an offer, or a ticket of a tier, pay, and return the order's id."""
    status, answer = product.buy_ticket(tier, login=login) if tier else product.buy(title, login=login)
    assert status == 201, answer
    product.sandbox(f"sessions/{answer['checkout_session_id']}/pay")
    return str(answer["order"]["id"])


@pytest.fixture(autouse=True)
def _offer(product: Product) -> None:
    """Put content with enough units on sale."""
    product.rows(
        """WITH made AS (INSERT INTO offers_offer (id, event_id, title, description, offer_type,
               placement, price_amount, currency, image_url, inventory_total, sold, reserved, is_active, is_archived,
               target_sessions,
               target_ticket_tiers, content_url, allows_delayed_payment, stripe_product_id, stripe_price_id,
               created_at, updated_at)
           SELECT gen_random_uuid(), event_id, 'Last-minute code', '', offer_type, placement, 1999, currency, '', 500,
               0, 0, true, false, '{}', '{}', content_url, false, '', '', now(), now()
           FROM offers_offer WHERE title = 'Backstage video'
           AND NOT EXISTS (SELECT FROM offers_offer WHERE title = 'Last-minute code') RETURNING id)
           SELECT count(*) FROM made"""
    )


def _hold_longer(product: Product, login: str) -> None:
    """Hold what this person has for five minutes more: a slow machine starts a web process in over eight seconds."""
    ((order_id,),) = product.rows(
        f"UPDATE payments_order SET hold_expires_at = now() + interval '5 minutes' WHERE id IN ({HELD})"  # noqa: S608
        " AND buyer_id = (SELECT id FROM accounts_user WHERE email = %s) RETURNING id",
        f"{login}@demo.test",
    )
    later = "UPDATE common_job SET run_at = now() + interval '5 minutes' WHERE dedupe_key = %s RETURNING 1"
    assert product.rows(later, f"hold:{order_id}") == [(1,)]


def is_fulfilled(product: Product, order_id: str, login: str) -> bool:
    """Say whether the buyer has the goods."""
    order = product.order(order_id, login=login)
    return bool(order["status"] == "COMPLETED" and order["items"][0]["fulfillment_status"] == "FULFILLED")


def test_the_supervisor_killed_starts_again_on_the_same_data(product: Product) -> None:
    """First start with demo data, `kill -9` of `make run` itself, second start. CONTRACT `make run`.

    That a stop leaves nothing behind is asserted where the last of these tests ends.
    """
    assert f"ready: http://127.0.0.1:{product.ports['PORT']}\n" in product.said_at_first
    assert "ok migrations and demo data" in product.said_at_first
    told = read_env(product.data_dir / "stack.env")
    assert told["STRIPE_API_BASE"] == f"http://127.0.0.1:{product.ports['STRIPE_SANDBOX_PORT']}"
    everyone = {"postgres", "valkey", "sandbox", "mail", "web", "realtime"}
    everyone |= {"worker", "worker-bulk", "run_jobs", "beat"}
    first = product.run
    eventually(lambda: set(first.children()) == everyone)
    family = first.family()
    first.end(signal.SIGKILL)
    second = product.start()
    assert first.has_ended(family)
    assert "migrations" not in second.said
    assert read_env(product.data_dir / "stack.env") == told
    eventually(lambda: set(second.children()) == everyone)
    assert product.is_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{product.ports['MAIL_PORT']}/", timeout=10) as page:
        assert page.status == 200


def test_the_lines_of_the_docs_work_as_typed(product: Product, tmp_path: Path) -> None:
    """What a newcomer copies from the README and the recipes for front ends is answered as the page says."""
    refused = set()
    for page in ("README.md", "docs/front-end.md"):
        typed = typed_lines.of(page, product.ports, tmp_path)
        assert typed.exit_code == 0, typed.said
        assert typed.answers
        # GraphQL says so with a status of 200.
        assert '"errors":[{' not in typed.said.replace(" ", "")
        refused |= {
            (answer.status, answer.path.rsplit("/", 1)[-1])
            for answer in typed.answers
            if answer.status >= 400
        }
    # The page says so: what is paid is not cancelled any more, and the demo's event takes no paper.
    assert refused <= {(409, "cancel"), (409, "pdf")}


def test_workers_killed_in_mid_work_lose_and_double_nothing(product: Product) -> None:
    """All workers are killed twice while five paid orders are worked: one code and one letter each. REQ OP-03."""
    logins = [f"standard{n}" for n in range(1, 6)]
    orders = {login: paid(product, login) for login in logins}
    for _ in range(2):
        killed = {name: product.kill(name) for name in ("worker", "worker-bulk", "run_jobs")}
        eventually(lambda killed=killed: all(product.came_back(name, pid) for name, pid in killed.items()))
    for login, order_id in orders.items():
        eventually(lambda login=login, order_id=order_id: is_fulfilled(product, order_id, login))
    codes = {product.order(order_id, login=login)["items"][0]["fulfillment"]["access_code"]
             for login, order_id in orders.items()}  # fmt: skip
    assert len(codes) == 5
    queued = product.rows(
        "SELECT count(*) FROM notifications_emailmessage WHERE template = 'offers_access_code' AND about_id = ANY(%s)",
        list(orders.values()),
    )
    assert queued == [(5,)]
    eventually(
        lambda: all(any(code in letter["text"] for letter in product.letters()) for code in codes),
    )


def test_web_killed_while_stripe_answers(product: Product) -> None:
    """The web dies between two reservations and Stripe's answers: whoever repeats has one purchase, the other none.

    The unit of the one who does not repeat is for sale again. REQ OF-13, OF-08.
    """
    repeats, leaves, key = "standard10", "standard11", "killed"
    before = product.rows("SELECT reserved, sold FROM offers_offer WHERE title = 'Last-minute code'")
    product.sandbox(
        "faults", api="delay", times=2, path_prefix="/v1/checkout/sessions", method="POST", delay_seconds=3
    )
    answers: list[Any] = []

    def buy(login: str) -> None:
        try:
            answers.append(product.buy("Last-minute code", login=login, key=f"{key}-{login}"))
        except OSError as error:
            answers.append(error)

    for login in (repeats, leaves):
        product.token(login)
    buyers = [threading.Thread(target=buy, args=(login,)) for login in (repeats, leaves)]
    for buyer in buyers:
        buyer.start()
    eventually(lambda: len(product.rows(HELD)) == 2)
    _hold_longer(product, repeats)
    web = product.kill("web")
    for buyer in buyers:
        buyer.join(60)
    assert len(answers) == 2
    assert all(isinstance(answer, OSError) for answer in answers)
    # Whoever had not asked Stripe yet when the web died left the delay behind.
    product.sandbox("faults", reset=True)
    eventually(lambda: product.came_back("web", web) and product.is_ready())

    status, answer = product.buy("Last-minute code", login=repeats, key=f"{key}-{repeats}")
    assert (status, answer["code"]) == (409, "in_progress")
    # As if a minute had passed: the abandoned call's lease is over.
    ended = "UPDATE common_idempotencyrecord SET lease_until = now() WHERE key = %s RETURNING 1"
    assert product.rows(ended, f"{key}-{repeats}") == [(1,)]
    status, answer = product.buy("Last-minute code", login=repeats, key=f"{key}-{repeats}")
    assert status == 201, answer
    product.sandbox(f"sessions/{answer['checkout_session_id']}/pay")
    eventually(lambda: is_fulfilled(product, answer["order"]["id"], repeats))

    # The other hold runs out, its job asks Stripe first, and the unit is for sale again.
    eventually(lambda: not product.rows(HELD))
    ((reserved, sold),) = before
    after = product.rows("SELECT reserved, sold FROM offers_offer WHERE title = 'Last-minute code'")
    assert after == [(reserved, sold + 1)]
    live = product.rows(
        "SELECT u.email FROM payments_order o JOIN accounts_user u ON u.id = o.buyer_id"
        " WHERE u.email = ANY(%s) AND o.state = 'paid' AND o.title = 'Last-minute code'",
        [f"{login}@demo.test" for login in (repeats, leaves)],
    )
    assert live == [(f"{repeats}@demo.test",)]


def test_valkey_hanging_flushed_and_killed_stops_nothing(product: Product) -> None:
    """Purchases, webhooks, fulfilment and expiry go on with Valkey away; it comes back by itself. REQ OP-03, RT-04."""
    product.kill("valkey", signal.SIGSTOP)
    try:
        order_id = paid(product, "standard20")
        eventually(lambda: is_fulfilled(product, order_id, "standard20"))
        status, _ = product.buy("T-shirt", login="standard21")
        assert status == 201
        eventually(lambda: not product.rows(HELD))
    finally:
        product.kill("valkey", signal.SIGCONT)
    killed = product.kill("valkey")
    order_id = paid(product, "standard22")
    eventually(lambda: is_fulfilled(product, order_id, "standard22"))
    eventually(lambda: product.came_back("valkey", killed))
    redis.Redis.from_url(product.environment["REDIS_URL"]).flushall()
    order_id = paid(product, "standard23")
    eventually(lambda: is_fulfilled(product, order_id, "standard23"))


def test_database_killed_right_after_a_200_keeps_what_was_answered(product: Product) -> None:
    """A webhook answered 200 and a purchase answered 201 are there after kill -9 of the database. REQ PA-03, OP-03."""
    product.sandbox("faults", webhooks="drop", times=1)
    status, answer = product.buy("Last-minute code", login="standard30")
    assert status == 201
    product.sandbox(f"sessions/{answer['checkout_session_id']}/pay")
    postgres = product.kill("postgres")
    eventually(lambda: product.came_back("postgres", postgres) and product.is_ready())
    # The webhook was dropped: the hold's end asks Stripe, finds it paid, and fulfils.
    eventually(lambda: is_fulfilled(product, answer["order"]["id"], "standard30"))
    before = product.answered_webhooks()
    order_id = paid(product, "standard31")
    # Not its row, which may not be committed: that Stripe has the answer.
    answered = eventually(lambda: product.answered_webhooks() - before)
    postgres = product.kill("postgres")
    eventually(lambda: product.came_back("postgres", postgres) and product.is_ready())
    stored = "SELECT event_id FROM common_inboxevent WHERE event_id = ANY(%s) ORDER BY event_id"
    assert product.rows(stored, list(answered)) == [(one,) for one in sorted(answered)]
    eventually(lambda: is_fulfilled(product, order_id, "standard31"))


def test_every_event_that_was_accepted_survives_web_and_database(product: Product) -> None:
    """Web and database are killed -9 while four pages tell batches: what got a 202 is there, and once.

    A batch that got no answer is told again, as pages do, and then is there once as well. REQ AN-01, OP-03.
    """
    assert product.rows("SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [
        ("on", "on")
    ]
    ((event_id, offer_id),) = product.rows(
        "SELECT event_id::text, id::text FROM offers_offer WHERE title = 'T-shirt'"
    )
    pages = [Page(product, event_id, offer_id) for _ in range(4)]
    tellers = [threading.Thread(target=page.tell) for page in pages]
    for teller in tellers:
        teller.start()
    eventually(lambda: all(len(page.accepted) >= 60 for page in pages))
    killed = {name: product.kill(name) for name in ("web", "postgres")}
    for teller in tellers:
        teller.join(60)
    came_back = lambda: all(product.came_back(name, pid) for name, pid in killed.items())  # noqa: E731
    eventually(lambda: came_back() and product.is_ready())
    in_flight = [page.unanswered for page in pages]
    assert all(in_flight)

    def times(ids: list[str]) -> set[int]:
        found = product.rows(
            "SELECT told.id, count(r.id) FROM unnest(%s::uuid[]) AS told (id)"
            " LEFT JOIN analytics_rawevent r ON r.id = told.id GROUP BY told.id",
            ids,
        )
        assert len(found) == len(ids)
        return {count for _, count in found}

    assert times([told for page in pages for told in page.accepted]) == {1}
    for page, batch in zip(pages, in_flight, strict=True):
        # All of a batch was kept, or nothing of it.
        assert page.send(batch)["queued"] in {0, len(batch)}
    assert times([told for page in pages for told in page.accepted]) == {1}


def test_a_campaign_of_faults_breaks_no_promise(product: Product, tmp_path: Path) -> None:
    """Everything is used at once while things are killed by a plan: every promise holds, and each proof can fail.

    `make chaos` is the long form. REQ OP-03, OF-04, PA-04, WL-04, AN-01, AD-10, TK-02, NO-01, RT-06.
    """
    stack = Stack(product.data_dir, SETTINGS)
    outcome = Campaign(stack, tmp_path, seed=122, seconds=10, say=print, is_short=True).run()
    assert outcome.breaches == []
    assert outcome.work["order"] > 0
    assert outcome.work["tracked"] > 0
    assert outcome.faults.total() >= 3
    # Two more purchases, so that there is something of each kind to be changed.
    offer, ticket = paid(product, "standard39"), paid(product, "standard40", tier="Standard")
    books = outcome.books.with_claim("wish", key=offer).with_claim("wish", key=ticket)
    eventually(lambda: is_fulfilled(product, offer, "standard39") and not list(prove(books)))
    assert false_claims.unnoticed(books) == {}
    left = false_claims.told_at_the_end(books, tmp_path, seconds=0.5)
    assert [breach.promise for breach in left] == [
        "nothing due is left unworked after two minutes", "everything comes to its end"
    ]  # fmt: skip
    assert all("jobs that are due" in breach.found for breach in left)
