"""The staff's screens of this room."""

from offers.admin import fulfilment, offers, purchases

__all__ = ["fulfilment", "offers", "purchases"]
