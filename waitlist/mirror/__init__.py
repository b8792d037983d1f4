"""The mirror of the queues in Redis: it makes positions fast, and other services read it. Never the truth.

Two copies of each queue: the sorted sets that others may read (``waitlist:session:...``), and one of our own
(``waitlist:mirror:...``) from which positions are read, so that whatever somebody else writes into the first
makes no position wrong. Both change together, in one script, and carry the session's ``queue_version``.
"""

from waitlist.mirror.healing import heal
from waitlist.mirror.reading import position
from waitlist.mirror.rebuilding import rebuild
from waitlist.mirror.types import LARGEST_DELTA, REBUILD, Change, Drop, MirrorAway, Put, Rebuilt
from waitlist.mirror.writing import changed

__all__ = [
    "LARGEST_DELTA",
    "REBUILD",
    "Change",
    "Drop",
    "MirrorAway",
    "Put",
    "Rebuilt",
    "changed",
    "heal",
    "position",
    "rebuild",
]
