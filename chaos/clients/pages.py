"""Front ends that track what is looked at, and that show ads and tell what was seen."""

import base64
import uuid
from datetime import UTC, datetime
from typing import Any

from chaos.clients.base import Client

_BATCH = 20
_SORTS = ("OFFER_VIEW", "OFFER_VIEW", "OFFER_CLICK", "OFFER_ADD_TO_CART")
# The decision's id in a token: its layout is a promise of ours to nobody, so only this harness looks inside.
_DECISION = slice(3, 19)


class Page(Client):
    """Tells batches of views; one that was not answered is told again with the same ids."""

    def act(self) -> None:
        """Tell one batch."""
        batch = [self._event() for _ in range(self.chance.randint(1, _BATCH))]
        ids = [event["id"] for event in batch]
        answer = self.doors.insist("POST", "analytics/track", {"events": batch})
        if not answer.is_accepted:
            self.ledger.note("untold", ids=ids)
            return
        rejected = {one["index"] for one in answer.body["rejected"]}
        told = [one for index, one in enumerate(ids) if index not in rejected]
        self.ledger.note(
            "tracked", ids=told, queued=answer.body["queued"], duplicates=answer.body["duplicates"]
        )

    def _event(self) -> dict[str, Any]:
        return {
            "id": self.new_id(),
            "type": self.chance.choice(_SORTS),
            "event_id": self.world.event_id,
            "entity_id": self.chance.choice(list(self.world.offers.values())),
            "session_token": f"visitor-{self.chance.randint(1, 500)}",
            "timestamp": datetime.now(UTC).isoformat(),
        }


class Viewer(Client):
    """Is shown ads, each time as another browser, and tells what was shown, seen and clicked."""

    def act(self) -> None:
        """Look at a page with ads."""
        placement = self.chance.choice(("SIDEBAR", "IN_FEED"))
        query = f"event_id={self.world.event_id}&placement={placement}&session_token={self.new_id()}&limit=3"
        served = self.doors.call("GET", f"ads/serve?{query}")
        if not served.is_accepted:
            return
        if served.body["degraded"]:
            self.ledger.note("degraded", ads=len(served.body["ads"]))
        for ad in served.body["ads"]:
            self.ledger.note("decision", id=decision_of(ad["token"]))
        tokens = [ad["token"] for ad in served.body["ads"]]
        if tokens:
            self._tell(tokens, viewable=False)
            seen = [token for token in tokens if self.is_lucky(0.5)]
            if seen:
                self._tell(seen, viewable=True)
            if self.is_lucky(0.2):
                self._click(served.body["ads"][0])

    def _tell(self, tokens: list[str], *, viewable: bool) -> None:
        body = {"impressions": [{"token": token, "viewable": viewable} for token in tokens]}
        answer = self.doors.insist("POST", "ads/impressions", body)
        if not answer.is_accepted:
            return
        kind = "viewable" if viewable else "impression"
        for result in answer.body["results"]:
            self._keep(tokens[result["index"]], kind, result)

    def _click(self, ad: dict[str, Any]) -> None:
        answer = self.doors.insist("POST", f"ads/{ad['id']}/click", {"token": ad["token"]})
        if answer.is_accepted:
            self._keep(ad["token"], "click", answer.body)

    def _keep(self, token: str, kind: str, result: dict[str, Any]) -> None:
        outcome = "counted" if result["counted"] else result["reason"]
        # A first answer that was lost counted all the same: then it is a duplicate.
        if outcome in {"counted", "duplicate"}:
            self.ledger.note("ad", decision=decision_of(token), kind=kind, outcome=outcome)


def decision_of(token: str) -> str:
    """Return the id of the decision that a token stands for."""
    return str(uuid.UUID(bytes=base64.urlsafe_b64decode(token)[_DECISION]))
