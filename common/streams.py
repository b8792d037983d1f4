"""How many answers one web process sends piece by piece at once.

Such an answer holds a thread of the server until its last piece is taken, and who reads slowly takes long. A process
has few threads, so it sends ``WEB_STREAMS_AT_ONCE`` of them at most: others are left for everybody else. An answer that
is made whole before it is sent holds no thread, however slowly it is read.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Final
from weakref import WeakSet

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from common.errors import RateLimited
from common.problems.documents import problem_response
from common.problems.middleware import speaks_problems
from common.problems.translation import problem_of

_RETRY_AFTER: Final = 10
_lock = threading.Lock()


class Stream:
    """A place for one answer. Leave it whatever happens; one that nobody has any more is left by itself."""

    def leave(self) -> None:
        """Let another answer have it. Harmless a second time."""
        with _lock:
            _taken.discard(self)


_taken: WeakSet[Stream] = WeakSet()


def take_stream() -> Stream:
    """Take a place of this process. Raises ``RateLimited`` when there is none; another process may have one."""
    stream = Stream()
    with _lock:
        if len(_taken) >= settings.WEB_STREAMS_AT_ONCE:
            raise RateLimited(
                "Too many of these are under way: wait until one is done.", retry_after=_RETRY_AFTER
            )
        _taken.add(stream)
    return stream


def forget() -> None:
    """Leave every place of this process. For tests, whose answers nobody reads to the end."""
    with _lock:
        _taken.clear()


class StreamsMiddleware:
    """Gives each answer that is sent piece by piece a place, or refuses it with 429.

    Who took a place before making it says so by ``has_place`` of the answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; see the class."""
        response = self.get_response(request)
        if not isinstance(response, StreamingHttpResponse) or getattr(response, "has_place", False):
            return response
        try:
            stream = take_stream()
        except RateLimited as refusal:
            response.close()
            return _refused(request, refusal)
        response.streaming_content = _Pieces(iter(response), stream)
        return response


class _Pieces:
    """What Django walks and, as it has ``close``, closes with the answer, also one that was never begun."""

    def __init__(self, pieces: Iterator[bytes], stream: Stream) -> None:
        self._pieces, self._stream = pieces, stream

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Let others have the place."""
        self._stream.leave()


def _refused(request: HttpRequest, refusal: RateLimited) -> HttpResponseBase:
    problem = problem_of(refusal)
    if problem is not None and speaks_problems(request):
        return problem_response(problem)
    return HttpResponse(
        refusal.detail, status=429, content_type="text/plain", headers={"Retry-After": str(_RETRY_AFTER)}
    )
