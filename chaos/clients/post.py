"""Whoever reads the post: every e-mail that the catcher took, by its Message-ID, each copy."""

import contextlib
import sqlite3
from email import message_from_bytes

from chaos.clients.base import Client, Tools

_SENT = """
SELECT m.id::text FROM notifications_emailmessage m WHERE m.status = 'sent' AND EXISTS (
    SELECT FROM notifications_emailattempt a
    WHERE a.message_id = m.id AND a.outcome = 'sent' AND a.started_at >= %(began)s)
"""


class PostReader(Client):
    """Reads the catcher's own file: its page shows less than a long campaign sends, and it keeps the newest 1,000.

    It is told to stop later than the others, when the last letter has come.
    """

    pause_seconds = (1.0, 1.0)

    def __init__(self, name: str, tools: Tools) -> None:
        super().__init__(name, tools)
        self._file = tools.stack.data_dir / "mail" / "mail.sqlite3"
        ((self._began,),) = tools.stack.rows("SELECT now()")
        # What came before is not this campaign's.
        self._last = max((number for number, _ in self._letters(0)), default=0)

    def act(self) -> None:
        """Note what came since the last time; while the server is dead its box may not open."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._read_on()

    def finish(self) -> None:
        """Read what came at the very end, after asking what is said to be sent: all of that has to be there.

        Not the other way round: seat offers go on running out, and what is sent of that while nobody reads is no loss.
        """
        self.ledger.note("sent", ids=[row[0] for row in self.tools.stack.rows(_SENT, began=self._began)])
        self._read_on()

    def _read_on(self) -> None:
        for number, raw in self._letters(self._last):
            self._last = number
            self.ledger.note("letter", id=str(message_from_bytes(raw)["Message-ID"]).strip())

    def _letters(self, after: int) -> list[tuple[int, bytes]]:
        query = "SELECT id, raw FROM message WHERE id > ? ORDER BY id"
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10)) as box:
            return box.execute(query, (after,)).fetchall()
