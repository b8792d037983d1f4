"""The door: tickets are shown and scanned, often twice, by a scanner who repeats what was not answered."""

import threading
from typing import Any

from chaos.clients.base import Client
from chaos.world import ATTENDEES, SCANNER

_GATES = ("North", "South")


class Doorkeeper(Client):
    """Scans the tickets of somebody: each at two gates at once, with a nonce for each scan."""

    pause_seconds = (0.5, 1.5)

    def act(self) -> None:
        """Scan one ticket."""
        login = self.chance.choice(ATTENDEES)
        listed = self.doors.call("GET", "me/tickets", login=login)
        tickets = [
            one for one in (listed.body or {}).get("results", []) if one["event"]["id"] == self.world.event_id
        ]
        if not listed.is_accepted or not tickets:
            return
        ticket = self.chance.choice(tickets)
        shown = self.doors.call("GET", f"tickets/{ticket['id']}/qr", login=login)
        if not shown.is_accepted:
            return
        code = shown.body["manual_code"] if self.is_lucky(0.5) else shown.body["code"]
        scans = [self._scan_of(code, gate) for gate in _GATES]
        others = [threading.Thread(target=self._scan, args=(ticket["id"], scan)) for scan in scans[1:]]
        for other in others:
            other.start()
        self._scan(ticket["id"], scans[0])
        for other in others:
            other.join()

    def _scan_of(self, code: str, gate: str) -> dict[str, Any]:
        return {"code": code, "event_id": self.world.event_id, "gate": gate, "nonce": self.new_id()}

    def _scan(self, ticket_id: str, scan: dict[str, Any]) -> None:
        answer = self.doors.insist("POST", "checkin/scan", scan, login=SCANNER)
        if answer.is_accepted:
            self.ledger.note("scan", ticket=ticket_id, nonce=scan["nonce"], result=answer.body["result"])
