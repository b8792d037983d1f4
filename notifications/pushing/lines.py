"""HTTP to the providers: one session a thread, with a time-out, and never to where a redirect points."""

import os
import threading
from typing import Any, Final

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter

from notifications.pushing import hosts

_CONNECT_SECONDS: Final = 5.0


class Line(requests.Session):
    """A session that follows nothing and takes nothing from the environment: no proxies, no ``.netrc``."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """Send with redirects off, whatever a library asks for; without a time-out it is ours."""
        options["allow_redirects"] = False
        options["timeout"] = time_out()
        return super().request(*args, **options)


class _Guarded(HTTPAdapter):
    """Looks at where each request really goes: what is not on the list of push services never leaves."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        hosts.require_allowed(request.url or "")
        return super().send(request, *args, **options)


def time_out() -> tuple[float, float]:
    """Return the seconds to connect, and between two bytes of an answer."""
    return min(_CONNECT_SECONDS, settings.PUSH_TIMEOUT_SECONDS), settings.PUSH_TIMEOUT_SECONDS


class _Kept(threading.local):
    pid = 0
    fcm: Line | None = None
    webpush: Line | None = None


_kept = _Kept()


def to_fcm() -> Line:
    """Return this thread's line to Google; a forked process shares none with its parent."""
    _renew()
    if _kept.fcm is None:
        _kept.fcm = Line()
    return _kept.fcm


def to_browsers() -> Line:
    """Return this thread's line to push services; it refuses (``hosts.NotAllowed``) every other host."""
    _renew()
    if _kept.webpush is None:
        _kept.webpush = Line()
        for scheme in ("https://", "http://"):
            _kept.webpush.mount(scheme, _Guarded())
    return _kept.webpush


def close() -> None:
    """End this thread's lines."""
    for line in (_kept.fcm, _kept.webpush):
        if line is not None:
            line.close()
    _kept.fcm = _kept.webpush = None


def _renew() -> None:
    if _kept.pid != os.getpid():
        _kept.pid, _kept.fcm, _kept.webpush = os.getpid(), None, None
