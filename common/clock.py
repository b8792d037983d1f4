"""The one place where the wall clock is read.

Services never call this: they take ``now`` as a parameter, so that a test can state any instant and a
retry of a transaction decides by the same one. Views, tasks, commands and admin screens are the edge.
They import the module and not the function: what was imported while a test had set the clock kept that test's.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)
