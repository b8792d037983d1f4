"""HTTP as a front end speaks it: what was answered, or that nobody knows; and repeating until somebody does."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_TIMEOUT_SECONDS = 25.0
_IN_PROGRESS_STATUS, _TOO_MANY, _SERVER_ERROR = 409, 429, 500
# Longer than any campaign: signing in would cost more than all else that people do.
_TOKEN_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body; status 0: the connection broke, and nobody knows whether it was done."""

    status: int
    body: Any

    @property
    def is_accepted(self) -> bool:
        """Say whether the product said that it is done."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The problem's code; empty where there is none."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def is_unsure(self) -> bool:
        """Say whether the same call, with the same key, is to be made again."""
        if self.code == "payment_provider_unavailable":
            return bool(self.body.get("retryable"))
        is_busy = self.status == _IN_PROGRESS_STATUS and self.code == "in_progress"
        return is_busy or self.status in (0, _TOO_MANY) or self.status >= _SERVER_ERROR


class Doors:
    """The product's API for everybody, with tokens signed by ``secret``. Safe for several threads."""

    def __init__(self, web: str, secret: str, stop: threading.Event) -> None:
        self._web = web
        self._secret = secret
        self._stop = stop
        self._tokens: dict[str, str] = {}
        self.answers: Counter[str] = Counter()

    def call(self, method: str, path: str, body: Any = None, *, login: str = "", key: str = "") -> Answer:
        """Call once."""
        headers = {"Content-Type": "application/json", "User-Agent": BROWSER}
        if login:
            headers["Authorization"] = f"Bearer {self.token(login)}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._web}/api/v1/{path}"
        answer = self._send(urllib.request.Request(url, data, headers, method=method))
        self.answers[str(answer.status or "none")] += 1
        return answer

    def insist(
        self, method: str, path: str, body: Any = None, *, login: str = "", key: str = "", tries: int = 8
    ) -> Answer:
        """Call with the same key until somebody knows, as front ends do; give up after so many tries."""
        answer = self.call(method, path, body, login=login, key=key)
        for _ in range(tries - 1):
            if not answer.is_unsure:
                return answer
            self._stop.wait(1.0)
            answer = self.call(method, path, body, login=login, key=key)
        return answer

    def token(self, login: str) -> str:
        """Return an access token of the platform's identity service for a demo account; it shares the secret."""
        if login not in self._tokens:
            ends = datetime.now(UTC) + _TOKEN_LIFE
            claims = {"sub": f"chaos|{login}", "email": f"{login}@demo.test", "exp": ends}
            self._tokens[login] = jwt.encode(claims, self._secret, algorithm="HS256")
        return self._tokens[login]

    @staticmethod
    def _send(request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                return Answer(answer.status, json.loads(answer.read() or b"null"))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, _problem(refused))
        except (OSError, http.client.HTTPException):
            return Answer(0, None)


def _problem(refused: urllib.error.HTTPError) -> Any:
    try:
        return json.loads(refused.read() or b"null")
    except (ValueError, OSError, http.client.HTTPException):
        return None
