"""Who loads the product: each a thread with its own chance, its own ledger, and the public doors alone."""

from chaos.clients.base import Client, Tools
from chaos.clients.buyers import Buyer, Refunder
from chaos.clients.doors import Doorkeeper
from chaos.clients.listening import Listener
from chaos.clients.pages import Page, Viewer
from chaos.clients.post import PostReader
from chaos.clients.queues import Attendee, Steward

__all__ = [
    "Attendee",
    "Buyer",
    "Client",
    "Doorkeeper",
    "Listener",
    "Page",
    "PostReader",
    "Refunder",
    "Steward",
    "Tools",
    "Viewer",
    "crowd",
]


def crowd(tools: Tools, *, is_small: bool) -> list[Client]:
    """Return the clients of a campaign; a small crowd is for the short form on a busy machine."""
    buyers, attendees, pages = (2, 1, 1) if is_small else (3, 2, 2)
    return [
        *(Buyer(f"buyer{number}", tools) for number in range(buyers)),
        *(Attendee(f"attendee{number}", tools, number, attendees) for number in range(attendees)),
        *(Page(f"page{number}", tools) for number in range(pages)),
        Viewer("viewer", tools),
        Refunder("refunder", tools),
        Doorkeeper("doorkeeper", tools),
        Steward("steward", tools),
        Listener("listener", tools),
    ]
