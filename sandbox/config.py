"""What the process is told at start, by arguments and environment, and the guards against a wrong start."""

import argparse
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIVE_KEY_PREFIXES = ("sk_live", "rk_live")
PRODUCTION_NAMES = frozenset({"production", "prod", "live"})


class RefusedToStart(Exception):
    """The sandbox was started where it must not run; the message says why and what to change."""


@dataclass(frozen=True)
class Settings:
    """One run of the sandbox. `port` 0 takes any free one; `public_url` is what browsers are sent to."""

    host: str
    port: int
    data_dir: Path
    webhook_urls: tuple[str, ...]
    webhook_secret: str
    public_url: str | None = None


def refuse_unsafe_start(environ: Mapping[str, str]) -> None:
    """Raise `RefusedToStart` when a live Stripe key or a production environment is in sight."""
    if environ.get("STRIPE_SECRET_KEY", "").strip().startswith(LIVE_KEY_PREFIXES):
        raise RefusedToStart("STRIPE_SECRET_KEY is a live key: the sandbox runs beside test keys only.")
    for name in ("DJANGO_ENV", "ENVIRONMENT"):
        if environ.get(name, "").strip().lower() in PRODUCTION_NAMES:
            raise RefusedToStart(f"{name} says production: the sandbox never runs there.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Local stand-in for Stripe.")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument(
        "--port",
        type=int,
        default=environ.get("STRIPE_SANDBOX_PORT", "8001"),
        help="0 picks a free port (STRIPE_SANDBOX_PORT)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(environ.get("DATA_DIR", ".local")) / "stripe-sandbox",
        help="where the state is kept (DATA_DIR/stripe-sandbox)",
    )
    parser.add_argument(
        "--webhook-url",
        action="append",
        help="endpoint for webhooks, may be repeated (STRIPE_SANDBOX_WEBHOOK_URLS, comma-separated)",
    )
    parser.add_argument(
        "--webhook-secret",
        help="whsec_...; prefer STRIPE_WEBHOOK_SECRET, arguments are visible to other processes",
    )
    parser.add_argument(
        "--public-url",
        default=environ.get("STRIPE_SANDBOX_PUBLIC_URL") or None,
        help="address of the hosted page as browsers see it (STRIPE_SANDBOX_PUBLIC_URL)",
    )
    return parser


def read_settings(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Settings of this run; raises `RefusedToStart` where it must not run or a needed value is missing."""
    environ = os.environ if environ is None else environ
    refuse_unsafe_start(environ)
    given = _parser(environ).parse_args(arguments)
    if not _is_loopback(given.host):
        raise RefusedToStart(
            f"{given.host!r} is not a loopback address: the sandbox listens on loopback only."
        )
    # While a secret rotates several are listed; the endpoint accepts any, so the first is enough to sign.
    secrets = _split(given.webhook_secret or environ.get("STRIPE_WEBHOOK_SECRET", ""))
    if not secrets:
        raise RefusedToStart("Set STRIPE_WEBHOOK_SECRET (whsec_...): webhooks are always signed.")
    return Settings(
        host=given.host,
        port=given.port,
        data_dir=given.data_dir,
        webhook_urls=tuple(given.webhook_url or _split(environ.get("STRIPE_SANDBOX_WEBHOOK_URLS", ""))),
        webhook_secret=secrets[0],
        public_url=given.public_url.rstrip("/") if given.public_url else None,
    )
