"""The fault campaign: a load over the public doors, faults by a seeded plan, and the proof that nothing broke.

It knows the product as its clients and its operators do: HTTP, Socket.IO, SQL that reads, and `manage.py`. It imports
no room of the product.
"""
