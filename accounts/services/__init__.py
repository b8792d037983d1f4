"""Every write of this room, and the question who may do what (``access``)."""
