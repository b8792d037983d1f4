"""Firebase Cloud Messaging, HTTP v1: Android, and Apple's devices through it (docs/decisions/0011-push.md)."""

import json
import threading
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import google.auth.exceptions
import google.auth.transport.requests
import requests
from django.conf import settings
from google.oauth2 import service_account

from notifications.pushing import lines, sizes, verdicts
from notifications.pushing.types import Outcome, Outgoing, Target, Verdict

ADDRESS: Final = "https://fcm.googleapis.com"
# FCM takes 4,096 bytes of notification and data; at Apple the frame that FCM puts around them counts too.
LARGEST: Final = 4096 - 256
_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"


class NotConfigured(Exception):
    """The file of the service account is missing or none."""


class _Account:
    """The service account of this process and its token, read again when the file changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: tuple[str, float] | None = None
        self._credentials: Any = None

    def token(self) -> tuple[str, str]:
        """Return the project and a token that is good for some minutes yet. Raises ``NotConfigured``, and Google's."""
        with self._lock:
            credentials = self._current()
            if not credentials.valid:
                request = google.auth.transport.requests.Request(session=lines.to_fcm())
                credentials.refresh(partial(request, timeout=settings.PUSH_TIMEOUT_SECONDS))
            return str(credentials.project_id), str(credentials.token)

    def forget(self) -> None:
        """Drop the token, after it was refused."""
        with self._lock:
            self._read = None

    def _current(self) -> Any:
        file = settings.FCM_CREDENTIALS_FILE
        try:
            read = (file, Path(file).stat().st_mtime)
            if read != self._read:
                read_file: Any = service_account.Credentials.from_service_account_file
                self._credentials = read_file(file, scopes=[_SCOPE])
                self._read = read
        except (OSError, ValueError, google.auth.exceptions.GoogleAuthError) as error:
            raise NotConfigured(f"FCM_CREDENTIALS_FILE: {type(error).__name__}") from error
        if not self._credentials.project_id:
            raise NotConfigured("FCM_CREDENTIALS_FILE names no project")
        return self._credentials


account = _Account()


def send(outgoing: Outgoing, target: Target, *, now: datetime) -> Verdict:
    """Hand one message to FCM and judge its answer; never raises for what that does."""
    try:
        project, token = account.token()
    except NotConfigured as error:
        return Verdict(Outcome.PAUSED, str(error))
    except google.auth.exceptions.TransportError as error:
        detail = verdicts.described(f"{type(error).__name__}: {error}")
        return Verdict(Outcome.PAUSED, detail, retry_after=verdicts.NOT_REACHED_SECONDS)
    except google.auth.exceptions.GoogleAuthError as error:
        wait = verdicts.NOT_REACHED_SECONDS if getattr(error, "retryable", False) else None
        return Verdict(
            Outcome.PAUSED, verdicts.described(f"{type(error).__name__}: {error}"), retry_after=wait
        )
    return _post(outgoing, target, project, token, now=now)


def _post(outgoing: Outgoing, target: Target, project: str, token: str, *, now: datetime) -> Verdict:
    base = settings.FCM_API_BASE or ADDRESS
    try:
        response = lines.to_fcm().post(
            f"{base}/v1/projects/{quote(project, safe='')}/messages:send",
            json={"message": message(outgoing, target.token, now=now)},
            headers={"Authorization": f"Bearer {token}"},
        )
    except requests.RequestException as error:
        return verdicts.of_line(error, one_provider=True)
    if response.status_code == 401:
        account.forget()
    return verdicts.of_fcm(response.status_code, _json(response), response.headers, now=now)


def message(outgoing: Outgoing, token: str, *, now: datetime) -> dict[str, Any]:
    """Return the message as FCM wants it; its id is tag and Apple's collapse id: a repetition replaces on the device.

    A text that is too long is cut. No ``collapse_key``: FCM keeps four of them for a device that is away and drops the
    others, so of five messages one would be lost.
    """
    name = str(outgoing.id)
    high = outgoing.is_urgent
    return {
        "token": token,
        **_said(outgoing, sizes.fitted(outgoing.body, lambda body: _size(outgoing, body), LARGEST)),
        "android": {
            "priority": "HIGH" if high else "NORMAL",
            "ttl": f"{outgoing.ttl}s",
            "notification": {"tag": name},
        },
        "apns": {
            "headers": {
                "apns-collapse-id": name,
                "apns-priority": "10" if high else "5",
                "apns-expiration": str(int(now.timestamp()) + outgoing.ttl),
            },
            # mutable-content: the app's extension sees it on its arrival, and can send the receipt.
            "payload": {"aps": {"mutable-content": 1, **({"sound": "default"} if high else {})}},
        },
    }


def _said(outgoing: Outgoing, body: str) -> dict[str, Any]:
    return {"notification": {"title": outgoing.title, "body": body}, "data": outgoing.values()}


def _size(outgoing: Outgoing, body: str) -> int:
    return len(json.dumps(_said(outgoing, body), ensure_ascii=False, separators=(",", ":")).encode())


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
