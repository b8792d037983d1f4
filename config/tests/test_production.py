"""What browsers are told in production, by answers of its own settings."""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from config.local_stack.environment import ROOT
from config.tests.production_answers import HOST

pytestmark = pytest.mark.django_db


def _answers() -> dict[str, Any]:
    own = connection.settings_dict
    address = f"{own['HOST']}:{own['PORT']}/{own['NAME']}"
    database = f"postgres://{own['USER']}:{quote(own['PASSWORD'])}@{address}"
    done = subprocess.run(
        [sys.executable, "-m", "config.tests.production_answers"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database, "REDIS_URL": settings.REDIS_URL},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_production_answers_as_browsers_should_be_told() -> None:
    """By https alone, and for a year; cookies no script or other site has; our files alone run. REQ OP-05."""
    told = _answers()
    plain = told["plain"]
    assert (plain["status"], plain["headers"]["Location"]) == (301, f"https://{HOST}/api/v1/events?limit=1")
    # Probes speak plain HTTP inside the network.
    assert told["probe"]["status"] == 200
    assert told["stranger"]["status"] == 400

    assert (told["api"]["status"], told["page"]["status"], told["signed in"]["status"]) == (200, 200, 302)
    for name in ("api", "page", "signed in"):
        headers = told[name]["headers"]
        assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload", name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["Referrer-Policy"] == "same-origin", name
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'", name
        assert policy["script-src"] in {"'self'", "'self' 'unsafe-eval'"}, name
        assert (policy["object-src"], policy["frame-ancestors"]) == ("'none'", "'none'"), name
        assert "http:" not in headers["Content-Security-Policy"], name

    cookies = told["page"]["cookies"] | told["signed in"]["cookies"]
    assert set(cookies) == {"csrftoken", "sessionid"}
    for name, cookie in cookies.items():
        assert (cookie.get("secure"), cookie.get("samesite")) == (True, "Lax"), name
    assert cookies["sessionid"].get("httponly") is True
