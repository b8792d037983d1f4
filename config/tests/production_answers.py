"""What production answers: asked through Django's test client in a process with production's settings, printed as JSON.

`DATABASE_URL` and `REDIS_URL` say what stands behind it; the rest is as an operator would give it. Nothing is kept.
"""

import json
import os
import sys
from typing import Any

from config.local_stack.deploy_check import _PRODUCTION

_PASSWORD = "a-long-one-for-this-test"
HOST = "tickets.example.com"


def _answers() -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.test import Client

    plain = Client(SERVER_NAME=HOST)
    # As the proxy tells that the visitor came by https.
    secure = Client(SERVER_NAME=HOST, headers={"X-Forwarded-Proto": "https"})
    found = {
        "plain": plain.get("/api/v1/events?limit=1"),
        "probe": plain.get("/healthz"),
        "stranger": Client(SERVER_NAME="evil.test", headers={"X-Forwarded-Proto": "https"}).get("/healthz"),
        "api": secure.get("/api/v1/events?limit=1"),
        "page": secure.get("/admin/login/"),
    }
    with transaction.atomic():
        get_user_model().objects.create_superuser("operator@example.test", _PASSWORD)
        form = {"username": "operator@example.test", "password": _PASSWORD}
        found["signed in"] = secure.post("/admin/login/", form)
        transaction.set_rollback(True)
    return {
        name: {
            "status": answer.status_code,
            "headers": dict(answer.headers),
            "cookies": {key: {k: v for k, v in one.items() if v} for key, one in answer.cookies.items()},
        }
        for name, answer in found.items()
    }


def main() -> None:
    """Print the answers on the last line."""
    own = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    os.environ.update({**_PRODUCTION, **own})
    import django
    from django.conf import settings

    django.setup()
    # The image collects the files under names with their digests; here nobody has.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    sys.stdout.write("\n" + json.dumps(_answers()))


if __name__ == "__main__":
    main()
