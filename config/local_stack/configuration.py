"""What one stack is told: ports, places, secrets; and the environment its children get."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local_stack import environment
from config.local_stack.errors import StackError
from config.local_stack.files import format_env, read_env, write_private
from config.local_stack.pushcatcher.account import FILE as FCM_ACCOUNT_FILE

_DEFAULT_PORTS = {
    "PORT": 8000,
    "STRIPE_SANDBOX_PORT": 8001,
    "REALTIME_PORT": 8002,
    "MAIL_PORT": 8003,
    "MAIL_SMTP_PORT": 8004,
}
SECRETS_FILE = "secrets.env"
# A browser of the demo may subscribe at its own maker's too.
_PUSH_SERVICES = "fcm.googleapis.com,*.push.services.mozilla.com,*.notify.windows.com,*.push.apple.com"


@dataclass(frozen=True)
class Configuration:
    """One stack. `given` is what the caller's environment and `.env` say; it wins over what we make up."""

    root: Path
    data_dir: Path
    given: Mapping[str, str]
    ports: Mapping[str, int]
    secrets: Mapping[str, str]

    @property
    def web_url(self) -> str:
        """The address people open."""
        return f"http://127.0.0.1:{self.ports['PORT']}"

    @property
    def sandbox_url(self) -> str:
        """The address of the Stripe stand-in."""
        return f"http://127.0.0.1:{self.ports['STRIPE_SANDBOX_PORT']}"

    @property
    def mail_url(self) -> str:
        """The address of the mail catcher's page, and of the stand-in for push."""
        return f"http://127.0.0.1:{self.ports['MAIL_PORT']}"

    @property
    def logs(self) -> Path:
        """The folder of the children's logs."""
        return self.data_dir / "logs"

    @property
    def metrics(self) -> Path:
        """The folder in which the children add up their counters, from one start to the next."""
        return self.data_dir / "metrics"

    def child_values(self, *, database_url: str, redis_url: str) -> dict[str, str]:
        """Name everything the product reads that differs from its defaults."""
        made_up = {
            "ENVIRONMENT": "development",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "STRIPE_API_BASE": self.sandbox_url,
            "FRONTEND_URL": self.web_url,
            "REALTIME_PUBLIC_URL": f"http://127.0.0.1:{self.ports['REALTIME_PORT']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.ports['MAIL_SMTP_PORT']}",
            "FCM_API_BASE": self.mail_url,
            "FCM_CREDENTIALS_FILE": str(self.data_dir / FCM_ACCOUNT_FILE),
            "WEBPUSH_VAPID_SUBJECT": "mailto:operators@demo.test",
            "WEBPUSH_ALLOWED_HOSTS": f"{_PUSH_SERVICES},{self.mail_url}/push/",
            **self.secrets,
        }
        fixed = {
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics),
            **{name: str(port) for name, port in self.ports.items()},
        }
        return {**made_up, **{name: value for name, value in self.given.items() if name in made_up}, **fixed}

    def child_environment(self, values: Mapping[str, str]) -> dict[str, str]:
        """Give the whole environment of a child: the caller's, `.env`, and ours over them."""
        inherited = {**self.given, **os.environ}
        # Children start again and again: their compiled modules are worth keeping.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**inherited, **values, "PYTHONUNBUFFERED": "1"}


def read(root: Path = environment.ROOT) -> Configuration:
    """Read the environment and `.env`; secrets are made on first use and kept in the data folder."""
    # An empty line of a copied .env.example means "not set"; what the shell says wins over the file.
    from_file = {name: value for name, value in read_env(root / ".env").items() if value}
    given = {**from_file, **{name: value for name, value in os.environ.items() if value}}
    data_dir = environment.data_dir(root).absolute()
    return Configuration(
        root=root,
        data_dir=data_dir,
        given=given,
        ports={name: _port(name, given.get(name), default) for name, default in _DEFAULT_PORTS.items()},
        secrets=_secrets(data_dir),
    )


def _port(name: str, value: str | None, default: int) -> int:
    if not value:
        return default
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise StackError(f"{name} must be a port between 1 and 65535, not {value!r}")
    return int(value)


def _secrets(data_dir: Path) -> dict[str, str]:
    file = data_dir / SECRETS_FILE
    known = read_env(file)
    wanted = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "TICKET_SIGNING_KEYS": secrets.token_urlsafe(48),
        # A scalar of P-256 is any number of 32 bytes but for one in four thousand million.
        "WEBPUSH_VAPID_PRIVATE_KEY": secrets.token_urlsafe(32),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
        "RESEND_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
    }
    complete = {**wanted, **known}
    if complete != known:
        write_private(file, format_env(complete))
    return complete
