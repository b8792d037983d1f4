"""Bodies without a length, by the server that the product runs on."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from config.bodies import WholeBodies
from config.local_stack.ports import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
MOST = 1_000
# Answers how long the body is said to be, how long it is, and its first bytes.
_ECHO = f"""
import json
from config.bodies import WholeBodies
def echo(environ, start_response):
    said = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(said)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([said, len(body), body[:5].decode()]).encode()]
application = WholeBodies(echo, most={MOST})
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run granian with an application that says what it read."""
    place = tmp_path_factory.mktemp("echo")
    (place / "echo.py").write_text(_ECHO)
    found = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", str(found),
         "--no-log", "echo:application"],
        cwd=place, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])},
    )  # fmt: skip
    try:
        _await(found)
        yield found
    finally:
        server.terminate()
        server.wait(20)


def _await(port: int) -> None:
    for _ in range(200):
        try:
            http.client.HTTPConnection(LOOPBACK, port, timeout=5).connect()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server did not start")


def test_a_streamed_body_is_read_and_the_connection_goes_on(port: int) -> None:
    """REQ AN-01: pieces, then a length, then pieces again, by one connection."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    for body, is_chunked in ((b"12345678", True), (b"abcdef", False), (b"", True), (b"xyz", True)):
        pieces: Any = iter([body[:3], body[3:]]) if is_chunked else body
        headers = {} if is_chunked else {"Content-Length": str(len(body))}
        connection.request("POST", "/", body=pieces, headers=headers, encode_chunked=is_chunked)
        answer = connection.getresponse()
        assert json.loads(answer.read()) == [len(body), len(body), body[:5].decode()]


def test_a_body_without_an_end_is_read_no_further_than_is_taken(port: int) -> None:
    """REQ AN-01: one byte more than any door takes, so that it refuses; the next on the connection is answered."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    connection.request("POST", "/", body=iter([b"x" * MOST] * 3), encode_chunked=True)
    assert json.loads(connection.getresponse().read())[:2] == [MOST + 1, MOST + 1]
    connection.request("POST", "/", body=b"ab")
    assert json.loads(connection.getresponse().read()) == [2, 2, "ab"]


@pytest.mark.parametrize(
    "more",
    [{"REQUEST_METHOD": "GET"}, {"CONTENT_LENGTH": "2"}, {"wsgi.input_terminated": False}],
    ids=["no body", "a length", "no end"],
)
def test_what_says_its_length_or_not_its_end_is_left_alone(more: dict[str, Any]) -> None:
    """REQ AN-01: a server that does not tell where a body ends would have us wait for ever."""
    seen: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], _: Any) -> list[bytes]:
        seen.append(environ)
        return []

    environ = {
        "REQUEST_METHOD": "POST", "wsgi.input": BytesIO(b"ab"), "wsgi.input_terminated": True, **more,
    }  # fmt: skip
    WholeBodies(application, most=MOST)(environ, lambda *_: None)
    assert seen == [environ]
    assert environ["wsgi.input"].tell() == 0
