"""Loopback ports: is one free, and which one may we take."""

import socket

from config.local_stack.errors import PortTaken

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Say whether nobody listens on the loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port whose last connections are in TIME_WAIT would look taken after each stop.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Ask the system for a port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def require_free(name: str, port: int) -> None:
    """Raise PortTaken, naming the setting to change, when somebody listens on the port."""
    if not is_free(port):
        raise PortTaken(name, port)


def accepts(port: int) -> bool:
    """Say whether somebody accepts connections on the loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
