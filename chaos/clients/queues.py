"""People who queue for full sessions, answer offers, walk in and leave; and the steward of seats and units."""

from chaos.clients.base import Client, Tools
from chaos.world import ATTENDEES, GOODS, OWNER

SESSIONS = ("keynote", "masterclass", "workshop")
_CAPACITIES = (3, 4, 5, 6, 8)
_MORE_UNITS = 5


class Attendee(Client):
    """Acts for a part of the attendees, in every session."""

    pause_seconds = (0.1, 0.7)

    def __init__(self, name: str, tools: Tools, number: int, count: int) -> None:
        super().__init__(name, tools)
        self._logins = ATTENDEES[number::count]
        # Who queues for what: they look more often than others.
        self._queueing: list[tuple[str, str]] = []

    def act(self) -> None:
        """See where somebody stands in a session and do what comes to mind."""
        login, session = self.chance.choice(self._logins), self.world.sessions[self.chance.choice(SESSIONS)]
        if self._queueing and self.is_lucky(0.75):
            login, session = self._queueing.pop(0)
        place = self.doors.call("GET", f"sessions/{session}/waitlist", login=login)
        offer = (place.body or {}).get("offer") if place.is_accepted else None
        if offer is not None:
            self._answer(session, login, offer["join_token"])
        elif place.is_accepted and place.body["status"] == "WAITING":
            self._wait_on(session, login)
        elif place.is_accepted or place.status == 404:
            self._come_or_go(session, login)

    def _answer(self, session: str, login: str, token: str) -> None:
        draw = self.chance.random()
        if draw < 0.6:
            answer = self.doors.insist(
                "POST", f"sessions/{session}/waitlist/accept", {"join_token": token}, login=login
            )
            if answer.is_accepted:
                self.ledger.note("seat", attendance=answer.body["attendance_id"])
        elif draw < 0.8:
            self.doors.insist(
                "POST", f"sessions/{session}/waitlist/decline", {"join_token": token}, login=login
            )

    def _wait_on(self, session: str, login: str) -> None:
        if not self.is_lucky(0.05):
            if (login, session) not in self._queueing:
                self._queueing.append((login, session))
            return
        answer = self.doors.insist("DELETE", f"sessions/{session}/waitlist", login=login)
        if answer.is_accepted:
            self.ledger.note("left the queue")

    def _come_or_go(self, session: str, login: str) -> None:
        if self.is_lucky(0.3):
            if self.doors.insist("DELETE", f"sessions/{session}/attendance", login=login).is_accepted:
                self.ledger.note("left a seat")
            return
        walked = self.doors.insist("POST", f"sessions/{session}/attendance", login=login)
        if walked.is_accepted:
            self.ledger.note("walked in")
        elif walked.code == "session_full":
            body = {"quantity": 2 if self.is_lucky(0.15) else 1}
            joined = self.doors.insist(
                "POST", f"sessions/{session}/waitlist", body, login=login, key=self.new_id()
            )
            if joined.is_accepted:
                self.ledger.note("joined", entry=joined.body["id"])
                self._queueing.append((login, session))


class Steward(Client):
    """Changes how many seats there are, offers to several at once, and adds units to what is sold out."""

    pause_seconds = (2.0, 6.0)

    def __init__(self, name: str, tools: Tools) -> None:
        super().__init__(name, tools)
        self._totals = {str(goods["title"]): int(goods["inventory_total"]) for goods in GOODS}

    def act(self) -> None:
        """Change one session, or the units of an offer."""
        if self.is_lucky(0.25):
            self._add_units(self.chance.choice(list(self._totals)))
            return
        session = self.world.sessions[self.chance.choice(SESSIONS)]
        if self.is_lucky(0.6):
            body = {"maximum_capacity": self.chance.choice(_CAPACITIES), "reason": "Chaos"}
            if self.doors.insist("PUT", f"sessions/{session}/capacity", body, login=OWNER).is_accepted:
                self.ledger.note("capacity changed")
            return
        body = {"count": self.chance.randint(1, 5)}
        if self.doors.insist(
            "POST", f"sessions/{session}/waitlist/bulk-offers", body, login=OWNER
        ).is_accepted:
            self.ledger.note("bulk offer")

    def _add_units(self, title: str) -> None:
        self._totals[title] += _MORE_UNITS
        body = {"inventory_total": self._totals[title]}
        if self.doors.insist("PATCH", f"offers/{self.world.offers[title]}", body, login=OWNER).is_accepted:
            self.ledger.note("units added")
