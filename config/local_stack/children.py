"""The product's processes in the local stack, and how each says that it is ready."""

import http.client
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from config.local_stack import ports
from config.local_stack.configuration import Configuration
from config.local_stack.processes import Command

WEBHOOK_PATH = "/api/v1/webhooks/stripe/offers"
MAIL_WEBHOOK_PATH = "/api/v1/webhooks/resend"
# Stopped in this order; Valkey and PostgreSQL follow (their tiers are 2 and 3).
_APPS, _OUTSIDE_WORLD = 0, 1
# The page must answer first on a small machine; the rest may come a moment later.
_BEHIND_THE_WEB = 5
_APP_STOP_SECONDS = 6.0


class Children:
    """Makes the commands of one stack."""

    def __init__(self, configuration: Configuration, values: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._env = configuration.child_environment(values)

    def _command(
        self,
        name: str,
        *arguments: str,
        tier: int = _APPS,
        niceness: int = 0,
        stop_signal: signal.Signals = signal.SIGTERM,
        is_ready: Callable[[], bool] | None = None,
    ) -> Command:
        return Command(
            name=name,
            argv=[sys.executable, *arguments],
            cwd=self._configuration.root,
            env=self._env,
            log=self._configuration.logs / f"{name}.log",
            tier=tier,
            niceness=niceness,
            stop_signal=stop_signal,
            stop_seconds=_APP_STOP_SECONDS,
            is_ready=is_ready,
        )

    def prepare(self, *, with_demo: bool) -> Command:
        """Migrations and, for a new database, demo data: one process, as starting Django costs seconds."""
        options = ["--with-demo"] if with_demo else []
        return self._command("prepare", "-m", "config.local_stack.prepare", *options)

    def sandbox(self) -> Command:
        """The Stripe stand-in, sending its webhooks to the web process."""
        port = self._configuration.ports["STRIPE_SANDBOX_PORT"]
        folder: Path = self._configuration.data_dir / "stripe-sandbox"
        return self._command(
            "sandbox", "-m", "sandbox", "--port", str(port), "--data-dir", str(folder),
            "--webhook-url", f"{self._configuration.web_url}{WEBHOOK_PATH}",
            tier=_OUTSIDE_WORLD, is_ready=lambda: ports.accepts(port),
        )  # fmt: skip

    def mail(self) -> Command:
        """The demo's mail catcher: SMTP and a page, from which the web process is told what became of a message."""
        configured = self._configuration.ports
        return self._command(
            "mail", "-m", "config.local_stack.mailcatcher", "--port", str(configured["MAIL_PORT"]),
            "--smtp-port", str(configured["MAIL_SMTP_PORT"]),
            "--data-dir", str(self._configuration.data_dir / "mail"),
            "--webhook-url", f"{self._configuration.web_url}{MAIL_WEBHOOK_PATH}",
            tier=_OUTSIDE_WORLD,
            is_ready=lambda: all(ports.accepts(configured[name]) for name in ("MAIL_PORT", "MAIL_SMTP_PORT")),
        )  # fmt: skip

    def web(self) -> Command:
        """REST, GraphQL, admin and storefront: two worker processes with few threads."""
        port = self._configuration.ports["PORT"]
        return self._command(
            "web", "-m", "granian", "--interface", "wsgi", "--host", ports.LOOPBACK, "--port", str(port),
            "--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "4",
            # Without it granian ends altogether when one of its workers dies.
            "--respawn-failed-workers", "--respawn-interval", "0.5",
            "config.wsgi:application",
            is_ready=lambda: _answers_ready(port),
        )  # fmt: skip

    def realtime(self) -> Command:
        """Socket.IO on a port of its own."""
        port = self._configuration.ports["REALTIME_PORT"]
        return self._command(
            "realtime", "-m", "uvicorn", "config.asgi:application",
            "--host", ports.LOOPBACK, "--port", str(port),
            "--timeout-graceful-shutdown", "3", "--no-access-log", is_ready=lambda: ports.accepts(port),
        )  # fmt: skip

    def background(self) -> list[Command]:
        """The workers (bulk apart, so that it never holds up money), the polling net and the clock."""
        return [
            self._worker("worker", "money,realtime,urgent_mail", threads=4),
            self._worker("worker-bulk", "bulk", threads=2),
            self._command("run_jobs", "manage.py", "run_jobs", niceness=_BEHIND_THE_WEB),
            self._command(
                "beat", "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO",
                "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler",
                "--pidfile", "", niceness=_BEHIND_THE_WEB,
            ),
        ]  # fmt: skip

    def _worker(self, name: str, lanes: str, *, threads: int) -> Command:
        return self._command(
            name, "-m", "celery", "-A", "config", "worker",
            "--pool", "threads", "--concurrency", str(threads),
            "--queues", lanes, "--hostname", f"{name}@%h", "--loglevel", "INFO",
            "--without-gossip", "--without-mingle", niceness=_BEHIND_THE_WEB,
        )  # fmt: skip


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
