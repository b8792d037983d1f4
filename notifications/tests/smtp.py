"""A real SMTP server that answers as it is told."""

import asyncio
import email
import email.policy
import socket
import threading
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Listens on loopback. ``answers`` are given in turn to DATA (then 250); ``refused`` at RCPT, by address."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}
        self.greeting = ""
        self.messages: list[EmailMessage] = []
        self.connections = 0
        self.received = threading.Event()
        self.hold = threading.Event()

    def start(self) -> None:
        """Begin to listen on a free port."""
        self._controller: Controller = _Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self.hold.set()
        self._controller.stop()

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._controller.port)

    @property
    def recipients(self) -> list[str]:
        """Return who got something, in order."""
        return [message["To"] for message in self.messages]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count the connection."""
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse whom the test refuses."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer as the test said; a message answered with 250, dropped or held was taken."""
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer[0] in "45":
            return answer
        content: Any = envelope.content
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.received.set()
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
        if answer == "hold":
            while not self.hold.is_set():
                await asyncio.sleep(0.01)
        return "250 OK"


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="mail.test")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
