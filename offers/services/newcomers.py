"""What a newcomer saw of an offer that sold: each process remembers it, so that the next sale needs no look.

Nothing rests on it. The statement that writes a sale asks under the lock whether all is as it was remembered; if
not, nothing is written and the offer is looked at. Nobody is refused from memory.
"""

from uuid import UUID

from offers.services.sighting import BuyerFacts, Sighting

_NOTHING = BuyerFacts(held=0, open_checkouts=0, bought=0, has_required=False, has_excluded=False)
# So many offers sell at once in one process, not more; what is forgotten costs a look.
_MOST = 500
_seen: dict[UUID, Sighting] = {}


def recall(offer_id: UUID) -> Sighting | None:
    """Return what somebody who has nothing of the event saw when the offer last sold here."""
    return _seen.get(offer_id)


def remember(seen: Sighting) -> None:
    """Remember what was just sold upon, unless it was seen by somebody who has something already."""
    if seen.facts == _NOTHING:
        if len(_seen) >= _MOST:
            _seen.clear()
        _seen[seen.offer.pk] = seen


def forget(offer_id: UUID) -> None:
    """Have the next buyer look."""
    _seen.pop(offer_id, None)
