"""HTTP for the library.

One deadline for a whole call with its retries, and whether anything was sent at all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

# The library sleeps up to 0.5 s and 1 s between its tries; that time belongs to the deadline too.
RETRIES = 2
RETRY_SLEEPS_SECONDS = 1.6
_CONNECT_SECONDS = 1.5
_LEAST_SECONDS = 0.05
# 409: a request with the same key is being executed this moment.
_SERVER_ERROR, _CONFLICT = 500, 409


@dataclass(slots=True)
class CallState:
    """One call with all its tries: until when, and whether a request may have reached Stripe."""

    ends_at: float
    tries_left: int = RETRIES + 1
    may_have_been_sent: bool = False
    was_answered_5xx: bool = False
    # Of the latest try.
    timed_out: bool = False

    def note(self, status: int) -> None:
        """Remember an answer after which a later try of the same call cannot say that nothing happened."""
        self.was_answered_5xx = self.was_answered_5xx or status >= _SERVER_ERROR
        self.may_have_been_sent = self.may_have_been_sent or status >= _SERVER_ERROR or status == _CONFLICT

    def timeouts(self) -> tuple[float, float]:
        """Return the connect and read time-outs of the next try, in seconds: its share of what is left."""
        share = (self.ends_at - time.monotonic()) / max(1, self.tries_left)
        self.tries_left -= 1
        if share < _LEAST_SECONDS:
            raise requests.exceptions.ConnectTimeout("The time for the whole call is over")
        connect = min(_CONNECT_SECONDS, share / 3)
        return connect, share - connect


_state: ContextVar[CallState | None] = ContextVar("stripe_call", default=None)
_ends_at: ContextVar[float | None] = ContextVar("stripe_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Bound all calls of the block together; an outer deadline stands."""
    token = _ends_at.set(_ends_at.get() or time.monotonic() + seconds - RETRY_SLEEPS_SECONDS)
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def one_call(seconds: float) -> Iterator[CallState]:
    """Begin a call that ends, with its retries, within so many seconds or the deadline round it."""
    with deadline(seconds):
        state = CallState(ends_at=_ends_at.get() or 0.0)
        token = _state.set(state)
        try:
            yield state
        finally:
            _state.reset(token)


class BoundedSession(requests.Session):
    """Sends each try within its share of the call's time, and notes when a request may have been received."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one try; see the class."""
        state = _state.get()
        if state is None:
            raise RuntimeError("Stripe is called outside of the gateway's call()")
        kwargs["timeout"] = state.timeouts()
        state.timed_out = False
        try:
            response = super().request(*args, **kwargs)
        except requests.exceptions.RequestException as error:
            state.timed_out = isinstance(error, requests.exceptions.Timeout)
            if not _never_connected(error):
                state.may_have_been_sent = True
            raise
        state.note(response.status_code)
        return response


def _never_connected(error: requests.exceptions.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)
