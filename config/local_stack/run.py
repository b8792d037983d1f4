"""`make run`: from nothing to a running system, and back to nothing."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from config.local_stack import configuration, ports
from config.local_stack.children import Children
from config.local_stack.configuration import Configuration
from config.local_stack.environment import STACK_ENV
from config.local_stack.files import format_env, write_private
from config.local_stack.lock import exclusive
from config.local_stack.logwatch import LogWatch
from config.local_stack.orphans import ChildRecord
from config.local_stack.postgres import EmbeddedPostgres
from config.local_stack.progress import Progress
from config.local_stack.pushcatcher.account import ensure_account
from config.local_stack.schema import fingerprint
from config.local_stack.signals import Signals
from config.local_stack.supervisor import StopRequested, Supervisor
from config.local_stack.valkey import EmbeddedValkey

_SERVER_SECONDS = 30.0
_READY_SECONDS = 90.0
_LOGINS = (
    "admin@demo.test, owner@demo.test, staff@demo.test, scanner@demo.test, standard1@demo.test"
    " (password of all: demo)"
)


def run() -> None:
    """Start the stack, keep it running until SIGINT or SIGTERM, stop it; StackError when it cannot."""
    progress = Progress()
    configured = configuration.read()
    with exclusive(configured.data_dir):
        Stack(configured, progress).run()


class Stack:
    """One run of the stack."""

    def __init__(self, configured: Configuration, progress: Progress) -> None:
        self._configuration = configured
        self._progress = progress
        self._record = ChildRecord(configured.data_dir / "children.json")
        self._supervisor = Supervisor(record=self._record, signals=Signals(), say=progress.say)

    def run(self) -> None:
        """Start everything, watch, stop everything: also when the start fails half-way."""
        self._progress.say(f"Marquee, data in {self._configuration.data_dir}")
        self._clear_the_way()
        with self._stopping(), contextlib.suppress(StopRequested):
            values = self._start_servers()
            children = Children(self._configuration, values)
            self._start_product(children, values)
            self._announce()
            logs = self._configuration.logs.glob("*.log")
            watch = LogWatch(
                [log for log in logs if log.stem not in {"postgres", "valkey"}], self._progress.say
            )
            self._supervisor.watch(each_second=watch.look)

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._progress.say("stopping")
            self._supervisor.stop()
            self._progress.say("stopped")

    def _clear_the_way(self) -> None:
        for name in self._record.end_orphans():
            self._progress.say(f"  ended {name}, left over from a run that was killed")
        for name, port in self._configuration.ports.items():
            ports.require_free(name, port)
        # What the last run's processes counted: files of process ids that may come again.
        shutil.rmtree(self._configuration.metrics, ignore_errors=True)

    def _start_servers(self) -> dict[str, str]:
        given = self._configuration.given
        database_url, redis_url = given.get("DATABASE_URL", ""), given.get("REDIS_URL", "")
        waiting = []
        data_dir, logs = self._configuration.data_dir, self._configuration.logs
        logs.mkdir(parents=True, exist_ok=True)
        with self._progress.step("PostgreSQL and Valkey"):
            postgres = EmbeddedPostgres(data_dir, log=logs / "postgres.log") if not database_url else None
            if postgres is not None:
                postgres.prepare()
                self._supervisor.start(postgres.command())
                waiting.append("postgres")
            if not redis_url:
                valkey = EmbeddedValkey(data_dir, log=logs / "valkey.log")
                valkey.prepare()
                self._supervisor.start(valkey.command())
                waiting.append("valkey")
                redis_url = valkey.url()
            self._supervisor.wait_ready(waiting, seconds=_SERVER_SECONDS)
            if postgres is not None:
                postgres.ensure_database()
                database_url = postgres.url()
        values = self._configuration.child_values(database_url=database_url, redis_url=redis_url)
        write_private(data_dir / STACK_ENV, format_env(values))
        return values

    def _start_product(self, children: Children, values: Mapping[str, str]) -> None:
        database_url = values["DATABASE_URL"]
        ensure_account(self._configuration.data_dir, self._configuration.mail_url)
        self._supervisor.start(children.sandbox())
        self._supervisor.start(children.mail())
        prepared = prepared_mark(database_url)
        if prepared != fingerprint():
            # The demo orders are paid at the sandbox, the demo's devices subscribe at the catcher.
            self._supervisor.wait_ready(["sandbox", "mail"], seconds=_SERVER_SECONDS)
            with self._progress.step("migrations and demo data" if not prepared else "migrations"):
                self._supervisor.run(children.prepare(with_demo=not prepared))
                mark_prepared(database_url, fingerprint())
        with self._progress.step("web and realtime"):
            self._supervisor.start(children.web())
            self._supervisor.start(children.realtime())
            self._supervisor.wait_ready(["web", "realtime", "sandbox", "mail"], seconds=_READY_SECONDS)
        for command in children.background():
            self._supervisor.start(command)

    def _announce(self) -> None:
        configured, say = self._configuration, self._progress.say
        say(f"ready: {configured.web_url}")
        say(f"  after {self._progress.seconds:.1f} s; worker, run_jobs and beat follow; Ctrl-C stops all")
        for name, address in (
            ("storefront", f"{configured.web_url}/"),
            ("admin", f"{configured.web_url}/admin/"),
            ("API docs", f"{configured.web_url}/api/docs"),
            ("GraphQL, by POST", f"{configured.web_url}/graphql"),
            ("e-mail, push", f"{configured.mail_url}/"),
            ("Stripe sandbox", configured.sandbox_url),
            ("Socket.IO", f"http://127.0.0.1:{configured.ports['REALTIME_PORT']}/socket.io"),
            ("logs", str(configured.logs)),
            ("logins", _LOGINS),
        ):
            say(f"  {name:<17} {address}")


def prepared_mark(database_url: str) -> str:
    """Read which schema the database was prepared for; empty for a new one.

    The mark is the database's own comment, so it goes where the data goes.
    """
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    comment = str(row[0] or "") if row else ""
    return comment.removeprefix("prepared ") if comment.startswith("prepared ") else ""


def mark_prepared(database_url: str, mark: str) -> None:
    """Note that the database has the schema of this fingerprint and its demo data."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(connection.info.dbname), sql.Literal(f"prepared {mark}")
            )
        )
