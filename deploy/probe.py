"""Health checks without curl: `probe.py http PORT PATH`, `probe.py tcp PORT`, `probe.py process WORD`."""

import http.client
import os
import socket
import sys
from pathlib import Path

_HERE = "127.0.0.1"
_SECONDS = 4


def _answers(port: int, path: str) -> bool:
    # Asked as the proxy would: for a name that the product serves, over what was TLS outside.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").partition(",")[0].lstrip(".")
    connection = http.client.HTTPConnection(_HERE, port, timeout=_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((_HERE, port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def _runs(word: str) -> bool:
    """Look for a process with the word in its command, other than this one (process 1 may be an init)."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.parent.name != str(os.getpid()) and word.encode() in entry.read_bytes():
                return True
        except OSError:
            continue  # it ended while we looked
    return False


def main(arguments: list[str]) -> int:
    """Exit 0 when healthy, 1 when not, 2 for a senseless question."""
    match arguments:
        case ["http", port, path]:
            healthy = _answers(int(port), path)
        case ["tcp", port]:
            healthy = _accepts(int(port))
        case ["process", word]:
            healthy = _runs(word)
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
