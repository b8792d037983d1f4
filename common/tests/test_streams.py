"""Slow readers and the threads of a web process, with the server as it is deployed. REQ AN-11, OP-02."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from common.errors import RateLimited
from common.streams import StreamsMiddleware, take_stream
from config.local_stack import ports
from config.local_stack.environment import ROOT
from config.local_stack.testing import patience

_ASKED = RequestFactory().get("/api/v1/long")


def threads_of(text: str) -> int:
    """Return how many threads a command gives a web process."""
    found = re.search(r'"--blocking-threads", "(\d+)"', text)
    assert found is not None
    return int(found[1])


@contextmanager
def served(streams: int) -> Iterator[int]:
    """Serve the small site by one process with as many threads as a deployed one; give its port."""
    port = ports.free_port()
    threads = threads_of((ROOT / "Dockerfile").read_text())
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1",
         "--blocking-threads", str(threads), "--log-level", "critical", "--workers-kill-timeout", "1",
         "common.tests.slow_site:application"],
        cwd=ROOT, env={**os.environ, "WEB_STREAMS_AT_ONCE": str(streams)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: read(port, "healthz"))
        yield port
    finally:
        server.terminate()
        server.wait(patience.SECONDS)


def eventually(holds: Callable[[], object]) -> None:
    """Ask again until it holds."""
    end = time.monotonic() + patience.SECONDS
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


def read(port: int, path: str, *, seconds: float = patience.SECONDS) -> bytes:
    """Return an answer, whole. Raises ``OSError`` when there is none in time."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=seconds) as answer:
        return bytes(answer.read())


def slow_reader(port: int, stack: ExitStack) -> tuple[socket.socket, int]:
    """Ask for the endless answer and read no more of it than its status."""
    reader = stack.enter_context(socket.socket())
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.settimeout(patience.SECONDS)
    reader.connect(("127.0.0.1", port))
    reader.sendall(b"GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return reader, int(reader.recv(16).split()[1])


def test_slow_readers_leave_threads_for_everybody_else() -> None:
    """Six that stop reading: as many as may are served, the others refused; health and ordinary requests answer."""
    with served(configured.WEB_STREAMS_AT_ONCE) as port, ExitStack() as stack:
        readers = [slow_reader(port, stack) for _ in range(6)]
        assert sorted(status for _, status in readers) == [200] * 2 + [429] * 4
        assert [read(port, path) for path in ("healthz", "ordinary")] == [b'{"status": "ok"}', b"ordinary"]
        next(reader for reader, status in readers if status == 200).close()
        # The server finds out that it is gone by its next piece.
        eventually(lambda: slow_reader(port, stack)[1] == 200)
        assert read(port, "ordinary") == b"ordinary"


def test_the_same_without_the_limit_takes_all_threads() -> None:
    """The control: as many slow readers as there are threads, and nobody is answered any more."""
    with served(100) as port, ExitStack() as stack:
        threads = threads_of((ROOT / "Dockerfile").read_text())
        assert {slow_reader(port, stack)[1] for _ in range(threads)} == {200}
        with pytest.raises(OSError, match="timed out"):
            read(port, "healthz", seconds=0.5)


@pytest.mark.parametrize("file", ["Dockerfile", "config/local_stack/children.py"])
def test_two_threads_are_never_taken(file: str) -> None:
    """Wherever the server is started, two of a process's threads are left."""
    assert threads_of(Path(ROOT / file).read_text()) - configured.WEB_STREAMS_AT_ONCE >= 2


def test_an_answer_leaves_its_place_however_it_ends(settings: Any) -> None:
    """Read, closed unread, or lost by its maker; what is no stream takes none; refusals say when to come again."""
    settings.WEB_STREAMS_AT_ONCE = 1
    closed: list[str] = []

    class Source:
        __iter__ = staticmethod(lambda: iter((b"a", b"b")))
        close = staticmethod(lambda: closed.append("source"))

    answer = StreamsMiddleware(lambda request: StreamingHttpResponse(Source()))
    first = answer(_ASKED)
    assert isinstance(first, StreamingHttpResponse)
    refused = answer(_ASKED)
    assert (refused.status_code, refused["Retry-After"], closed) == (429, "10", ["source"])
    page = answer(RequestFactory().get("/admin/long"))
    assert (page.status_code, page["Content-Type"]) == (429, "text/plain")
    assert StreamsMiddleware(lambda request: HttpResponse("short"))(_ASKED).status_code == 200
    assert first.getvalue() == b"ab"
    first.close()
    unread = answer(_ASKED)
    assert unread.status_code == 200
    unread.close()
    assert closed == ["source"] * 4
    lost = take_stream()
    with pytest.raises(RateLimited):
        take_stream()
    del lost
    take_stream().leave()
