"""A page in somebody's browser that tells what is looked at, while the product is killed."""

import json
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from config.tests.stack import Product


class Page:
    """A front end that tells batches of offer views one after the other, until nobody answers."""

    def __init__(self, product: Product, event_id: str, offer_id: str) -> None:
        self._url = f"http://127.0.0.1:{product.ports['PORT']}/api/v1/analytics/track"
        self._about = {"type": "OFFER_VIEW", "event_id": event_id, "entity_id": offer_id}
        self.accepted: list[str] = []
        self.unanswered: list[dict[str, str]] = []

    def tell(self) -> None:
        """Tell batches of twenty; keep the one that was not answered."""
        while True:
            now = datetime.now(UTC).isoformat()
            batch = [{**self._about, "id": str(uuid4()), "timestamp": now} for _ in range(20)]
            self.unanswered = batch
            try:
                self.send(batch)
            except (OSError, HTTPException):
                # No answer, or not all of one.
                return

    def send(self, batch: list[dict[str, str]]) -> dict[str, Any]:
        """Send a batch and note that it was accepted."""
        request = urllib.request.Request(  # noqa: S310  (ours)
            self._url, json.dumps({"events": batch}).encode(), {"User-Agent": "Mozilla/5.0 (the page)"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            told: dict[str, Any] = json.loads(answer.read())
            assert answer.status == 202
        assert told["queued"] + told["duplicates"] == len(batch)
        self.accepted += [event["id"] for event in batch]
        self.unanswered = []
        return told
