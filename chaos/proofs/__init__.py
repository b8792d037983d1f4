"""What must be so after a campaign. Each proof tells every breach it finds; none is an answer as well."""

from collections.abc import Iterator
from itertools import chain

from chaos.proofs import doors, events, letters, money, queue, realtime, seats, stock
from chaos.proofs.books import Books, Breach

__all__ = ["PROOFS", "Books", "Breach", "prove"]

PROOFS = (
    money.prove,
    stock.prove,
    seats.prove,
    events.prove,
    doors.prove,
    letters.prove,
    realtime.prove,
    queue.prove,
)


def prove(books: Books) -> Iterator[Breach]:
    """Hold everything that clients were told against what the product keeps."""
    return chain.from_iterable(proof(books) for proof in PROOFS)
