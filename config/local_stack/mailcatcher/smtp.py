"""The SMTP side: accepts everything, unless a fault was ordered."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Literal, get_args

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.local_stack.mailcatcher.store import MailStore

FaultKind = Literal["451", "550", "timeout", "drop"]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)
_HANG_SECONDS = 300.0
_ANSWERS = {
    "451": "451 4.3.0 Try again later (ordered fault)",
    "550": "550 5.1.1 No such mailbox (ordered fault)",
}


@dataclass
class Faults:
    """Failures ordered for the next messages."""

    kind: FaultKind | None = None
    times: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def order(self, kind: FaultKind, times: int) -> None:
        """Let the next `times` messages fail in this way; 0 ends it."""
        with self._lock:
            self.kind, self.times = kind, times

    def take(self) -> FaultKind | None:
        """Use up one failure; None when none is ordered."""
        with self._lock:
            if self.times <= 0:
                return None
            self.times -= 1
            return self.kind


class CatchingHandler:
    """What aiosmtpd calls for each message."""

    def __init__(self, store: MailStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep the message, or fail as ordered without keeping it."""
        fault = self._faults.take()
        if fault == "timeout":
            await asyncio.sleep(_HANG_SECONDS)
        if fault in {"timeout", "drop"}:
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
            return "421 4.3.0 gone"
        if fault is not None:
            return _ANSWERS[fault]
        content = envelope.content or b""
        self._store.add(
            sender=envelope.mail_from or "",
            recipients=[str(recipient) for recipient in envelope.rcpt_tos],
            raw=content if isinstance(content, bytes) else content.encode(),
        )
        return "250 2.0.0 Caught"


def protocol(store: MailStore, faults: Faults) -> SMTP:
    """Make the protocol of one connection."""
    return SMTP(
        CatchingHandler(store, faults), enable_SMTPUTF8=True, ident="mail catcher", hostname="localhost"
    )
