"""Is it alive, is it ready, what do the metrics say."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from common import metrics as figures
from common import redis
from common.errors import Forbidden
from common.rest.addresses import client_address


class NotReady(Exception):
    """A part of the system does not answer; the message is for operators and holds no secret."""


@dataclass(frozen=True, slots=True)
class Check:
    """One part that ``/readyz`` asks. Without a required one there is no service.

    Without another it is degraded.
    """

    name: str
    ask: Callable[[], None]
    is_required: bool
    needs_database: bool = False


_checks: dict[str, Check] = {}


def register_check(
    name: str, ask: Callable[[], None], *, is_required: bool, needs_database: bool = False
) -> None:
    """Let ``/readyz`` ask a further part, from ``apps.py ready()``.

    ``ask`` raises ``NotReady`` when it is down. One that ``needs_database`` is not asked while that is away: each
    would wait for it anew, and the probe gives up.
    """
    _checks[name] = Check(name, ask, is_required, needs_database)


def _ask_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        connection.close()
        raise NotReady(type(error).__name__) from error


class _Migrations:
    """Are the tables there? Asked until they are; reading the migrations costs too much for every probe."""

    def __init__(self) -> None:
        self.applied = False

    def ask(self) -> None:
        if self.applied:
            return
        try:
            executor = MigrationExecutor(connection)
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            connection.close()
            raise NotReady(type(error).__name__) from error
        if waiting:
            raise NotReady(f"{len(waiting)} migrations are not applied")
        self.applied = True


def _ask_redis() -> None:
    try:
        redis.client().ping()
    except RedisError as error:
        raise NotReady(type(error).__name__) from error


register_check("database", _ask_database, is_required=True)
register_check("migrations", _Migrations().ask, is_required=True)
register_check("redis", _ask_redis, is_required=False)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process answers at all; asks nobody."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 ``ready`` or ``degraded``, or 503 ``unavailable``, and what each part says."""
    parts: dict[str, dict[str, str | bool]] = {}
    for check in _checks.values():
        is_away = check.needs_database and parts.get("database", {}).get("status") == "down"
        parts[check.name] = _down(check, "database") if is_away else _state(check)
    down = [name for name, state in parts.items() if state["status"] == "down"]
    unavailable = any(_checks[name].is_required for name in down)
    status = "unavailable" if unavailable else "degraded" if down else "ready"
    return JsonResponse({"status": status, "checks": parts}, status=503 if unavailable else 200)


def _state(check: Check) -> dict[str, str | bool]:
    try:
        check.ask()
    except NotReady as error:
        return _down(check, str(error))
    except DatabaseError as error:
        connection.close()
        return _down(check, type(error).__name__)
    return {"status": "up", "required": check.is_required}


def _down(check: Check, reason: str) -> dict[str, str | bool]:
    return {"status": "down", "required": check.is_required, "reason": reason}


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus.

    To the bearer of ``METRICS_TOKEN``, and to ``METRICS_NETWORKS`` (loopback by default).
    """
    if not _may_read_metrics(request):
        raise Forbidden("Metrics are for the operators of this system.")
    return HttpResponse(figures.exposition(), content_type=figures.CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    if settings.TRUSTED_PROXY_COUNT == 0 and "X-Forwarded-For" in request.headers:
        # A proxy that we were not told of: its own address says nothing about the caller's.
        return False
    networks = getattr(settings, "METRICS_NETWORKS", ("127.0.0.0/8", "::1/128"))
    address = ip_address(client_address(request))
    return any(address in ip_network(network) for network in networks)
