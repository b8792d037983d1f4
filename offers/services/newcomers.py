"""What a newcomer saw of an offer that sold: each process remembers it, so that the next sale needs no look.

Nothing rests on it. The statement that writes a sale asks under the lock whether all is as it was remembered; if
not, nothing is written and the offer is looked at. Nobody is refused from memory. A try in vain costs half a sale,
so after one the next buyers look first: the more of them, the more often it was in vain.
"""

from dataclasses import dataclass
from uuid import UUID

from offers.services.sighting import BuyerFacts, Sighting

_NOTHING = BuyerFacts(held=0, open_checkouts=0, bought=0, has_required=False, has_excluded=False)
# So many offers sell at once in one process, not more; what is forgotten costs a look.
_MOST = 500
_LONGEST_PAUSE = 31


@dataclass(slots=True)
class _Memory:
    """``pause``: so many sales were looked at after the last try in vain; ``left``: so many still will be."""

    seen: Sighting | None = None
    pause: int = 0
    left: int = 0


_kept: dict[UUID, _Memory] = {}


def recall(offer_id: UUID) -> Sighting | None:
    """Return what somebody who has nothing of the event saw when the offer last sold here, where it is worth a try."""
    memory = _kept.get(offer_id)
    if memory is None:
        return None
    if memory.left:
        memory.left -= 1
        return None
    return memory.seen


def remember(seen: Sighting) -> None:
    """Remember what was looked at and sold upon, unless it was seen by somebody who has something already."""
    if seen.facts == _NOTHING:
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept.setdefault(seen.offer.pk, _Memory()).seen = seen


def prove(offer_id: UUID) -> None:
    """Have it tried more often: it sold."""
    if memory := _kept.get(offer_id):
        memory.pause //= 2


def forget(offer_id: UUID) -> None:
    """Have the next buyers look: it was tried in vain."""
    if memory := _kept.get(offer_id):
        memory.seen = None
        memory.left = memory.pause = min(2 * memory.pause + 1, _LONGEST_PAUSE)
