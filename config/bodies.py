"""Bodies that come in pieces, without saying how long they are.

Django reads as many bytes as ``Content-Length`` says, none where nothing is said. A client that streams says nothing:
``Transfer-Encoding: chunked`` in HTTP/1.1, nothing at all in HTTP/2. So such a body is read here, before any door, and
its length is said.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

# Bodies of others are nothing that a door reads, and asking for one could wait for it.
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# How many times as much as is taken is heard to the end.
_PIECES: Final = 8

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WholeBodies:
    """A WSGI application in front of another, which sees the length of every body.

    One byte more than ``most`` is handed on at most: whoever gets that many refuses them as too many. Some of the rest
    is read and thrown away, so that its sender hears the refusal instead of a broken connection.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self._application, self._most = application, most

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request; see the class."""
        if _is_of_unknown_length(environ):
            body = environ["wsgi.input"].read(self._most + 1)
            if len(body) > self._most:
                _throw_away(environ["wsgi.input"], self._most)
            environ = {**environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return self._application(environ, start_response)


def _is_of_unknown_length(environ: dict[str, Any]) -> bool:
    """Say whether a body may follow that says no length, from a server that tells where it ends."""
    return (
        not environ.get("CONTENT_LENGTH")
        and bool(environ.get("wsgi.input_terminated"))
        and environ["REQUEST_METHOD"] in _WITH_BODY
    )


def _throw_away(rest: Any, piece: int) -> None:
    for _ in range(_PIECES):
        if not rest.read(piece):
            return
