"""Handing a message to a device: the providers behind one interface (``providers.send``), and what they answer."""
