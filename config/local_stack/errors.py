"""Failures of the local stack that a person at the terminal can act on."""


class StackError(Exception):
    """The stack cannot go on; the message says why and what to do about it."""


class PortTaken(StackError):
    """Another program listens on a port we need."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(f"port {port} is in use; choose another with {name}=<port>")
        self.port = port


class AlreadyRunning(StackError):
    """Another stack works on the same data folder."""

    def __init__(self, data_dir: str, pid: str) -> None:
        super().__init__(
            f"a stack is already running on {data_dir} (process {pid or 'unknown'}); "
            "stop it first, or set DATA_DIR to another folder"
        )
